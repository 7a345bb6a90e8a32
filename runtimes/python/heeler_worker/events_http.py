"""CloudEvents as HTTP carries them, for calls that heeler has passed on as the requests they came as."""

from . import wire
from .errors import Refusal
from .texts import percent_bytes

REQUIRED = ("id", "source", "specversion", "type")


def event_from(call):
    """Turns a request that looks like an event into an event's call. Returns whether it is one now."""
    head = call.head
    kind = call.header("content-type") or ""
    if kind.lower().startswith("application/cloudevents-batch"):
        raise Refusal(415, "this function takes one event at a time")
    if kind.lower().startswith("application/cloudevents"):
        attributes, body = structured(call.body)
    else:
        attributes = {name[3:]: decoded(value) for name, value in call.headers if name.startswith("ce-")}
        if any(name not in attributes for name in REQUIRED):
            return False
        if kind:
            attributes["datacontenttype"] = kind
        body = call.body
    flat = [text.encode().decode("latin-1") for pair in attributes.items() for text in pair]
    call.head = head[:6] + flat + head[6:]
    call.attribute_count = len(attributes)
    call.kind = wire.EVENT
    call.body = body
    return True


def decoded(value):
    """A header's value: quoted by older senders, else with percent-escapes. Bytes that are no UTF-8 are no value."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        parts = value[1:-1].split("\\\\")
        value = "\\".join([part.replace("\\", "") for part in parts])
    try:
        return percent_bytes(value).decode()
    except UnicodeDecodeError:
        raise Refusal(400, "an attribute of the event is no UTF-8") from None


def structured(body):
    """Attributes and data of an event that is one JSON object."""
    from json import dumps, loads

    try:
        document = loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Refusal(400, "the event is no JSON object")
    data, encoded = document.pop("data", None), document.pop("data_base64", None)
    if any(not document.get(name) for name in REQUIRED):
        raise Refusal(400, "the event has no " + " or no ".join(name for name in REQUIRED if not document.get(name)))
    attributes = {}
    for name, value in document.items():
        if value is None:
            continue
        if not isinstance(value, (str, int, bool)) or not (name.isascii() and name.isalnum() and name == name.lower()):
            raise Refusal(400, "an attribute of the event has a name or a value that no event may have")
        attributes[name] = value if isinstance(value, str) else dumps(value)
    if encoded is not None:
        from base64 import b64decode

        try:
            return attributes, b64decode(encoded, validate=True)
        except (TypeError, ValueError):
            raise Refusal(400, "data_base64 is no base64") from None
    if data is None:
        return attributes, b""
    kind = attributes.get("datacontenttype", "application/json").partition(";")[0].strip().lower()
    if isinstance(data, str) and not (kind.endswith("json")):
        return attributes, data.encode()
    return attributes, dumps(data).encode()
