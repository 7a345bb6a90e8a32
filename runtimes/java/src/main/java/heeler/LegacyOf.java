package heeler;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Today's events, as functions of the older form are given them. */
final class LegacyOf {
    private static final Pattern SOURCE = Pattern.compile("//([^/]+)/(.+)");

    private LegacyOf() {}

    static Legacy event(Event event) throws Refused {
        if (event.data.length == 0) throw new IllegalStateException("Event has no \"data\" component");
        Object data;
        try {
            data = Json.parse(new String(event.data, StandardCharsets.UTF_8));
        } catch (Json.Invalid wrong) {
            throw new Refused(400, "the event's data is not JSON", wrong);
        }
        LegacyTypes.Kind kind = LegacyTypes.ofNewer(event.getType());
        if (kind == null) return new Legacy(data, context(event, event.getType(), event.attributes.get("source")));
        Matcher source = SOURCE.matcher(event.attributes.get("source"));
        if (!source.find()) throw new Refused(400, "the event's source names no service");
        Object older = data instanceof Map<?, ?> map ? older(kind.service(), map) : data;
        return new Legacy(older, context(event, kind.older(), resource(kind.service(), source.group(1), source.group(2), event, data)));
    }

    /** Of events that are not Google's, the source is the resource, and all attributes are there. */
    private static Legacy.LegacyContext context(Event event, String type, String resource) {
        String time = event.getTime() == null ? Instant.now().toString() : event.getTime().toInstant().toString();
        Map<String, String> attributes = LegacyTypes.ofNewer(event.getType()) == null ? event.attributes : Map.of();
        return new Legacy.LegacyContext(event.getId(), time, type, resource, null, attributes);
    }

    private static String resource(String kind, String service, String name, Event event, Object data) {
        String whole = name + "/" + event.getSubject();
        Map<String, Object> resource = new LinkedHashMap<>();
        resource.put("service", service);
        switch (kind) {
            case Legacy.PUBSUB:
                resource.put("name", name);
                resource.put("type", Legacy.MESSAGE);
                return JsonWriter.plain(resource);
            case Legacy.STORAGE:
                resource.put("name", whole);
                if (data instanceof Map<?, ?> map && map.get("kind") != null) resource.put("type", map.get("kind"));
                return JsonWriter.plain(resource);
            case Legacy.AUTH:
                return name;
            case Legacy.DATABASE:
                return whole.replaceAll("/locations/[^/]+", "");
            default:
                return whole;
        }
    }

    private static Object older(String service, Map<?, ?> data) {
        Map<Object, Object> copy = new LinkedHashMap<>(data);
        if (service.equals(Legacy.PUBSUB)) {
            if (copy.get("message") instanceof Map<?, ?> message) copy = new LinkedHashMap<>(message);
            copy.remove("messageId");
            copy.remove("publishTime");
        }
        if (service.equals(Legacy.AUTH)) LegacyTypes.rename(copy, "createTime", "createdAt", "lastSignInTime", "lastSignedInAt");
        return copy;
    }
}
