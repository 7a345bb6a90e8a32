package styles;

import io.cloudevents.CloudEvent;
import io.cloudevents.core.builder.CloudEventBuilder;
import java.util.List;
import java.util.Map;

/** Methods that are named. */
public final class Methods {
    private Methods() {}

    public static String text(String body) {
        return "<" + body + ">";
    }

    public static String none() {
        return "none";
    }

    public static Map<String, Object> json(Map<String, Integer> numbers) {
        return Map.of("sum", numbers.values().stream().mapToInt(Integer::intValue).sum());
    }

    /** An event for an event, made by the function's own builder. */
    public static CloudEvent event(CloudEvent event) {
        return CloudEventBuilder.v1(event).withId(event.getId() + "-answer").withType("answer").withExtension("more", "a b").withData("text/plain", "done".getBytes()).build();
    }

    /** As many for as many. */
    public static List<CloudEvent> events(List<CloudEvent> events) {
        return events.stream().map(Methods::event).toList();
    }
}
