package styles;

import com.amazonaws.services.lambda.runtime.Context;

/** Lambda's, any method of a bean. */
public class Beans {
    /** As gateways write it. */
    public static class Request {
        private String httpMethod;
        private String given;

        public void setHttpMethod(String httpMethod) {
            this.httpMethod = httpMethod;
        }

        public void setBody(String body) {
            given = body;
        }
    }

    public String handle(Request request, Context context) {
        return request.httpMethod + " " + request.given + " " + context.getFunctionVersion();
    }
}
