"""One call: its head, its body as it arrives, and its answer as it leaves."""

from _collections import deque
from _thread import allocate_lock
from time import monotonic, perf_counter_ns

from . import wire
from .wire import LAST, WINDOW_BYTES, Broken


class Cancelled(OSError):
    """Nobody waits for this call any more; raised where a function reads its request or writes its answer."""


class Call:
    # What most calls never change stands here once, rather than in each.

    #: The whole body, or None while pieces of it are to come.
    body = None
    pieces = None
    complete = False
    #: Body bytes that heeler may still send, and those taken since it was last told of room.
    allowed = WINDOW_BYTES
    taken = 0
    #: begun: a function has it. replied: REPLY is out. over: our LAST is out.
    begun = replied = over = cancelled = False
    #: Why it was cancelled.
    reason = None
    #: The events of a batch, once they are here; how many there will be until then.
    events = None
    #: How many of the answer's first pairs are attributes: with any it is an event.
    own = 0
    #: Who waits for it, as a lock or as a function to call; the task that it runs in.
    bell = wake = task = None
    #: Printed lines that have no end yet, by their origin.
    lines = None

    def __init__(self, connection, stream, kind, version, attribute_count, head, millis, length):
        self.connection = connection
        self.stream = stream
        self.kind = kind
        self.version = version
        self.attribute_count = attribute_count
        #: method, path, query, scheme, peer, id; then pairs of attributes; then pairs of headers.
        self.head = head
        self.millis = millis
        if millis:
            self.arrived = monotonic()
        self.length = length
        #: Body bytes that we may still send.
        self.room = connection.window

    # The head

    @property
    def id(self):
        return self.head[5]

    @property
    def headers(self):
        """Pairs as they came, names in lower case."""
        head, at = self.head, 6 + 2 * self.attribute_count
        return list(zip(head[at::2], head[at + 1 :: 2]))

    @property
    def attributes(self):
        """The attributes of an event, by their bare names; text in full, not a byte a character."""
        flat = self.head[6 : 6 + 2 * self.attribute_count]
        return {name: utf8(value) for name, value in zip(flat[::2], flat[1::2])}

    def header(self, name, default=None):
        head = self.head
        for at in range(6 + 2 * self.attribute_count, len(head), 2):
            if head[at] == name:
                return head[at + 1]
        return default

    def remaining_millis(self):
        """Until the deadline; None without one."""
        return max(0, self.millis - int((monotonic() - self.arrived) * 1000)) if self.millis else None

    # The body, from heeler

    def arrive(self, piece, flags):
        """A piece of the body is here. The caller reads the socket."""
        connection = self.connection
        if self.complete:
            raise Broken(f"a body on stream {self.stream} goes on behind its end")
        self.allowed -= len(piece)
        if self.allowed < 0:
            raise Broken(f"more bytes on stream {self.stream} than its window allows")
        if flags & LAST:
            self.complete = True
            if self.over:
                connection.calls.pop(self.stream, None)
                return
            if self.pieces is None:
                self.body = piece
                self.whole()
                return
        if self.over or self.cancelled:
            # Nobody reads this; it flows on, so that heeler can end the stream.
            self.take(len(piece))
            return
        first = self.pieces is None
        if first:
            self.pieces = deque()
        if piece:
            self.pieces.append(piece)
        if not connection.whole and self.events is None:
            if first:
                connection.ready.append(self)
            self.ring()
            return
        if self.complete:
            self.body = b"".join(self.pieces)
            self.pieces = None
            self.whole()
        else:
            self.take(len(piece))

    def whole(self):
        """The body is here."""
        if self.events is not None:
            from .batch import opened

            opened(self)
        self.connection.ready.append(self)

    def take(self, count):
        """`count` bytes were used up: heeler may send more, which it hears in steps of half a window."""
        self.taken += count
        if self.taken * 2 >= WINDOW_BYTES and not self.complete:
            more, self.taken = self.taken, 0
            self.allowed += more
            self.connection.send(wire.window(self.stream, more))

    def has_piece(self):
        return bool(self.pieces) or self.complete or self.cancelled

    def next_piece(self):
        """What `has_piece` has promised: b"" is the body's end."""
        if self.cancelled:
            raise Cancelled("nobody waits for this call any more")
        if self.pieces is None:
            piece, self.body, self.pieces = self.body, b"", deque()
            return piece
        if not self.pieces:
            return b""
        piece = self.pieces.popleft()
        self.take(len(piece))
        return piece

    def read_piece(self):
        if not self.has_piece():
            self.connection.wait(self, self.has_piece)
        return self.next_piece()

    def read_all(self):
        """The body, or what is left of it."""
        if self.pieces is not None:
            self.body = b"".join(iter(self.read_piece, b""))
            self.pieces = None
        return self.body

    def read_past(self):
        """Reads what nobody wants: who answers before the request's end has come would have the connection cut."""
        if self.pieces is not None:
            for _ in iter(self.read_piece, b""):
                pass

    # The answer, to heeler

    def micros(self):
        return min((perf_counter_ns() - self.began) // 1000, 0xFFFF_FFFF)

    def finish(self, frame):
        """Sends the last frame of this call. A cancel that came first has the last word instead."""
        connection = self.connection
        if self.lines:
            self.flush_lines()
        with connection.writing:
            if self.over:
                return
            if self.cancelled:
                frame = wire.frame(wire.CANCELLED, LAST, self.stream)
            self.over = True
            if self.complete or self.cancelled or frame[4] == wire.ERROR:
                connection.calls.pop(self.stream, None)
            connection.put_last(frame)
        if not self.complete and not self.cancelled and self.pieces:
            # What has come and was not read: it must not hold up the rest of the body.
            self.take(sum(map(len, self.pieces)))
            self.pieces.clear()

    def answer(self, status, headers, body):
        """The whole answer at once: one frame if heeler's window and the greatest frame allow it."""
        fields = wire.head(headers)
        if len(body) <= self.room and len(body) + len(fields) + 12 <= wire.FRAME:
            self.replied = True
            self.finish(wire.reply(self.stream, status, fields, body, LAST, self.micros(), self.own))
            return True
        return False

    def begin(self, status, headers, piece=b""):
        """The head of an answer whose body follows; as much of its first piece as fits. Returns the rest."""
        fields = wire.head(headers)
        fits = max(0, min(self.room, wire.FRAME - 12 - len(fields), len(piece)))
        self.replied = True
        self.push(wire.reply(self.stream, status, fields, piece[:fits], 0, 0, self.own), fits)
        return piece[fits:]

    def write_some(self, piece):
        """As much of a piece as fits. Returns the rest."""
        if self.cancelled:
            raise Cancelled("nobody waits for this call any more")
        fits = min(self.room, wire.FRAME, len(piece))
        if fits:
            self.push(wire.data(self.stream, piece[:fits]), fits)
        return piece[fits:]

    def push(self, frame, count):
        connection = self.connection
        with connection.writing:
            if self.cancelled or self.over:
                raise Cancelled("nobody waits for this call any more")
            self.room -= count
            connection.put(frame)

    def has_room(self):
        return self.room > 0 or self.cancelled

    def write(self, piece):
        """A piece of the answer; waits until heeler has room for it."""
        while piece:
            if not self.has_room():
                self.connection.wait(self, self.has_room)
            piece = self.write_some(piece)

    def end(self, trailers=()):
        self.finish(wire.end(self.stream, self.micros(), trailers))

    # Waiting for either

    def listen(self, seconds):
        if self.bell is None:
            bell = allocate_lock()
            bell.acquire()
            self.bell = bell
        self.bell.acquire(True, seconds)

    def ring(self):
        """Something about this call has changed."""
        if self.wake is not None:
            self.wake()
        elif self.bell is not None:
            try:
                self.bell.release()
            except RuntimeError:
                pass  # It rings already.

    def stop(self):
        """Nobody waits for this call: tasks hear it, threads find out when they next read or write."""
        self.ring()
        if self.task is not None:
            self.connection.stop_task(self)

    def flush_lines(self):
        """Lines without an end."""
        for origin, text in self.lines.items():
            if text:
                self.lines[origin] = ""
                self.connection.send(wire.log(self.stream, wire.INFO, origin, text))


def utf8(text):
    """Text of a head, which holds a byte in each character, as what the bytes say."""
    if text.isascii():
        return text
    return text.encode("latin-1").decode("utf-8", "replace")
