"""The golden frames that heeler's tests and every runtime's read, and frames that no worker may accept."""

import glob
import os
import random
import struct
import sys
import unittest

from support import CALL, CANCEL, CANCELLED, DATA, END, HEADER, HELLO, PING, PONG, ROOT, RUNTIME, Case, Worker, call, frame, hello

sys.path.insert(0, RUNTIME)

from heeler_worker import wire  # noqa: E402, it is found there

WIRE = os.path.join(ROOT, "tests", "wire")
CODE = """
def handle(request):
    return {"body": request.data.decode().upper(), "statusCode": 200, "headers": {"content-type": "text/plain"}}
"""


def golden(name):
    """One frame: its bytes in hexadecimal, with `#` before what is said of them."""
    with open(os.path.join(WIRE, name + ".hex"), encoding="utf-8") as file:
        return bytes.fromhex("".join(line.partition("#")[0] for line in file))


class Golden(Case):
    def setUp(self):
        self.worker = Worker(CODE, greet=False)
        self.addCleanup(self.worker.close)

    def greet(self):
        self.worker.send(golden("hello_heeler"))
        return self.worker.next(HELLO)

    def test_one_call(self):
        said = self.greet()
        self.assertEqual(struct.unpack_from(">HHII", said.payload), (1, 0, 262_144, 4))
        self.worker.send(golden("call"))
        got = self.worker.next()
        # All but the microseconds is as it is written.
        told = golden("reply")
        mine = HEADER.pack(len(got.payload), got.kind, got.flags, 0, got.stream) + got.payload
        self.assertEqual(mine[:20] + mine[24:], told[:20] + told[24:])

    def test_an_event_as_the_answer(self):
        attributes = ["specversion", "1.0", "id", "r1", "source", "/r", "type", "r.t", "subject", "ä %"]
        fields = wire.fields([*attributes, "content-type", "text/plain"])
        self.assertEqual(wire.reply(1, 200, fields, b"HI", wire.LAST, 250, 5), golden("reply_event"))

    def test_ping(self):
        self.greet()
        ping = golden("ping")
        self.worker.send(ping)
        got = self.worker.next(PONG)
        self.assertEqual(got.payload[:2], bytes((ping[12], 1)))

    def test_optional_is_passed_over(self):
        self.greet()
        self.worker.send(golden("optional") + golden("call"))
        self.assertEqual(self.worker.answer().body, b"HI")

    def test_body_in_pieces_with_trailers(self):
        self.greet()
        self.worker.send(call(1, body=b"a", last=False) + frame(DATA, 0, 1, b"b") + golden("end_heeler"))
        self.assertEqual(self.worker.answer().body, b"AB")

    def test_cancel_of_what_is_over(self):
        self.greet()
        self.worker.send(golden("call"))
        self.worker.answer()
        self.worker.send(golden("cancel") + golden("window") + golden("ping"))
        self.assertEqual(self.worker.next().kind, PONG)

    def test_bye(self):
        self.greet()
        self.worker.send(golden("bye"))
        self.assertEqual(self.worker.ended(), 0)


class Broken(Case):
    def check_broken(self, data, before=True):
        with Worker(CODE, greet=False) as worker:
            if before:
                worker.send(hello())
                worker.next(HELLO)
            worker.send(data)
            self.assertEqual(worker.ended(), 70)
            self.assertRegex(worker.stderr(), r"\Aheeler_worker: heeler's frames are broken: .+\n\Z")

    def test_golden(self):
        paths = [path for side in ("both", "worker") for path in glob.glob(os.path.join(WIRE, "broken", side + "_*.hex"))]
        self.assertTrue(paths)
        for path in paths:
            with self.subTest(os.path.basename(path)):
                self.check_broken(golden(os.path.join("broken", os.path.basename(path)[:-4])))

    def test_others(self):
        no_end = bytearray(call(1, headers={"a": "b"}))
        no_end[-1] = 65
        head = struct.pack(">BBHIIQ", 0, 11, 0, 4, 0, 0) + b"a\0b\0"
        for what, data, before in (
            ("call before hello", call(1), False),
            ("version 0", hello(version=0), False),
            ("small window", hello(window=100), False),
            ("second hello", hello(), True),
            ("call on stream 0", call(0), True),
            ("call twice", call(1, last=False) + call(1, last=False), True),
            ("call that is too short", frame(CALL, 1, 1, b"abc"), True),
            ("head that is longer than its frame", frame(CALL, 1, 1, struct.pack(">BBHIIQ", 0, 11, 0, 99, 0, 0)), True),
            ("head of too few fields", frame(CALL, 1, 1, head), True),
            ("head without an end", bytes(no_end), True),
            ("more attributes than fields", frame(CALL, 1, 1, call(1)[12:14] + b"\0\x09" + call(1)[16:]), True),
            ("data for nobody", frame(DATA, 1, 5, b"x"), True),
            ("data behind the end", call(1, last=False) + frame(DATA, 1, 1) + frame(DATA, 1, 1, b"x"), True),
            ("end without LAST", call(1, last=False) + frame(END, 0, 1), True),
            ("cancel without a reason", frame(CANCEL, 0, 1), True),
            ("ping without a question", frame(PING), True),
            ("a frame of the worker's", frame(CANCELLED, 1, 1), True),
        ):
            with self.subTest(what):
                self.check_broken(data, before)

    def test_random_bytes(self):
        """Whatever comes, the worker goes on or ends with 70 and one line; it never says anything odd."""
        chance = random.Random(7)
        frames = [golden(name) for name in ("call", "cancel", "data", "end_heeler", "window", "ping", "bye", "optional")]
        for _ in range(40):
            with Worker(CODE, greet=False) as worker:
                worker.send(hello())
                worker.next(HELLO)
                data = bytearray(b"".join(chance.choices(frames, k=6)))
                for _ in range(chance.randrange(4)):
                    data[chance.randrange(len(data))] = chance.randrange(256)
                worker.send(bytes(data))
                worker.socket.shutdown(1)
                code = worker.ended()
                self.assertIn(code, (0, 70), data.hex())
                self.assertEqual(worker.stderr().count("\n"), code // 70, data.hex())


if __name__ == "__main__":
    unittest.main()
