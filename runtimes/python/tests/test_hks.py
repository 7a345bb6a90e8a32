"""HKS's requests, events and results."""

import json
import unittest

from support import Case, Worker


class Table(Case):
    def check_table(self, head, rows, settings=None):
        """Rows of an expression, what the call is, and the answer's body as JSON."""
        for form in (head, "async " + head):
            for expression, what, expected in rows:
                with self.subTest(expression, what=what), Worker(f"{form}\n    return {{'said': {expression}}}\n", settings) as worker:
                    answer = worker.ask(**what)
                    self.assertIsNone(answer.error, answer.error)
                    self.assertEqual(json.loads(answer.body)["said"], expected)


class Requests(Table):
    def test_looks(self):
        form = {"headers": {"content-type": "application/x-www-form-urlencoded"}}
        body = b'{"name": "Ada", "method": "mine"}'
        self.check_table("def handle(request):", [
            ("[request.get('name', 'World')]", {}, ["World"]),
            ("[request.get('name', 'World')]", {"body": body}, ["Ada"]),
            ("[request.get('name', 'World')]", {"body": body, **form}, ["Ada"]),
            ("[request.get('name', 'World')]", {"query": "name=Bob+B%C3%A9"}, ["Bob Bé"]),
            ("[request.get('name')]", {"query": "name=Bob", "body": body}, ["Ada"]),
            ("[request['method'], request['name']]", {"body": body}, ["POST", "Ada"]),
            ("[request.get('body', {})]", {}, [{}]),
            ("[request['body']]", {"body": b"text"}, ["text"]),
            ("[request.get('headers')['X-A'], request.headers.get('x-a')]", {"headers": [("x-a", "1"), ("x-a", "2")]}, ["1,2"] * 2),
            ("[request.get('query'), request.args.getlist('a')]", {"query": "a=1&a=2&b"}, [{"a": "1", "b": ""}, ["1", "2"]]),
            ("['name' in request, 'x' in request, 'path' in request]", {"body": body}, [True, False, True]),
            ("sorted(request)", {"body": body}, ["body", "headers", "method", "name", "path", "query"]),
            ("dict(request)['name']", {"body": body}, "Ada"),
            ("[request.method, request.path, request.url, request.remote_addr]", {"path": "/a%20b", "query": "c=d",
             "headers": {"host": "h:1"}}, ["POST", "/a b", "http://h:1/a%20b?c=d", "127.0.0.1"]),
            ("request.get_json()", {"body": b"{\"a\": [1]}"}, {"a": [1]}),
            ("[request.get_json(), request.json]", {"body": b"{broken"}, [None, None]),
            ("[request.get('a', 'b'), request.get_json()]", {"body": b"{broken"}, ["b", None]),
            ("[request.data.decode(), request.get_data(as_text=True)]", {"body": "é".encode()}, ["é", "é"]),
            ("request.form", {"body": b"a=1&b=x+y", **form}, {"a": "1", "b": "x y"}),
            ("request.cookies", {"headers": {"cookie": "a=1; b=\"2\""}}, {"a": "1", "b": "2"}),
            ("request['nothing']", {"body": b"{\"nothing\": null}"}, None),
        ])  # fmt: skip

    def test_missing_key(self):
        with Worker("def handle(request):\n    return request['name']\n") as worker:
            self.assertEqual(worker.ask().error[:2], ["KeyError", "'name'"])


BINARY = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t", "ce-subject": "Euro%20%E2%82%AC"}
JSON = {"content-type": "application/json"}


class Events(Table):
    def test_data(self):
        attributes = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
        for settings, rows in (
            ({}, [("application/json", b'{"a": 1}', {"a": 1}), ("text/plain", b"hi", "hi"), ("image/png", b"\x89P", "iVA="),
                  ("application/json; charset=utf-8", b"[1]", [1]), ("application/json", b"{broken", "{broken")]),
            ({"event_data": "raw"}, [("application/json", b'{"a": 1}', '{"a": 1}'), ("image/png", b"\x89P", "iVA=")]),
        ):  # fmt: skip
            rows = [
                ("[event['data'], event.data, event.get('type'), event.id]",
                 {"kind": 1, "attributes": attributes, "headers": {"content-type": kind}, "body": body}, [data, data, "t", "1"])
                for kind, body, data in rows
            ]  # fmt: skip
            self.check_table("def handle(event):", rows, settings)

    def test_as_they_come(self):
        structured = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "subject": "Euro €", "data": {"a": 1}}
        self.check_table("def handle(event):", [
            ("[event['subject'], event['data'], event['datacontenttype']]", {"headers": {**BINARY, **JSON}, "body": b'{"a": 1}'},
             ["Euro €", {"a": 1}, "application/json"]),
            ("[event['subject'], event.data]", {"headers": {"content-type": "application/cloudevents+json"},
             "body": json.dumps(structured).encode()}, ["Euro €", {"a": 1}]),
        ])  # fmt: skip

    def test_forced(self):
        self.check_table("def handle(event):", [
            ("[event['type'], event['data']]", {"body": b'{"type": "t", "data": 3}'}, ["t", 3]),
            ("event['data']", {"body": b'{"a": 3}'}, {"a": 3}),
            ("event['data']", {"body": b"text"}, "text"),
            ("event['data']", {}, None),
            ("event['data']", {"headers": BINARY, "body": b"x"}, "x"),
        ], {"handler_style": "event"})  # fmt: skip
        self.check_table("def handle(request):", [
            ("[request.method, request['a']]", {"headers": {**BINARY, **JSON}, "body": b'{"a": 3}'}, ["POST", 3]),
        ], {"handler_style": "request"})  # fmt: skip

    def test_decorators(self):
        code = "import hks_functions\n@hks_functions.{0}\ndef handle(it):\n    return type(it).__name__\n"
        for name, said in (("http", "HksRequest_"), ("event", "Event"), ("cloud_event", "Event")):
            with self.subTest(name), Worker(code.format(name)) as worker:
                self.check(worker.ask(body=b"x"), 200, said)

    def test_framework_of_google_with_ours(self):
        code = """
        import functions_framework, hks_functions
        @functions_framework.http
        def hello(request):
            return {"statusCode": 404, "body": "none", "name": request.get("name")}
        """
        with Worker(code, {"handler": "anything.py"}) as worker:
            self.assertEqual((worker.said["style"], worker.said["function"]), ("hks", "anything.hello"))
            self.check(worker.ask(), 404, "none")
        with Worker(code.replace(", hks_functions", "").replace('request.get("name")', "None"), {"handler": "anything.py"}) as worker:
            answer = worker.ask()
            self.assertEqual((answer.status, answer.header("content-type")), (200, "application/json"))

    def test_events_that_are_none(self):
        for headers, body, status in (
            ({"content-type": "application/cloudevents+json"}, b"{broken", 400),
            ({"content-type": "application/cloudevents+json"}, b'{"id": "1"}', 400),
            ({"content-type": "application/cloudevents-batch+json"}, b"[]", 415),
            ({**BINARY, "ce-subject": "%C0%A0"}, b"", 400),
        ):
            with self.subTest(headers), Worker("def handle(event):\n    return 'called'\n") as worker:
                self.assertEqual(worker.ask(headers=headers, body=body).status, status)


class Results(Case):
    def test_table(self):
        text, octets, js = "text/plain; charset=utf-8", "application/octet-stream", "application/json"
        for result, status, kind, body in (
            ("'é'", 200, text, "é"),
            ("b'\\xff'", 200, octets, b"\xff"),
            ("None", 200, None, b""),
            ("{'a': [1, None]}", 200, js, '{"a": [1, null]}'),
            ("[1]", 200, js, "[1]"),
            ("7", 200, js, "7"),
            ("('made', 201)", 201, text, "made"),
            ("('made', 201, {'Content-Type': 'a/b'})", 201, "a/b", "made"),
            ("({'a': 1}, 404)", 404, js, '{"a": 1}'),
            ("{'statusCode': 201, 'body': 'x'}", 201, text, "x"),
            ("{'statusCode': '201', 'body': 'x', 'headers': {'Content-Type': 'text/html'}}", 201, "text/html", "x"),
            ("{'statusCode': 200, 'body': {'a': 1}}", 200, js, '{"a": 1}'),
            ("{'statusCode': 200, 'body': b'\\x89', 'headers': {'Content-Type': 'image/png'}}", 200, "image/png", b"\x89"),
            ("{'statusCode': 200, 'body': 'iVA=', 'isBase64Encoded': True}", 200, octets, b"\x89P"),
            ("{'statusCode': 404}", 404, None, b""),
            ("{'statusCode': 404, 'error': 'gone'}", 404, js, '{"error": "gone"}'),
            ("{'body': 'x'}", 200, js, '{"body": "x"}'),
            ("(c for c in 'abc')", 200, text, "abc"),
            ("{'statusCode': 202, 'body': iter([b'a', 'b'])}", 202, text, "ab"),
            ("__import__('decimal').Decimal('1.5')", 200, js, "1.5"),
            ("{'when': __import__('datetime').date(2026, 1, 2)}", 200, js, '{"when": "2026-01-02"}'),
        ):
            for form in ("def", "async def"):
                with self.subTest(result, form=form), Worker(f"{form} handle(request):\n    return {result}\n") as worker:
                    self.check(worker.ask(), status, body)
                    # Twice: nothing of the first answer is in the second.
                    self.assertEqual(worker.ask().header("content-type"), kind)

    def test_headers(self):
        code = """
        def handle(request):
            return {"statusCode": 200, "body": "", "headers": {"A": 1, "B": ["x", "y"]}, "multiValueHeaders": {"C": ["1", "2"]},
                    "cookies": ["k=v"]}
        """
        with Worker(code) as worker:
            headers = worker.ask().headers
            for pair in (("A", "1"), ("B", "x"), ("B", "y"), ("C", "1"), ("C", "2"), ("set-cookie", "k=v")):
                self.assertIn(pair, headers)

    def test_streams_flush_as_they_go(self):
        code = """
        import os, time
        def handle(request):
            yield "one\\n"
            while not os.path.exists("go"):
                time.sleep(0.005)
            yield "two\\n"
        """
        for form in (code, code.replace("def handle", "async def handle")):
            with self.subTest(form), Worker(form) as worker:
                from support import DATA, REPLY, call

                worker.send(call(1))
                self.assertTrue(worker.next(REPLY).payload.endswith(b"one\n"))
                open(worker.folder + "/go", "w").close()
                self.assertEqual(worker.next(DATA).payload, b"two\n")

    def test_awaitable_of_a_plain_function(self):
        code = """
        import asyncio
        async def later():
            await asyncio.sleep(0)
            return "later"
        handle = lambda request: later()
        """
        with Worker(code) as worker:
            self.check(worker.ask(), 200, "later")
            self.check(worker.ask(), 200, "later")


if __name__ == "__main__":
    unittest.main()
