package heeler;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** What a stream handler writes: a proxy result if it is one, else the body as it is. */
final class LambdaOutput extends ByteArrayOutputStream {
    private final Call call;

    LambdaOutput(Call call) {
        this.call = call;
    }

    @Override
    public void close() throws IOException {
        byte[] bytes = toByteArray();
        Map<?, ?> proxy = proxy(bytes);
        if (proxy == null) {
            call.reply(200, Call.fields().add("content-type").add("application/json"), bytes);
        } else {
            ProxyResult result = new ProxyResult(proxy);
            call.reply(result.status(), result.fields("application/json"), result.body());
        }
    }

    private static Map<?, ?> proxy(byte[] bytes) {
        if (bytes.length == 0 || bytes[0] != '{') return null;
        try {
            Object value = Json.parse(new String(bytes, StandardCharsets.UTF_8));
            return value instanceof Map<?, ?> map && map.get("statusCode") != null ? map : null;
        } catch (Json.Invalid none) {
            return null;
        }
    }
}
