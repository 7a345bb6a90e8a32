"""A batch of events: cut out of a call's body, and written as the JSON array that HTTP knows it by."""

from _struct import Struct

from .texts import content_type, is_json
from .values import dumped
from .wire import Broken

MEDIA_TYPE = "application/cloudevents-batch+json"
#: The lengths of an event's attributes and of its data.
_SIZES = Struct(">II").unpack_from
#: Headers that told of the body as it came.
_OLD = ("content-type", "content-length", "transfer-encoding")


class Part:
    """One event of a batch, with as much of an event's call as styles look at."""

    def __init__(self, attributes, body):
        self.attributes = attributes
        self.body = body

    def header(self, name, default=None):
        return self.attributes.get("datacontenttype", default) if name == "content-type" else default


def opened(call):
    """Makes of a call's body, which is here whole, its events; or the request that carries them."""
    call.events = list(parts(call.body, call.events))
    if call.connection.lists:
        return
    call.body = array((part.attributes, part.body) for part in call.events)
    call.events = None
    kept = [text for pair in call.headers if pair[0] not in _OLD for text in pair]
    call.head = [*call.head[:6], *kept, "content-type", MEDIA_TYPE, "content-length", str(len(call.body))]
    call.length = len(call.body)


def parts(body, count):
    at = 0
    for _ in range(count):
        if len(body) < at + 8:
            raise Broken("a batch has fewer events than it says")
        size, length = _SIZES(body, at)
        fields, data = body[at + 8 : at + 8 + size], at + 8 + size
        at = data + length
        if at > len(body) or size and fields[-1]:
            raise Broken("an event of a batch is longer than its body, or its attributes do not end")
        flat = fields[:-1].decode("utf-8", "replace").split("\0") if size else []
        if len(flat) % 2:
            raise Broken("an attribute of a batch has no value")
        yield Part(dict(zip(flat[::2], flat[1::2])), body[data:at])
    if at != len(body):
        raise Broken("a batch goes on behind its last event")


def array(events):
    """Pairs of attributes and data as JSON."""
    return b"[" + b",".join([_written(Part(*event)) for event in events]) + b"]"


def _written(part):
    written = dumped(part.attributes)[:-1]
    if part.body:
        text = _data(part)
        if text is None:
            from base64 import b64encode

            text = b', "data_base64": "' + b64encode(part.body) + b'"'
        else:
            text = b', "data": ' + text
        written += text
    return written + b"}"


def _data(part):
    """Data as a JSON value, its own text where it is JSON; None where it has to be base64."""
    kind, charset = content_type(part)
    if not kind or is_json(kind):
        return json_text(part.body)
    if (kind.startswith("text/") or kind.endswith(("/xml", "+xml"))) and charset in ("", "utf-8", "us-ascii"):
        try:
            return dumped(part.body.decode())
        except UnicodeDecodeError:
            pass
    return None


def json_text(body):
    """The bytes of a JSON value, without white space around it; None if they are none."""
    from json import loads

    try:
        # Numbers are not looked at: there are more of them in JSON than Python makes.
        loads(body.decode(), parse_int=len, parse_float=len, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return body.strip(b" \t\r\n")


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")
