package heeler;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** The types of Google's events: the older names and today's. */
final class LegacyTypes {
    record Kind(String older, String newer, String service) {}

    private static final Map<String, Kind> BY_OLDER = new HashMap<>();
    private static final Map<String, Kind> BY_NEWER = new HashMap<>();

    static {
        String firestore = "providers/cloud.firestore/eventTypes/document.";
        String database = "providers/google.firebase.database/eventTypes/ref.";
        add("google.pubsub.topic.publish", "google.cloud.pubsub.topic.v1.messagePublished", Legacy.PUBSUB);
        add("google.storage.object.finalize", "google.cloud.storage.object.v1.finalized", Legacy.STORAGE);
        add("google.storage.object.delete", "google.cloud.storage.object.v1.deleted", Legacy.STORAGE);
        add("google.storage.object.archive", "google.cloud.storage.object.v1.archived", Legacy.STORAGE);
        add("google.storage.object.metadataUpdate", "google.cloud.storage.object.v1.metadataUpdated", Legacy.STORAGE);
        add("providers/cloud.storage/eventTypes/object.change", "google.cloud.storage.object.v1.changed", Legacy.STORAGE);
        for (String[] change : new String[][] {{"write", "written"}, {"create", "created"}, {"update", "updated"}, {"delete", "deleted"}}) {
            add(firestore + change[0], "google.cloud.firestore.document.v1." + change[1], Legacy.FIRESTORE);
            add(database + change[0], "google.firebase.database.ref.v1." + change[1], Legacy.DATABASE);
        }
        add("providers/firebase.auth/eventTypes/user.create", "google.firebase.auth.user.v1.created", Legacy.AUTH);
        add("providers/firebase.auth/eventTypes/user.delete", "google.firebase.auth.user.v1.deleted", Legacy.AUTH);
        add("providers/google.firebase.analytics/eventTypes/event.log", "google.firebase.analytics.log.v1.written", Legacy.ANALYTICS);
        // A still older name of the same; nothing is made into it.
        String published = "google.cloud.pubsub.topic.v1.messagePublished";
        BY_OLDER.put("providers/cloud.pubsub/eventTypes/topic.publish", new Kind("google.pubsub.topic.publish", published, Legacy.PUBSUB));
    }

    private LegacyTypes() {}

    private static void add(String older, String newer, String service) {
        Kind kind = new Kind(older, newer, service);
        BY_OLDER.put(older, kind);
        BY_NEWER.put(newer, kind);
    }

    static Kind ofOlder(String type) {
        return type == null ? null : BY_OLDER.get(type);
    }

    static Kind ofNewer(String type) {
        return type == null ? null : BY_NEWER.get(type);
    }

    /** Of the metadata of a user's events: names by twos, the old one and the new. */
    static void rename(Map<Object, Object> data, String... names) {
        if (!(data.get("metadata") instanceof Map<?, ?> metadata)) return;
        Map<Object, Object> renamed = new LinkedHashMap<>(metadata);
        for (int at = 0; at < names.length; at += 2) {
            Object value = renamed.remove(names[at]);
            if (value != null) renamed.put(names[at + 1], value);
        }
        data.put("metadata", renamed);
    }
}
