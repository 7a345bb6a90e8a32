"""What functions do to the process that runs them: the worker lives on, and nothing of it reaches the socket."""

import unittest

from support import Case, Worker, eventually


class Raised(Case):
    def check_raised(self, code, kind, message, settings=None):
        for form in (code, "async " + code):
            with self.subTest(form), Worker(form + "\n", settings) as worker:
                for _ in range(2):
                    answer = worker.ask()
                    self.assertEqual((answer.kind, answer.error[:2], answer.wanted_status), (0, [kind, message], 0))
                self.assertIn("in handle", answer.error[2])
                self.assertNotIn("heeler_worker", answer.error[2])

    def test_exception(self):
        self.check_raised("def handle(request):\n    raise KeyError('x')", "KeyError", "'x'")

    def test_exit(self):
        self.check_raised("def handle(request):\n    import sys\n    sys.exit(3)", "SystemExit", "3")

    def test_interrupt(self):
        self.check_raised("def handle(request):\n    raise KeyboardInterrupt", "KeyboardInterrupt", "")

    def test_recursion(self):
        code = "def handle(request):\n    return handle(request)\n"
        with Worker(code) as worker:
            self.assertEqual(worker.ask().error[0], "RecursionError")
            self.assertEqual(worker.ask().error[0], "RecursionError")

    def test_message_that_cannot_be_had(self):
        code = """
        class Odd(Exception):
            def __str__(self):
                raise ValueError
        def handle(request):
            raise Odd
        """
        with Worker(code) as worker:
            self.assertEqual(worker.ask().error[:2], ["Odd", "(its message could not be had: ValueError)"])

    def test_message_of_odd_text(self):
        with Worker("def handle(request):\n    raise ValueError('a\\0b' + chr(0xd800) + 'x' * 300_000)\n") as worker:
            self.assertTrue(worker.ask().error[1].startswith("a b?xxx"))

    def test_in_the_middle_of_an_answer(self):
        code = "def handle(request):\n    yield 'one'\n    raise ValueError('two')\n"
        for form in (code, "async " + code):
            with self.subTest(form), Worker(form) as worker:
                for _ in range(2):
                    answer = worker.ask()
                    self.assertEqual((answer.status, answer.body, answer.error[0]), (200, b"one", "ValueError"))

    def test_before_the_first_piece(self):
        with Worker("def handle(request):\n    raise ValueError('early')\n    yield 'one'\n") as worker:
            answer = worker.ask()
            self.assertEqual((answer.status, answer.error[0]), (None, "ValueError"))

    def test_result_that_is_none(self):
        for result, kind in (("object()", "TypeError"), ("{'statusCode': 99}", "ValueError"), ("{'a': object()}", "TypeError"),
                             ("{'statusCode': 200, 'headers': {'a': 'b\\0c'}, 'body': ''}", "ValueError")):  # fmt: skip
            with self.subTest(result), Worker(f"def handle(request):\n    return {result}\n") as worker:
                self.assertEqual(worker.ask().error[0], kind)


class Processes(Case):
    def test_fork(self):
        code = """
        import os, sys
        def handle(request):
            child = os.fork()
            if child:
                return f"parent {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}"
            print("in the child")
            how = request.get("how")
            if how == "exit": sys.exit(3)
            if how == "kill": os._exit(4)
            if how == "raise": raise ValueError("in the child")
            return "child"
        """
        for form in (code, code.replace("def handle", "async def handle")):
            for how, status in (("return", 0), ("exit", 3), ("kill", 4), ("raise", 1)):
                for calls in (1, 4):
                    with self.subTest(how, calls=calls), Worker(form, calls=calls) as worker:
                        for _ in range(2):
                            self.check(worker.ask(query="how=" + how), 200, f"parent {status}")
                        if how != "kill":
                            self.assertIn("in the child\n", worker.stdout())

    def test_subprocess_and_shell(self):
        code = "import os\ndef handle(request):\n    return str(os.system('exit 3'))\n"
        with Worker(code) as worker:
            self.check(worker.ask(), 200, "768")

    def test_multiprocessing(self):
        code = """
        import multiprocessing
        def double(number):
            return 2 * number
        def handle(request):
            with multiprocessing.get_context(request.get("how")).Pool(2) as pool:
                return pool.map(double, [1, 2, 3])
        """
        for file in ("work.py", "json.py"):
            for how in ("fork", "spawn", "forkserver"):
                if file == "json.py" and how != "fork":
                    continue  # Its name is the standard library's, so another process imports that.
                with self.subTest(file, how=how), Worker(code, {"handler": file}) as worker:
                    self.check(worker.ask(query="how=" + how), 200, "[2, 4, 6]")

    def test_daemon(self):
        code = """
        import os
        def handle(request):
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.closerange(0, 256)
                    with open("daemon", "w") as file:
                        file.write("lives")
                os._exit(0)
            os.wait()
            return "left"
        """
        with Worker(code) as worker:
            self.check(worker.ask(), 200, "left")
            self.check(worker.ask(), 200, "left")

    def test_threads_of_the_function(self):
        code = """
        import threading
        def handle(request):
            threading.Thread(target=print, args=("from a thread",), daemon=True).start()
            return threading.current_thread() is threading.main_thread()
        """
        with Worker(code) as worker:
            self.check(worker.ask(), 200, "true")
            eventually(lambda: "from a thread" in worker.stdout())

    def test_signals(self):
        code = """
        import os, signal
        seen = []
        signal.signal(signal.SIGUSR1, lambda *_: seen.append("usr1"))
        signal.signal(signal.SIGALRM, lambda *_: seen.append("alarm"))
        def handle(request):
            os.kill(os.getpid(), signal.SIGUSR1)
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0)
            while len(seen) < 2:
                signal.sigtimedwait([], 0)
            return sorted(seen[:2])
        """
        with Worker(code) as worker:
            self.check(worker.ask(), 200, '["alarm", "usr1"]')


class Streams(Case):
    def test_closed_descriptors(self):
        code = """
        import os
        def handle(request):
            os.closerange(0, 3)
            file = open("taken", "w")
            print("nobody hears this")
            return str(file.fileno())
        """
        with Worker(code) as worker:
            self.check(worker.ask(), 200, "0")
            self.check(worker.ask(), 200, "0")

    def test_closed_and_missing_streams(self):
        for done in ("sys.stdout.close()", "sys.stdout = sys.stderr = None", "del sys.stdout", "sys.stdout.buffer.close()"):
            with self.subTest(done), Worker(f"import sys\ndef handle(request):\n    {done}\n    return 'fine'\n") as worker:
                for _ in range(2 if "del" not in done else 1):
                    self.check(worker.ask(), 200, "fine")

    def test_what_it_does_to_modules_and_the_environment(self):
        code = """
        import os, sys, time
        def handle(request):
            os.environ.clear()
            os.chdir("/")
            time.sleep = None
            sys.setrecursionlimit(200)
            return {"fine": True}
        """
        with Worker(code) as worker:
            for _ in range(3):
                self.check(worker.ask(), 200, '{"fine": true}')

    def test_nothing_can_be_imported(self):
        code = "import sys\ndef handle(request):\n    sys.path.clear()\n    raise ValueError('x')\n"
        with Worker(code) as worker:
            for _ in range(2):
                self.assertEqual(worker.ask().error[:2], ["ValueError", "x"])

    def test_context_does_not_leak(self):
        code = """
        import contextvars
        kept = contextvars.ContextVar("kept", default="nothing")
        kept.set("from loading")
        def handle(request):
            before = kept.get()
            kept.set("from a call")
            return before
        """
        for form in (code, code.replace("def handle", "async def handle")):
            with self.subTest(form), Worker(form) as worker:
                self.check(worker.ask(), 200, "from loading")
                self.check(worker.ask(), 200, "from loading")


if __name__ == "__main__":
    unittest.main()
