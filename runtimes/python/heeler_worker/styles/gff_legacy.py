"""Google's events of the older form, and today's, each made of the other (functions-framework's mapping).

An older event is JSON: `data` and a `context` of eventId, timestamp, eventType and resource, or the four beside `data`.
"""

import re

from ..texts import is_json, content_type, percent_decoded
from .cloudevent import data_of, make

PUBSUB, STORAGE = "pubsub.googleapis.com", "storage.googleapis.com"
FIRESTORE, FIREBASE = "firestore.googleapis.com", "firebase.googleapis.com"
DATABASE, AUTH = "firebasedatabase.googleapis.com", "firebaseauth.googleapis.com"

_FIRESTORE, _AUTH = "providers/cloud.firestore/eventTypes/document.", "providers/firebase.auth/eventTypes/user."
_DATABASE = "providers/google.firebase.database/eventTypes/ref."
#: The older type, and today's. Of two older ones for the same, the first is what today's is turned back into.
TYPES = {
    "google.pubsub.topic.publish": "google.cloud.pubsub.topic.v1.messagePublished",
    "providers/cloud.pubsub/eventTypes/topic.publish": "google.cloud.pubsub.topic.v1.messagePublished",
    "google.storage.object.finalize": "google.cloud.storage.object.v1.finalized",
    "providers/cloud.storage/eventTypes/object.change": "google.cloud.storage.object.v1.finalized",
    "google.storage.object.delete": "google.cloud.storage.object.v1.deleted",
    "google.storage.object.archive": "google.cloud.storage.object.v1.archived",
    "google.storage.object.metadataUpdate": "google.cloud.storage.object.v1.metadataUpdated",
    _FIRESTORE + "write": "google.cloud.firestore.document.v1.written",
    _FIRESTORE + "create": "google.cloud.firestore.document.v1.created",
    _FIRESTORE + "update": "google.cloud.firestore.document.v1.updated",
    _FIRESTORE + "delete": "google.cloud.firestore.document.v1.deleted",
    _AUTH + "create": "google.firebase.auth.user.v1.created",
    _AUTH + "delete": "google.firebase.auth.user.v1.deleted",
    "providers/google.firebase.analytics/eventTypes/event.log": "google.firebase.analytics.log.v1.written",
    _DATABASE + "create": "google.firebase.database.ref.v1.created",
    _DATABASE + "write": "google.firebase.database.ref.v1.written",
    _DATABASE + "update": "google.firebase.database.ref.v1.updated",
    _DATABASE + "delete": "google.firebase.database.ref.v1.deleted",
}
OLDER = {new: old for old, new in reversed(list(TYPES.items()))}
SERVICES = {
    "providers/cloud.firestore/": FIRESTORE,
    "providers/google.firebase.analytics/": FIREBASE,
    "providers/firebase.auth/": AUTH,
    "providers/google.firebase.database/": DATABASE,
    "providers/cloud.pubsub/": PUBSUB,
    "providers/cloud.storage/": STORAGE,
    "google.pubsub": PUBSUB,
    "google.storage": STORAGE,
}
#: How a resource falls into what the source names and the subject.
RESOURCES = {
    FIREBASE: r"(projects/[^/]+)/(events/[^/]+)",
    DATABASE: r"projects/_/(instances/[^/]+)/(refs/.+)",
    FIRESTORE: r"(projects/[^/]+/databases/\(default\))/(documents/.+)",
    STORAGE: r"(projects/[^/]/buckets/[^/]+)/(objects/.+)",
}
MESSAGE = "type.googleapis.com/google.pubsub.v1.PubsubMessage"
#: Of the metadata of auth's events: older name, today's.
TIMES = (("createdAt", "createTime"), ("lastSignedInAt", "lastSignInTime"))


class NotConvertible(Exception):
    """With the status that the framework has for it."""

    status = 400


class Context:
    def __init__(self, eventId="", timestamp="", eventType="", resource=""):
        self.event_id, self.timestamp, self.event_type, self.resource = eventId, timestamp, eventType, resource

    def __repr__(self):
        return f"{{event_id: {self.event_id}, timestamp: {self.timestamp}, event_type: {self.event_type}, resource: {self.resource}}}"


def background_event_of(call):
    """Data, context and the whole document of an event of the older form."""
    if not is_json(content_type(call)[0]):
        error = NotConvertible("it is not said to be JSON")
        error.status = 415
        raise error
    from json import loads

    try:
        document = loads(call.body)
    except ValueError:
        raise NotConvertible("it is not JSON") from None
    if not isinstance(document, dict) or not document:
        raise NotConvertible("it is no JSON object")
    message = document.get("message")
    pushed = "context" not in document and "subscription" in document and isinstance(message, dict)
    if pushed and "data" in message and "messageId" in message:
        return (*_pushed(message, percent_decoded(call.head[1])), document)
    about = document.get("context") or document
    try:
        context = Context(*(about.get(name, "") for name in ("eventId", "timestamp", "eventType", "resource")))
    except AttributeError:
        raise NotConvertible("its context is no JSON object") from None
    return document.get("data", ""), context, document


def _pushed(message, path):
    """What Pub/Sub itself posts; its topic may be in the path."""
    topic = re.search(r"projects/[^/?]+/topics/[^/?]+", path)
    when = message.get("publishTime")
    if when is None:
        from datetime import datetime, timezone

        when = datetime.now(timezone.utc).replace(tzinfo=None).isoformat() + "Z"
    resource = {"service": PUBSUB, "type": MESSAGE, "name": topic.group(0) if topic else ""}
    data = {"@type": MESSAGE, "data": message["data"], "attributes": message.get("attributes", {})}
    return data, Context(message["messageId"], when, "google.pubsub.topic.publish", resource)


def cloud_event_of(call):
    """An event of the older form as today's."""
    data, context, document = background_event_of(call)
    if context.event_type not in TYPES:
        raise NotConvertible("its eventType is none that has a new name")
    service, resource, subject = _split(context)
    if service == PUBSUB:
        data.setdefault("messageId", context.event_id)
        data.setdefault("publishTime", context.timestamp)
        data = {"message": data}
    elif service == AUTH:
        _rename(data, TIMES)
        if "uid" in data:
            subject = f"users/{data['uid']}"
    elif service == DATABASE:
        domain = document.get("domain")
        if not domain:
            raise NotConvertible("it has no domain")
        place = "us-central1" if domain == "firebaseio.com" else domain.split(".")[0]
        resource = f"projects/_/locations/{place}/{resource}"
    attributes = {
        "id": context.event_id,
        "time": context.timestamp,
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "type": TYPES[context.event_type],
        "source": f"//{service}/{resource}",
    }
    if subject:
        attributes["subject"] = subject
    return make(attributes, data)


def _split(context):
    resource, service = context.resource, ""
    if isinstance(resource, dict):
        service, resource = resource.get("service", ""), resource.get("name", "")
    if not service:
        service = next((name for prefix, name in SERVICES.items() if context.event_type.startswith(prefix)), "")
    if service not in RESOURCES:
        return service, resource, ""
    found = re.fullmatch(RESOURCES[service], resource)
    if not found:
        raise NotConvertible("its resource does not have the form of its service")
    return service, found.group(1), found.group(2)


def _rename(data, names):
    metadata = data.get("metadata") if isinstance(data, dict) else None
    if isinstance(metadata, dict):
        for old, new in names:
            if old in metadata:
                metadata[new] = metadata.pop(old)


def background_of_cloud_event(call):
    """Today's event as one of the older form: data and context."""
    attributes = call.attributes
    data = data_of(call.body)
    kind = attributes.get("type", "")
    if kind not in OLDER:
        # Not one of Google's: its data goes as it is.
        return data, Context(attributes.get("id"), attributes.get("time"), kind, attributes.get("source"))
    found = re.fullmatch(r"//([^/]+)/(.+)", attributes.get("source", ""))
    if not found:
        raise NotConvertible("its source names no service")
    service, name = found.groups()
    subject = attributes.get("subject", "")
    resource = f"{name}/{subject}"
    if service == PUBSUB:
        resource = {"service": service, "name": name, "type": MESSAGE}
        if isinstance(data, dict):
            data = data.get("message", data)
            for extra in ("messageId", "publishTime"):
                data.pop(extra, None)
    elif service == AUTH:
        resource = name
        _rename(data, [(new, old) for old, new in TIMES])
    elif service == STORAGE:
        kind_of = data.get("kind") if isinstance(data, dict) else None
        resource = {"name": resource, "service": service, "type": kind_of}
    elif service == DATABASE:
        resource = re.sub("/locations/[^/]+", "", name) + f"/{subject}"
    return data, Context(attributes.get("id"), attributes.get("time"), OLDER[kind], resource)
