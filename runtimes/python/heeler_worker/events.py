"""Events as functions get them: their attributes and data as keys and as attributes."""

from .texts import content_type, is_json, is_text


class Event(dict):
    """An event: `event['data']` and `event.data` are the same. What a dictionary calls by a name keeps it."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the event has no {name!r}; it has {', '.join(self)}") from None

    def __setattr__(self, name, value):
        self[name] = value

    def get_attributes(self):
        return {name: value for name, value in self.items() if name not in ("data", "data_base64")}

    def get_data(self):
        return self.get("data")


def attributes_of(call):
    attributes = call.attributes
    if "datacontenttype" not in attributes:
        kind = call.header("content-type")
        # The type of a structured event is the event's own form, not its data's.
        if kind and not kind.lower().startswith("application/cloudevents"):
            attributes["datacontenttype"] = kind
    return attributes


def data_of(call, kind=None, raw=False):
    """The data in the form for HKS: JSON as its value, text as text, anything else as base64 text.

    Without a type it is JSON if it can be.
    """
    body = call.body
    if not body:
        return None
    if kind is None:
        kind = content_type(call)[0]
    else:
        kind = kind.split(";", 1)[0].strip().lower()
    if (is_json(kind) or not kind) and not raw:
        from json import loads

        try:
            return loads(body)
        except ValueError:
            pass
    if is_text(kind) or not kind:
        try:
            return body.decode()
        except UnicodeDecodeError:
            pass
    from base64 import b64encode

    return b64encode(body).decode()
