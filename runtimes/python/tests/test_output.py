"""What functions print and log, and which call it belongs to."""

import unittest

from support import LOG, Case, Worker, call, eventually


class Printing(Case):
    def check_logs(self, code, *logs):
        """(level, origin, line) of one call."""
        for form in (code, code.replace("def handle", "async def handle")):
            for calls in (1, 4):
                with self.subTest(form, calls=calls), Worker(form, calls=calls) as worker:
                    worker.send(call(1))
                    answer = worker.answer()
                    self.assertIsNone(answer.error, answer.error)
                    self.assertEqual(answer.logs, list(logs))

    def test_lines(self):
        code = """
        import sys
        def handle(request):
            print("one")
            print("two", "three", file=sys.stderr)
            print("a\\nb")
            sys.stdout.write("no end")
        """
        self.check_logs(code, (1, 1, "one"), (1, 2, "two three"), (1, 1, "a"), (1, 1, "b"), (1, 1, "no end"))

    def test_bytes_and_odd_text(self):
        self.check_logs("def handle(request):\n    print('ä\\ud800\\0')\n", (1, 1, "ä?\0"))

    def test_long_lines(self):
        code = "def handle(request):\n    print('x' * 100_000)\n"
        with Worker(code) as worker:
            answer = worker.ask()
            self.assertEqual("".join(line for _, _, line in answer.logs), "x" * 100_000)

    def test_a_line_comes_when_it_ends(self):
        code = """
        import os
        def handle(request):
            print("before")
            os._exit(3)
        """
        with Worker(code) as worker:
            worker.send(call(1))
            self.assertEqual(worker.frame().payload, b"\1\1before")
            self.assertEqual(worker.ended(), 3)

    def test_loggers_without_handlers(self):
        code = """
        import logging
        def handle(request):
            logging.getLogger("a").info("nobody asked")
            logging.getLogger("a").warning("careful %d", 1)
            try:
                1 / 0
            except ZeroDivisionError:
                logging.exception("oh")
        """
        with Worker(code) as worker:
            logs = worker.ask().logs
            # `logging.exception` gives the root logger a handler, which prints.
            self.assertEqual(logs[0], (2, 3, "careful 1"))
            self.assertEqual(logs[1], (1, 2, "ERROR:root:oh"))
            self.assertEqual(logs[-1], (1, 2, "ZeroDivisionError: division by zero"))

    def test_loggers_with_handlers(self):
        code = """
        import logging, sys
        logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(message)s")
        def handle(request):
            logging.info("fine")
        """
        self.check_logs(code, (1, 1, "INFO fine"))

    def test_outside_of_calls(self):
        code = """
        import sys
        print("loading")
        print("loading badly", file=sys.stderr)
        def handle(request):
            sys.stdout.buffer.write(b"raw")
            sys.stdout.flush()
            return [sys.stdout.encoding, sys.stdout.fileno(), sys.stdout.isatty(), sys.stdout.closed, sys.stdout.writable()]
        """
        with Worker(code) as worker:
            self.assertEqual((worker.stdout(), worker.stderr()), ("loading\n", "loading badly\n"))
            self.check(worker.ask(), 200, '["utf-8", 1, false, false, true]')
            self.assertEqual(worker.stdout(), "loading\nraw")

    def test_redirected(self):
        code = """
        import contextlib, io
        def handle(request):
            kept = io.StringIO()
            with contextlib.redirect_stdout(kept):
                print("kept")
            return kept.getvalue()
        """
        with Worker(code) as worker:
            answer = worker.ask()
            self.check(answer, 200, "kept\n")
            self.assertEqual(answer.logs, [])


class AtOnce(Case):
    def test_each_call_has_its_own(self):
        code = """
        import asyncio
        async def handle(request):
            for step in range(5):
                print(f"{request.path} {step}", end="")
                await asyncio.sleep(0.002)
                print(" end")
            return "done"
        """
        threads = code.replace("async def", "def").replace("await asyncio.", "__import__('time').")
        for form in (code, threads):
            with self.subTest(form), Worker(form, calls=8) as worker:
                for number in range(1, 9):
                    worker.send(call(number, path=f"/{number}"))
                lines = {number: [] for number in range(1, 9)}
                for _ in range(6 * 8):
                    got = worker.frame()
                    if got.kind == LOG:
                        lines[got.stream].append(got.payload[2:].decode())
                for number, said in lines.items():
                    self.assertEqual(said, [f"/{number} {step} end" for step in range(5)])

    def test_what_goes_on_after_the_call(self):
        code = """
        import asyncio
        kept = []
        async def later():
            await asyncio.sleep(0.05)
            print("later")
        async def handle(request):
            kept.append(asyncio.ensure_future(later()))
        """
        with Worker(code) as worker:
            worker.ask()
            eventually(lambda: worker.stdout() == "later\n")


if __name__ == "__main__":
    unittest.main()
