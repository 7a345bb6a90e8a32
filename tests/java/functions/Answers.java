package functions;

import com.google.cloud.functions.HttpFunction;
import com.google.cloud.functions.HttpRequest;
import com.google.cloud.functions.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.TreeMap;

/** Answers in as many ways as there are, by the path. */
public class Answers implements HttpFunction {
    @Override
    public void service(HttpRequest request, HttpResponse response) throws Exception {
        switch (request.getPath()) {
            case "/nothing" -> { }
            case "/status" -> response.setStatusCode(418, "teapot");
            case "/nostatus" -> response.setStatusCode(70000);
            case "/beyond" -> response.setStatusCode(600);
            case "/split" -> response.appendHeader("X-A", "a\r\nX-B: b");
            case "/headers" -> {
                response.appendHeader("X-A", "1");
                response.appendHeader("X-A", "2");
                response.appendHeader("content-type", "a/b");
                response.getWriter().write(response.getContentType() + " " + response.getHeaders().get("x-a"));
            }
            case "/plain" -> {
                response.setContentType("text/plain");
                response.getWriter().write("\u00e9\u20ac\n");
            }
            case "/html" -> {
                response.setContentType("text/html");
                response.getWriter().write("\u00e9\u20ac\n");
            }
            case "/latin" -> {
                response.setContentType("text/plain; charset=iso-8859-1");
                response.getWriter().write("\u00e9\n");
            }
            case "/json" -> {
                response.setContentType("application/json");
                response.getWriter().append("{\"a\":").append('1').append("}").flush();
            }
            case "/bytes" -> response.getOutputStream().write(new byte[] {0, 1, (byte) 0xff});
            case "/untyped" -> response.getWriter().write("text");
            case "/large" -> {
                byte[] line = "0123456789abcdef".repeat(64).getBytes(StandardCharsets.UTF_8);
                for (int left = 1024; left > 0; left--) response.getOutputStream().write(line);
            }
            case "/throw" -> throw new IllegalStateException("a secret");
            case "/late" -> {
                response.getWriter().write("begun");
                throw new IllegalStateException("a secret");
            }
            case "/both" -> {
                response.getWriter();
                response.getOutputStream();
            }
            case "/loader" -> response.getWriter().write(
                (Thread.currentThread().getContextClassLoader() == getClass().getClassLoader()) + " " + seen("com.google.gson.Gson") + " " + seen("heeler.Main")
                    + " " + seen("com.google.cloud.functions.HttpFunction") + " " + seen("io.cloudevents.CloudEvent") + " " + seen("java.sql.Connection"));
            case "/parts" -> new TreeMap<>(request.getParts()).forEach((name, part) -> {
                try {
                    response.getWriter().write(name + " " + part.getFileName() + " " + part.getContentType() + " " + part.getContentLength() + " "
                        + part.getCharacterEncoding() + " " + part.getFirstHeader("x-part") + " " + part.getReader().readLine() + "\n");
                } catch (java.io.IOException broken) {
                    throw new java.io.UncheckedIOException(broken);
                }
            });
            default -> response.getWriter().write("hello");
        }
    }

    private static boolean seen(String name) {
        try {
            Class.forName(name, false, Answers.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException none) {
            return false;
        }
    }
}
