"""Functions of functions-framework that are `async def`: Starlette's request where it is installed, a small one else."""

from ..adapter import Adapter
from ..errors import Refusal
from ..request import Request
from ..values import HTML, TEXT, response_like, status_of
from .asgi import Asgi

CRASHED = ["content-type", "text/plain", "X-Google-Status", "crash"]
METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH")


def aio(function, settings):
    import sys
    from importlib.machinery import PathFinder

    if "starlette" in sys.modules or PathFinder.find_spec("starlette") is not None:
        return GffStarlette(function, settings)
    return GffAio(function, settings)


def crashed(call, error):
    return 500, CRASHED, b"Internal Server Error"


def check(method, path):
    if path in ("/robots.txt", "/favicon.ico"):
        raise Refusal(404, "Not Found", TEXT)
    if method not in METHODS:
        raise Refusal(405, "Method Not Allowed", TEXT)


class GffStarlette(Asgi):
    style = "http"

    def __init__(self, function, settings):
        super().__init__(self.application, settings)
        self.view = function

    def start(self):
        """Starlette's own applications have a lifespan; a function has none."""

    async def application(self, scope, receive, send):
        from starlette.requests import Request
        from starlette.responses import JSONResponse, Response

        from ..adapter import in_thread, is_async

        check(scope["method"], scope["path"])
        path = scope["path"].lstrip("/")
        scope["path_params"] = {"path": path} if path else {}
        request = Request(scope, receive)
        if is_async(self.view):
            result = await self.view(request)
        else:
            result = await in_thread(self.view, request)
        status = 200
        if isinstance(result, tuple) and len(result) == 2:
            result, status = result
        elif result is None:
            raise Refusal(500, "No response returned", TEXT)
        if isinstance(result, dict):
            result = JSONResponse(result, status_code=status)
        elif isinstance(result, (str, bytes)):
            result = Response(result, status_code=status)
        await result(scope, receive, send)

    def failed(self, call, error):
        if type(error).__name__ == "HTTPException" and hasattr(error, "detail"):
            headers = [text for pair in (error.headers or {}).items() for text in pair]
            return error.status_code, TEXT + headers, str(error.detail).encode()
        return crashed(call, error)


class AsyncRequest(Request):
    """A request whose body is awaited, as Starlette's."""

    query_params = property(lambda self: self.args)
    path_params = property(lambda self: {"path": self.path.lstrip("/")} if self.path != "/" else {})

    async def body(self):
        return self._call.body

    async def json(self):
        from json import loads

        return loads(self._call.body)

    async def form(self):
        return Request.form.fget(self)

    async def stream(self):
        yield self._call.body


class GffAio(Adapter):
    style = "http"

    def __init__(self, function, settings):
        super().__init__(function, settings)
        self.asynchronous = True

    def arguments(self, call):
        check(call.head[0], call.head[1])
        return (AsyncRequest(call),)

    def reply(self, result, call):
        status = 200
        if isinstance(result, tuple) and len(result) == 2:
            result, status = result
        if result is None:
            raise Refusal(500, "No response returned", TEXT)
        if isinstance(result, str):
            return status_of(status), [], result.encode()
        if isinstance(result, bytes):
            return status_of(status), [], result
        if isinstance(result, dict):
            return status_of(status), ["content-type", "application/json"], dumped_compact(result)
        known = response_like(result)
        if known is not None:
            return known
        if hasattr(result, "__aiter__") or hasattr(result, "__next__"):
            return status_of(status), HTML, result
        raise TypeError(f"{type(result).__name__} is no answer")

    def failed(self, call, error):
        return crashed(call, error)


def dumped_compact(value):
    """The very bytes of Starlette's JSONResponse."""
    from json import dumps

    return dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
