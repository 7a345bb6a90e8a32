package functions;

import com.google.cloud.functions.BackgroundFunction;
import com.google.cloud.functions.CloudEventsFunction;
import com.google.cloud.functions.Context;
import com.google.cloud.functions.RawBackgroundFunction;
import io.cloudevents.CloudEvent;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** Functions of events: each prints what it was given, on one line. */
public final class Events {
    private Events() {}

    /** Of today's. */
    public static class Cloud implements CloudEventsFunction {
        @Override
        public void accept(CloudEvent event) {
            StringBuilder said = new StringBuilder("seen");
            for (String name : new TreeSet<>(event.getAttributeNames())) said.append(' ').append(name).append('=').append(event.getAttribute(name));
            for (String name : new TreeSet<>(event.getExtensionNames())) said.append(' ').append(name).append(':').append(event.getExtension(name));
            String data = event.getData() == null ? "none" : new String(event.getData().toBytes(), StandardCharsets.UTF_8);
            System.out.println(said + " data " + data + " " + event.getSpecVersion() + " " + event.getSource().getScheme() + " " + (event.getTime() != null));
        }
    }

    /** Of the older form, with their data as text. */
    public static class Raw implements RawBackgroundFunction {
        @Override
        public void accept(String json, Context context) {
            System.out.println("seen " + json + shown(context));
        }
    }

    /** Of the older form, with their data as an object. */
    public static class Typed implements BackgroundFunction<Typed.Payload> {
        /** As JSON has it. */
        public static class Payload {
            String name;
            int number;
            Double share;
            boolean yes;
            List<String> list;
            Map<String, Object> map;
            Payload inner;
            Kind kind;
            int[] numbers;

            @Override
            public String toString() {
                return name + " " + number + " " + share + " " + yes + " " + list + " " + (map == null ? null : new TreeMap<>(map)) + " (" + inner + ") " + kind
                    + " " + java.util.Arrays.toString(numbers);
            }
        }

        /** A constant of JSON. */
        public enum Kind { ONE, TWO }

        @Override
        public void accept(Payload payload, Context context) {
            System.out.println("seen " + payload + shown(context));
        }
    }

    private static String shown(Context context) {
        return " id " + context.eventId() + " time " + context.timestamp() + " type " + context.eventType() + " resource " + context.resource();
    }
}
