package heeler;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** heeler's side of the protocol: starts the worker as a process, with a socket as its standard input, and speaks with it. */
final class Peer implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 30_000;

    record Frame(int type, boolean last, int stream, byte[] payload) {
        String text(int from) {
            return new String(payload, from, payload.length - from, StandardCharsets.UTF_8);
        }
    }

    /** An answer whole, with what the call printed. */
    static final class Answer {
        int kind = -1;
        int status;
        String error;
        boolean cancelled;
        final Map<String, String> attributes = new LinkedHashMap<>();
        final Map<String, String> headers = new LinkedHashMap<>();
        final ByteArrayOutputStream body = new ByteArrayOutputStream();
        final List<String> lines = new ArrayList<>();

        String text() {
            return body.toString(StandardCharsets.UTF_8);
        }
    }

    final Process process;
    private final Socket socket;
    private final DataInputStream in;
    private final StringBuilder errors = new StringBuilder();
    private final Thread reader;
    private final List<Frame> passed = new ArrayList<>();
    Map<String, String> about;
    int window;
    int concurrency;
    private int streams;

    Peer(Map<String, String> env, String... files) throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            List<String> command = new ArrayList<>(List.of("bash", "-c", "${PEER_KIB:+ulimit -v $PEER_KIB}; exec 0<>/dev/tcp/127.0.0.1/" + server.getLocalPort() + "; exec \"$0\" \"$@\""));
            command.add(ProcessHandle.current().info().command().orElse("java"));
            command.addAll(List.of("-cp", System.getProperty("java.class.path"), "heeler.Main"));
            command.addAll(List.of(files));
            ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD);
            builder.environment().put("HEELER_FD", "0");
            builder.environment().putAll(env);
            process = builder.start();
            server.setSoTimeout(PATIENCE_MILLIS);
            socket = server.accept();
        }
        socket.setSoTimeout(PATIENCE_MILLIS);
        socket.setTcpNoDelay(true);
        in = new DataInputStream(socket.getInputStream());
        reader = new Thread(this::readErrors);
        reader.start();
    }

    /** A worker of the classes of these tests that has said hello. */
    static Peer of(String handler, String... more) throws IOException {
        return of(Map.of(), handler, more);
    }

    static Peer of(Map<String, String> env, String handler, String... more) throws IOException {
        Map<String, String> settings = new LinkedHashMap<>(Map.of("handler", handler));
        for (int at = 0; at < more.length; at += 2) settings.put(more[at], more[at + 1]);
        Peer peer = new Peer(env, classes());
        peer.hello(settings);
        peer.greeted();
        return peer;
    }

    static String classes() {
        return new File("../../target/maven/test-classes").getAbsoluteFile().toPath().normalize().toString();
    }

    private void readErrors() {
        try (InputStream from = process.getErrorStream()) {
            byte[] bytes = new byte[4096];
            for (int count; (count = from.read(bytes)) >= 0; ) {
                synchronized (errors) {
                    errors.append(new String(bytes, 0, count, StandardCharsets.UTF_8));
                }
            }
        } catch (IOException ended) {
            // With the process.
        }
    }

    void hello(Map<String, String> settings) throws IOException {
        Fields hello = new Fields(12);
        settings.forEach((name, value) -> hello.utf8(name).utf8(value));
        hello.bytes()[1] = 1;
        Frames.put32(hello.bytes(), 4, 1 << 20);
        send(Frames.HELLO, false, 0, java.util.Arrays.copyOf(hello.bytes(), hello.length()));
    }

    void greeted() throws IOException {
        Frame frame = take(0);
        if (frame.type != Frames.HELLO) throw new IOException("frame " + frame.type + ": " + frame.text(0));
        window = Frames.i32(frame.payload, 4);
        concurrency = Frames.i32(frame.payload, 8);
        about = pairs(frame.text(12));
    }

    static Map<String, String> pairs(String text) {
        Map<String, String> found = new LinkedHashMap<>();
        String[] fields = text.split("\0", -1);
        for (int at = 0; at + 1 < fields.length; at += 2) found.put(fields[at], fields[at + 1]);
        return found;
    }

    void send(byte[] bytes) throws IOException {
        try {
            socket.getOutputStream().write(bytes);
        } catch (SocketException ended) {
            // The worker has ended at what came before, as some tests want it to.
        }
    }

    void send(int type, boolean last, int stream, byte[] payload) throws IOException {
        send(frame(type, last, stream, payload));
    }

    static byte[] frame(int type, boolean last, int stream, byte[] payload) {
        return ByteBuffer.allocate(12 + payload.length).putInt(payload.length).put((byte) type).put((byte) (last ? 1 : 0)).putShort((short) 0).putInt(stream).put(payload).array();
    }

    static byte[] call(int stream, String path, byte[] body, boolean last, String... headers) {
        return call(stream, 0, path, Map.of(), 0, body, last, headers);
    }

    static byte[] call(int stream, int kind, String path, Map<String, String> attributes, int events, byte[] body, boolean last, String... headers) {
        Fields fields = new Fields(20);
        int question = path.indexOf('?');
        for (String field : List.of(body.length > 0 ? "POST" : "GET", question < 0 ? path : path.substring(0, question), question < 0 ? "" : path.substring(question + 1), "http", "127.0.0.1", "id-" + stream)) fields.add(field);
        attributes.forEach((name, value) -> fields.utf8(name).utf8(value));
        for (String header : headers) fields.add(header);
        byte[] head = fields.bytes();
        head[0] = (byte) kind;
        head[1] = 11;
        head[3] = (byte) (kind == 2 ? events : attributes.size());
        Frames.put32(head, 4, fields.size());
        Frames.put32(head, 12, last ? 0 : -1);
        Frames.put32(head, 16, last ? body.length : -1);
        return frame(Frames.CALL, last, stream, ByteBuffer.allocate(fields.length() + body.length).put(head, 0, fields.length()).put(body).array());
    }

    int start(String path, String body, String... headers) throws IOException {
        send(call(++streams, path, body.getBytes(StandardCharsets.UTF_8), true, headers));
        return streams;
    }

    Answer ask(String path, String body, String... headers) throws IOException {
        return answer(start(path, body, headers));
    }

    /** The next frame of that stream; those of others wait. */
    Frame take(int stream) throws IOException {
        for (int at = 0; at < passed.size(); at++) if (passed.get(at).stream == stream) return passed.remove(at);
        for (;;) {
            Frame frame = read();
            if (frame.stream == stream) return frame;
            passed.add(frame);
        }
    }

    private Frame read() throws IOException {
        try {
            int length = in.readInt();
            int type = in.readUnsignedByte();
            boolean last = in.readByte() == 1;
            in.readShort();
            int stream = in.readInt();
            return new Frame(type, last, stream, in.readNBytes(length));
        } catch (EOFException ended) {
            throw new IOException("the worker has ended: " + errors(), ended);
        }
    }

    Answer answer(int stream) throws IOException {
        Answer answer = new Answer();
        for (;;) {
            Frame frame = take(stream);
            switch (frame.type) {
                case Frames.LOG -> answer.lines.add(frame.payload[1] + " " + frame.text(2));
                case Frames.REPLY -> readReply(frame, answer);
                case Frames.DATA -> {
                    answer.body.write(frame.payload);
                    grant(stream, frame.payload.length);
                }
                case Frames.ERROR -> answer.error = frame.text(8).replace('\0', '|');
                case Frames.CANCELLED -> answer.cancelled = true;
                default -> { }
            }
            if (frame.last) return answer;
        }
    }

    static void readReply(Frame frame, Answer answer) {
        byte[] payload = frame.payload;
        answer.kind = payload[0];
        answer.status = Frames.u16(payload, 2);
        int end = 12 + Frames.i32(payload, 4);
        String[] fields = new String(payload, 12, end - 12, StandardCharsets.UTF_8).split("\0", -1);
        for (int at = 0; at + 1 < fields.length; at += 2) (at < 2 * payload[1] ? answer.attributes : answer.headers).put(fields[at], fields[at + 1]);
        answer.body.write(payload, end, payload.length - end);
    }

    void grant(int stream, int bytes) throws IOException {
        byte[] room = new byte[4];
        Frames.put32(room, 0, bytes);
        if (bytes > 0) send(Frames.WINDOW, false, stream, room);
    }

    void hangUp() throws IOException {
        socket.shutdownOutput();
    }

    int ended() throws InterruptedException, IOException {
        if (!process.waitFor(PATIENCE_MILLIS, TimeUnit.MILLISECONDS)) throw new IOException("the worker does not end: " + errors());
        reader.join();
        return process.exitValue();
    }

    String errors() {
        synchronized (errors) {
            return errors.toString();
        }
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly();
        socket.close();
    }
}
