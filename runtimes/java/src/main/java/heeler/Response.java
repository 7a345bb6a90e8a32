package heeler;

import com.google.cloud.functions.HttpResponse;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** An answer as functions of the functions framework make it: one frame if it is small, else piece by piece. */
final class Response extends OutputStream implements HttpResponse {
    private static final int BUFFER_BYTES = 32 * 1024;

    private final Call call;
    private final List<String> names = new ArrayList<>(4);
    private final List<String> values = new ArrayList<>(4);
    private int status = 200;
    private byte[] buffer = new byte[256];
    private int used;
    private boolean begun;
    private boolean closed;
    private boolean streaming;
    private BufferedWriter writer;
    private Charset charset;

    Response(Call call) {
        this.call = call;
    }

    // ---- its head

    @Override
    public void setStatusCode(int code) {
        status = code;
    }

    @Override
    public void setStatusCode(int code, String message) {
        status = code;
    }

    @Override
    public void setContentType(String contentType) {
        int at = typeAt();
        if (contentType == null) {
            if (at >= 0) {
                names.remove(at);
                values.remove(at);
            }
            return;
        }
        if (at >= 0) {
            values.set(at, contentType);
        } else {
            names.add("Content-Type");
            values.add(contentType);
        }
        charset = Request.charset(contentType);
    }

    private int typeAt() {
        for (int at = 0; at < names.size(); at++) if (names.get(at).equalsIgnoreCase("Content-Type")) return at;
        return -1;
    }

    @Override
    public Optional<String> getContentType() {
        int at = typeAt();
        return at < 0 ? Optional.empty() : Optional.of(values.get(at));
    }

    @Override
    public void appendHeader(String name, String value) {
        if (name.equalsIgnoreCase("Content-Type")) {
            setContentType(value);
        } else {
            names.add(name);
            values.add(value == null ? "" : value);
        }
    }

    @Override
    public Map<String, List<String>> getHeaders() {
        Map<String, List<String>> found = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (int at = 0; at < names.size(); at++) found.computeIfAbsent(names.get(at), name -> new ArrayList<>(1)).add(values.get(at));
        return found;
    }

    private Fields fields() {
        Fields fields = Call.fields();
        for (int at = 0; at < names.size(); at++) fields.header(names.get(at), values.get(at));
        return fields;
    }

    // ---- its body

    @Override
    public OutputStream getOutputStream() {
        if (writer != null) throw new IllegalStateException("getWriter called");
        streaming = true;
        return this;
    }

    @Override
    public synchronized BufferedWriter getWriter() {
        if (writer == null) {
            if (streaming) throw new IllegalStateException("getOutputStream called");
            writer = new Writing(this, charset == null ? StandardCharsets.UTF_8 : charset);
        }
        return writer;
    }

    @Override
    public void write(int one) throws IOException {
        room(1);
        buffer[used++] = (byte) one;
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
        if (length > BUFFER_BYTES) {
            pass();
            call.write(bytes, from, length);
            return;
        }
        room(length);
        System.arraycopy(bytes, from, buffer, used, length);
        used += length;
    }

    private void room(int bytes) throws IOException {
        if (closed) throw new IOException("the answer is closed");
        if (used + bytes > BUFFER_BYTES) pass();
        if (used + bytes > buffer.length) buffer = Arrays.copyOf(buffer, Math.min(BUFFER_BYTES, Math.max(2 * buffer.length, used + bytes)));
    }

    /** What was written so far goes out, the head before it. */
    private void pass() throws IOException {
        if (closed) throw new IOException("the answer is closed");
        if (!begun) call.begin(status, fields());
        begun = true;
        int bytes = used;
        used = 0;
        call.write(buffer, 0, bytes);
    }

    @Override
    public void flush() throws IOException {
        if (!closed && (!begun || used > 0)) pass();
        call.serving.link.flush();
    }

    @Override
    public void close() throws IOException {
        if (closed) return;
        closed = true;
        if (!begun) {
            call.reply(status, fields(), buffer, 0, used);
        } else {
            call.write(buffer, 0, used);
            call.end();
        }
    }

    /** Before anything was sent: another status, and nothing of what the function said. */
    boolean restart(int code) {
        if (begun || closed) return false;
        used = 0;
        writer = null;
        streaming = false;
        names.clear();
        values.clear();
        status = code;
        return true;
    }
}
