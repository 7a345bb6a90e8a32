import com.google.cloud.functions.HttpFunction;
import com.google.cloud.functions.HttpRequest;
import com.google.cloud.functions.HttpResponse;
import java.io.IOException;

/** What the tests of images ask of a function: its body back. */
public class Echo implements HttpFunction {
    @Override
    public void service(HttpRequest request, HttpResponse response) throws IOException {
        request.getInputStream().transferTo(response.getOutputStream());
    }
}
