import com.google.cloud.functions.CloudEventsFunction;
import io.cloudevents.CloudEvent;

/** A function of the functions-framework that takes CloudEvents. */
public final class Event implements CloudEventsFunction {
    @Override
    public void accept(CloudEvent event) {
        String data = new String(event.getData().toBytes());
        String name = data.replaceAll(".*\"name\": *\"([^\"]*)\".*", "$1");
        System.out.println(String.join(" ", "event", event.getId(), event.getType(), event.getSource().toString(), name));
    }
}
