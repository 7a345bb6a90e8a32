package functions;

import com.google.cloud.functions.HttpFunction;
import com.google.cloud.functions.HttpRequest;
import com.google.cloud.functions.HttpResponse;
import java.io.OutputStream;

/** Gives a request's body back as it comes; 100 bytes where there is none. */
public class Echo implements HttpFunction {
    private static final byte[] NOTHING = "x".repeat(100).getBytes();

    @Override
    public void service(HttpRequest request, HttpResponse response) throws Exception {
        response.setContentType("application/octet-stream");
        OutputStream out = response.getOutputStream();
        if (request.getInputStream().transferTo(out) == 0) out.write(NOTHING);
    }
}
