"""Google's functions-framework: http, cloudevent, event and typed functions, in Flask where that is installed.

Who registered a function in code has the last word on its signature, then FUNCTION_SIGNATURE_TYPE, else it is http.
"""

from ..adapter import Adapter, is_async
from ..errors import Refusal, Unsupported
from ..events_seen import as_event, event_answer
from ..flask_values import flask_value, page
from ..request import Request
from ..values import HTML, JSON, dumped

#: What a caller hears when a function has failed: the sentence of Werkzeug, and the framework's header.
CRASH = (
    b"500 Internal Server Error: The server encountered an internal error and was unable to complete your request. "
    b"Either the server is overloaded or there is an error in the application."
)
CRASHED = [*HTML, "X-Google-Status", "crash"]


def gff(function, name, registered, module, settings):
    import os

    kind, taken = registered or (settings.signature or "http", None)
    # Functions look these up, as under the framework.
    os.environ["FUNCTION_TARGET"] = name
    os.environ["FUNCTION_SIGNATURE_TYPE"] = kind.partition("-")[0]
    if kind == "http-async" or kind == "http" and is_async(function) and registered is None:
        from .gff_aio import aio

        return aio(function, settings)
    if kind in ("cloudevent", "cloudevent-async"):
        return GffCloudEvent(function, settings, asynchronous=kind.endswith("async"))
    if kind == "event":
        return GffEvent(function, settings)
    if kind == "typed":
        return GffTyped(function, settings, taken)
    if has_flask() and not is_async(function):
        from .gff_flask import GffFlask

        return GffFlask(function, name, module, settings)
    return GffHttp(function, settings)


def has_flask():
    """Whether Flask is installed, without importing it."""
    import sys
    from importlib.machinery import PathFinder

    return "flask" in sys.modules or PathFinder.find_spec("flask") is not None


class Gff(Adapter):
    style = "http"

    def failed(self, call, error):
        return 500, CRASHED, CRASH


class GffHttp(Gff):
    """`f(request)`, with a small request in the form of Flask's."""

    def __init__(self, function, settings):
        super().__init__(function, settings)
        # A request that is read in a loop is read without waiting.
        self.streams = not self.asynchronous

    def arguments(self, call):
        if call.head[1] in ("/robots.txt", "/favicon.ico"):
            call.read_past()
            raise Refusal(404, page(404, "Not Found", "Not Found"), HTML)
        return (Request(call),)

    def reply(self, result, call):
        status, headers, body = flask_value(result)
        if isinstance(body, bytes):
            call.read_past()
        return status, headers, body

    def failed(self, call, error):
        call.read_past()
        handled = handled_by(error)
        return flask_value(handled(error)) if handled is not None else super().failed(call, error)


def handled_by(error):
    """What `@functions_framework.errorhandler` has registered for an error: the nearest class wins."""
    import sys

    handlers = getattr(sys.modules.get("functions_framework"), "_ERROR_HANDLERS", ())
    for base in type(error).__mro__:
        for kind, function in handlers:
            if kind is base:
                return function
    for kind, function in handlers:
        if kind == 500:
            return function
    return None


class GffCloudEvent(Gff):
    """`f(cloud_event)`; its result is of no use, but for a list that answers a batch, which the real framework does not know."""

    lists = True

    def __init__(self, function, settings, asynchronous):
        super().__init__(function, settings)
        self.asynchronous = self.asynchronous or asynchronous
        # Their events would have been made of the SDK, which the real framework imports for them.
        self.maps_legacy = not asynchronous

    def arguments(self, call):
        from .cloudevent import event_for

        if call.head[0] != "POST":
            raise only_post()
        if call.events is not None:
            return ([event_for(part) for part in call.events],)
        if as_event(call):
            return (event_for(call),)
        if not self.maps_legacy:
            raise Refusal(400, "Bad Request: the request is no CloudEvent")
        from .gff_legacy import NotConvertible, cloud_event_of

        try:
            return (cloud_event_of(call),)
        except NotConvertible as error:
            # The real framework's 400 repeats the request's headers and body; ours does not.
            raise Refusal(error.status, f"the request is no CloudEvent, and no event of the older form either: {error}") from None

    def reply(self, result, call):
        if call.events is None or not isinstance(result, list):
            return 200, HTML, b"OK"
        events = event_answer(call, result)
        return events or (200, JSON, dumped(result))


class GffEvent(Gff):
    """`f(data, context)`, for events of the older form; events of today's are turned back into it."""

    lists = True

    def arguments(self, call):
        from .gff_legacy import NotConvertible, background_event_of, background_of_cloud_event

        if call.events is not None:
            raise Unsupported("a function (data, context) takes one event at a time: set batch=split")
        try:
            if call.head[0] == "POST" and as_event(call):
                return background_of_cloud_event(call)
            if call.head[0] == "GET" and call.head[1] == "/":
                raise Refusal(200, b"", HTML)
            if call.head[0] != "POST":
                raise only_post()
            data, context, _ = background_event_of(call)
            return data, context
        except NotConvertible as error:
            raise Refusal(error.status, f"the request is no event: {error}") from None

    def reply(self, result, call):
        return 200, HTML, b"OK"


class GffTyped(Gff):
    """`f(x: T)`: `T.from_dict` of a JSON body, and `to_dict` of the result."""

    def __init__(self, function, settings, taken):
        super().__init__(function, settings)
        self.taken = taken

    def arguments(self, call):
        if call.head[0] != "POST":
            raise only_post()
        request = Request(call)
        if not request.is_json:
            # Under the framework this is an error of the function's, not of the caller.
            raise TypeError("a typed function takes a JSON body")
        from json import loads

        return (self.taken.from_dict(loads(call.body)),)

    def reply(self, result, call):
        if result is None:
            return 200, HTML, b""
        if type(result).__module__ == "builtins":
            return flask_value(result)
        if not hasattr(result, "to_dict"):
            raise TypeError(f"the function returned {type(result).__name__}, which has no to_dict")
        from json import dumps

        return 200, HTML, dumps(result.to_dict()).encode()


def only_post():
    text = "The method is not allowed for the requested URL."
    return Refusal(405, page(405, "Method Not Allowed", text), [*HTML, "Allow", "POST"])
