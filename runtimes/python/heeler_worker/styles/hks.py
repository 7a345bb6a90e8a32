"""HKS: `handle(request)` for requests and `handle(event)` for events, one file, one name.

A request is a dictionary whose `get` falls through to the keys of a JSON body and to the query, and an object with the
names of Flask's request. A result is text, bytes, a value for JSON, or a dictionary with `statusCode`.
"""

from ..adapter import Adapter
from ..events_seen import as_event, event_answer
from ..request import Request, texts
from ..values import body_of, flat_headers, proxy_result, response_like, status_of, unpacked, with_type

_ABSENT = object()


class HksRequest_(Request):
    """The request: its own keys first, then those of a body that is a JSON object, then the query's."""

    OWN = ("method", "path", "headers", "query", "body")

    def _look(self, name, default):
        if name in self.OWN:
            return self._own(name, default)
        found = self._fields().get(name, _ABSENT)
        return self.args.get(name, default) if found is _ABSENT else found

    def _own(self, name, default):
        if name == "body":
            return self._once("text", lambda: texts().text_or_bytes(self._call.body)) if self._call.body else default
        if name == "query":
            return dict(self.args)
        return getattr(self, name)

    def _fields(self):
        def read():
            value = texts().json_or_none(self._call.body)
            return value if isinstance(value, dict) else {}

        return self._once("fields", read)

    def get(self, name, default=None):
        return self._look(name, default)

    def __getitem__(self, name):
        found = self._look(name, _ABSENT)
        if found is _ABSENT:
            if name == "body":
                return ""
            raise KeyError(name)
        return found

    def __contains__(self, name):
        return name in self.OWN or self._look(name, _ABSENT) is not _ABSENT

    def keys(self):
        return list(dict.fromkeys([*self.OWN, *self._fields(), *self.args]))

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self.keys())

    def items(self):
        return [(name, self[name]) for name in self.keys()]

    def values(self):
        return [self[name] for name in self.keys()]

    def get_json(self, force=True, silent=True, cache=True):
        """A body is read as JSON whatever it is called, and a broken one is no error of ours."""
        return super().get_json(force, silent, cache)

    @property
    def json(self):
        return self.get_json()

    @property
    def query(self):
        return self.args


class Hks(Adapter):
    style = "hks"
    lists = True

    def arguments(self, call):
        if call.events is not None:
            return ([event_of(part, self.raw()) for part in call.events],)
        return (event_of(call, self.raw()) if as_event(call) else self.request(call),)

    def raw(self):
        return self.settings.event_data == "raw"

    def request(self, call):
        return HksRequest_(call)

    def reply(self, result, call):
        return event_answer(call, result) or reply(result, call)


class HksRequest(Hks):
    """Events, too, are requests."""

    style = "request"
    lists = False

    def arguments(self, call):
        return (HksRequest_(call),)


class HksEvent(Hks):
    """Requests, too, are events."""

    style = "event"

    def request(self, call):
        return event_of_request(call, self.raw())


def event_of(call, raw):
    from ..events import Event, attributes_of, data_of

    attributes = attributes_of(call)
    return Event(attributes, data=data_of(call, attributes.get("datacontenttype", ""), raw))


def event_of_request(call, raw):
    """A plain POST: a JSON object with `type` and `data` is an event, anything else is the data of one."""
    from ..events import Event, data_of

    value = texts().json_or_none(call.body)
    if isinstance(value, dict) and "type" in value and "data" in value:
        return Event(value)
    if value is not None and not raw:
        data = value
    else:
        data = data_of(call, None, raw)
    return Event(id=call.id, source=call.head[1], type="http.request", data=data)


def reply(result, call):
    status, headers, body = answer(result)
    # Four attributes at least.
    if len(headers) >= 8 and isinstance(body, bytes) and any(name.lower() == "ce-specversion" for name in headers[::2]):
        from ..events_out import from_headers

        return from_headers(call, status, headers, body)
    return status, headers, body


def answer(result):
    if isinstance(result, dict) and "statusCode" in result:
        if "body" in result:
            status, headers, value = proxy_result(result)
        else:
            status = status_of(result["statusCode"])
            headers = flat_headers(result.get("headers"))
            rest = {name: value for name, value in result.items() if name not in ("statusCode", "headers")}
            value = rest or None
        body, kind = body_of(value)
        return status, with_type(headers, kind), body
    if isinstance(result, tuple) and 2 <= len(result) <= 3 and (isinstance(result[1], (int, dict, list))):
        value, status, headers = unpacked(result)
        body, kind = body_of(value)
        return status_of(status), with_type(flat_headers(headers), kind), body
    known = None if isinstance(result, (str, bytes, dict, type(None))) else response_like(result)
    if known is not None:
        return known
    body, kind = body_of(result)
    return 200, kind, body
