"""Kubeless: `f(event, context)` with two dictionaries. Results as its server, Bottle, takes them."""

from ..adapter import Adapter
from ..events_seen import as_event
from ..request import Request
from ..texts import content_type, is_json
from ..values import HTML, JSON, dumped, flat_headers, response_like, status_of


class Kubeless(Adapter):
    style = "kubeless"
    at_once = 1

    def __init__(self, function, settings):
        super().__init__(function, settings)
        name = getattr(function, "__name__", "") or settings.get("FUNC_HANDLER")
        self.context = {
            "function-name": name,
            "timeout": float(settings.get("FUNC_TIMEOUT") or 180),
            "runtime": settings.get("FUNC_RUNTIME") or None,
            "memory-limit": settings.get("FUNC_MEMORY_LIMIT") or None,
        }

    def arguments(self, call):
        event = {
            "data": data(call),
            "event-id": call.header("event-id"),
            "event-type": call.header("event-type"),
            "event-time": call.header("event-time"),
            "event-namespace": call.header("event-namespace"),
            "extensions": {"request": Request(call)},
        }
        if as_event(call):
            event["data"] = data(call)
            attributes = call.attributes
            event["event-id"] = attributes.get("id")
            event["event-type"] = attributes.get("type")
            event["event-time"] = attributes.get("time")
            event["event-namespace"] = attributes.get("source")
        return event, dict(self.context)

    def reply(self, result, call):
        if result is None or result == "":
            return 200, HTML, b""
        if isinstance(result, str):
            return 200, HTML, result.encode()
        if isinstance(result, bytes):
            return 200, HTML, result
        if isinstance(result, dict):
            return 200, JSON, dumped(result)
        status_line = getattr(result, "status_line", None)
        if status_line is not None and hasattr(result, "headerlist"):
            # A response of Bottle's.
            status, _, body = self.reply(result.body, call)
            return status_of(status_line), flat_headers(result.headerlist), body
        known = response_like(result)
        if known is not None:
            return known
        if isinstance(result, (list, tuple)):
            if result and isinstance(result[0], str):
                return 200, HTML, "".join(result).encode()
            if not result or isinstance(result[0], bytes):
                return 200, HTML, b"".join(result)
            raise TypeError(f"a list of {type(result[0]).__name__} is no answer in the style of kubeless")
        if hasattr(result, "__iter__") or hasattr(result, "__aiter__"):
            return 200, HTML, result
        raise TypeError(f"{type(result).__name__} is no answer in the style of kubeless")


def data(call):
    """JSON by its value, whatever else its type says of a charset; anything else as bytes."""
    if not is_json(content_type(call)[0]) or not call.body:
        return call.body
    from json import loads

    from ..errors import Refusal

    try:
        return loads(call.body)
    except ValueError:
        raise Refusal(400, "Invalid JSON") from None
