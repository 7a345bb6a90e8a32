package heeler;

import io.cloudevents.CloudEvent;
import io.cloudevents.CloudEventData;
import io.cloudevents.SpecVersion;
import java.net.URI;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/** An event that came: its attributes as text, typed when somebody asks, and its data as bytes. */
final class Event implements CloudEvent {
    private static final Set<String> OWN = Set.of("specversion", "id", "source", "type", "datacontenttype", "dataschema", "subject", "time");

    final Map<String, String> attributes;
    final byte[] data;

    Event(Map<String, String> attributes, byte[] data) {
        this.attributes = attributes;
        this.data = data;
    }

    /** The event of a call; the type of its data may stand among the headers. */
    static Event of(Call call) throws java.io.IOException {
        Map<String, String> attributes = call.head.attributes();
        String type = call.head.header("content-type");
        if (type != null && !Texts.type(type).startsWith("application/cloudevents")) attributes.putIfAbsent("datacontenttype", type);
        return new Event(attributes, call.body.readAllBytes());
    }

    /** Somebody else's event, for the wire. */
    static Event of(CloudEvent event) {
        if (event instanceof Event ours) return ours;
        Map<String, String> attributes = new LinkedHashMap<>();
        for (String name : event.getAttributeNames()) put(attributes, name, event.getAttribute(name));
        for (String name : event.getExtensionNames()) put(attributes, name, event.getExtension(name));
        return new Event(attributes, event.getData() == null ? Frames.EMPTY : event.getData().toBytes());
    }

    private static void put(Map<String, String> into, String name, Object value) {
        if (value != null) into.put(name, value.toString());
    }

    @Override
    public CloudEventData getData() {
        return data.length == 0 ? null : () -> data;
    }

    @Override
    public SpecVersion getSpecVersion() {
        return SpecVersion.parse(attributes.getOrDefault("specversion", "1.0"));
    }

    @Override
    public String getId() {
        return attributes.get("id");
    }

    @Override
    public String getType() {
        return attributes.get("type");
    }

    @Override
    public URI getSource() {
        return uri("source");
    }

    @Override
    public String getDataContentType() {
        return attributes.get("datacontenttype");
    }

    @Override
    public URI getDataSchema() {
        return uri("dataschema");
    }

    private URI uri(String name) {
        String given = attributes.get(name);
        return given == null ? null : URI.create(given);
    }

    @Override
    public String getSubject() {
        return attributes.get("subject");
    }

    @Override
    public OffsetDateTime getTime() {
        String given = attributes.get("time");
        return given == null ? null : OffsetDateTime.parse(given);
    }

    @Override
    public Object getAttribute(String name) {
        return switch (name) {
            case "specversion" -> getSpecVersion();
            case "source", "dataschema" -> uri(name);
            case "time" -> getTime();
            default -> {
                if (!OWN.contains(name)) throw new IllegalArgumentException("there is no attribute " + name);
                yield attributes.get(name);
            }
        };
    }

    @Override
    public Object getExtension(String name) {
        return OWN.contains(name) ? null : attributes.get(name);
    }

    @Override
    public Set<String> getExtensionNames() {
        Set<String> names = new LinkedHashSet<>(attributes.keySet());
        names.removeAll(OWN);
        return names;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Event event && event.attributes.equals(attributes) && java.util.Arrays.equals(event.data, data);
    }

    @Override
    public int hashCode() {
        return attributes.hashCode();
    }

    @Override
    public String toString() {
        return "CloudEvent" + attributes + " with " + data.length + " bytes";
    }
}
