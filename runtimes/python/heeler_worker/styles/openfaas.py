"""OpenFaaS: the templates' `handle(event, context)` and `handle(req)`, told apart by the number of parameters."""

import os

from ..adapter import Adapter, parameters
from ..errors import LoadError
from ..texts import Headers, MultiDict, percent_decoded, query_pairs
from ..flask_values import flask_value
from ..values import HTML, JSON, body_of, dumped, flat_headers, status_of, with_type


def openfaas(function, settings):
    count = parameters(function)
    if count == 1:
        return Text(function, settings)
    if count in (2, None):
        return Http(function, settings)
    raise LoadError(f"{function.__name__} takes {count} arguments; in the style of openfaas it is (req) or (event, context)")


class HttpEvent:
    def __init__(self, call):
        self.body = call.body
        self.headers = Headers(call.headers)
        self.method = call.head[0]
        self.query = MultiDict(query_pairs(call.head[2]))
        self.path = percent_decoded(call.head[1])


class HttpContext:
    def __init__(self):
        self.hostname = os.environ.get("HOSTNAME", "localhost")


class Http(Adapter):
    """python3-http: `handle(event, context)`."""

    style = "openfaas"

    def arguments(self, call):
        return HttpEvent(call), HttpContext()

    def reply(self, result, call):
        if result is None:
            return 200, HTML, b""
        if isinstance(result, dict):
            value = result.get("body")
            if isinstance(value, (dict, list)):
                body, kind = dumped(value), JSON
            elif value is None or isinstance(value, (str, bytes)):
                # The template makes text of bytes, b'...' and all; nobody can want that.
                body, kind = body_of(value)[0], HTML
            elif hasattr(value, "__next__") or hasattr(value, "__aiter__"):
                body, kind = value, HTML
            else:
                body, kind = str(value).encode(), HTML
            headers = flat_headers(result.get("headers"))
            return status_of(result.get("statusCode")), with_type(headers, kind), body
        return flask_value(result)


class Text(Adapter):
    """python3-flask and the classic template: `handle(req)`."""

    style = "openfaas"

    def __init__(self, function, settings):
        super().__init__(function, settings)
        self.raw = settings.get("RAW_BODY").lower() in ("1", "true")

    def arguments(self, call):
        return (call.body if self.raw else call.body.decode("utf-8", "replace"),)

    def reply(self, result, call):
        return (200, HTML, b"") if result is None else flask_value(result)
