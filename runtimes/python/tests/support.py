"""A worker as a real process, spoken to byte by byte over a socket pair."""

import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
RUNTIME = os.path.dirname(HERE)
ROOT = os.path.dirname(os.path.dirname(RUNTIME))
#: The interpreter under test.
PYTHON = os.environ.get("WORKER_PYTHON", sys.executable)
#: Longer than anything here takes on a busy machine.
PATIENCE = 30

HEADER = struct.Struct(">IBBHI")
HELLO, CALL, DATA, END, REPLY, ERROR, CANCEL, CANCELLED, WINDOW, PING, PONG, LOG, BYE = range(1, 14)
LAST = 1
WINDOW_BYTES = 262_144
#: What heeler's environment may hold and a test must not inherit.
FOREIGN = ("FUNCTION_TARGET", "FUNCTION_SOURCE", "FUNCTION_SIGNATURE_TYPE", "MOD_NAME", "FUNC_HANDLER", "_HANDLER")


class Frame:
    def __init__(self, kind, flags, stream, payload):
        self.kind, self.flags, self.stream, self.payload = kind, flags, stream, payload

    def __repr__(self):
        return f"Frame({self.kind}, {self.flags}, {self.stream}, {self.payload[:200]!r})"


def frame(kind, flags=0, stream=0, payload=b""):
    return HEADER.pack(len(payload), kind, flags, 0, stream) + payload


def fields(*texts):
    return "".join(text + "\0" for text in texts).encode("latin-1")


def hello(settings=None, window=WINDOW_BYTES, calls=0, version=1):
    pairs = [text for pair in (settings or {}).items() for text in pair]
    return frame(HELLO, payload=struct.pack(">HHII", version, 0, window, calls) + fields(*pairs))


def call(
    stream=1, method="POST", path="/", query="", headers=(), body=b"", kind=0, attributes=(), last=True,
    length=None, deadline=30_000, peer="127.0.0.1", identifier=None, version=11,
):  # fmt: skip
    if isinstance(headers, dict):
        headers = headers.items()
    if isinstance(attributes, dict):
        attributes = list(attributes.items())
    flat = [method, path, query, "http", peer, identifier or f"id-{stream}"]
    flat += [text for pair in attributes for text in pair] + [text for pair in headers for text in pair]
    head = fields(*flat)
    size = len(body) if last and length is None else length if length is not None else 2**64 - 1
    payload = struct.pack(">BBHIIQ", kind, version, len(attributes), len(head), deadline, size) + head + body
    return frame(CALL, LAST if last else 0, stream, payload)


class Answer:
    """What a worker said to one call."""

    def __init__(self):
        self.status = self.headers = self.error = None
        self.attributes = {}
        self.body = b""
        self.logs = []
        self.pieces = 0
        self.kind = self.micros = None
        self.wanted_status = None

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name), None)


def hear_interrupts():
    """In the child: what runs these tests may ignore them, as a shell's job in the background does, and hand that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Worker:
    def __init__(self, code=None, settings=None, *, files=None, env=None, calls=0, window=WINDOW_BYTES, python=None,
                 folder=None, greet=True, descriptor=None):  # fmt: skip
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = folder or self.temporary.name
        files = dict(files or {})
        if code is not None:
            files[(settings or {}).get("handler", "function.py").partition(":")[0]] = code
        for name, text in files.items():
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(textwrap.dedent(text))
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(PATIENCE)
        environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        environment.update(env or {})
        environment["HEELER_FD"] = str(theirs.fileno() if descriptor is None else descriptor)
        self.output = tempfile.TemporaryFile()
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [python or PYTHON, os.path.join(RUNTIME, "start.py")],
            cwd=self.folder, env=environment, pass_fds=[theirs.fileno()],
            stdin=theirs if descriptor == 0 else subprocess.DEVNULL, stdout=self.output, stderr=self.errors,
            preexec_fn=hear_interrupts,
        )  # fmt: skip
        theirs.close()
        self.logs = []
        self.said = {}
        self.newest = 0
        if greet:
            self.send(hello(settings, window, calls))
            first = self.frame()
            if first.kind != HELLO:
                raise AssertionError(f"{first} instead of a hello; it said {self.stderr()}")
            self.window, self.calls = struct.unpack_from(">II", first.payload, 4)
            texts = first.payload[12:].decode().split("\0")[:-1]
            self.said = dict(zip(texts[::2], texts[1::2]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            for file in (self.output, self.errors):
                file.close()
            self.temporary.cleanup()

    def stdout(self):
        return self.read(self.output)

    def stderr(self):
        return self.read(self.errors)

    def read(self, file):
        return os.pread(file.fileno(), 1 << 20, 0).decode()

    def send(self, data):
        self.socket.sendall(data)

    def exactly(self, count):
        got = b""
        while len(got) < count:
            more = self.socket.recv(count - len(got))
            if not more:
                raise EOFError(f"the worker has closed its socket after {got!r}; it said {self.stderr()}")
            got += more
        return got

    def frame(self):
        length, kind, flags, zero, stream = HEADER.unpack(self.exactly(12))
        assert zero == 0
        return Frame(kind, flags, stream, self.exactly(length))

    def next(self, *kinds):
        """The next frame that is no log; it has one of the kinds."""
        while True:
            got = self.frame()
            if got.kind == LOG:
                self.logs.append((got.stream, got.payload[0], got.payload[1], got.payload[2:].decode()))
                continue
            if kinds and got.kind not in kinds:
                raise AssertionError(f"{got} instead of {kinds}; it said {self.stderr()}")
            return got

    def answer(self, stream=1, grant=True):
        """Everything about one call, whose window is kept open."""
        answer = Answer()
        while True:
            got = self.next()
            if got.stream != stream:
                raise AssertionError(f"{got} is not for stream {stream}")
            if got.kind == ERROR:
                answer.kind, _, answer.wanted_status, answer.micros = struct.unpack_from(">BBHI", got.payload)
                answer.error = got.payload[8:].decode().split("\0")[:3]
            elif got.kind == REPLY:
                kind, count, answer.status, size, answer.micros = struct.unpack_from(">BBHII", got.payload)
                flat = got.payload[12 : 12 + size].decode("latin-1").split("\0")[:-1]
                own = flat[: 2 * count]
                answer.attributes = {name: value.encode("latin-1").decode() for name, value in zip(own[::2], own[1::2])}
                answer.headers = list(zip(flat[2 * count :: 2], flat[2 * count + 1 :: 2]))
                answer.body += got.payload[12 + size :]
                answer.pieces += 1
                self.grant(stream, len(got.payload) - 12 - size, got, grant)
            elif got.kind == DATA:
                answer.body += got.payload
                answer.pieces += 1
                self.grant(stream, len(got.payload), got, grant)
            elif got.kind == WINDOW:
                continue
            elif got.kind == END:
                answer.micros = struct.unpack_from(">I", got.payload)[0]
            elif got.kind == CANCELLED:
                answer.kind = "cancelled"
            if got.flags & LAST:
                answer.logs = [log[1:] for log in self.logs if log[0] == stream]
                return answer

    def grant(self, stream, count, got, really):
        if really and count and not got.flags & LAST:
            self.send(frame(WINDOW, 0, stream, struct.pack(">I", count)))

    def ask(self, **what):
        """One call and its answer."""
        self.newest += 1
        self.send(call(self.newest, **what))
        return self.answer(self.newest)

    def ended(self):
        """The exit code, after the socket has ended."""
        try:
            while self.socket.recv(65_536):
                pass
        except ConnectionError:
            pass
        return self.process.wait(PATIENCE)


def refused(case, code=None, settings=None, **more):
    """A worker that could not load its function: its ERROR's fields, exit code and standard error."""
    with Worker(code, settings, greet=False, **more) as worker:
        worker.send(hello(settings))
        got = worker.next(ERROR)
        case.assertEqual((got.stream, got.flags, got.payload[0]), (0, LAST, 3))
        told = got.payload[8:].decode().split("\0")[:3]
        return told, worker.ended(), worker.stderr()


def eventually(condition, what="it"):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come about in {PATIENCE} s")


class Case(unittest.TestCase):
    maxDiff = None

    def check(self, answer, status=200, body=None, kind=None):
        self.assertIsNone(answer.error, answer.error)
        self.assertEqual(answer.status, status)
        if body is not None:
            self.assertEqual(answer.body, body.encode() if isinstance(body, str) else body)
        if kind is not None:
            self.assertEqual(answer.header("content-type"), kind)
