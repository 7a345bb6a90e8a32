"""What functions print: whole lines of a call go to heeler with the call's number, everything else where it always goes.

`sys.stdout` and `sys.stderr` become streams that know the call they are used in. Whoever takes their `buffer` or
`fileno()` has the real one.
"""

import sys
from _contextvars import ContextVar, copy_context
from io import TextIOBase

from . import wire

#: The call that this code runs for; it follows tasks, and threads that take the context along.
current = ContextVar("heeler_call", default=None)

#: More of a line than this goes in pieces.
LONGEST = 32_768

#: What the handler's file has set in the context while it was loaded; each call begins from it.
_base = None


class CallStream(TextIOBase):
    """Text that goes to the log of the call that prints it."""

    def __init__(self, real, origin):
        self._real = real
        self._origin = origin

    def write(self, text):
        call = current.get()
        if call is None or call.over:
            return self._real.write(text)
        lines = call.lines
        if lines is None:
            lines = call.lines = {}
        origin = self._origin
        whole = lines.get(origin, "") + text
        if "\n" in text:
            *done, whole = whole.split("\n")
            frames = b"".join([piece for line in done for piece in pieces(call.stream, origin, line)])
            lines[origin] = whole
            call.connection.send(frames)
        elif len(whole) > LONGEST:
            lines[origin] = ""
            call.connection.send(b"".join(pieces(call.stream, origin, whole)))
        else:
            lines[origin] = whole
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        self._real.flush()

    def writable(self):
        return True

    def readable(self):
        return False

    def isatty(self):
        return self._real.isatty()

    def fileno(self):
        return self._real.fileno()

    def close(self):
        """A function that closes its standard output means its own; other calls still print."""

    def detach(self):
        return self._real.detach()

    encoding = property(lambda self: self._real.encoding)
    errors = property(lambda self: self._real.errors)
    newlines = property(lambda self: self._real.newlines)
    closed = property(lambda self: self._real.closed)
    buffer = property(lambda self: self._real.buffer)

    def __getattr__(self, name):
        return getattr(self._real, name)


def pieces(stream, origin, line):
    if len(line) <= LONGEST:
        return [wire.log(stream, wire.INFO, origin, line)]
    return [
        wire.log(stream, wire.INFO, origin, line[at : at + LONGEST]) for at in range(0, len(line), LONGEST)
    ]


def install():
    """Before the handler's file is loaded, since what it loads may keep the streams that it finds."""
    if sys.stdout is not None:
        # Lines, not blocks: what was printed before a crash is what explains it.
        sys.stdout.reconfigure(line_buffering=True)
        sys.stdout = CallStream(sys.stdout, wire.STDOUT)
    if sys.stderr is not None:
        sys.stderr = CallStream(sys.stderr, wire.STDERR)


def loaded():
    """After the handler's file is loaded: what its context holds from now on is what each call begins with."""
    global _base
    _base = copy_context()
    logging = sys.modules.get("logging")
    if logging is not None:
        _carry_levels(logging)


def _carry_levels(logging):
    """Warnings of loggers that nobody has given a handler are printed bare; theirs go with their level instead."""

    class Carrier(logging.Handler):
        def emit(self, record):
            call = current.get()
            if call is None or call.over:
                plain.handle(record)
                return
            level = wire.SEVERE if record.levelno >= logging.ERROR else wire.WARNING
            for line in self.format(record).split("\n"):
                call.connection.send(wire.log(call.stream, level, wire.LOGGER, line[:LONGEST]))

    plain = logging.lastResort
    if plain is not None:
        logging.lastResort = Carrier(plain.level)


def run_in(call, function, argument):
    """Runs a function for a call, in a context of its own."""
    return _base.copy().run(_enter, call, function, argument)


def _enter(call, function, argument):
    current.set(call)
    return function(argument)


def context_of(call):
    """A context for a call's task."""
    context = _base.copy()
    context.run(current.set, call)
    return context


def tell(call, level, text):
    """Lines of ours about a call, for its log."""
    frames = [wire.log(call.stream, level, wire.LOGGER, line[:LONGEST]) for line in text.rstrip("\n").split("\n")]
    call.connection.send(b"".join(frames))
