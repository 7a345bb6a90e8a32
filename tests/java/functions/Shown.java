package functions;

import com.google.cloud.functions.HttpFunction;
import com.google.cloud.functions.HttpRequest;
import com.google.cloud.functions.HttpResponse;
import java.io.BufferedWriter;
import java.util.TreeMap;

/** Says what it sees of a request. */
public class Shown implements HttpFunction {
    @Override
    public void service(HttpRequest request, HttpResponse response) throws Exception {
        response.setContentType("text/plain; charset=utf-8");
        BufferedWriter out = response.getWriter();
        out.write("method " + request.getMethod() + "\n");
        out.write("uri " + request.getUri().replaceFirst("//[^/]*", "//HOST") + "\n");
        out.write("path " + request.getPath() + "\n");
        out.write("query " + request.getQuery() + " " + new TreeMap<>(request.getQueryParameters()) + "\n");
        out.write("q " + request.getFirstQueryParameter("q") + "\n");
        out.write("type " + request.getContentType() + " " + request.getCharacterEncoding() + "\n");
        out.write("length " + request.getContentLength() + "\n");
        for (String name : new String[] {"x-one", "X-Two", "X-None"}) {
            out.write("header " + request.getFirstHeader(name) + " " + request.getHeaders().get(name) + "\n");
        }
        out.write("body ");
        request.getReader().transferTo(out);
        out.newLine();
    }
}
