package functions;

import com.google.cloud.functions.HttpFunction;
import com.google.cloud.functions.HttpRequest;
import com.google.cloud.functions.HttpResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Calls that take as long as a test wants: files in a folder say when. */
public class Slow implements HttpFunction, AutoCloseable {
    private static final Path GATE = Path.of(System.getenv("TESTFN_GATE"));

    @Override
    public void service(HttpRequest request, HttpResponse response) throws Exception {
        switch (request.getPath()) {
            case "/sleep" -> sleep();
            case "/hold" -> {
                note("held." + request.getQuery().orElse(""));
                while (!Files.exists(GATE.resolve("open"))) Thread.sleep(2);
                response.getWriter().write("held " + request.getQuery().orElse(""));
            }
            case "/flood" -> {
                byte[] piece = new byte[65_536];
                for (int left = 256; left > 0; left--) response.getOutputStream().write(piece);
                note("flooded");
            }
            case "/events" -> {
                response.setContentType("text/event-stream");
                for (int number = 0; number < 3; number++) {
                    response.getWriter().write("data: " + number + "\n\n");
                    response.getWriter().flush();
                    while (!Files.exists(GATE.resolve("open." + number))) Thread.sleep(2);
                }
            }
            default -> {
                System.out.println("asked for " + request.getPath());
                response.getWriter().write("quick");
            }
        }
    }

    private static void sleep() throws IOException {
        note("asleep");
        try {
            Thread.sleep(Long.MAX_VALUE);
        } catch (InterruptedException told) {
            System.out.println("interrupted");
            note("interrupted");
        }
    }

    private static void note(String name) throws IOException {
        Files.write(GATE.resolve(name), new byte[0]);
    }

    @Override
    public void close() {
        System.err.println("the function is closed");
    }
}
