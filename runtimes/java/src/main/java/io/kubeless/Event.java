package io.kubeless;

/** What Kubeless' functions are given: its fields are for this package. */
public class Event {
    String Data;
    String EventID;
    String EventType;
    String EventTime;
    String EventNamespace;

    public Event(String data, String eventId, String eventType, String eventTime, String eventNamespace) {
        Data = data;
        EventID = eventId;
        EventType = eventType;
        EventTime = eventTime;
        EventNamespace = eventNamespace;
    }
}
