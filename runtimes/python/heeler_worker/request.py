"""A small request for functions, with the names that Flask's has, read only as far as a function asks."""


def texts():
    """The readings of HTTP's texts, imported when a function first asks for one: many take only the body."""
    from . import texts

    return texts


class Request:
    def __init__(self, call):
        self._call = call
        self._kept = {}

    def _once(self, name, make):
        try:
            return self._kept[name]
        except KeyError:
            value = self._kept[name] = make()
            return value

    method = property(lambda self: self._call.head[0])
    scheme = property(lambda self: self._call.head[3])
    remote_addr = property(lambda self: self._call.head[4] or None)
    id = property(lambda self: self._call.head[5])
    data = property(lambda self: self._call.read_all())
    body = data
    query_string = property(lambda self: self._call.head[2].encode("latin-1"))
    raw_path = property(lambda self: self._call.head[1])
    is_secure = property(lambda self: self.scheme == "https")
    content_type = property(lambda self: self._call.header("content-type"))
    mimetype = property(lambda self: texts().content_type(self._call)[0])

    @property
    def path(self):
        return self._once("path", lambda: texts().percent_decoded(self._call.head[1]))

    @property
    def headers(self):
        return self._once("headers", lambda: texts().Headers(self._call.headers))

    @property
    def args(self):
        return self._once("args", lambda: texts().MultiDict(texts().query_pairs(self._call.head[2])))

    @property
    def form(self):
        def read():
            if self.mimetype == "application/x-www-form-urlencoded":
                return texts().MultiDict(texts().form_pairs(self.data.decode("utf-8", "replace")))
            return texts().MultiDict(())

        return self._once("form", read)

    @property
    def cookies(self):
        def read():
            pairs = []
            for part in self.headers.get("cookie", "").split(";"):
                name, equals, value = part.strip().partition("=")
                if equals:
                    pairs.append((name, value.strip('"')))
            return texts().MultiDict(pairs)

        return self._once("cookies", read)

    @property
    def host(self):
        return self._call.header("host", "localhost")

    @property
    def full_path(self):
        return f"{self.path}?{self._call.head[2]}"

    @property
    def base_url(self):
        return f"{self.scheme}://{self.host}{texts().readable(self._call.head[1])}"

    @property
    def url(self):
        query = self._call.head[2]
        return self.base_url + ("?" + texts().readable(query) if query else "")

    @property
    def host_url(self):
        return f"{self.scheme}://{self.host}/"

    url_root = host_url

    @property
    def content_length(self):
        length = self._call.header("content-length")
        return int(length) if length and length.isdecimal() else None

    @property
    def is_json(self):
        kind = self.mimetype
        return kind == "application/json" or kind.startswith("application/") and kind.endswith("+json")

    @property
    def stream(self):
        """The body to be read piece by piece, as it arrives where the style allows that."""

        def opened():
            from io import BytesIO

            call = self._call
            if call.pieces is None:
                return BytesIO(call.body)
            from .body import opened

            return opened(call)

        return self._once("stream", opened)

    def get_data(self, cache=True, as_text=False, parse_form_data=False):
        return self.data.decode("utf-8", "replace") if as_text else self.data

    def get_json(self, force=False, silent=False, cache=True):
        """As Flask's: None or an error if the body is not said to be JSON, an error if it is not."""
        from .errors import Refusal
        from .flask_values import page
        from .values import HTML

        if not (force or self.is_json):
            if silent:
                return None
            text = "Did not attempt to load JSON data because the request Content-Type was not &#39;application/json&#39;."
            raise Refusal(415, page(415, "Unsupported Media Type", text), HTML)
        from json import loads

        try:
            return self._once("json", lambda: loads(self.data))
        except ValueError:
            if silent:
                return None
            text = "The browser (or proxy) sent a request that this server could not understand."
            raise Refusal(400, page(400, "Bad Request", text), HTML) from None

    @property
    def json(self):
        return self.get_json()

    @property
    def values(self):
        return self._once("values", lambda: texts().MultiDict([*self.args.items(True), *self.form.items(True)]))

    def __repr__(self):
        return f"<Request {self.url!r} [{self.method}]>"
