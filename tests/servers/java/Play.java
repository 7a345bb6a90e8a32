import com.google.cloud.functions.HttpFunction;
import com.google.cloud.functions.HttpRequest;
import com.google.cloud.functions.HttpResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;

/** The small app as a function of the functions-framework. */
public final class Play implements HttpFunction {
    @Override
    public void service(HttpRequest request, HttpResponse response) throws IOException {
        String[] words = request.getPath().split("/");
        String rest = words.length > 2 ? words[2] : "";
        OutputStream body = response.getOutputStream();
        switch (words.length > 1 ? words[1] : "") {
            case "hello" -> {
                response.setContentType("text/plain");
                body.write("hello\n".getBytes());
            }
            case "echo" -> {
                request.getContentType().ifPresent(response::setContentType);
                body.write(request.getInputStream().readAllBytes());
            }
            case "headers" -> body.write(seen(request).getBytes());
            case "cookies" -> {
                response.appendHeader("Set-Cookie", "a=1");
                response.appendHeader("Set-Cookie", "b=2");
            }
            case "status" -> {
                response.setStatusCode(Integer.parseInt(rest));
                body.write(("status " + rest + "\n").getBytes());
            }
            case "stream" -> stream(body);
            case "big" -> body.write(Pages.bytes(Integer.parseInt(rest)));
            case "events" -> {
                response.setContentType("text/event-stream");
                events(body, request.getFirstQueryParameter("gate").orElseThrow());
            }
            default -> response.setStatusCode(404);
        }
    }

    /** This interface has no word for the caller's address. */
    private static String seen(HttpRequest request) {
        URI uri = URI.create(request.getUri());
        String target = uri.getRawPath() + "?" + uri.getRawQuery();
        return Pages.seen(request.getMethod(), target, uri.getRawQuery(), request.getHeaders(), null);
    }

    private static void stream(OutputStream body) throws IOException {
        for (int n = 0; n < 10; n++) {
            body.write(("piece " + n + "\n").getBytes());
            body.flush();
        }
    }

    private static void events(OutputStream body, String gate) throws IOException {
        body.write("data: first\n\n".getBytes());
        body.flush();
        // A named pipe: this waits until the test has written into it.
        Files.readAllBytes(Path.of(gate));
        body.write("data: second\n\n".getBytes());
    }
}
