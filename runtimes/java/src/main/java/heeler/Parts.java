package heeler;

import com.google.cloud.functions.HttpRequest.HttpPart;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** multipart/form-data, cut into its parts. */
final class Parts {
    private Parts() {}

    static Map<String, HttpPart> cut(byte[] body, String boundary) throws IOException {
        if (boundary == null) throw new IOException("multipart/form-data without a boundary");
        Map<String, HttpPart> parts = new LinkedHashMap<>();
        byte[] border = ("\r\n--" + boundary).getBytes(StandardCharsets.ISO_8859_1);
        // The first border has no line before it that it would have to end.
        int at = startsWith(body, border, 2) ? border.length - 2 : after(body, border, 0);
        while (at >= 0 && at + 1 < body.length && !(body[at] == '-' && body[at + 1] == '-')) {
            int begin = lineEnd(body, at);
            int end = find(body, border, begin - 2);
            if (end < 0) throw new IOException("multipart/form-data without its last boundary");
            Part part = new Part(body, begin, end);
            String name = Texts.parameter(part.header("content-disposition"), "name");
            if (name != null) parts.put(name, part);
            at = end + border.length;
        }
        return parts;
    }

    private static boolean startsWith(byte[] body, byte[] border, int from) {
        return body.length >= border.length - from && java.util.Arrays.equals(body, 0, border.length - from, border, from, border.length);
    }

    private static int after(byte[] body, byte[] border, int from) {
        int found = find(body, border, from);
        return found < 0 ? -1 : found + border.length;
    }

    private static int lineEnd(byte[] body, int at) throws IOException {
        for (int end = at; end + 1 < body.length; end++) if (body[end] == '\r' && body[end + 1] == '\n') return end + 2;
        throw new IOException("multipart/form-data that ends in a boundary");
    }

    private static int find(byte[] in, byte[] what, int from) {
        for (int at = Math.max(0, from); at + what.length <= in.length; at++) {
            if (in[at] == what[0] && java.util.Arrays.equals(in, at, at + what.length, what, 0, what.length)) return at;
        }
        return -1;
    }

    private static final class Part implements HttpPart {
        private final Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        private final byte[] body;
        private int from;
        private final int end;

        Part(byte[] body, int begin, int end) throws IOException {
            this.body = body;
            this.end = end;
            from = begin;
            while (from < end && body[from] != '\r') {
                int next = lineEnd(body, from);
                String line = new String(body, from, next - 2 - from, StandardCharsets.UTF_8);
                int colon = line.indexOf(':');
                if (colon > 0) headers.computeIfAbsent(line.substring(0, colon), name -> new ArrayList<>(1)).add(line.substring(colon + 1).strip());
                from = next;
            }
            from = Math.min(from + 2, end);
        }

        String header(String name) {
            List<String> values = headers.get(name);
            return values == null ? null : values.get(0);
        }

        @Override
        public Optional<String> getFileName() {
            return Optional.ofNullable(Texts.parameter(header("content-disposition"), "filename"));
        }

        @Override
        public Optional<String> getContentType() {
            return Optional.ofNullable(header("content-type"));
        }

        @Override
        public long getContentLength() {
            return end - from;
        }

        @Override
        public Optional<String> getCharacterEncoding() {
            return Optional.ofNullable(Texts.charset(header("content-type"))).map(Charset::name).map(String::toLowerCase);
        }

        @Override
        public InputStream getInputStream() {
            return new ByteArrayInputStream(body, from, end - from);
        }

        @Override
        public BufferedReader getReader() {
            Charset charset = Request.charset(header("content-type"));
            return new BufferedReader(new InputStreamReader(getInputStream(), charset == null ? StandardCharsets.UTF_8 : charset));
        }

        @Override
        public Map<String, List<String>> getHeaders() {
            return headers;
        }
    }
}
