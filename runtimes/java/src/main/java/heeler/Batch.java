package heeler;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A batch of events: cut out of a call's body, and written as the JSON array that HTTP knows it by. */
final class Batch {
    static final String TYPE = "application/cloudevents-batch+json";
    /** The lengths of an event's attributes and of its data. */
    private static final int SIZES = 8;
    /** Headers that told of the body as it came. */
    private static final Set<String> OLD = Set.of("content-type", "content-length", "transfer-encoding");

    private Batch() {}

    static List<Event> cut(Call call) throws IOException {
        byte[] bytes = call.body.readAllBytes();
        List<Event> events = new ArrayList<>(call.head.events);
        int at = 0;
        while (events.size() < call.head.events) {
            if (bytes.length - at < SIZES) throw new Broken("a batch of fewer events than it says");
            long data = at + SIZES + Frames.u32(bytes, at);
            long end = data + Frames.u32(bytes, at + 4);
            if (end > bytes.length) throw new Broken("an event that is longer than its batch");
            events.add(new Event(attributes(bytes, at + SIZES, (int) data), java.util.Arrays.copyOfRange(bytes, (int) data, (int) end)));
            at = (int) end;
        }
        if (at != bytes.length) throw new Broken("a batch that goes on behind its last event");
        return events;
    }

    private static Map<String, String> attributes(byte[] bytes, int from, int to) {
        int[] starts = new int[to - from + 1];
        int count = Head.cut(bytes, from, to, starts) - 1;
        if (count % 2 != 0) throw new Broken("an attribute of a batch without its value");
        Map<String, String> found = new LinkedHashMap<>();
        for (int at = 0; at < count; at += 2) found.put(text(bytes, starts, at), text(bytes, starts, at + 1));
        return found;
    }

    private static String text(byte[] bytes, int[] starts, int at) {
        return new String(bytes, starts[at], starts[at + 1] - 1 - starts[at], StandardCharsets.UTF_8);
    }

    /** A batch, for a function that knows no lists of events, is the request that carries one; an event is one in binary form. */
    static void asRequest(Call call) throws IOException {
        if (call.head.kind == Head.BATCH) become(call, Map.of(), TYPE, array(cut(call)).getBytes(StandardCharsets.UTF_8));
        else if (call.head.isEvent() && call.head.header("ce-specversion") == null) asBinary(call);
    }

    static void asRequestIfBatch(Call call) throws IOException {
        if (call.head.kind == Head.BATCH) asRequest(call);
    }

    private static void asBinary(Call call) throws IOException {
        Event event = Event.of(call);
        Map<String, String> headers = new LinkedHashMap<>();
        event.attributes.forEach((name, value) -> {
            if (!name.equals("datacontenttype")) headers.put("ce-" + name, value);
        });
        become(call, headers, event.getDataContentType(), event.data);
    }

    private static void become(Call call, Map<String, String> more, String type, byte[] body) {
        Head old = call.head;
        Fields fields = new Fields(20);
        for (String field : List.of(old.method(), old.path(), old.query(), old.scheme(), old.remote(), old.callId())) fields.add(field);
        for (int at = 0; at < old.headers(); at++) {
            if (!OLD.contains(old.name(at))) fields.add(old.name(at)).add(old.value(at));
        }
        more.forEach((name, value) -> fields.add(name).utf8(value));
        if (type != null) fields.add("content-type").add(type);
        fields.add("content-length").add(String.valueOf(body.length));
        call.head = old.remade(fields, body.length);
        call.body = new Body(call, body);
    }

    static String array(List<Event> events) {
        StringBuilder out = new StringBuilder("[");
        for (Event event : events) {
            if (out.length() > 1) out.append(',');
            written(event, out);
        }
        return out.append(']').toString();
    }

    private static void written(Event event, StringBuilder out) {
        String start = JsonWriter.write(event.attributes, Binding.BEANS, true);
        out.append(start, 0, start.length() - 1);
        if (event.data.length > 0) {
            String text = dataText(event.data, event.getDataContentType());
            if (text == null) out.append(",\"data_base64\":\"").append(Base64.getEncoder().encodeToString(event.data)).append('"');
            else out.append(",\"data\":").append(text);
        }
        out.append('}');
    }

    /** Data as a JSON value, its own text where it is JSON; null where it has to be base64. */
    private static String dataText(byte[] data, String given) {
        String text = Texts.strict(data);
        if (text == null) return null;
        String type = Texts.type(given);
        if (given == null || Texts.isJson(type)) return isJson(text) ? text.strip() : null;
        java.nio.charset.Charset charset = Texts.charset(given);
        boolean plain = charset == null ? Texts.parameter(given, "charset") == null : charset.equals(StandardCharsets.UTF_8) || charset.equals(StandardCharsets.US_ASCII);
        return plain && (type.startsWith("text/") || type.endsWith("/xml") || type.endsWith("+xml")) ? JsonWriter.write(text, Binding.BEANS, true) : null;
    }

    private static boolean isJson(String text) {
        try {
            Json.parse(text);
            return true;
        } catch (Json.Invalid none) {
            return false;
        }
    }
}
