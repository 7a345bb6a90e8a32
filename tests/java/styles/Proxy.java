package styles;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.LinkedHashMap;
import java.util.Map;

/** Lambda's, of maps. */
public class Proxy implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    @Override
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        if ("/throw".equals(event.get("rawPath"))) throw new IllegalStateException("a secret");
        if (event.containsKey("specversion")) return Map.of("event", event.get("id") + " " + event.get("data"));
        context.getLogger().log("asked for " + event.get("rawPath"));
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("statusCode", 201);
        result.put("headers", Map.of("X-A", "b", "Content-Type", "text/plain"));
        result.put("body", event.get("httpMethod") + " " + event.get("queryStringParameters") + " " + event.get("body") + " " + event.get("isBase64Encoded") + " "
            + context.getFunctionName() + " " + (context.getRemainingTimeInMillis() > 1000) + " " + !context.getAwsRequestId().isEmpty());
        return result;
    }
}
