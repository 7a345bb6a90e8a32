package heeler;

import com.google.cloud.functions.HttpFunction;
import com.google.cloud.functions.HttpRequest;
import com.google.cloud.functions.HttpResponse;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;

/**
 * One call to ourselves, of a function of our own, so that a class archive has what a start needs. It ends as a worker
 * does, by BYE: Java writes the archive at its exit.
 */
final class WarmUp {
    private WarmUp() {}

    /** Reads and answers, as most functions do. */
    public static final class Sample implements HttpFunction {
        @Override
        public void service(HttpRequest request, HttpResponse response) throws Exception {
            response.setContentType("text/plain");
            response.appendHeader("x-first", request.getFirstHeader("x-first").orElse("none"));
            byte[] body = request.getInputStream().readAllBytes();
            response.getWriter().write(request.getMethod() + " " + request.getPath() + " " + body.length + "\n");
        }
    }

    static void run() throws IOException {
        Path folder = Files.createTempDirectory("heeler");
        Path jar = jar(folder.resolve("function.jar"));
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(folder.resolve("socket"));
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(address);
            SocketChannel ours = SocketChannel.open(address);
            SocketChannel its = server.accept();
            Files.delete(address.getPath());
            new Thread(() -> speak(ours, folder, jar), "heeler warm-up").start();
            Main.serve(its, jar.toString());
        }
    }

    /** The sample in a jar: to load it from one is part of the start. */
    private static Path jar(Path path) throws IOException {
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        String name = Sample.class.getName().replace('.', '/') + ".class";
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(path), manifest); var bytes = WarmUp.class.getResourceAsStream("/" + name)) {
            out.putNextEntry(new JarEntry(name));
            bytes.transferTo(out);
        }
        return path;
    }

    /** heeler's part. */
    private static void speak(SocketChannel socket, Path folder, Path jar) {
        try {
            Fields hello = new Fields(12);
            hello.bytes()[1] = Frames.VERSION;
            Frames.put32(hello.bytes(), 4, 1 << 20);
            send(socket, Frames.HELLO, 0, 0, hello);
            await(socket, Frames.HELLO);
            Fields call = new Fields(20).add("POST").add("/hello").add("x=1").add("http").add("127.0.0.1").add("id").add("x-first").add("one");
            call.bytes()[1] = 11;
            Frames.put32(call.bytes(), 4, call.size());
            send(socket, Frames.CALL, Frames.LAST, 1, call);
            await(socket, Frames.REPLY);
            Files.delete(jar);
            Files.delete(folder);
            send(socket, Frames.BYE, 0, 0, new Fields(0));
        } catch (IOException broken) {
            System.err.println("heeler java worker: the warm-up failed: " + Texts.stack(broken));
            Runtime.getRuntime().halt(1);
        }
    }

    private static void send(SocketChannel socket, int type, int flags, int stream, Fields payload) throws IOException {
        ByteBuffer frame = ByteBuffer.allocate(Frames.HEADER_BYTES + payload.length());
        frame.putInt(payload.length()).put((byte) type).put((byte) flags).putShort((short) 0).putInt(stream).put(payload.bytes(), 0, payload.length());
        frame.flip();
        while (frame.hasRemaining()) socket.write(frame);
    }

    private static void await(SocketChannel socket, int type) throws IOException {
        ByteBuffer head = read(socket, Frames.HEADER_BYTES);
        byte[] payload = read(socket, head.getInt(0)).array();
        if (head.get(4) != type) throw new IOException("a frame of type " + head.get(4) + ": " + new String(payload, StandardCharsets.UTF_8));
    }

    private static ByteBuffer read(SocketChannel socket, int bytes) throws IOException {
        ByteBuffer into = ByteBuffer.allocate(bytes);
        while (into.hasRemaining()) if (socket.read(into) < 0) throw new IOException("the worker has ended");
        return into.flip();
    }
}
