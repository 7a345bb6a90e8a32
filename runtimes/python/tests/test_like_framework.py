"""The same functions under the real functions-framework and under the worker, and their answers compared field by field.

The framework is taken from where `make servers` has put it, or from target/ff; the worker runs twice: with what is
installed there, Flask and Starlette among it, and with nothing but the standard library.
"""

import json
import os
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

    def compare(self, file, target, calls, kind="", but=None, **asked):
        """`but` maps (which worker, number of a call) to the fields that may differ there."""
        env = {"FUNCTION_TARGET": target, "FUNCTION_SOURCE": os.path.join(HANDLERS, file), "FUNCTION_SIGNATURE_TYPE": kind}
        real = Framework(file, target, kind)
        self.addCleanup(real.close)
        expected = [self.plain(real.ask(what)) for what in calls]
        for name, python in self.pythons.items():
            with Worker(None, env={key: value for key, value in env.items() if value}, python=python, **asked) as worker:
                for number, (what, wanted) in enumerate(zip(calls, expected)):
                    with self.subTest(name, target=target, call=what):
                        got = self.plain(self.ask(worker, what))
                        for field in (but or {}).get((name, number), ()):
                            got.pop(field), (wanted := dict(wanted)).pop(field)
                        self.assertEqual(got, wanted)

    def ask(self, worker, what):
        headers = [*what["headers"], ["host", "localhost:8080"]]
        answer = worker.ask(**{**what, "body": what["body"].encode("latin-1"), "headers": headers})
        self.assertIsNone(answer.error, answer.error)
        seen = [json.loads(line[5:]) for _, _, line in answer.logs if line.startswith("SEEN ")]
        return {"status": answer.status, "headers": answer.headers, "body": answer.body.decode("latin-1"), "seen": seen}

    def plain(self, answer):
        headers = sorted([name.lower(), value] for name, value in answer["headers"] if name.lower() not in LEFT_OUT)
        for seen in answer["seen"]:
            # Made up where the sender gave none.
            for made in ("time",):
                if made in seen.get("attributes", {}) and not seen["attributes"][made].startswith("2020"):
                    seen["attributes"][made] = "now"
        return {**answer, "headers": headers}


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


BINARY = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t"), ("ce-time", "2020-01-02T03:04:05Z")]
STRUCTURED = ("content-type", "application/cloudevents+json")


def structured(**more):
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "time": "2020-01-02T03:04:05Z"}
    return request("POST", headers=[STRUCTURED], body=json.dumps({**event, **more}))


def legacy(kind, resource, data, **more):
    context = {"eventId": "7", "timestamp": "2020-01-02T03:04:05Z", "eventType": kind, "resource": resource}
    return request("POST", headers=[JSON], body=json.dumps({"context": context, "data": data, **more}))


LEGACY = [
    legacy("google.pubsub.topic.publish", {"service": "pubsub.googleapis.com", "name": "projects/p/topics/t"}, {"data": "aGk="}),
    legacy("providers/cloud.pubsub/eventTypes/topic.publish", "projects/p/topics/t", {"data": "aGk=", "attributes": {"a": "b"}}),
    legacy("providers/cloud.firestore/eventTypes/document.write", "projects/p/databases/(default)/documents/a/b", {"x": 1}),
    legacy("providers/firebase.auth/eventTypes/user.create", "projects/p", {"uid": "u", "metadata": {"createdAt": "c"}}),
    legacy("providers/google.firebase.database/eventTypes/ref.write", "projects/_/instances/i/refs/r/s", {"x": 1}, domain="firebaseio.com"),
    legacy("providers/google.firebase.database/eventTypes/ref.write", "projects/_/instances/i/refs/r", {}, domain="europe-west1.x.y"),
    legacy("providers/google.firebase.analytics/eventTypes/event.log", "projects/p/events/e", {"x": 1}),
    request("POST", headers=[JSON], body=json.dumps({"eventId": "7", "timestamp": "2020-01-02T03:04:05Z", "data": {"a": 1},
            "eventType": "google.pubsub.topic.publish", "resource": "projects/p/topics/t"})),
    request("POST", "/projects/p/topics/t", headers=[JSON], body=json.dumps({"subscription": "s", "message": {
            "data": "aGk=", "messageId": "9", "publishTime": "2020-01-02T03:04:05Z", "attributes": {"a": "b"}}})),
]  # fmt: skip


class Events(Compared):
    def test_cloud_events(self):
        self.compare("events_main.py", "cloud", [
            request("POST", headers=[*BINARY, JSON], body='{"a": [1]}'),
            request("POST", headers=BINARY, body=""),
            request("POST", "/any/path", headers=[*BINARY[:-1], ("ce-extra", "x"), JSON], body="[]"),
            structured(data={"a": 1}), structured(data="text", datacontenttype="text/plain"), structured(subject="s"),
            structured(data="crash"), request("PUT", headers=BINARY), request("GET"), request("OPTIONS"),
        ])  # fmt: skip

    def test_text_events(self):
        """Theirs fails for text that is no JSON; ours hands it over as it is."""
        for python in self.pythons.values():
            env = {"FUNCTION_TARGET": "cloud", "FUNCTION_SOURCE": os.path.join(HANDLERS, "events_main.py")}
            with Worker(None, env=env, python=python) as worker:
                got = self.ask(worker, request("POST", headers=[*BINARY, ("content-type", "text/plain")], body="hi"))
                self.assertEqual((got["status"], got["seen"][0]["data"]), (200, "hi"))

    def test_legacy_events(self):
        self.compare("events_main.py", "cloud", LEGACY)

    def test_what_is_no_event(self):
        # Theirs repeats the request's headers and body, or fails; only the status is held against it.
        calls = [request("POST", headers=[JSON], body='{"a": 1}'), request("POST", headers=[JSON], body="{broken")]
        fields = ("body", "headers")
        self.compare("events_main.py", "cloud", calls, but={(name, at): fields for name in self.pythons for at in range(2)})

    def test_background(self):
        self.compare("events_main.py", "background", [*LEGACY, request("GET")], "event")

    def test_background_of_cloud_events(self):
        message = {"message": {"data": "aGk=", "messageId": "9"}, "subscription": "s"}
        kinds = (
            ("google.cloud.pubsub.topic.v1.messagePublished", "//pubsub.googleapis.com/projects/p/topics/t", "", message),
            ("google.cloud.storage.object.v1.finalized", "//storage.googleapis.com/projects/_/buckets/b", "objects/o", {"kind": "k"}),
            ("google.firebase.auth.user.v1.created", "//firebaseauth.googleapis.com/projects/p", "users/u", {"metadata": {"createTime": "c"}}),
            ("google.firebase.database.ref.v1.written", "//firebasedatabase.googleapis.com/projects/_/locations/l/instances/i", "refs/r", {}),
            ("google.cloud.firestore.document.v1.written", "//firestore.googleapis.com/projects/p/databases/(default)", "documents/d", {"x": 1}),
        )
        calls = []
        for kind, source, subject, data in kinds:
            headers = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-type", kind), ("ce-source", source),
                       ("ce-time", "2020-01-02T03:04:05Z"), JSON]  # fmt: skip
            calls.append(request("POST", headers=headers + ([("ce-subject", subject)] if subject else []), body=json.dumps(data)))
        self.compare("events_main.py", "background", calls, "event")

    def test_typed(self):
        bodies = [{"one": "1", "two": "2"}, {"one": "none", "two": 1}, {"one": "text", "two": 1}, {"one": "crash", "two": 1}, {"one": 1}]
        calls = [request("POST", headers=[JSON], body=json.dumps(body)) for body in bodies]
        self.compare("events_main.py", "typed", [*calls, request("GET")])
        self.compare("events_main.py", "annotated", calls[:1])


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
