"""Failures: of a call, as ERROR or as the style's own answer; of loading, as the last words of the worker."""

import os
import sys

from . import wire
from .call import Cancelled

#: Our own files are no news in the stack of a function.
OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


class LoadError(Exception):
    """The function cannot be had: the text says what was looked for and what was found."""


class Refusal(Exception):
    """A style's own answer instead of calling the function, such as 400 to what is no event."""

    def __init__(self, status, body, headers=()):
        super().__init__(body)
        self.status = status
        self.headers = headers or ["content-type", "text/plain; charset=utf-8"]
        self.body = body.encode() if isinstance(body, str) else body


class Unsupported(Exception):
    """The call is of a kind that the function does not take: heeler says so, with 415."""


def failed(call, error, adapter):
    """The function has raised something: the answer is the style's, or heeler's."""
    if call.connection.forked:
        _end_of_child(error)
    if isinstance(error, KeyboardInterrupt) and call.over:
        # Not the function's: it came between two calls, and means the worker.
        raise error
    try:
        _fail(call, error, adapter)
    except Cancelled:
        call.finish(b"")
    except Exception as worse:
        # The telling has failed too: the caller still has an answer, and the log a reason.
        told = type(error).__qualname__, f"(and telling it: {type(worse).__qualname__})", ""
        call.finish(wire.error(call.stream, wire.RAISED, 0, call.micros(), told))


def _fail(call, error, adapter):
    if call.over:
        return
    # What follows is no event, whatever could not be sent was.
    call.own = 0
    if isinstance(error, Refusal) and not call.replied:
        deliver(call, error.status, error.headers, error.body)
        return
    told = describe(error)
    unsupported = isinstance(error, Unsupported)
    own = None if call.replied or call.cancelled or unsupported else adapter.failed(call, error)
    if own is not None:
        from .output import tell

        tell(call, wire.SEVERE, told[2] or f"{told[0]}: {told[1]}")
        deliver(call, *own)
    else:
        status = 0 if call.replied else 415 if unsupported else adapter.error_status
        call.finish(wire.error(call.stream, wire.RAISED, status, call.micros(), told))


def deliver(call, status, headers, body):
    if not call.answer(status, headers, body):
        call.finish(wire.error(call.stream, wire.RAISED, status, call.micros(), ("Error", body.decode()[:1000], "")))


def describe(error):
    """Type, message and stack of an exception, the stack beginning with the function's own code."""
    try:
        import traceback
    except ImportError:
        # A function may take away whatever it likes.
        return type(error).__qualname__, str(error), ""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith((OURS, "<frozen importlib")):
        trace = trace.tb_next
    try:
        message = str(error)
    except Exception as worse:
        message = f"(its message could not be had: {type(worse).__name__})"
    try:
        stack = "".join(traceback.format_exception(type(error), error, trace))
    except Exception:
        stack = ""
    return type(error).__qualname__, message, stack


def _end_of_child(error):
    """A process that a function has forked, back from its code: it must not serve, and may not speak for its parent."""
    code = 0
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    elif not isinstance(error, OSError):
        sys.stderr.write(describe(error)[2])
        code = 1
    from .connection import leave

    leave(code)


def load_failed(connection, error):
    """Tells heeler why there is no function here, and ends. It is heeler that puts all of it into its last lines."""
    told = describe(error)
    cause = error.__cause__ if isinstance(error, LoadError) else error
    stack = describe(cause)[2] if cause is not None else ""
    connection.send(wire.error(0, wire.NOT_LOADED, 0, 0, (told[0], told[1], stack)))
    from .connection import leave

    leave(1)
