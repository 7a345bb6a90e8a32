"""The socket to heeler: who reads it, what each frame does, and that one frame is written at a time.

Whoever needs a frame reads the socket itself, if nobody else does: the main thread between two calls, a function in
the middle of its body, the guard while both are busy. So a small call costs one read and one write in one thread.
`reading` is held from reading the bytes to doing what their frames say, so that these stay in order.
"""

import os
import sys
from _collections import deque
from _thread import allocate_lock
from time import perf_counter_ns

from . import wire
from .call import Call
from .wire import LAST, Broken

#: Not to block although the socket does: heeler's side and ours do not share that setting with what we start.
DONT_WAIT = 0x40
#: For so long finished answers may wait for the next one, to leave in one write.
HOLD_NS = 100_000
#: How long to wait for somebody else's reading before looking whether they still do.
PATIENCE = 0.02


class Connection:
    def __init__(self, sock):
        self.sock = sock
        self.buffer = bytearray(wire.HEADER_SIZE + wire.FRAME)
        self.view = memoryview(self.buffer)
        self.start = self.end = 0
        self.reading = allocate_lock()
        self.writing = allocate_lock()
        #: Last frames of calls that wait to be sent together, since when, and whether more may join them.
        self.held = []
        self.held_since = 0
        self.holding = False
        #: Calls whose stream is open, by its number.
        self.calls = {}
        #: Calls that a function may begin with.
        self.ready = deque()
        #: The newest stream; frames for an older one that is over may have crossed its end.
        self.newest = 0
        self.wrapped = False
        #: How often somebody has read, for the guard.
        self.reads = 0
        #: Called when a call comes and the guard sleeps.
        self.wake_guard = None
        #: Called with calls in `ready` when the main thread is in the middle of one itself, by who holds `reading`:
        #: the next to read might wait long, and nobody would begin with them.
        self.spill = None
        #: Whether functions want their request whole; else they begin with its first piece.
        self.whole = True
        #: Whether functions take a batch as a list of events; else it is the request that carries one.
        self.lists = False
        #: Body bytes that heeler takes on each stream at first.
        self.window = wire.WINDOW_LEAST
        #: Who answers PING's questions, each as a function that says (yes, text): is it alive, could it take a call.
        self.alive = self.can_take = lambda: (True, "")
        #: Called with a task whose call was cancelled.
        self.stop_task = None
        self.leaving = False
        self.forked = False
        self.settings = None
        self.handlers = {
            wire.CALL: self.on_call,
            wire.DATA: self.on_data,
            wire.END: self.on_end,
            wire.CANCEL: self.on_cancel,
            wire.WINDOW: self.on_window,
            wire.PING: self.on_ping,
            wire.BYE: self.on_bye,
        }

    # Reading

    def pump(self, flags=0):
        """Reads once and does what the frames say. The caller holds `reading`."""
        buffer, end = self.buffer, self.end
        try:
            got = self.sock.recv_into(self.view[end:] if end else buffer, 0, flags)
        except BlockingIOError:
            return
        except OSError as error:
            self.gone(error)
        if not got:
            self.gone(None)
        self.reads += 1
        start, end = self.start, end + got
        try:
            while end - start >= 12:
                length, kind, flags, zero, stream = wire.HEADER.unpack_from(buffer, start)
                if length > wire.FRAME or zero or (kind < 128 and (flags & ~LAST or stream > wire.STREAM_MOST)):
                    raise Broken(f"header {bytes(buffer[start:start + 12]).hex()}")
                stop = start + 12 + length
                if stop > end:
                    break
                handle = self.handlers.get(kind)
                if handle is not None:
                    handle(stream, flags, start + 12, stop)
                elif kind < 128:
                    raise Broken(f"a frame of type {kind}")
                start = stop
        except Broken as error:
            self.broken(error)
        if start == end:
            self.start = self.end = 0
        else:
            # What is left is the beginning of a frame; at the front there is room for all of it.
            if start:
                buffer[: end - start] = buffer[start:end]
            self.start, self.end = 0, end - start

    def wait(self, call, ready):
        """Blocks the function's thread until `ready()`, which frames for `call` bring about."""
        while not ready():
            if self.reading.acquire(False):
                try:
                    if not ready():
                        self.pump()
                    if self.ready and self.spill is not None:
                        self.spill()
                finally:
                    self.reading.release()
            else:
                call.listen(PATIENCE)

    # Frames of heeler

    def on_call(self, stream, flags, at, stop):
        if stop - at < 20:
            raise Broken("a call is shorter than its head")
        if not stream or stream in self.calls:
            raise Broken(f"a call on stream {stream}")
        if stream < self.newest:
            self.wrapped = True
        self.newest = stream
        kind, version, attributes, size, millis, length = wire.CALL_HEAD.unpack_from(self.buffer, at)
        at += 20
        body = at + size
        if kind > wire.BATCH or body > stop or not size or self.buffer[body - 1]:
            raise Broken("a call's head is longer than its frame, or does not end")
        head = self.buffer[at : body - 1].decode("latin-1").split("\0")
        events = None
        if kind == wire.BATCH:
            events, attributes = attributes, 0
        if len(head) % 2 or len(head) < 6 + 2 * attributes:
            raise Broken(f"a call's head has {len(head)} fields")
        call = Call(self, stream, kind, version, attributes, head, millis, length)
        if events is not None:
            call.events = events
        self.calls[stream] = call
        call.arrive(bytes(self.view[body:stop]), flags)
        if self.wake_guard is not None:
            self.wake_guard()

    def on_data(self, stream, flags, at, stop):
        call = self.open_call(stream)
        if call is not None:
            call.arrive(bytes(self.view[at:stop]), flags)

    def on_end(self, stream, flags, at, stop):
        if not flags & LAST:
            raise Broken("an end that is not the last")
        wire.pairs(bytes(self.view[at:stop]))
        call = self.open_call(stream)
        if call is not None:
            call.arrive(b"", flags)

    def on_cancel(self, stream, flags, at, stop):
        if stop - at != 1 or self.buffer[at] > 2:
            raise Broken("a cancel without its reason")
        call = self.open_call(stream)
        if call is None or call.cancelled:
            return
        with self.writing:
            if call.over:
                # Our LAST has crossed the cancel.
                self.calls.pop(stream, None)
                return
            call.cancelled = True
            if not call.begun:
                call.over = True
                self.calls.pop(stream, None)
                self.put(wire.frame(wire.CANCELLED, LAST, stream))
                return
            call.reason = self.buffer[at]
            self.put(wire.frame(wire.CANCELLED, 0, stream))
        call.stop()

    def on_window(self, stream, flags, at, stop):
        if stop - at != 4:
            raise Broken("a window that is not 4 bytes")
        call = self.open_call(stream)
        if call is not None:
            call.room += wire.number(self.buffer, at)[0]
            call.ring()

    def on_ping(self, stream, flags, at, stop):
        if stream or stop - at != 1 or self.buffer[at] > 1:
            raise Broken("a ping without its question")
        question = self.buffer[at]
        answer, text = self.can_take() if question else self.alive()
        self.send(wire.pong(question, int(answer), text))

    def on_bye(self, stream, flags, at, stop):
        if stream:
            raise Broken("a bye on a stream")
        self.leaving = True

    def open_call(self, stream):
        call = self.calls.get(stream)
        if call is None and (not stream or stream > self.newest and not self.wrapped):
            raise Broken(f"stream {stream} was never opened")
        return call

    # Writing

    def put(self, frame):
        """Writes a frame, behind those that are held. The caller holds `writing`."""
        if self.held:
            self.held.append(frame)
            frame = b"".join(self.held)
            self.held.clear()
        try:
            self.sock.sendall(frame)
        except OSError as error:
            self.gone(error)

    def put_last(self, frame):
        """Writes the last frame of a call, or holds it for the next one's. The caller holds `writing`."""
        if self.holding:
            if not self.held:
                self.held_since = perf_counter_ns()
                self.held.append(frame)
                return
            if perf_counter_ns() - self.held_since < HOLD_NS:
                self.held.append(frame)
                return
        self.put(frame)

    def let_go(self):
        """Writes what is held. Whoever finds it held for too long does this, from whatever thread."""
        with self.writing:
            if self.held:
                self.put(b"")

    def send(self, frame):
        with self.writing:
            self.put(frame)

    # Ends

    def gone(self, error):
        """The socket's end ends the worker, and a forked copy of the worker that is done with its own work."""
        leave(0)

    def broken(self, error):
        complain(f"heeler's frames are broken: {error}")
        leave(70)

    def in_child(self):
        """In a forked process: the socket is the parent's, and nobody may be waited for."""
        self.forked = True
        self.sock.close()
        # What is held is for the parent to send; and the next answer must find out that it has nowhere to go.
        self.held, self.holding = [], False
        self.reading, self.writing = allocate_lock(), allocate_lock()


def complain(line):
    try:
        os.write(2, f"heeler_worker: {line}\n".encode("utf-8", "replace"))
    except OSError:
        pass


def leave(code):
    """Ends the process from whatever thread, with what was printed."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    os._exit(code)
