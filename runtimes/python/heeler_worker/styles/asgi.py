"""ASGI: an application such as FastAPI's, called in the worker itself, with its lifespan."""

from ..adapter import Adapter
from ..call import Cancelled
from ..deliver_async import changed, write_async
from ..texts import percent_decoded


class Asgi(Adapter):
    style = "asgi"
    streams = True
    #: An application hears of a caller that left, by `http.disconnect`.
    ends_tasks = False

    def __init__(self, function, settings):
        super().__init__(function, settings)
        self.asynchronous = True
        self.state = {}
        self.lifespan = None

    def start(self):
        from ..threadloop import loop_here
        from .lifespan import Lifespan

        self.lifespan = Lifespan(self.function, self.state)
        loop_here().run_until_complete(self.lifespan.start())

    def stop(self):
        from ..threadloop import loop_here

        if self.lifespan is not None:
            loop_here().run_until_complete(self.lifespan.stop())

    def blocking(self, call):
        raise RuntimeError("an ASGI application is served by a loop")

    async def concurrent(self, call):
        await self.run(call, scope_of(call, self.state))

    async def run(self, call, scope):
        exchange = Exchange(call)
        await self.function(scope, exchange.receive, exchange.send)
        if not call.over:
            if call.cancelled:
                raise Cancelled("nobody waits for this call any more")
            if call.replied:
                call.end()
            else:
                raise RuntimeError("the application ended without an answer")


class Exchange:
    """One call's `receive` and `send`."""

    def __init__(self, call):
        self.call = call
        self.head = None
        self.ended = False

    async def receive(self):
        call = self.call
        if self.ended:
            # There is nothing more to come but the end.
            if not call.over:
                await changed(call, lambda: call.cancelled or call.over)
            return {"type": "http.disconnect"}
        if not call.has_piece():
            await changed(call, call.has_piece)
        if call.cancelled:
            self.ended = True
            return {"type": "http.disconnect"}
        piece = call.next_piece()
        self.ended = call.complete and not call.pieces
        return {"type": "http.request", "body": piece, "more_body": not self.ended}

    async def send(self, message):
        kind, call = message["type"], self.call
        if kind == "http.response.start":
            if self.head is not None:
                raise RuntimeError("http.response.start was sent twice")
            headers = [bytes(part) for pair in message.get("headers", ()) for part in pair]
            self.head = message["status"], headers
        elif kind == "http.response.body":
            if self.head is None or call.over and not call.cancelled:
                raise RuntimeError("http.response.body was sent outside of an answer")
            body, more = bytes(message.get("body", b"")), message.get("more_body", False)
            if not call.replied:
                if not more and call.answer(*self.head, body):
                    call.ring()
                    return
                status, headers = self.head
                body = call.begin(status, headers if more else with_size(headers, len(body)), memoryview(body))
            await write_async(call, body)
            if not more:
                call.end()
                call.ring()
        else:
            raise RuntimeError(f"{kind!r} is no message of an answer")


def with_size(headers, length):
    if b"content-length" in (name.lower() for name in headers[::2]):
        return headers
    return [*headers, b"content-length", str(length).encode()]


def scope_of(call, state):
    head = call.head
    flat = [text.encode("latin-1") for text in head[6 + 2 * call.attribute_count :]]
    headers = list(zip(flat[::2], flat[1::2]))
    host = call.header("host") or "localhost"
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdecimal():
        name, port = host, "443" if head[3] == "https" else "80"
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": {10: "1.0", 11: "1.1"}.get(call.version, "2"),
        "method": head[0],
        "scheme": head[3],
        "path": percent_decoded(head[1]),
        "raw_path": head[1].encode("latin-1"),
        "query_string": head[2].encode("latin-1"),
        "root_path": "",
        "headers": headers,
        "client": (head[4], 0) if head[4] else None,
        "server": (name, int(port)),
        "state": state.copy(),
        "extensions": {},
    }
