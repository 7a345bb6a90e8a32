package hello;

import com.google.cloud.functions.HttpFunction;
import com.google.cloud.functions.HttpRequest;
import com.google.cloud.functions.HttpResponse;

/** Greets whom the query names. */
public class Hello implements HttpFunction {
    @Override
    public void service(HttpRequest request, HttpResponse response) throws Exception {
        String name = request.getFirstQueryParameter("name").orElse("World");
        System.out.println("greeting " + name);
        response.setContentType("application/json");
        response.getWriter().write("{\"hello\":\"" + name.replaceAll("[^\\p{L} ]", "?") + "\"}");
    }
}
