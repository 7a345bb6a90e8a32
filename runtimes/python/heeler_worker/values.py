"""Results of functions as answers: status, headers and body."""

TEXT = ["content-type", "text/plain; charset=utf-8"]
HTML = ["content-type", "text/html; charset=utf-8"]
JSON = ["content-type", "application/json"]
BINARY = ["content-type", "application/octet-stream"]


_encode = None


def dumped(value):
    global _encode
    if _encode is None:
        _encode = encoder()
    return _encode(value).encode("utf-8", "surrogatepass")


def encoder():
    """As `json.dumps`. The part of it that does the work is there without the rest, which is five milliseconds of imports."""
    try:
        from _json import encode_basestring_ascii, make_encoder

        def encode(value):
            return "".join(make_encoder({}, _plain, encode_basestring_ascii, None, ": ", ", ", False, False, True)(value, 0))

        if encode({"a": [1, 2.5, None]}) == '{"a": [1, 2.5, null]}':
            return encode
    except (ImportError, TypeError):
        pass
    # A Python that has it in another form, or has none.
    from json import JSONEncoder

    return JSONEncoder(default=_plain).encode


def _plain(value):
    """What JSON has no word for, and functions return all the same."""
    kind = type(value).__name__
    if kind == "Decimal":
        return int(value) if value == value.to_integral_value() else float(value)
    if kind in ("datetime", "date", "time"):
        return value.isoformat()
    if kind == "UUID":
        return str(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if isinstance(value, (bytes, bytearray)):
        from base64 import b64encode

        return b64encode(value).decode()
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    if hasattr(value, "to_dict"):
        return value.to_dict()
    raise TypeError(f"a result of type {type(value).__name__} cannot be told in JSON")


def body_of(value):
    """A value as a body, and the content type that fits it if nobody says another."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape"), TEXT
    if isinstance(value, bytes):
        return value, BINARY
    if value is None:
        return b"", []
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value), BINARY
    if isinstance(value, (dict, list, int, float, tuple)):
        return dumped(value), JSON
    if hasattr(value, "__aiter__") or hasattr(value, "__next__"):
        return value, TEXT
    return dumped(value), JSON


def flat_headers(headers):
    """Headers as a mapping (whose values may be lists) or pairs, as a flat list of text."""
    flat = []
    if not headers:
        return flat
    for name, value in headers.items() if hasattr(headers, "items") else headers:
        for each in value if isinstance(value, (list, tuple)) else (value,):
            flat.append(str(name))
            flat.append(each if isinstance(each, str) else "" if each is None else str(each))
    return flat


def with_type(flat, kind):
    """Headers and a content type, if they have none."""
    if not kind:
        return flat
    for name in flat[::2]:
        if name.lower() == "content-type":
            return flat
    return kind + flat if flat else kind


def status_of(value, default=200):
    """A status as functions give it: a number, its text, or `200 OK`."""
    if value is None:
        return default
    if isinstance(value, str):
        value = value.split(" ", 1)[0]
    status = int(value)
    if not 200 <= status <= 599:
        raise ValueError(f"a status of {status}: an answer's is from 200 to 599")
    return status


def unpacked(result):
    """(body, status), (body, headers), (body, status, headers): Flask's tuples."""
    body, status, headers = result[0], None, None
    for part in result[1:]:
        if hasattr(part, "items") or isinstance(part, list):
            headers = part
        else:
            status = part
    return body, status, headers


def response_like(value):
    """What looks like a response of a web framework, as status, headers and body; else None."""
    status = getattr(value, "status_code", None)
    headers = getattr(value, "headers", None)
    if status is None or headers is None:
        return None
    if hasattr(value, "get_data"):
        body = value.response if getattr(value, "is_streamed", False) else value.get_data()
    elif hasattr(value, "body_iterator"):
        body = value.body_iterator
    else:
        body = getattr(value, "body", getattr(value, "content", b""))
    if isinstance(body, str):
        body = body.encode()
    pairs = headers.items(True) if hasattr(headers, "getlist") and not hasattr(headers, "to_wsgi_list") else headers.items()
    return status_of(status), flat_headers(list(pairs)), b"" if body is None else body


def proxy_result(result):
    """A dictionary with `statusCode`, `headers`, `body`, as gateways take it: status, headers and the body's value."""
    status = status_of(result.get("statusCode"))
    headers = flat_headers(result.get("headers"))
    named = {name.lower() for name in headers[::2]}
    for name, values in (result.get("multiValueHeaders") or {}).items():
        if name.lower() not in named:
            headers += flat_headers([(name, values)])
    for cookie in result.get("cookies") or ():
        headers += ["set-cookie", cookie]
    body = result.get("body")
    if result.get("isBase64Encoded") and isinstance(body, (str, bytes)):
        from base64 import b64decode

        body = b64decode(body, validate=True)
    return status, headers, body
