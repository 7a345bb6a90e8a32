"""The frames of the worker protocol (docs/wire.md), as pure functions from values to bytes."""

from _struct import Struct

VERSION = 1
LAST = 1
#: The most bytes behind a frame's header.
FRAME = 262_144
HEADER_SIZE = 12
#: Body bytes that we take on each stream before we say more.
WINDOW_BYTES = 262_144
WINDOW_LEAST, WINDOW_MOST = 65_536, 16_777_216
STREAM_MOST = 2_147_483_647
UNKNOWN_LENGTH = 0xFFFF_FFFF_FFFF_FFFF

HELLO, CALL, DATA, END, REPLY, ERROR, CANCEL, CANCELLED, WINDOW, PING, PONG, LOG, BYE = range(1, 14)
REQUEST, EVENT, BATCH = range(3)
#: Kinds of ERROR.
RAISED, CRASHED, TOO_LATE, NOT_LOADED = range(4)
#: Why a call is cancelled: the caller left. The others are its deadline and heeler's end.
LEFT = 0
#: Levels and origins of LOG.
DEBUG, INFO, WARNING, SEVERE = range(4)
STDOUT, STDERR, LOGGER = 1, 2, 3

HEADER = Struct(">IBBHI")
CALL_HEAD = Struct(">BBHIIQ")
HELLO_HEAD = Struct(">HHII")
WHOLE_CALL = Struct(">IBBHIBBHIIQ")
_REPLY = Struct(">IBBHIBBHII").pack
_ERROR = Struct(">IBBHIBBHI").pack
_NUMBER = Struct(">I")
_header = HEADER.pack
number = _NUMBER.unpack_from


class Broken(Exception):
    """The other side does not keep to the protocol."""


def frame(kind, flags, stream, payload=b""):
    return _header(len(payload), kind, flags, 0, stream) + payload


def fields(texts, encoding="utf-8"):
    """Text fields, each ended by one NUL. A NUL within one would make two of it, so it becomes a space."""
    if not texts:
        return b""
    return ("\0".join([text.replace("\0", " ") for text in texts]) + "\0").encode(encoding, "replace")


def head(flat):
    """Names and values of headers, one after the other. WSGI's rule: each character is one byte; or bytes, as ASGI has it."""
    if not flat:
        return b""
    if type(flat[0]) is bytes:
        encoded = b"\0".join(flat) + b"\0"
        if encoded.count(b"\0") != len(flat):
            raise ValueError("a header of the answer holds a NUL byte")
        return encoded
    try:
        encoded = ("\0".join(flat) + "\0").encode("latin-1")
    except UnicodeEncodeError:
        encoded = ("\0".join(flat) + "\0").encode("utf-8")
    if encoded.count(b"\0") != len(flat):
        raise ValueError("a header of the answer holds a NUL byte")
    return encoded


def pairs(payload):
    """The pairs of HELLO or END as a dictionary."""
    if not payload:
        return {}
    if payload[-1]:
        raise Broken("pairs do not end with NUL")
    texts = payload[:-1].decode("utf-8", "surrogateescape").split("\0")
    if len(texts) % 2:
        raise Broken("a name has no value")
    return dict(zip(texts[::2], texts[1::2]))


def hello(window, calls, about):
    flat = [text for pair in about.items() for text in pair]
    return frame(HELLO, 0, 0, HELLO_HEAD.pack(VERSION, 0, window, calls) + fields(flat))


def reply(stream, status, fields, body, flags, micros, attributes=0):
    """REPLY with the head of an answer, whose `fields` are encoded already, and the first piece of its body.

    With `attributes` it is an event: so many of the first pairs of its fields are its own.
    """
    kind, length = 1 if attributes else 0, len(fields)
    return (
        _REPLY(12 + length + len(body), REPLY, flags, 0, stream, kind, attributes, status, length, micros) + fields + body
    )


def data(stream, piece, flags=0):
    return _header(len(piece), DATA, flags, 0, stream) + piece


def end(stream, micros, trailers=()):
    return frame(END, LAST, stream, _NUMBER.pack(micros) + head(trailers))


def error(stream, kind, status, micros, told):
    """ERROR with `told`: type, message and stack."""
    type_name, message, stack = told
    # Too long a message must not make too long a frame; the end of a stack says more than its beginning.
    text = fields([type_name[:1000], message[:20_000], stack[-40_000:]])
    return _ERROR(8 + len(text), ERROR, LAST, 0, stream, kind, 0, status, micros) + text


def log(stream, level, origin, line):
    payload = bytes((level, origin)) + line.encode("utf-8", "replace")
    return _header(len(payload), LOG, 0, 0, stream) + payload


def window(stream, more):
    return frame(WINDOW, 0, stream, _NUMBER.pack(more))


def pong(question, answer, text=""):
    return frame(PONG, 0, 0, bytes((question, answer)) + text.encode())
