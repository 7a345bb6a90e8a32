"""Events of functions-framework, today's and of the older form, as under the real one (test_like_framework.py)."""

import json
import os
import unittest

from support import Worker
from test_like_framework import FORM, HANDLERS, JSON, Compared, request

WHEN = "2020-01-02T03:04:05Z"
BINARY = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t"), ("ce-time", WHEN)]
STRUCTURED = ("content-type", "application/cloudevents+json")


def structured(**more):
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "time": WHEN}
    return request("POST", headers=[STRUCTURED], body=json.dumps({**event, **more}))


def post(body, path="/", kind=JSON):
    return request("POST", path, headers=[kind] if kind else [], body=body if isinstance(body, str) else json.dumps(body))


def legacy(kind, resource, data, **more):
    context = {"eventId": "7", "timestamp": WHEN, "eventType": kind, "resource": resource}
    return post({"context": context, "data": data, **more})


PUBSUB, TOPIC = "google.pubsub.topic.publish", "projects/p/topics/t"
FIRESTORE = "providers/cloud.firestore/eventTypes/document."
AUTH = "providers/firebase.auth/eventTypes/user."
DATABASE = "providers/google.firebase.database/eventTypes/ref."
ANALYTICS = "providers/google.firebase.analytics/eventTypes/event.log"
OBJECT = "projects/_/buckets/b/objects/f/o.txt"
MESSAGE = {"data": "aGk=", "messageId": "9", "publishTime": WHEN}
FLAT = {"eventId": "7", "timestamp": WHEN, "eventType": PUBSUB, "resource": TOPIC, "data": {"a": 1}}

LEGACY = [
    legacy(PUBSUB, {"service": "pubsub.googleapis.com", "name": TOPIC}, {"data": "aGk="}),
    legacy(PUBSUB, {"service": "pubsub.googleapis.com", "name": TOPIC, "type": "T"}, {"messageId": "mine", "publishTime": "then"}),
    legacy("providers/cloud.pubsub/eventTypes/topic.publish", TOPIC, {"data": "aGk=", "attributes": {"a": "b"}}),
    post(FLAT), post({**FLAT, "eventType": "google.storage.object.archive", "resource": OBJECT}),
    post({"subscription": "s", "message": MESSAGE}), post({"subscription": "s", "message": MESSAGE}, "/" + TOPIC),
    post({"subscription": "s", "message": {**MESSAGE, "attributes": {"k": "v"}}}, f"/x/{TOPIC}/y"),
    post({"subscription": "s", "message": {"data": "aGk=", "messageId": "9"}}),
    legacy("google.storage.object.finalize", {"service": "storage.googleapis.com", "name": OBJECT, "type": "storage#object"}, {"kind": "k"}),
    legacy("google.storage.object.delete", {"name": OBJECT + "#123"}, {"kind": "k"}),
    legacy("google.storage.object.metadataUpdate", OBJECT, {}), legacy("providers/cloud.storage/eventTypes/object.change", OBJECT, {}),
    *[legacy(FIRESTORE + kind, "projects/p/databases/(default)/documents/a/b", {"x": 1}) for kind in "write create update delete".split()],
    legacy(AUTH + "create", "projects/p", {"uid": "u", "metadata": {"createdAt": "c", "lastSignedInAt": "l", "x": 1}}),
    legacy(AUTH + "delete", "projects/p", {"metadata": {}}), legacy(AUTH + "delete", "projects/p", {"uid": "u"}),
    *[legacy(DATABASE + kind, "projects/_/instances/i/refs/r/s", {"x": 1}, domain="firebaseio.com") for kind in "create write update".split()],
    legacy(DATABASE + "delete", "projects/_/instances/i/refs/r", {"data": None}, domain="europe-west1.firebasedatabase.app"),
    legacy(ANALYTICS, "projects/p/events/session_start", {"userDim": {"appInfo": {"appId": "a"}}}),
]  # fmt: skip

REFUSED = [
    legacy("unknown.type", "r", {}), legacy("google.storage.object.delete", "nowhere", {}),
    legacy("google.storage.object.delete", "projects/pp/buckets/b/objects/o", {}),
    legacy(FIRESTORE + "write", "projects/p/databases/other/documents/g", {}), legacy(DATABASE + "write", "projects/_/instances/i/refs/r", {}),
    post({"subscription": "s", "message": {"messageId": "9"}}), post({"data": 1, "context": {}}),
    post({"a": 1}), post({}), post([]), post("null"), post("{broken"), post("x=1", kind=FORM), post("text", kind=None), post("", kind=None),
]  # fmt: skip

GOOGLE = "google.cloud."
TODAYS = [
    (GOOGLE + "pubsub.topic.v1.messagePublished", "//pubsub.googleapis.com/" + TOPIC, "", {"message": MESSAGE, "subscription": "s"}),
    (GOOGLE + "pubsub.topic.v1.messagePublished", "//pubsub.googleapis.com/" + TOPIC, "", {"data": "aGk="}),
    *[(f"{GOOGLE}storage.object.v1.{kind}", "//storage.googleapis.com/projects/_/buckets/b", "objects/o", {"kind": "k"})
      for kind in "finalized deleted archived metadataUpdated".split()],
    (GOOGLE + "firestore.document.v1.written", "//firestore.googleapis.com/projects/p/databases/(default)", "documents/d/e", {"x": 1}),
    ("google.firebase.auth.user.v1.created", "//firebaseauth.googleapis.com/projects/p", "users/u", {"metadata": {"createTime": "c", "x": 1}}),
    ("google.firebase.auth.user.v1.deleted", "//firebaseauth.googleapis.com/projects/p", "users/u", {"metadata": {"lastSignInTime": "l"}}),
    ("google.firebase.database.ref.v1.written", "//firebasedatabase.googleapis.com/projects/_/locations/l/instances/i", "refs/r", {}),
    ("google.firebase.analytics.log.v1.written", "//firebase.googleapis.com/projects/p", "events/e", {"x": 1}),
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
        self.compare("events_main.py", "cloud", REFUSED, refusals=False)
        self.compare("events_main.py", "background", REFUSED[-6:], "event", refusals=False)

    def test_background(self):
        self.compare("events_main.py", "background", [*LEGACY, *REFUSED[:8], request("GET")], "event")

    def test_background_of_cloud_events(self):
        """Those in structured mode are the same here; the real one gives a context without anything in it."""
        calls, whole = [], []
        for kind, source, subject, data in TODAYS:
            attributes = {"specversion": "1.0", "id": "1", "type": kind, "source": source, "time": WHEN, **({"subject": subject} if subject else {})}
            calls.append(request("POST", headers=[*[("ce-" + name, value) for name, value in attributes.items()], JSON], body=json.dumps(data)))
            whole.append(structured(**{**attributes, "data": data}))
        self.compare("events_main.py", "background", calls, "event")
        env = {"FUNCTION_TARGET": "background", "FUNCTION_SOURCE": os.path.join(HANDLERS, "events_main.py"), "FUNCTION_SIGNATURE_TYPE": "event"}
        with Worker(None, env=env) as worker:
            for binary, structure in zip(calls, whole):
                told = dict(kind=1, headers=[JSON], attributes=[(name[3:], value) for name, value in binary["headers"] if name.startswith("ce-")])
                seen = self.ask(worker, binary)["seen"]
                self.assertEqual(self.ask(worker, structure)["seen"], seen)
                answer = worker.ask(body=binary["body"].encode(), **told)
                self.assertEqual([json.loads(line[5:]) for *_, line in answer.logs], seen)

    def test_typed(self):
        bodies = [{"one": "1", "two": "2"}, {"one": "none", "two": 1}, {"one": "text", "two": 1}, {"one": "crash", "two": 1}, {"one": 1}]
        calls = [request("POST", headers=[JSON], body=json.dumps(body)) for body in bodies]
        self.compare("events_main.py", "typed", [*calls, request("GET")])
        self.compare("events_main.py", "annotated", calls[:1])


if __name__ == "__main__":
    unittest.main()
