import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What both servers answer alike, without a library for JSON. */
final class Pages {
    static String seen(String method, String target, String query, Map<String, List<String>> headers, String remote) {
        String fields = headers.entrySet().stream()
                .map(header -> text(header.getKey().toLowerCase()) + ":" + text(String.join(", ", header.getValue())))
                .collect(Collectors.joining(","));
        return "{\"method\":" + text(method) + ",\"target\":" + text(target) + ",\"query\":" + text(query)
                + ",\"headers\":{" + fields + "},\"remote\":" + text(remote) + "}";
    }

    static byte[] bytes(int length) {
        byte[] body = new byte[length];
        for (int n = 0; n < length; n++) {
            body[n] = (byte) (n % 251);
        }
        return body;
    }

    private static String text(String value) {
        return value == null ? "null" : '"' + value.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
