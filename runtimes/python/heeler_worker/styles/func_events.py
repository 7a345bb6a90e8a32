"""Events for Knative func's functions: `scope["event"]`, and a `send` that answers with one."""

from ..events import attributes_of
from ..events_out import answer_of
from ..texts import content_type, is_json


class CoreEvent:
    """An event with the getters of the CloudEvents SDK 2."""

    def __init__(self, attributes, data=None):
        self._attributes = dict(attributes)
        self._data = data

    def get_id(self):
        return self._attributes.get("id")

    def get_source(self):
        return self._attributes.get("source")

    def get_type(self):
        return self._attributes.get("type")

    def get_specversion(self):
        return self._attributes.get("specversion", "1.0")

    def get_subject(self):
        return self._attributes.get("subject")

    def get_datacontenttype(self):
        return self._attributes.get("datacontenttype")

    def get_dataschema(self):
        return self._attributes.get("dataschema")

    def get_time(self):
        from datetime import datetime

        value = self._attributes.get("time")
        return datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(value, str) else value

    def get_extension(self, name):
        return self._attributes.get(name)

    def get_attributes(self):
        return dict(self._attributes)

    def get_data(self):
        return self._data


def event_of(call):
    attributes = attributes_of(call)
    attributes.setdefault("specversion", "1.0")
    data = call.body or None
    kind = attributes.get("datacontenttype") or content_type(call)[0]
    if data and (not kind or is_json(kind.split(";")[0].strip().lower())):
        from json import loads

        try:
            data = loads(data)
        except ValueError:
            pass
    made = core_event(attributes, data)
    return CoreEvent(attributes, data) if made is None else made


def core_event(attributes, data):
    """The SDK's own event, for a function that has imported the SDK."""
    import sys

    module = sys.modules.get("cloudevents.core.v1.event")
    if module is None:
        return None
    from datetime import datetime

    attributes = dict(attributes)
    if isinstance(attributes.get("time"), str):
        attributes["time"] = datetime.fromisoformat(attributes["time"].replace("Z", "+00:00"))
    return module.CloudEvent(attributes=attributes, data=data)


class Sender:
    """`send(event[, status])`, `send.structured`, `send.binary`: heeler chooses the form on the wire. A batch has a list of events."""

    def __init__(self, call):
        self.call = call
        self.parts = None

    async def __call__(self, event, status=200, headers=None):
        if isinstance(event, dict) and event.get("type", "").startswith("http.response."):
            await self.http(event)
        else:
            await self.structured(event, status)

    async def structured(self, event, status=200, headers=None):
        from ..deliver_async import deliver_async

        answer = answer_of(self.call, event)
        if answer is None:
            raise TypeError(f"send takes an event, a list of events for a batch, or a message of ASGI, not {type(event).__name__}")
        await deliver_async(self.call, status, *answer[1:])

    binary = structured

    async def http(self, message):
        from .asgi import Exchange

        if self.parts is None:
            self.parts = Exchange(self.call)
        await self.parts.send(message)

    def done(self):
        if not self.call.over and not self.call.replied:
            self.call.answer(204, [], b"")
