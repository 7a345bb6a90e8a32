package heeler;

import com.google.cloud.functions.BackgroundFunction;
import com.google.cloud.functions.CloudEventsFunction;
import com.google.cloud.functions.RawBackgroundFunction;
import java.io.IOException;
import java.lang.reflect.Type;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/** functions-framework: functions of events, of today's form and of the older one, each given to either kind. */
final class Background extends Style {
    private final Values values;
    private final Type payload;

    Background(Class<?> type) throws NotLoaded {
        super(Load.construct(type));
        boolean typed = function instanceof BackgroundFunction;
        payload = typed ? Typed.argument(type, "accept", 2) : null;
        values = typed ? new Values(type.getClassLoader()) : null;
    }

    @Override
    void serve(Call call) throws Exception {
        if (call.head.kind == Head.BATCH) throw new Refused(415, "the function takes one event at a time: set batch=split");
        if (Http.unwanted(call)) return;
        Event event = event(call);
        if (function instanceof CloudEventsFunction events) {
            events.accept(event != null ? event : Legacy.cloudEvent(legacy(call)));
        } else {
            background(event != null ? LegacyOf.event(event) : legacy(call));
        }
        call.reply(200, Call.fields(), Frames.EMPTY);
    }

    private void background(Legacy event) throws Exception {
        if (function instanceof RawBackgroundFunction raw) {
            raw.accept(JsonWriter.plain(event.data()), event.context());
            return;
        }
        @SuppressWarnings("unchecked")
        BackgroundFunction<Object> typed = (BackgroundFunction<Object>) function;
        typed.accept(values.read(JsonWriter.plain(event.data()), payload), event.context());
    }

    @Override
    void failed(Call call, Throwable error) throws Throwable {
        refuse(call, error);
    }

    /** What does not fit is answered with its status alone; all else is the function's own error. */
    static void refuse(Call call, Throwable error) throws IOException {
        if (!(error instanceof Refused refused)) {
            call.fail(error, 0);
            return;
        }
        String why = refused.getCause() == null ? "" : ": " + Texts.stack(refused.getCause());
        call.log(2, 3, "the request was refused: " + refused.getMessage() + why);
        call.reply(refused.status, Call.fields(), Frames.EMPTY);
    }

    private static Legacy legacy(Call call) throws Refused, IOException {
        String type = call.head.header("content-type");
        Charset charset = Texts.charset(type);
        return Legacy.read(new String(call.body.readAllBytes(), charset == null ? StandardCharsets.UTF_8 : charset), call.head.path());
    }

    /** heeler has read it; with events=off the request still carries it, in one form or the other. Null for neither. */
    static Event event(Call call) throws Refused, IOException {
        if (call.head.isEvent()) return Event.of(call);
        if (Texts.type(call.head.header("content-type")).equals("application/cloudevents+json")) return structured(call.body.readAllBytes());
        if (call.head.header("ce-specversion") == null) return null;
        Map<String, String> attributes = new LinkedHashMap<>();
        for (int at = 0; at < call.head.headers(); at++) {
            String name = call.head.name(at);
            if (name.startsWith("ce-")) attributes.put(name.substring(3), Urls.decodedPath(call.head.value(at)));
        }
        if (call.head.header("content-type") != null) attributes.put("datacontenttype", call.head.header("content-type"));
        return whole(new Event(attributes, call.body.readAllBytes()));
    }

    private static Event structured(byte[] body) throws Refused {
        Map<String, String> attributes = new LinkedHashMap<>();
        byte[] data = Frames.EMPTY;
        try {
            for (Map.Entry<?, ?> one : ((Map<?, ?>) Json.parse(new String(body, StandardCharsets.UTF_8))).entrySet()) {
                String name = (String) one.getKey();
                if (name.equals("data")) data = data(one.getValue());
                else if (name.equals("data_base64")) data = Base64.getDecoder().decode((String) one.getValue());
                else if (one.getValue() != null) attributes.put(name, one.getValue().toString());
            }
        } catch (RuntimeException wrong) {
            throw new Refused(400, "the body is no event", wrong);
        }
        return whole(new Event(attributes, data));
    }

    private static byte[] data(Object value) {
        return (value instanceof String text ? text : JsonWriter.write(value, Binding.BEANS, true)).getBytes(StandardCharsets.UTF_8);
    }

    private static Event whole(Event event) throws Refused {
        for (String name : new String[] {"specversion", "id", "source", "type"}) {
            if (event.attributes.getOrDefault(name, "").isEmpty()) throw new Refused(400, "the event has no " + name);
        }
        return event;
    }
}
