"""Events as functions see them, in each form that has one, and answers that are events."""

import json
import os
import unittest

from support import PYTHON, ROOT, Case, Worker
from test_event_batches import BATCH, batched, event

JSON = "application/json"
PLAIN = {"specversion": "1.0", "id": "7", "source": "/s", "type": "a ü%41", "subject": "é"}
GIVEN = {"kind": 1, "attributes": [(name, value.encode().decode("latin-1")) for name, value in PLAIN.items()],
         "headers": {"content-type": JSON, "ce-type": "a%20%C3%BC%2541"}, "body": b'{"a": 1}'}  # fmt: skip
#: The interpreters of places where the SDK is installed, 1 and 2.
SDKS = {number: os.path.join(ROOT, "target", "servers", name, "bin", "python") for number, name in ((1, "python"), (2, "events_python"))}


def places(*numbers):
    return [(number, path) for number, path in SDKS.items() if number in numbers and os.path.exists(path)]


class Seen(Case):
    def say(self, code, settings=None, python=PYTHON, **more):
        with Worker(code, settings, python=python) as worker:
            answer = worker.ask(**{**GIVEN, **more})
            self.assertIsNone(answer.error, answer.error)
            return json.loads(answer.body)

    def test_hks(self):
        code = """
        def handle(event):
            return [event["type"], event.subject, event.data, event["data"], event.get_attributes()["id"], event.get("none"), event.datacontenttype]
        """
        said = ["a ü%41", "é", {"a": 1}, {"a": 1}, "7", None, JSON]
        for form in (code, code.replace("def", "async def")):
            self.assertEqual(self.say(form), said)
        self.assertEqual(self.say(code, {"event_data": "raw", "handler": "function.py"})[2], '{"a": 1}')

    FRAMEWORK = """
    {}
    import functions_framework
    @functions_framework.cloud_event
    def hello(event):
        import json
        print(json.dumps([event["type"], event["subject"], event.data, event.get_attributes()["id"], type(event).__module__]))
    """

    def framework(self, imported, python=PYTHON, **more):
        with Worker(self.FRAMEWORK.format(imported), python=python) as worker:
            answer = worker.ask(**{**GIVEN, **more})
            self.check(answer, 200, "OK")
            return json.loads(answer.logs[0][2])

    def test_framework_decodes_with_and_without_the_sdk(self):
        """The SDK 1 leaves escapes in place; functions here never see one."""
        plain = [("ce-specversion", "1.0"), ("ce-id", "7"), ("ce-source", "/s"), ("ce-type", "a%20%C3%BC%2541"),
                 ("ce-subject", "%C3%A9"), ("content-type", JSON)]  # fmt: skip
        said = ["a ü%41", "é", {"a": 1}, "7"]
        rows = [("", PYTHON, "heeler_worker.fallback_events"), ("from cloudevents.http import CloudEvent", PYTHON, "heeler_worker.fallback_events")]
        rows += [("from cloudevents.http import CloudEvent", python, "cloudevents.http.event") for _, python in places(1)]
        rows += [("from cloudevents.v1.http import CloudEvent", python, "cloudevents.v1.http.event") for _, python in places(2)]
        for imported, python, module in rows:
            for more in ({}, {"kind": 0, "attributes": (), "headers": plain}):
                with self.subTest(imported, module=module, **more):
                    self.assertEqual(self.framework(imported, python, **more), [*said, module])

    def test_func_with_the_sdk(self):
        code = """
        from cloudevents.core.v1.event import CloudEvent
        async def handle(scope, receive, send):
            event = scope["event"]
            assert type(event) is CloudEvent
            await send(CloudEvent({"source": "/me", "type": event.get_type(), "subject": event.get_subject()}, event.get_data()), 201)
        """
        for _, python in places(2):
            with Worker(code, {"handler_style": "func", "handler": "function.py"}, python=python) as worker:
                answer = worker.ask(**GIVEN)
                self.check(answer, 201, '{"a": 1}')
                self.assertEqual([answer.attributes[name] for name in ("source", "type", "subject")], ["/me", "a ü%41", "é"])


class Answers(Case):
    def answer(self, code, python=PYTHON, settings=None, **more):
        with Worker(code, settings, python=python) as worker:
            answer = worker.ask(**{**GIVEN, **more})
            self.assertIsNone(answer.error, answer.error)
            return answer

    def test_hks(self):
        required = {"specversion": "1.0", "id": "1", "source": "/me", "type": "ü"}
        start = "dict(specversion='1.0', id='1', source='/me', type='ü'"
        rows = (
            (", data={'n': 1.5})", {"datacontenttype": JSON}, b'{"n": 1.5}'),
            (", data='text')", {"datacontenttype": JSON}, b'"text"'),
            (", data='text', datacontenttype='text/plain')", {"datacontenttype": "text/plain"}, b"text"),
            (", data='[1.10]', datacontenttype='a/b+json')", {"datacontenttype": "a/b+json"}, b"[1.10]"),
            (", data='text', datacontenttype='a/json')", {"datacontenttype": "a/json"}, b'"text"'),
            (", data=b'\\xff', n=5, yes=True, none=None)", {"n": "5", "yes": "true"}, b"\xff"),
            (", data_base64='/w==')", {}, b"\xff"),
            (")", {}, b""),
            (", data=b'x' * 600_000)", {}, b"x" * 600_000),
        )
        for form in ("def", "async def"):
            results = ", ".join([f"lambda: {start}{more}" for more, _, _ in rows])
            with Worker(f"{form} handle(event):\n    return [{results}][int(event.id)]()\n") as worker:
                for at, (more, attributes, body) in enumerate(rows):
                    with self.subTest(more, form=form):
                        answer = worker.ask(kind=1, attributes={"id": str(at), "specversion": "1.0", "source": "/", "type": "t"})
                        self.assertIsNone(answer.error, answer.error)
                        self.assertEqual((answer.status, answer.attributes, answer.body), (200, {**required, **attributes}, body))

    def test_the_event_itself(self):
        for settings in (None, {"event_data": "raw", "handler": "function.py"}):
            answer = self.answer("def handle(event):\n    return event\n", settings=settings)
            self.assertEqual((answer.attributes, answer.body), ({**PLAIN, "datacontenttype": JSON}, b'{"a": 1}'))

    def test_headers(self):
        code = """
        def handle(event):
            names = {"ce-specversion": "1.0", "Ce-Id": "1", "ce-source": "/me", "ce-type": "t%20%C3%BC é", "X-A": "b", "Content-Type": "a/b"}
            return {"statusCode": 201, "headers": names, "body": "x"}
        """
        answer = self.answer(code)
        self.assertEqual((answer.status, answer.body), (201, b"x"))
        self.assertEqual(answer.attributes, {"specversion": "1.0", "id": "1", "source": "/me", "type": "t ü é"})
        self.assertEqual(answer.headers, [("X-A", "b"), ("Content-Type", "a/b")])
        for broken in (("/me", ""), ("%C3%BC", "%C3")):
            answer = self.answer(code.replace(*broken))
            self.assertEqual((answer.attributes, answer.header("ce-specversion")), ({}, "1.0"))

    def test_what_is_no_event(self):
        for result in ("{'specversion': '1.0'}", "{'specversion': '1.0', 'id': '1', 'source': '/', 'type': 't', 'more': {}}",
                       "[dict(specversion='1.0', id='1', source='/', type='t')]"):  # fmt: skip
            answer = self.answer(f"def handle(event):\n    return {result}\n")
            self.assertEqual((answer.attributes, answer.header("content-type")), ({}, JSON))

    def test_objects_of_the_sdk(self):
        code = """
        from {} import CloudEvent
        def handle(given):
            event = getattr(given, "cloud_event", given)
            return CloudEvent({{"source": "/me", "type": event["type"]}}, event.data)
        """
        modules = {1: ("cloudevents.http",), 2: ("cloudevents.v1.http", "cloudevents.core.v1.event")}
        rows = [(PYTHON, "cloudevents.http")] + [(python, name) for number, python in places(1, 2) for name in modules[number]]
        for python, module in rows:
            for settings in (None, {"handler_style": "func", "handler": "function.py"}):
                with self.subTest(module, settings=settings):
                    answer = self.answer(code.format(module), python, settings)
                    self.assertEqual((answer.status, answer.body, answer.attributes["type"]), (200, b'{"a": 1}', "a ü%41"))
                    self.assertEqual(sorted(answer.attributes), ["datacontenttype", "id", "source", "specversion", "time", "type"])

    def test_batches(self):
        hks = "def handle(events):\n    return [{**e, 'source': '/me'} for e in events]\n"
        framework = """
        import functions_framework
        from cloudevents.http import CloudEvent
        @functions_framework.cloud_event
        def hello(events):
            return [CloudEvent({**e.get_attributes(), "source": "/me", "time": None}, e.data) for e in events]
        """
        core = """
        from cloudevents.core.v1.event import CloudEvent
        async def handle(scope, receive, send):
            made = [CloudEvent({**e.get_attributes(), "source": "/me"}, e.get_data()) for e in scope["event"]]
            await send([{**{n: v for n, v in e.get_attributes().items() if n != "time"}, "data": e.get_data()} for e in made])
        """
        rows = [(hks, PYTHON, None), (framework, PYTHON, None), *[(framework, python, None) for _, python in places(1)]]
        rows += [(core, python, {"handler_style": "func", "handler": "function.py"}) for _, python in places(2)]
        start = '{"specversion": "1.0", "id": "%s", "source": "/me", "type": "t"'
        told = f'[{start % 1}, "datacontenttype": "application/json", "data": ' '{"n": 1}},' f"{start % 2}" "}]"
        for code, python, settings in rows:
            with self.subTest(code, python=python), Worker(code, settings, python=python) as worker:
                answer = batched(worker, event(1, b'{"n": 1}', datacontenttype=JSON), event(2))
                self.check(answer, 200, told, BATCH)
        with Worker("def handle(event):\n    return {**event, 'bad': 'a\\0b'}\n") as worker:
            # It cannot be told; that is the function's error, and no event.
            self.assertEqual(worker.ask(**GIVEN).error[0], "ValueError")
        mixed = "def handle(events):\n    return [events[0], {'index': 1, 'status': 500}]\n"
        with Worker(mixed) as worker:
            self.check(batched(worker, event(1)), 200, None, JSON)


if __name__ == "__main__":
    unittest.main()
