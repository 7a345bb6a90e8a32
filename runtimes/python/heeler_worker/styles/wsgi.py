"""WSGI: an application such as Flask's or Django's, called in the worker itself."""

import sys
from io import BytesIO

from ..adapter import Adapter
from ..deliver import as_bytes, close
from ..texts import percent_bytes

#: What no two calls differ in.
_BASE = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
}


class Wsgi(Adapter):
    style = "wsgi"
    streams = True

    def __init__(self, function, settings):
        super().__init__(function, settings)
        self.asynchronous = False

    def blocking(self, call):
        answer = _Answer(call)
        environ = environ_of(call)
        # Several at once are for heeler to allow, and most applications may.
        environ["wsgi.multithread"] = True
        body = self.function(environ, answer.start)
        try:
            answer.take(body)
        finally:
            close(body)


class _Answer:
    """One call's `start_response` and what follows."""

    def __init__(self, call):
        self.call = call
        self.status = None
        self.headers = None

    def start(self, status, headers, exc_info=None):
        if exc_info is not None:
            try:
                if self.call.replied:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.status is not None:
            raise AssertionError("start_response was called twice")
        self.status = int(status[:3])
        self.headers = [text for pair in headers for text in pair]
        return self.write

    def write(self, piece):
        self.call.write(self.begin(as_bytes(piece)))

    def begin(self, piece):
        if self.status is None:
            raise AssertionError("the application gave a body before it called start_response")
        return piece if self.call.replied else self.call.begin(self.status, self.headers, piece)

    def length(self):
        headers = self.headers
        for at in range(0, len(headers), 2):
            if headers[at].lower() == "content-length":
                return headers[at + 1]
        return None

    def take(self, body):
        """One piece that is the whole body goes in one frame, others one by one."""
        call = self.call
        if type(body) in (list, tuple):
            if not call.replied and self.status is not None and len(body) <= 1:
                if call.answer(self.status, self.headers, body[0] if body else b""):
                    return
        held = None
        for piece in body:
            if not piece:
                continue
            if held is not None:
                self.write(held)
                held = None
            if not call.replied and self.status is not None and self.length() == str(len(piece)):
                held = piece
            else:
                self.write(piece)
        if not call.replied and self.status is not None and call.answer(self.status, self.headers, held or b""):
            return
        self.write(held or b"")
        call.end()


def environ_of(call):
    head = call.head
    environ = _BASE.copy()
    environ["REQUEST_METHOD"] = head[0]
    environ["PATH_INFO"] = percent_bytes(head[1]).decode("latin-1")
    environ["RAW_URI"] = environ["REQUEST_URI"] = head[1] + ("?" + head[2] if head[2] else "")
    environ["QUERY_STRING"] = head[2]
    environ["wsgi.url_scheme"] = head[3]
    environ["REMOTE_ADDR"] = head[4]
    environ["SERVER_PROTOCOL"] = {10: "HTTP/1.0", 11: "HTTP/1.1"}.get(call.version, "HTTP/2.0")
    environ["SERVER_NAME"], environ["SERVER_PORT"] = "localhost", "443" if head[3] == "https" else "80"
    environ["wsgi.errors"] = sys.stderr
    environ["wsgi.multiprocess"] = True
    for at in range(6 + 2 * call.attribute_count, len(head), 2):
        name, value = head[at], head[at + 1]
        if name == "content-type":
            environ["CONTENT_TYPE"] = value
            continue
        if name == "content-length":
            environ["CONTENT_LENGTH"] = value
            continue
        if "_" in name:
            # `a-b` and `a_b` would be one variable, and who may set the one need not be who may set the other.
            continue
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = environ[key] + (";" if key == "HTTP_COOKIE" else ",") + value if key in environ else value
    host, colon, port = environ.get("HTTP_HOST", "").rpartition(":")
    if colon and port.isdecimal():
        environ["SERVER_NAME"], environ["SERVER_PORT"] = host, port
    elif environ.get("HTTP_HOST"):
        environ["SERVER_NAME"] = environ["HTTP_HOST"]
    if call.complete and call.pieces is None:
        environ["wsgi.input"] = BytesIO(call.body)
        if call.body:
            environ.setdefault("CONTENT_LENGTH", str(len(call.body)))
    else:
        from ..body import opened

        environ["wsgi.input"] = opened(call)
    for name, value in call.attributes.items() if call.attribute_count else ():
        environ.setdefault("HTTP_CE_" + name.upper(), value)
    return environ
