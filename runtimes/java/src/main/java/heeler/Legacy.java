package heeler;

import com.google.cloud.functions.Context;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One of Google's events of the older form: its data as JSON was read, and its context. */
record Legacy(Object data, LegacyContext context) {
    static final String MESSAGE = "type.googleapis.com/google.pubsub.v1.PubsubMessage";
    static final String PUBSUB = "pubsub.googleapis.com";
    static final String STORAGE = "storage.googleapis.com";
    static final String FIRESTORE = "firestore.googleapis.com";
    static final String ANALYTICS = "firebase.googleapis.com";
    static final String AUTH = "firebaseauth.googleapis.com";
    static final String DATABASE = "firebasedatabase.googleapis.com";

    private static final Pattern TOPIC = Pattern.compile("projects/[\\w.~+%-]+/topics/[\\w.~+%-]+");
    private static final Pattern OBJECT = Pattern.compile("^(projects/_/buckets/[^/]+)/(objects/.*?)(?:#\\d+)?$");
    private static final Pattern DOCUMENT = Pattern.compile("^(projects/.+)/((?:documents|refs)/.+)$");
    private static final Pattern REFERENCE = Pattern.compile("^projects/_/(instances/[^/]+)/((?:documents|refs)/.+)$");

    /** What functions see of it. */
    record LegacyContext(String eventId, String timestamp, String eventType, String resource, String domain, Map<String, String> attributes) implements Context {}

    // ---- reading

    /** With a `context`, with its fields beside the data, or as Pub/Sub pushes it. */
    static Legacy read(String text, String path) throws Refused {
        try {
            Map<?, ?> root = (Map<?, ?>) Json.parse(text);
            if (!root.containsKey("data") && !root.containsKey("message")) throw new Refused(400, "the body is no event: it has no data");
            if (root.get("context") instanceof Map<?, ?> context) return new Legacy(root.get("data"), context(context));
            if (root.containsKey("subscription") && root.get("message") instanceof Map<?, ?> message && message.containsKey("data") && message.containsKey("messageId")) {
                return pushed(message, path);
            }
            Map<Object, Object> rest = new LinkedHashMap<>(root);
            rest.remove("data");
            return new Legacy(root.get("data"), context(rest));
        } catch (Json.Invalid | ClassCastException wrong) {
            throw new Refused(400, "the body is no event", wrong);
        }
    }

    private static LegacyContext context(Map<?, ?> from) {
        Object resource = from.get("resource");
        String shown = resource == null ? null : resource instanceof String text ? text : JsonWriter.plain(resource);
        Map<String, String> attributes = new LinkedHashMap<>();
        if (from.get("attributes") instanceof Map<?, ?> given) given.forEach((name, value) -> attributes.put((String) name, String.valueOf(value)));
        return new LegacyContext(text(from, "eventId"), text(from, "timestamp"), text(from, "eventType"), shown, text(from, "domain"), attributes);
    }

    private static String text(Map<?, ?> from, String name) {
        Object value = from.get(name);
        return value == null ? null : value.toString();
    }

    /** The topic may be in the path. */
    private static Legacy pushed(Map<?, ?> message, String path) {
        Matcher topic = TOPIC.matcher(path);
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("@type", MESSAGE);
        data.put("data", message.get("data"));
        if (message.containsKey("attributes")) data.put("attributes", message.get("attributes"));
        String time = message.containsKey("publishTime") ? text(message, "publishTime") : Instant.now().toString();
        String resource = "{\"name\":" + (topic.find() ? '"' + topic.group() + '"' : "null") + ",\"service\":\"" + PUBSUB + "\",\"type\":\"" + MESSAGE + "\"}";
        return new Legacy(data, new LegacyContext(text(message, "messageId"), time, "google.pubsub.topic.publish", resource, null, Map.of()));
    }

    // ---- as today's

    static Event cloudEvent(Legacy event) throws Refused {
        LegacyTypes.Kind kind = LegacyTypes.ofOlder(event.context.eventType());
        if (kind == null) throw new Refused(400, "the event's type is none of Google's: " + event.context.eventType());
        String service = kind.service();
        String name = event.context.resource() == null ? "" : event.context.resource();
        if (name.startsWith("{")) {
            Map<?, ?> resource = (Map<?, ?>) Json.parse(name);
            if (resource.get("service") != null) service = resource.get("service").toString();
            if (resource.get("name") == null) throw new Refused(400, "the event's resource has no name");
            name = resource.get("name").toString();
        }
        String[] place = split(kind.service(), name, event);
        Map<String, String> attributes = new LinkedHashMap<>();
        attributes.put("specversion", "1.0");
        attributes.put("id", event.context.eventId());
        attributes.put("source", "//" + service + "/" + place[0]);
        attributes.put("type", kind.newer());
        attributes.put("datacontenttype", "application/json");
        if (place[1] != null) attributes.put("subject", place[1]);
        if (event.context.timestamp() != null) attributes.put("time", event.context.timestamp());
        return new Event(attributes, JsonWriter.plain(newer(kind.service(), event)).getBytes(StandardCharsets.UTF_8));
    }

    /** What the source names, and the subject. */
    private static String[] split(String service, String name, Legacy event) {
        switch (service) {
            case STORAGE:
                return split(OBJECT, name, "");
            case FIRESTORE, ANALYTICS:
                return split(DOCUMENT, name, "");
            case DATABASE:
                String location = location(event.context.domain());
                return location == null ? new String[] {name, null} : split(REFERENCE, name, "projects/_/locations/" + location + "/");
            case AUTH:
                Object uid = event.data instanceof Map<?, ?> data ? data.get("uid") : null;
                return new String[] {name, uid == null ? null : "users/" + uid};
            default:
                return new String[] {name, null};
        }
    }

    private static String[] split(Pattern form, String name, String before) {
        Matcher found = form.matcher(name);
        return found.matches() ? new String[] {before + found.group(1), found.group(2)} : new String[] {name, null};
    }

    private static String location(String domain) {
        if (domain == null) return null;
        if (domain.equals("firebaseio.com")) return "us-central1";
        int dot = domain.indexOf('.');
        return dot < 0 ? null : domain.substring(0, dot);
    }

    private static Object newer(String service, Legacy event) {
        if (!(event.data instanceof Map<?, ?> data)) return event.data;
        Map<Object, Object> copy = new LinkedHashMap<>(data);
        if (service.equals(PUBSUB)) {
            copy.put("messageId", event.context.eventId());
            copy.put("publishTime", event.context.timestamp());
            return Map.of("message", copy);
        }
        if (service.equals(AUTH)) LegacyTypes.rename(copy, "createdAt", "createTime", "lastSignedInAt", "lastSignInTime");
        return copy;
    }
}
