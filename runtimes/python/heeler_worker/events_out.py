"""Events that functions answer with: their own objects, dictionaries and `ce-` headers, one or, for a batch, a list."""

from .batch import MEDIA_TYPE, array, json_text
from .texts import is_json, percent_bytes
from .values import dumped

REQUIRED = ("id", "source", "specversion", "type")


def answer_of(call, result):
    """Status, headers and body of an event, or of the events for a batch; None if the result is something else."""
    if isinstance(result, (list, tuple)):
        if call.events is None or not result:
            return None
        events = [event_of(each) for each in result]
        if None in events:
            return None
        return 200, ["content-type", MEDIA_TYPE], array((attributes, body) for attributes, body in events)
    event = event_of(result)
    return None if event is None else as_answer(call, 200, [], *event)


def as_answer(call, status, headers, attributes, body):
    """An event as an answer: heeler makes headers of the first pairs, which are its attributes."""
    own = [raw(text) for pair in attributes.items() for text in pair]
    call.own = len(attributes)
    return status, own + headers, body


def raw(text):
    """Text as heads have it: a character for each byte."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def event_of(value):
    """The attributes, as text, and the data, as bytes, of an event; None if a value is none."""
    if isinstance(value, dict):
        if any(not isinstance(value.get(name), str) for name in REQUIRED):
            return None
        attributes = dict(value)
        data, encoded = attributes.pop("data", None), attributes.pop("data_base64", None)
        if encoded is not None:
            from base64 import b64decode

            data = b64decode(encoded, validate=True)
    elif hasattr(value, "get_attributes"):
        attributes = dict(value.get_attributes())
        data = value.get_data() if hasattr(value, "get_data") else getattr(value, "data", None)
    else:
        return None
    texts = {name: attribute(each) for name, each in attributes.items() if each is not None}
    if None in texts.values():
        # No attribute is a list or an object: it is some other dictionary.
        return None
    if data is None or isinstance(data, (bytes, bytearray)):
        return texts, bytes(data or b"")
    return texts, body_of(data, texts)


def attribute(value):
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value) if isinstance(value, int) else None


def body_of(data, attributes):
    """Data as bytes: JSON where nothing else is said of it; text that is said to be JSON, and is, as it is."""
    kind = attributes.get("datacontenttype")
    if not kind:
        attributes["datacontenttype"] = "application/json"
    if kind and isinstance(data, str):
        body = data.encode("utf-8", "surrogateescape")
        if not is_json(kind.partition(";")[0].strip().lower()) or json_text(body) is not None:
            return body
    return dumped(data)


def from_headers(call, status, headers, body):
    """An answer whose `ce-` headers make it an event, as the event; any other as it is."""
    attributes, rest = {}, []
    for name, value in zip(headers[::2], headers[1::2]):
        lower = name.lower()
        if lower.startswith("ce-"):
            try:
                attributes[lower[3:]] = percent_bytes(raw(value)).decode()
            except UnicodeDecodeError:
                return status, headers, body
        else:
            rest += [name, value]
    if any(not attributes.get(name) for name in REQUIRED):
        return status, headers, body
    return as_answer(call, status, rest, attributes, body)
