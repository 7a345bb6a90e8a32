package heeler;

import com.google.cloud.functions.HttpRequest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A request as functions of the functions framework see it. */
final class Request implements HttpRequest {
    private final Head head;
    private final Body body;
    private boolean streaming;
    private BufferedReader reader;
    private Map<String, HttpPart> parts;

    Request(Call call) {
        head = call.head;
        body = call.body;
    }

    @Override
    public String getMethod() {
        return head.method();
    }

    @Override
    public String getUri() {
        String host = head.header("host");
        String query = head.query();
        return head.scheme() + "://" + (host == null ? "localhost" : host) + head.path() + (query.isEmpty() ? "" : "?" + query);
    }

    @Override
    public String getPath() {
        return Urls.canonical(head.path());
    }

    @Override
    public Optional<String> getQuery() {
        String query = head.query();
        return query.isEmpty() ? Optional.empty() : Optional.of(query);
    }

    @Override
    public Map<String, List<String>> getQueryParameters() {
        return Collections.unmodifiableMap(Urls.query(head.query()));
    }

    @Override
    public Map<String, HttpPart> getParts() {
        if (parts == null) {
            String type = head.header("content-type");
            if (!Texts.type(type).equals("multipart/form-data")) throw new IllegalStateException("Content-Type must be multipart/form-data: " + type);
            try {
                parts = Collections.unmodifiableMap(Parts.cut(body.readAllBytes(), Texts.parameter(type, "boundary")));
            } catch (IOException broken) {
                throw new UncheckedIOException(broken);
            }
        }
        return parts;
    }

    @Override
    public Optional<String> getContentType() {
        return Optional.ofNullable(head.header("content-type"));
    }

    @Override
    public long getContentLength() {
        // A request without a body has no length there, and not 0.
        return head.header("content-length") == null ? -1 : head.bodyLength;
    }

    @Override
    public Optional<String> getCharacterEncoding() {
        return Optional.ofNullable(charset()).map(Charset::name);
    }

    private Charset charset() {
        return charset(head.header("content-type"));
    }

    /** What a type that names no charset is said to be in. */
    static Charset charset(String type) {
        Charset named = Texts.charset(type);
        return named == null && Texts.type(type).equals("application/json") ? StandardCharsets.UTF_8 : named;
    }

    @Override
    public InputStream getInputStream() {
        if (reader != null) throw new IllegalStateException("getReader() already called");
        streaming = true;
        return body;
    }

    @Override
    public BufferedReader getReader() {
        if (reader == null) {
            if (streaming) throw new IllegalStateException("getInputStream already called");
            Charset charset = charset();
            reader = new BufferedReader(new InputStreamReader(body, charset == null ? StandardCharsets.UTF_8 : charset));
        }
        return reader;
    }

    @Override
    public Map<String, List<String>> getHeaders() {
        Map<String, List<String>> found = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (int at = 0; at < head.headers(); at++) {
            found.computeIfAbsent(head.name(at), name -> new ArrayList<>(1)).add(head.value(at));
        }
        return found;
    }
}
