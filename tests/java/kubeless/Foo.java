package io.kubeless;

/** Kubeless': the fields are for its package alone. */
public class Foo {
    public String bar(Event event, Context context) {
        return event.Data + " " + event.EventID + " " + event.EventType + " " + event.EventTime + " " + event.EventNamespace + " " + context.FunctionName + " " + context.Timeout;
    }
}
