"""WSGI and ASGI applications in the worker itself, without a framework and with three of them."""

import json
import os
import subprocess
import unittest

from support import BYE, CANCEL, CANCELLED, DATA, END, LAST, REPLY, Case, Worker, call, frame
from test_like_framework import HANDLERS, REAL


class Wsgi(Case):
    def worker(self, code, **more):
        return Worker(code, {"handler_style": "wsgi", "handler": "function.py"}, **more)

    def test_environ(self):
        code = """
        import json
        def app(environ, start_response):
            start_response("200 OK", [("Content-Type", "application/json")])
            kept = {key: value for key, value in environ.items() if isinstance(value, (str, bool, tuple))}
            return [json.dumps([kept, environ["wsgi.input"].read().decode()]).encode()]
        """
        with self.worker(code) as worker:
            headers = [("host", "h:81"), ("x-a", "1"), ("x-a", "2"), ("x_a", "forged"), ("content-type", "t"), ("content-length", "2"),
                       ("cookie", "a=1"), ("cookie", "b=2")]  # fmt: skip
            environ, body = json.loads(worker.ask(path="/a%20%C3%A9", query="q=1", headers=headers, body=b"hi", version=10).body)
            self.assertEqual(body, "hi")
            for key, value in {
                "REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": "/a \u00c3\u00a9", "QUERY_STRING": "q=1", "CONTENT_TYPE": "t",
                "CONTENT_LENGTH": "2", "SERVER_NAME": "h", "SERVER_PORT": "81", "SERVER_PROTOCOL": "HTTP/1.0", "HTTP_X_A": "1,2",
                "HTTP_COOKIE": "a=1;b=2", "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "wsgi.version": [1, 0],
            }.items():  # fmt: skip
                self.assertEqual(environ[key], value, key)

    def test_checked_by_the_standard_library(self):
        code = """
        from wsgiref.validate import validator
        def plain(environ, start_response):
            body = environ["wsgi.input"].read(100)
            write = start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"a", body]
        app = validator(plain)
        """
        with self.worker(code) as worker:
            self.check(worker.ask(body=b"b", headers={"host": "h"}), 200, b"ab")

    def test_answers(self):
        for code, status, body in (
            ("start('200 OK', []); return [b'x']", 200, b"x"),
            ("start('204 No Content', []); return []", 204, b""),
            ("start('200 OK', []); return [b'', b'a', b'', b'b']", 200, b"ab"),
            ("start('200 OK', [('Content-Length', '2')]); return iter([b'ab'])", 200, b"ab"),
            ("write = start('200 OK', []); write(b'a'); return [b'b']", 200, b"ab"),
            ("start('200 OK', []); return [bytes(1_000_000)]", 200, bytes(1_000_000)),
            ("yield_later = lambda: (yield start('201 Made', []) and b'' or b'late'); return yield_later()", 201, b"late"),
        ):
            with self.subTest(code), self.worker(f"def app(environ, start):\n    {code}\n") as worker:
                self.check(worker.ask(), status, body)

    def test_failures(self):
        for code in ("return [b'x']", "start('200 OK', []); start('200 OK', []); return []", "raise ValueError", "return None"):
            with self.subTest(code), self.worker(f"def app(environ, start):\n    {code}\n") as worker:
                self.assertIsNotNone(worker.ask().error)
                self.assertIsNotNone(worker.ask().error)

    def test_error_after_start(self):
        code = """
        import sys
        def app(environ, start_response):
            start_response("200 OK", [])
            try:
                raise ValueError
            except ValueError:
                start_response("500 No", [], sys.exc_info())
            return [b"sorry"]
        """
        with self.worker(code) as worker:
            self.check(worker.ask(), 500, "sorry")

    def test_close_is_called(self):
        code = """
        class Body:
            def __iter__(self):
                yield b"x"
                if "fail" in self.path: raise ValueError
            def close(self):
                print("closed")
        def app(environ, start_response):
            start_response("200 OK", [])
            body = Body()
            body.path = environ["PATH_INFO"]
            return body
        """
        with self.worker(code, calls=2) as worker:
            for path in ("/", "/fail"):
                worker.ask(path=path)
            worker.ask()
            self.assertTrue(any(line == "closed" for _, _, _, line in worker.logs) or "closed" in worker.stdout())

    def test_a_body_line_by_line(self):
        code = """
        def app(environ, start_response):
            start_response("200 OK", [])
            return [line.upper() for line in environ["wsgi.input"]]
        """
        with self.worker(code) as worker:
            worker.send(call(1, body=b"one\ntw", last=False) + frame(DATA, 0, 1, b"o\nthree") + frame(END, LAST, 1))
            self.check(worker.answer(), 200, b"ONE\nTWO\nTHREE")


class Asgi(Case):
    def worker(self, code, **more):
        return Worker(code, {"handler_style": "asgi", "handler": "function.py"}, **more)

    def test_scope(self):
        code = """
        import json
        async def app(scope, receive, send):
            if scope["type"] != "http":
                return
            kept = {key: repr(value) for key, value in scope.items()}
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": json.dumps(kept).encode()})
        """
        with self.worker(code) as worker:
            scope = json.loads(worker.ask(path="/a%20b", query="q=1", headers=[("host", "h:81"), ("x-a", "\xe9")], version=20).body)
            for key, value in {
                "type": "http", "http_version": "2", "method": "POST", "scheme": "http", "path": "/a b", "raw_path": b"/a%20b",
                "query_string": b"q=1", "root_path": "", "headers": [(b"host", b"h:81"), (b"x-a", b"\xe9")],
                "client": ("127.0.0.1", 0), "server": ("h", 81),
            }.items():  # fmt: skip
                self.assertEqual(scope[key], repr(value), key)

    def test_a_caller_that_leaves(self):
        code = """
        async def app(scope, receive, send):
            if scope["type"] != "http":
                return
            print("running")
            said = []
            while "http.disconnect" not in said:
                said.append((await receive())["type"])
            print(",".join(said), flush=True)
        """
        with self.worker(code) as worker:
            worker.send(call(1))
            self.assertEqual(worker.frame().payload[2:], b"running")
            worker.send(frame(CANCEL, 0, 1, b"\0"))
            self.assertEqual(worker.next(CANCELLED).flags, 0)
            self.assertEqual(worker.next(CANCELLED).flags, LAST)
            self.assertIn((1, 1, 1, "http.request,http.disconnect"), worker.logs)

    def test_lifespan(self):
        code = """
        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                assert (await receive())["type"] == "lifespan.startup"
                scope["state"]["word"] = "kept"
                await send({"type": "lifespan.startup.complete"})
                assert (await receive())["type"] == "lifespan.shutdown"
                print("stopped", flush=True)
                await send({"type": "lifespan.shutdown.complete"})
                return
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": scope["state"]["word"].encode()})
        """
        with self.worker(code) as worker:
            self.check(worker.ask(), 200, "kept")
            worker.send(frame(BYE))
            self.assertEqual(worker.ended(), 0)
            self.assertEqual(worker.stdout(), "stopped\n")

    def test_failures(self):
        for code in ("return", "raise ValueError", "await send({'type': 'odd'})", "await send({'type': 'http.response.body'})"):
            with self.subTest(code), self.worker(f"async def app(scope, receive, send):\n    {code}\n") as worker:
                self.assertIsNotNone(worker.ask().error)

    def test_streams_both_ways(self):
        code = """
        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            more = scope["type"] == "http"
            while more:
                message = await receive()
                more = message["more_body"]
                await send({"type": "http.response.body", "body": message["body"].upper(), "more_body": more})
        """
        with self.worker(code) as worker:
            worker.send(call(1, body=b"a", last=False))
            self.assertTrue(worker.next(REPLY).payload.endswith(b"A"))
            worker.send(frame(DATA, 0, 1, b"b"))
            self.assertEqual(worker.next(DATA).payload, b"B")
            worker.send(frame(DATA, LAST, 1, b"c"))
            self.assertEqual(worker.next(DATA).payload, b"C")
            self.assertEqual(worker.next(END).flags, LAST)


class Long(Case):
    """A body of 200 MB both ways at the memory of a few windows."""

    SIZE = 200_000_000
    WSGI = """
    def app(environ, start_response):
        start_response("200 OK", [])
        return iter(lambda: environ["wsgi.input"].read(65_536), b"")
    """
    ASGI = """
    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        more = True
        while more:
            message = await receive()
            more = message["more_body"]
            await send({"type": "http.response.body", "body": message["body"], "more_body": more})
    """

    def test_constant_memory(self):
        for style, code in (("wsgi", self.WSGI), ("asgi", self.ASGI)):
            with self.subTest(style), Worker(code, {"handler_style": style, "handler": "function.py"}) as worker:
                worker.send(call(1, last=False))
                room, sent, got, ended = 262_144, 0, 0, False
                piece = bytes(65_536)
                before = self.resident(worker)
                while not ended:
                    while room >= len(piece) and sent < self.SIZE:
                        worker.send(frame(DATA, 0, 1, piece))
                        sent, room = sent + len(piece), room - len(piece)
                        if sent >= self.SIZE:
                            worker.send(frame(END, LAST, 1))
                    answer = worker.frame()
                    if answer.kind == 9:
                        room += int.from_bytes(answer.payload, "big")
                    elif answer.kind == DATA:
                        got += len(answer.payload)
                        worker.send(frame(9, 0, 1, len(answer.payload).to_bytes(4, "big")))
                    elif answer.kind == REPLY:
                        count = len(answer.payload) - 12
                        got += count
                        if count:
                            worker.send(frame(9, 0, 1, count.to_bytes(4, "big")))
                    ended = bool(answer.flags & LAST)
                self.assertEqual(got, sent)
                self.assertLess(self.resident(worker) - before, 6_000_000)

    def resident(self, worker):
        with open(f"/proc/{worker.process.pid}/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


@unittest.skipIf(REAL is None, "the frameworks are not installed: make servers")
class Frameworks(Case):
    def worker(self, handler, style="", **more):
        if subprocess.run([REAL, "-c", "import " + handler.split("_")[0]], capture_output=True).returncode:
            self.skipTest(f"{handler.split('_')[0]} is not installed")
        settings = {"handler": os.path.join(HANDLERS, handler), **({"handler_style": style} if style else {})}
        return Worker(None, settings, python=REAL, **more)

    def test_flask(self):
        with self.worker("flask_app.py:app") as worker:
            self.assertEqual(worker.said["style"], "wsgi")
            answer = worker.ask(path="/hello/me", query="a=b", body=b"x", headers={"host": "h"})
            self.assertEqual(json.loads(answer.body), {"name": "me", "args": {"a": "b"}, "body": "x"})
            self.assertEqual(worker.ask(path="/nowhere").status, 404)
            self.assertEqual(worker.ask(method="GET", path="/crash").status, 500)

    def test_fastapi(self):
        with self.worker("fastapi_app.py:app") as worker:
            self.assertEqual(worker.said["style"], "asgi")
            answer = worker.ask(path="/items/3", body=b'{"a": 1}', headers={"host": "h", "content-type": "application/json"})
            self.assertEqual(json.loads(answer.body), {"number": 3, "value": {"a": 1}, "said": ["started"], "state": "state"})
            self.check(worker.ask(method="GET", path="/plain", query="q=x"), 200, '"x"')
            self.assertEqual(worker.ask(path="/items/x", body=b"{}").status, 422)
            answer = worker.ask(method="GET", path="/crash")
            self.assertIn("ValueError", (answer.error or ["ValueError"])[0])
            worker.send(frame(BYE))
            self.assertEqual(worker.ended(), 0)
            self.assertIn("stopped", worker.stdout())

    def test_django(self):
        for name, style in (("application", "wsgi"), ("app", "asgi")):
            with self.worker("django_app.py:" + name) as worker:
                self.assertEqual(worker.said["style"], style)
                answer = worker.ask(path="/hello/me", query="q=1", body=b"x", headers={"host": "h", "content-length": "1"})
                self.assertEqual(json.loads(answer.body), {"name": "me", "q": "1", "body": "x"})


if __name__ == "__main__":
    unittest.main()
