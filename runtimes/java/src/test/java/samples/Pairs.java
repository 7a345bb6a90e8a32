package samples;

import io.cloudevents.CloudEvent;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/** Functions of the JDK's own interfaces. */
public final class Pairs {
    private Pairs() {}

    /** Of text. */
    public static class Text implements Function<String, String> {
        @Override
        public String apply(String text) {
            return text + "!";
        }
    }

    /** Of nothing. */
    public static class Nothing implements Supplier<Map<String, Integer>> {
        @Override
        public Map<String, Integer> get() {
            return Map.of("a", 1);
        }
    }

    /** Of batches. */
    public static class Many implements Function<List<CloudEvent>, List<CloudEvent>> {
        @Override
        public List<CloudEvent> apply(List<CloudEvent> events) {
            return events;
        }
    }

    /** Of events, and with none to give. */
    public static class One implements Consumer<CloudEvent> {
        @Override
        public void accept(CloudEvent event) {
            System.out.println(event.getId() + " " + event.getTime() + " " + event.getExtensionNames());
        }
    }

    /** Of whatever. */
    public static class Raw implements Function<Object, Object> {
        @Override
        public Object apply(Object value) {
            return value;
        }
    }
}
