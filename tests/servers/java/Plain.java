import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;

/** The small app for the HTTP server that comes with the JDK. */
public final class Plain {
    public static void main(String[] args) throws IOException {
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", Plain::play);
        server.start();
    }

    private static void play(HttpExchange call) throws IOException {
        String[] words = call.getRequestURI().getPath().split("/");
        String rest = words.length > 2 ? words[2] : "";
        try (call) {
            switch (words.length > 1 ? words[1] : "") {
                case "hello" -> send(call, 200, "text/plain", "hello\n".getBytes());
                case "echo" -> {
                    String type = call.getRequestHeaders().getFirst("Content-Type");
                    send(call, 200, type, call.getRequestBody().readAllBytes());
                }
                case "headers" -> send(call, 200, "application/json", seen(call).getBytes());
                case "cookies" -> {
                    call.getResponseHeaders().add("Set-Cookie", "a=1");
                    call.getResponseHeaders().add("Set-Cookie", "b=2");
                    send(call, 200, null, new byte[0]);
                }
                case "status" -> send(call, Integer.parseInt(rest), null, ("status " + rest + "\n").getBytes());
                case "stream" -> stream(call);
                case "big" -> send(call, 200, null, Pages.bytes(Integer.parseInt(rest)));
                case "events" -> events(call);
                default -> send(call, 404, null, "no such page\n".getBytes());
            }
        }
    }

    private static String seen(HttpExchange call) {
        URI target = call.getRequestURI();
        String remote = call.getRemoteAddress().getAddress().getHostAddress();
        return Pages.seen(
                call.getRequestMethod(), target.toString(), target.getRawQuery(), call.getRequestHeaders(), remote);
    }

    private static void send(HttpExchange call, int status, String type, byte[] body) throws IOException {
        if (type != null) {
            call.getResponseHeaders().set("Content-Type", type);
        }
        // A length of 0 would mean chunks.
        call.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        call.getResponseBody().write(body);
    }

    private static void stream(HttpExchange call) throws IOException {
        call.sendResponseHeaders(200, 0);
        for (int n = 0; n < 10; n++) {
            call.getResponseBody().write(("piece " + n + "\n").getBytes());
            call.getResponseBody().flush();
        }
    }

    private static void events(HttpExchange call) throws IOException {
        call.getResponseHeaders().set("Content-Type", "text/event-stream");
        call.sendResponseHeaders(200, 0);
        OutputStream body = call.getResponseBody();
        body.write("data: first\n\n".getBytes());
        body.flush();
        // A named pipe: this waits until the test has written into it.
        Files.readAllBytes(Path.of(call.getRequestURI().getQuery().replace("gate=", "")));
        body.write("data: second\n\n".getBytes());
    }
}
