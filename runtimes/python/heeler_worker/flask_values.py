"""What Flask takes as a response, and as what, for functions written for Flask where Flask is not installed."""

from .values import HTML, JSON, _plain, flat_headers, response_like, status_of, unpacked


def flask_value(result):
    """What Flask takes as a response: status, headers, body."""
    if isinstance(result, str):
        return 200, HTML, result.encode()
    if isinstance(result, (bytes, bytearray)):
        return 200, HTML, bytes(result)
    if isinstance(result, tuple) and 2 <= len(result) <= 3:
        value, status, headers = unpacked(result)
        inner, own, body = flask_value(value)
        flat = flat_headers(headers)
        named = {name.lower() for name in flat[::2]}
        kept = [text for pair in zip(own[::2], own[1::2]) if pair[0].lower() not in named for text in pair]
        return inner if status is None else status_of(status), kept + flat, body
    if isinstance(result, (dict, list)):
        return 200, JSON, flask_json(result)
    known = response_like(result)
    if known is not None:
        return known
    if hasattr(result, "__next__") or hasattr(result, "__aiter__"):
        return 200, HTML, result
    raise TypeError(
        f"the function returned {type(result).__name__}; an answer is a str, bytes, dict, list, tuple, response or generator"
    )


def page(status, name, text):
    """Werkzeug's page for an error."""
    return f"<!doctype html>\n<html lang=en>\n<title>{status} {name}</title>\n<h1>{name}</h1>\n<p>{text}</p>\n"


def flask_json(value):
    """The very bytes of Flask's `jsonify`."""
    from json import dumps

    return dumps(value, sort_keys=True, separators=(",", ":"), default=_plain).encode() + b"\n"
