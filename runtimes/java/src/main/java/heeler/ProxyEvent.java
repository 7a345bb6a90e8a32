package heeler;

import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A request as gateways give it to Lambda: the keys of payload 2.0, and those of 1.0 beside them. */
final class ProxyEvent {
    /** 21/Nov/2026:17:12:05 +0000 */
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ENGLISH);

    private ProxyEvent() {}

    static Map<String, Object> of(Call call, byte[] body) {
        Head head = call.head;
        Map<String, Object> headers = new LinkedHashMap<>();
        Map<String, Object> many = new LinkedHashMap<>();
        headers(head, headers, many);
        Map<String, List<String>> query = Urls.query(head.query());
        String path = Urls.decodedPath(head.path());
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("version", "2.0");
        event.put("routeKey", "$default");
        event.put("rawPath", head.path());
        event.put("rawQueryString", head.query());
        Object cookie = headers.get("cookie");
        event.put("cookies", cookie == null ? List.of() : Arrays.stream(cookie.toString().split("; *")).filter(one -> !one.isEmpty()).toList());
        event.put("headers", headers);
        event.put("queryStringParameters", query.isEmpty() ? null : joined(query));
        event.put("requestContext", context(call, headers));
        event.put("resource", "/{proxy+}");
        event.put("httpMethod", head.method());
        event.put("path", path);
        event.put("multiValueHeaders", many);
        event.put("multiValueQueryStringParameters", query.isEmpty() ? null : query);
        event.put("pathParameters", Map.of("proxy", path.startsWith("/") ? path.substring(1) : path));
        event.put("stageVariables", null);
        body(event, body, head.header("content-type"));
        return event;
    }

    private static void headers(Head head, Map<String, Object> headers, Map<String, Object> many) {
        for (int at = 0; at < head.headers(); at++) {
            String name = head.name(at);
            String value = head.value(at);
            headers.merge(name, value, (had, more) -> had + (name.equals("cookie") ? "; " : ",") + more);
            @SuppressWarnings("unchecked")
            List<String> all = (List<String>) many.computeIfAbsent(name, key -> new ArrayList<String>(1));
            all.add(value);
        }
    }

    private static Map<String, String> joined(Map<String, List<String>> query) {
        Map<String, String> joined = new LinkedHashMap<>();
        query.forEach((name, values) -> joined.put(name, String.join(",", values)));
        return joined;
    }

    private static Map<String, Object> context(Call call, Map<String, Object> headers) {
        Head head = call.head;
        ZonedDateTime now = ZonedDateTime.now(ZoneOffset.UTC);
        Object agent = headers.getOrDefault("user-agent", "");
        String protocol = head.httpVersion == 20 ? "HTTP/2.0" : head.httpVersion == 10 ? "HTTP/1.0" : "HTTP/1.1";
        Map<String, Object> http = new LinkedHashMap<>();
        http.put("method", head.method());
        http.put("path", head.path());
        http.put("protocol", protocol);
        http.put("sourceIp", head.remote());
        http.put("userAgent", agent);
        Map<String, Object> context = new LinkedHashMap<>();
        context.put("accountId", "anonymous");
        context.put("apiId", "heeler");
        context.put("domainName", headers.getOrDefault("host", ""));
        context.put("http", http);
        context.put("identity", Map.of("sourceIp", head.remote(), "userAgent", agent));
        context.put("httpMethod", head.method());
        context.put("path", head.path());
        context.put("requestId", head.callId());
        context.put("routeKey", "$default");
        context.put("stage", "$default");
        context.put("time", TIME.format(now));
        context.put("timeEpoch", new Num(String.valueOf(now.toInstant().toEpochMilli())));
        return context;
    }

    /** Text where it is text, else base64: a string in any case. */
    private static void body(Map<String, Object> event, byte[] body, String given) {
        String type = Texts.type(given);
        String text = type.isEmpty() || Texts.isText(type) ? Texts.strict(body) : null;
        event.put("body", body.length == 0 ? null : text != null ? text : new String(Base64.getEncoder().encode(body), StandardCharsets.ISO_8859_1));
        event.put("isBase64Encoded", body.length > 0 && text == null);
    }
}
