"""The same functions under the real functions-framework and under the worker, and their answers compared field by field.

The framework is taken from where `make servers` has put it, or from target/ff; the worker runs twice: with what is
installed there, Flask and Starlette among it, and with nothing but the standard library.
"""

import json
import os
import re
import subprocess
import tempfile
import unittest

from support import HERE, PYTHON, ROOT, Case, Worker

HANDLERS = os.path.join(HERE, "handlers")
PLACES = [os.path.join(ROOT, "target", *parts, "bin", "python") for parts in (("servers", "python"), ("ff",))]
REAL = os.environ.get("FRAMEWORK_PYTHON") or next((path for path in PLACES if os.path.exists(path)), None)
#: Headers that say when, by whom, or are heeler's to add.
LEFT_OUT = ("content-length", "date", "server", "connection")


class Framework:
    def __init__(self, file, target, kind):
        self.process = subprocess.Popen(
            [REAL, os.path.join(HERE, "framework.py"), os.path.join(HANDLERS, file), target, kind], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=HANDLERS,
        )  # fmt: skip

    def ask(self, what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("ANSWER "):
                return json.loads(line[7:])
        raise AssertionError("the framework has ended")

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def request(method="GET", path="/", query="", headers=(), body=""):
    headers = [list(pair) for pair in headers]
    if body or method == "POST":
        headers.append(["content-length", str(len(body))])
    return {"method": method, "path": path, "query": query, "headers": headers, "body": body}


class Compared(Case):
    @classmethod
    def setUpClass(cls):
        if REAL is None:
            raise unittest.SkipTest("functions-framework is not installed: make servers")
        cls.folder = tempfile.TemporaryDirectory()
        cls.bare = os.path.join(cls.folder.name, "bare")
        subprocess.run([PYTHON, "-m", "venv", "--without-pip", cls.bare], check=True)
        cls.pythons = {"installed": REAL, "bare": os.path.join(cls.bare, "bin", "python")}

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def compare(self, file, target, calls, kind="", refusals=True, **asked):
        """Of refusals only the status is compared: theirs repeat the request's headers and body, or fail."""
        env = {"FUNCTION_TARGET": target, "FUNCTION_SOURCE": os.path.join(HANDLERS, file), "FUNCTION_SIGNATURE_TYPE": kind}
        real = Framework(file, target, kind)
        self.addCleanup(real.close)
        expected = [self.plain(real.ask(what)) for what in calls]
        for name, python in self.pythons.items():
            with Worker(None, env={key: value for key, value in env.items() if value}, python=python, **asked) as worker:
                for what, wanted in zip(calls, expected):
                    with self.subTest(name, target=target, call=what):
                        got = self.plain(self.ask(worker, what))
                        if not refusals and 400 <= wanted["status"] < 500:
                            got, wanted = got["status"], wanted["status"]
                        self.assertEqual(got, wanted)

    def ask(self, worker, what):
        headers = [*what["headers"], ["host", "localhost:8080"]]
        answer = worker.ask(**{**what, "body": what["body"].encode("latin-1"), "headers": headers})
        self.assertIsNone(answer.error, answer.error)
        seen = [json.loads(line[5:]) for _, _, line in answer.logs if line.startswith("SEEN ")]
        return {"status": answer.status, "headers": answer.headers, "body": answer.body.decode("latin-1"), "seen": seen}

    def plain(self, answer):
        headers = sorted([name.lower(), value] for name, value in answer["headers"] if name.lower() not in LEFT_OUT)
        # Made up where the sender gave none.
        seen = re.sub(r'"(?!2020)\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)"', '"now"', json.dumps(answer["seen"]))
        return {**answer, "headers": headers, "seen": json.loads(seen)}


JSON = ("content-type", "application/json")
FORM = ("content-type", "application/x-www-form-urlencoded")


class Http(Compared):
    def test_answers(self):
        names = ("text bytes dict list status status_headers headers header_list dict_status proxy generator none number crash "
                 "teapot").split()  # fmt: skip
        self.compare("http_main.py", "main", [request(query="what=" + name) for name in names])

    def test_methods_and_paths(self):
        calls = [request(method) for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND")]
        calls += [request(path=path) for path in ("/a/b", "/robots.txt", "/favicon.ico", "/a%20b")]
        self.compare("http_main.py", "main", calls)

    def test_requests(self):
        seen = "what=seen&n=3&n=4&e=%C3%A9+x"
        self.compare("http_main.py", "main", [
            request(query=seen, headers=[("x-a", "b"), ("cookie", "a=1; b=2")], path="/p"),
            request("POST", query=seen, headers=[FORM], body="a=1&a=2&b=x+y"),
            request("POST", query="what=json", headers=[JSON], body='{"a": 1}'),
            request("POST", query="what=json", headers=[("content-type", "application/vnd.x+json; charset=utf-8")], body="[]"),
            request("POST", query="what=json_silent", headers=[JSON], body="{broken"),
            request("POST", query="what=json_silent", headers=[FORM], body="a=1"),
            request("POST", query="what=data", headers=[JSON], body="\x00\xc3\xa9"),
            request("POST", query="what=json", headers=[JSON], body="{broken"),
            request("POST", query="what=json", headers=[("content-type", "text/plain")], body="x"),
        ])  # fmt: skip


class Aio(Compared):
    def test_answers(self):
        calls = [request(query="what=" + name) for name in "text dict status dict_status none crash".split()]
        calls.append(request("POST", query="what=body", headers=[JSON, ("x-a", "b")], body='{"a": 1}'))
        calls += [request(path="/robots.txt"), request(path="/a/b", query="what=path"), request("PUT")]
        self.compare("aio_main.py", "main", calls)

    def test_plain(self):
        self.compare("aio_main.py", "plain", [request(), request("POST", body="x")])


if __name__ == "__main__":
    unittest.main()
