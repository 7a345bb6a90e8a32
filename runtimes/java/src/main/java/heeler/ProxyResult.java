package heeler;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** `{ statusCode, headers, multiValueHeaders, cookies, body, isBase64Encoded }` as gateways take it. */
record ProxyResult(Map<?, ?> result) {
    int status() {
        return ((Number) Binding.BEANS.free(result.get("statusCode"))).intValue();
    }

    Fields fields(String type) {
        Map<String, List<?>> headers = new LinkedHashMap<>();
        if (result.get("headers") instanceof Map<?, ?> given) given.forEach((name, value) -> put(headers, name, List.of(value == null ? "" : value)));
        if (result.get("multiValueHeaders") instanceof Map<?, ?> given) {
            given.forEach((name, values) -> {
                if (values instanceof List<?> list && !headers.containsKey(Fields.lower((String) name))) put(headers, name, list);
            });
        }
        if (result.get("cookies") instanceof List<?> cookies && !cookies.isEmpty()) headers.put("set-cookie", cookies);
        Fields fields = Call.fields();
        if (!headers.containsKey("content-type")) fields.add("content-type").add(type);
        headers.forEach((name, values) -> values.forEach(value -> fields.header(name, String.valueOf(value))));
        return fields;
    }

    private static void put(Map<String, List<?>> headers, Object name, List<?> values) {
        headers.put(Fields.lower((String) name), values);
    }

    byte[] body() {
        Object body = result.get("body");
        if (body == null) return Frames.EMPTY;
        if (!(body instanceof String text)) throw new IllegalArgumentException("the body of a result is text");
        return Boolean.TRUE.equals(result.get("isBase64Encoded")) ? Base64.getDecoder().decode(text) : text.getBytes(StandardCharsets.UTF_8);
    }
}
