"""`request.stream` of functions in functions-framework's style: the body as it arrives, with Flask and without it."""

import os
import subprocess
import tempfile
import unittest

from support import DATA, END, LAST, PYTHON, REPLY, Case, Worker, call, frame
from test_like_framework import REAL

CODE = """
    def main(request):
        if request.path == "/pieces":
            return iter(lambda: request.stream.read1(100), b"")
        if request.path == "/whole":
            return request.data + b"|" + request.get_data()
        if request.path == "/json":
            return {"got": request.get_json()}
        if request.path == "/crash":
            raise ValueError("on purpose")
        return "unread"
"""


class Streams(Case):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        subprocess.run([PYTHON, "-m", "venv", "--without-pip", folder.name], check=True)
        cls.pythons = [os.path.join(folder.name, "bin", "python"), *([REAL] if REAL else [])]

    def workers(self):
        for python in self.pythons:
            with self.subTest(python), Worker(CODE, {"handler": "function.py:main", "handler_style": "http"}, python=python) as worker:
                yield worker

    def test_pieces_are_there_as_they_arrive(self):
        for worker in self.workers():
            worker.send(call(1, path="/pieces", body=b"one", last=False))
            got = worker.next(REPLY)
            self.assertTrue(got.payload.endswith(b"one"))
            for piece in (b"two", b"three"):
                worker.send(frame(DATA, 0, 1, piece))
                self.assertEqual(worker.next(DATA).payload, piece)
            worker.send(frame(END, LAST, 1))
            self.assertEqual(worker.next(END).flags, LAST)

    def test_a_small_body_is_a_stream_too(self):
        for worker in self.workers():
            self.check(worker.ask(path="/pieces", body=b"small"), 200, "small")

    def test_a_body_in_pieces_is_read_whole(self):
        headers = {"content-type": "application/json", "content-length": "6"}
        for worker in self.workers():
            for stream, (path, expected) in enumerate((("/whole", "[1, 2]|[1, 2]"), ("/json", '{"got":[1,2]}\n')), 1):
                worker.send(call(stream, path=path, headers=headers, body=b"[1,", last=False, length=6))
                worker.send(frame(DATA, LAST, stream, b" 2]"))
                self.check(worker.answer(stream), 200, expected)

    def test_who_reads_nothing_answers_behind_the_end(self):
        """More than heeler's first window allows has to be taken, or it would never get to the body's end."""
        headers = {"content-length": "600000"}
        for worker in self.workers():
            for stream, (path, status) in enumerate((("/unread", 200), ("/crash", 500)), 1):
                worker.send(call(stream, path=path, headers=headers, last=False, length=600_000))
                room = 262_144
                for _ in range(6):
                    while room < 100_000:
                        got = worker.next()
                        self.assertEqual(got.kind, 9, got)
                        room += int.from_bytes(got.payload, "big")
                    worker.send(frame(DATA, 0, stream, bytes(100_000)))
                    room -= 100_000
                worker.send(frame(END, LAST, stream))
                self.assertEqual(worker.answer(stream).status, status)


if __name__ == "__main__":
    unittest.main()
