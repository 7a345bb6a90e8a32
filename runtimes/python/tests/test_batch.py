"""Calls that come several at a time: quick ones are answered in one write, and none waits for a slow one beside it."""

import os
import struct
import time
import unittest

from support import BYE, CANCEL, REPLY, Case, Worker, call, eventually, frame

#: What a path does: `/wait` until the test lets go, without Python's lock; `/spin` until another call sets the flag, with it.
SYNC = """
    import gc, os
    flag = []
    def found(name):
        return next(each for each in gc.get_objects() if type(each).__name__ == name)
    class Counting:
        def __init__(self, sock):
            self.sock, self.sends = sock, 0
        def sendall(self, data):
            self.sends += 1
            self.sock.sendall(data)
        def __getattr__(self, name):
            return getattr(self.sock, name)
    def sends():
        connection = found("Connection")
        if type(connection.sock) is not Counting:
            connection.sock = Counting(connection.sock)
        return str(connection.sock.sends)
    def handle(request):
        path = request.path
        if path == "/wait":
            with open("gate") as gate:
                gate.read()
        elif path == "/spin":
            while not flag:
                pass
        elif path == "/go":
            flag.append(True)
        elif path == "/note":
            with open("notes", "a") as notes:
                notes.write("x")
        elif path == "/fork":
            child = os.fork()
            if child:
                return str(os.waitpid(child, 0)[1])
        elif path == "/brief":
            return str(found("Guard").brief)
        elif path == "/sends":
            return sends()
        return path
"""

ASYNC = """
    import gc
    async def app(scope, receive, send):
        path = scope["path"]
        if path == "/wait":
            with open("gate") as gate:
                gate.read()
        if path == "/brief":
            path = str(next(each for each in gc.get_objects() if type(each).__name__ == "Guard").brief)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-path", path.encode())]})
        await send({"type": "http.response.body", "body": path.encode()})
"""


class Batches(Case):
    def worker(self, code, **settings):
        worker = Worker(code, {"handler": "function.py", **settings}, calls=16)
        self.addCleanup(worker.close)
        return worker

    def send(self, worker, *paths):
        """Sends calls in one write; returns what they are by stream."""
        streams = range(worker.newest + 1, worker.newest + 1 + len(paths))
        worker.newest += len(paths)
        worker.send(b"".join(call(stream, path=path) for stream, path in zip(streams, paths)))
        return dict(zip(streams, paths))

    def take(self, worker, sent):
        got = worker.next(REPLY)
        path = sent.pop(got.stream)
        self.assertEqual(got.payload[-len(path) :].decode(), path)
        return path

    def ask_all(self, worker, *paths):
        sent = self.send(worker, *paths)
        bodies = {}
        while sent:
            got = worker.next(REPLY)
            size = struct.unpack_from(">I", got.payload, 4)[0]
            bodies[sent.pop(got.stream)] = got.payload[12 + size :].decode()
        return bodies

    def warm(self, worker):
        """Calls until the worker has seen that they come several at a time."""
        eventually(lambda: self.ask_all(worker, *["/"] * 8, "/brief")["/brief"] == "True", "looking often")

    def held_up(self, code, *, free, **settings):
        """Quick calls, one that waits, and more quick ones, of which `free` must be done while it still does."""
        worker = self.worker(code, **settings)
        gate = os.path.join(worker.folder, "gate")
        os.mkfifo(gate)
        self.warm(worker)
        sent = self.send(worker, "/a", "/b", "/wait", "/c", "/d")
        early = {self.take(worker, sent) for _ in free}
        self.assertEqual(early, set(free))
        with open(gate, "w"):
            pass
        while sent:
            self.take(worker, sent)
        # And the worker is as good as before.
        self.warm(worker)

    def test_quick_answers_leave_together(self):
        worker = self.worker(SYNC)

        def together():
            self.warm(worker)
            before = int(self.ask_all(worker, "/sends")["/sends"])
            self.ask_all(worker, *["/"] * 12)
            return int(self.ask_all(worker, "/sends")["/sends"]) - before <= 7

        eventually(together, "one write for several answers")

    def test_a_blocking_function_holds_up_nobody(self):
        self.held_up(SYNC, free=["/a", "/b", "/c", "/d"])

    def test_a_loop_that_is_blocked_holds_up_no_answer(self):
        self.held_up(ASYNC, free=["/a", "/b"], handler_style="asgi", handler="function.py:app")

    def test_a_busy_function_holds_up_nobody(self):
        worker = self.worker(SYNC)
        self.warm(worker)
        sent = self.send(worker, "/a", "/spin", "/b")
        self.assertEqual({self.take(worker, sent), self.take(worker, sent)}, {"/a", "/b"})
        sent.update(self.send(worker, "/go"))
        self.assertEqual({self.take(worker, sent), self.take(worker, sent)}, {"/spin", "/go"})

    def test_finished_answers_wait_for_a_moment_only(self):
        """The quick answers before a slow one are there long before a look of the guard at rest would send them."""
        worker = self.worker(SYNC)
        os.mkfifo(os.path.join(worker.folder, "gate"))
        waited = []
        for _ in range(5):
            self.warm(worker)
            began = time.monotonic()
            sent = self.send(worker, "/a", "/wait")
            self.take(worker, sent)
            waited.append(time.monotonic() - began)
            with open(os.path.join(worker.folder, "gate"), "w"):
                pass
            self.take(worker, sent)
        self.assertLess(min(waited), 0.01)

    def test_no_answer_is_lost_at_the_end(self):
        """The last call of a batch is cancelled, so it is not the one to take the others' answers along."""
        worker = self.worker(SYNC)
        self.warm(worker)
        first, second = worker.newest + 1, worker.newest + 2
        worker.send(call(first, path="/a") + call(second, path="/b") + frame(CANCEL, 0, second, b"\0") + frame(BYE))
        got = {worker.next().stream: True for _ in range(2)}
        self.assertEqual(set(got), {first, second})
        self.assertEqual(worker.ended(), 0)

    def test_a_fork_answers_nothing_and_goes_on_with_nothing(self):
        worker = self.worker(SYNC)
        self.warm(worker)
        for _ in range(20):
            bodies = self.ask_all(worker, "/fork", "/note", "/b")
            self.assertEqual(bodies["/fork"], "0")
        with open(os.path.join(worker.folder, "notes")) as notes:
            self.assertEqual(notes.read(), "x" * 20)

    def test_prints_stay_with_their_calls(self):
        worker = self.worker("def handle(request):\n    print('says ' + request.path)\n    return request.path\n")
        for _ in range(20):
            sent = self.send(worker, *[f"/{number}" for number in range(10)])
            expected = {(stream, "says " + path) for stream, path in sent.items()}
            worker.logs.clear()
            while sent:
                self.take(worker, sent)
            self.assertEqual({(log[0], log[3]) for log in worker.logs}, expected)


if __name__ == "__main__":
    unittest.main()
