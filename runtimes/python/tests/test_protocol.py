"""Calls, cancels, windows, pings and the end, as docs/wire.md has them."""

import os
import signal
import struct
import threading
import unittest

from support import (
    BYE, CANCEL, CANCELLED, DATA, END, ERROR, HELLO, LAST, PING, PONG, REPLY, WINDOW, WINDOW_BYTES,
    Case, Worker, call, eventually, frame, hello,
)  # fmt: skip

ECHO = "def handle(request):\n    return request.data\n"
#: A function that waits until a file is there, and says by another that it runs.
GATE = """
import os, time

def handle(request):
    print("running", flush=True)
    while not os.path.exists("gate" + request.path.replace("/", "-")):
        time.sleep(0.005)
    return "done"
"""
ASYNC_GATE = """
import asyncio, os

async def handle(request):
    print("running", flush=True)
    try:
        while not os.path.exists("gate" + request.path.replace("/", "-")):
            await asyncio.sleep(0.005)
    finally:
        print("left", flush=True)
    return "done"
"""


def opened(worker, path="/"):
    with open(os.path.join(worker.folder, "gate" + path.replace("/", "-")), "w"):
        pass


class Hello(Case):
    def test_says_what_it_is(self):
        with Worker(ECHO, {"handler_style": "hks"}) as worker:
            self.assertEqual((worker.window, worker.calls), (WINDOW_BYTES, 4))
            self.assertEqual(worker.said["language"], "python")
            self.assertEqual(worker.said["function"], "function.handle")
            self.assertEqual(worker.said["style"], "hks")

    def test_calls_at_once(self):
        for code, allowed, said in ((ECHO, 0, 12), (ECHO, 7, 7), ("async " + ECHO, 0, 1000), ("async " + ECHO, 3, 3)):
            with self.subTest(allowed=allowed, said=said), Worker(code, {"processors": "3"}, calls=allowed) as worker:
                self.assertEqual(worker.calls, said)
        for style, code in (("lambda", "def handler(event, context): pass"), ("kubeless", "def handle(event, context): pass")):
            with self.subTest(style), Worker(code, {"handler_style": style}) as worker:
                self.assertEqual(worker.calls, 1)

    def test_hello_in_pieces(self):
        with Worker(ECHO, greet=False) as worker:
            for byte in hello():
                worker.send(bytes((byte,)))
            self.assertEqual(worker.next().kind, HELLO)

    def test_without_a_socket(self):
        with Worker(ECHO, greet=False, descriptor="x") as worker:
            self.assertEqual(worker.process.wait(30), 64)
            self.assertIn("HEELER_FD: 'x' is no descriptor", worker.stderr())

    def test_on_standard_input(self):
        code = "import sys\ndef handle(request):\n    return repr(sys.stdin.read())\n"
        with Worker(code, descriptor=0) as worker:
            self.check(worker.ask(), 200, "''")


class Bodies(Case):
    def test_one_byte_at_a_time(self):
        with Worker(ECHO) as worker:
            for byte in call(1, body=b"slow"):
                worker.send(bytes((byte,)))
            self.check(worker.answer(), 200, b"slow")

    def test_calls_in_one_write(self):
        with Worker(ECHO, calls=1) as worker:
            worker.send(b"".join(call(n, body=b"%d" % n) for n in range(1, 50)))
            for number in range(1, 50):
                self.check(worker.answer(number), 200, b"%d" % number)

    def test_long_both_ways(self):
        body = os.urandom(3_000_000)
        for code in (ECHO, "async " + ECHO):
            with self.subTest(code), Worker(code) as worker:
                sender = threading.Thread(target=send_body, args=(worker, 1, body))
                sender.start()
                answer = worker.answer()
                sender.join()
                self.check(answer, 200, body)
                self.assertEqual(answer.header("content-length"), "3000000")

    def test_answer_waits_for_its_window(self):
        code = "def handle(request):\n    return bytes(200_000) if request.path == '/long' else 'short'\n"
        with Worker(code, window=65_536, calls=2) as worker:
            worker.send(call(1, path="/long"))
            got = worker.next(REPLY)
            count = len(got.payload) - 12 - struct.unpack_from(">I", got.payload, 4)[0]
            self.assertEqual(count, 65_536)
            # Another call goes on meanwhile.
            worker.send(call(2))
            self.check(worker.answer(2), 200, "short")
            worker.send(frame(WINDOW, 0, 1, struct.pack(">I", 100_000)))
            got = worker.next(DATA)
            self.assertEqual(len(got.payload), 100_000)
            worker.send(frame(WINDOW, 0, 1, struct.pack(">I", 100_000)))
            self.assertEqual(len(worker.next(DATA).payload), 200_000 - 165_536)
            self.assertEqual(worker.next(END).flags, LAST)

    def test_answer_before_the_request_has_come(self):
        code = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'early']\n"
        with Worker(code, {"handler_style": "wsgi"}) as worker:
            worker.send(call(1, body=b"x", last=False))
            self.check(worker.answer(), 200, "early")
            # heeler may send on, and hears of room for it.
            for _ in range(4):
                worker.send(frame(DATA, 0, 1, bytes(131_072)))
                self.assertEqual(worker.next(WINDOW).stream, 1)
            worker.send(frame(END, LAST, 1) + call(1))
            self.check(worker.answer(), 200, "early")

    def test_more_than_the_window(self):
        code = GATE.replace("(request)", "(environ, start_response)").replace("request.path", "''").replace("handle", "app")
        with Worker(code, {"handler_style": "wsgi"}) as worker:
            worker.send(call(1, last=False, body=b"x"))
            worker.send(frame(DATA, 0, 1, bytes(WINDOW_BYTES)))
            self.assertEqual(worker.ended(), 70)


def send_body(worker, stream, body):
    """The whole body; this worker gives room as it takes, and the test reads its frames, so some may be in flight."""
    worker.send(call(stream, last=False, length=len(body)))
    for at in range(0, len(body), 65_536):
        worker.send(frame(DATA, 0, stream, body[at : at + 65_536]))
    worker.send(frame(END, LAST, stream))


class Cancels(Case):
    def begin(self, worker):
        worker.send(call(1))
        self.assertEqual(worker.frame().payload[2:], b"running")

    def test_while_it_runs(self):
        with Worker(GATE) as worker:
            self.begin(worker)
            worker.send(frame(CANCEL, 0, 1, b"\0"))
            got = worker.next(CANCELLED)
            self.assertEqual((got.flags, got.stream), (0, 1))
            opened(worker)
            got = worker.next(CANCELLED)
            self.assertEqual((got.flags, got.stream), (LAST, 1))
            worker.send(call(2))
            self.check(worker.answer(2), 200, "done")

    def test_before_it_runs(self):
        with Worker(GATE) as worker:
            worker.send(call(1) + call(2) + frame(CANCEL, 0, 2, b"\1"))
            got = worker.next(CANCELLED)
            self.assertEqual((got.flags, got.stream), (LAST, 2))
            opened(worker)
            self.check(worker.answer(1), 200, "done")

    def test_before_its_body_has_come(self):
        with Worker(ECHO) as worker:
            worker.send(call(1, last=False) + frame(CANCEL, 0, 1, b"\0"))
            self.assertEqual(worker.next(CANCELLED).flags, LAST)

    def test_in_the_middle_of_an_answer(self):
        code = "def handle(request):\n    while True:\n        yield 'x' * 100_000\n"
        with Worker(code, calls=2) as worker:
            worker.send(call(1))
            worker.next(REPLY)
            worker.send(frame(CANCEL, 0, 1, b"\0"))
            frames = []
            while not frames or not frames[-1].flags:
                frames.append(worker.next(DATA, CANCELLED))
            self.assertEqual(frames[-1].kind, CANCELLED)

    def test_a_task_is_ended(self):
        with Worker(ASYNC_GATE) as worker:
            self.begin(worker)
            worker.send(frame(CANCEL, 0, 1, b"\1"))
            self.assertEqual(worker.next(CANCELLED).flags, 0)
            self.assertEqual(worker.next(CANCELLED).flags, LAST)
            self.assertIn((1, 1, 1, "left"), worker.logs)


class Pings(Case):
    def test_while_all_work(self):
        for code in (GATE, ASYNC_GATE.replace("await asyncio.sleep", "__import__('time').sleep")):
            with self.subTest(code), Worker(code, calls=1) as worker:
                worker.send(call(1))
                self.assertEqual(worker.frame().payload[2:], b"running")
                worker.send(frame(PING, payload=b"\0") + frame(PING, payload=b"\1"))
                self.assertEqual(worker.next(PONG).payload[:2], b"\0\1")
                if "async" not in code:
                    self.assertEqual(worker.next(PONG).payload, b"\1\0" + b"1 of 1 calls are running")
                else:
                    worker.next(PONG)
                opened(worker)
                worker.answer()
                worker.send(frame(PING, payload=b"\1"))
                self.assertEqual(worker.next(PONG).payload[:2], b"\1\1")


class AtOnce(Case):
    def test_slow_calls_do_not_wait_for_each_other(self):
        for code in (GATE, ASYNC_GATE):
            with self.subTest(code), Worker(code, calls=4) as worker:
                worker.send(call(1, path="/a") + call(2, path="/b") + call(3, path="/c") + call(4, path="/d"))
                for number, path in ((4, "/d"), (2, "/b"), (1, "/a"), (3, "/c")):
                    opened(worker, path)
                    self.check(worker.answer(number), 200, "done")

    def test_one_after_the_other_with_one_place(self):
        code = "import threading\ndef handle(request):\n    return str(threading.active_count())\n"
        with Worker(code) as worker:
            for _ in range(3):
                self.check(worker.ask(), 200, "1")

    def test_threads_are_bounded(self):
        code = "import threading\n" + GATE.replace('"done"', "str(threading.active_count())")
        with Worker(code, calls=2) as worker:
            for number in range(1, 6):
                worker.send(call(number))
            opened(worker)
            # Two for calls, the main one, and the guard, which `threading` does not know.
            for number in range(1, 6):
                got = worker.next(REPLY)
                self.assertLessEqual(int(got.payload[-1:]), 3)


class Ends(Case):
    def test_bye_lets_calls_finish(self):
        for code in (GATE, ASYNC_GATE):
            for calls in (1, 3):
                with self.subTest(code, calls=calls), Worker(code, calls=calls) as worker:
                    worker.send(call(1) + frame(BYE))
                    worker.send(frame(PING, payload=b"\0"))
                    worker.next(PONG)
                    opened(worker)
                    self.check(worker.answer(), 200, "done")
                    self.assertEqual(worker.ended(), 0)

    def test_atexit(self):
        code = "import atexit\natexit.register(print, 'goodbye')\n" + ECHO
        with Worker(code) as worker:
            worker.send(frame(BYE))
            self.assertEqual(worker.ended(), 0)
            self.assertEqual(worker.stdout(), "goodbye\n")

    def test_the_socket_ends(self):
        with Worker(ECHO) as worker:
            worker.socket.shutdown(2)
            self.assertEqual(worker.process.wait(30), 0)

    def test_the_socket_ends_while_a_function_runs(self):
        with Worker(GATE) as worker:
            worker.send(call(1))
            worker.frame()
            worker.socket.shutdown(2)
            self.assertEqual(worker.process.wait(30), 0)

    def test_interrupt(self):
        with Worker(ECHO) as worker:
            worker.check = worker.ask()
            worker.process.send_signal(signal.SIGINT)
            self.assertEqual(worker.process.wait(30), 130)


class Descriptors(Case):
    def test_what_it_starts_does_not_hold_the_socket(self):
        code = """
        import os, subprocess
        def handle(request):
            listed = subprocess.run(["ls", "-l", "/proc/self/fd"], close_fds=False, capture_output=True, text=True).stdout
            return {"socket": "socket:" in listed, "variable": os.environ.get("HEELER_FD")}
        """
        with Worker(code) as worker:
            self.check(worker.ask(), 200, '{"socket": false, "variable": null}')

    def test_idle_costs_nothing(self):
        with Worker(ECHO) as worker:
            worker.ask()

            def switches():
                folder = f"/proc/{worker.process.pid}/task"
                total = 0
                for task in os.listdir(folder):
                    with open(f"{folder}/{task}/status") as file:
                        total += sum(int(line.split()[1]) for line in file if "voluntary_ctxt" in line)
                return total

            seen = [switches()]

            def still():
                import time

                time.sleep(0.2)
                seen.append(switches())
                return seen[-1] == seen[-2]

            eventually(still, "a worker that sleeps")


if __name__ == "__main__":
    unittest.main()
