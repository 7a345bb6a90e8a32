"""Lambda, Kubeless, OpenFaaS and Knative func."""

import json
import unittest

from support import BYE, PING, PONG, Case, Worker, frame, refused

BINARY = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t", "content-type": "application/json"}


class Styled(Case):
    style = ""

    def worker(self, code, **more):
        return Worker(code, {"handler_style": self.style, "handler": "function.py"}, **more)

    def check_rows(self, head, rows, env=None):
        """Rows of a body of code, what the call is, status, content type, body."""
        for form in (head, "async " + head):
            for code, what, status, kind, body in rows:
                with self.subTest(code, what=what), self.worker(f"{form}\n    {code}\n", env=env) as worker:
                    answer = worker.ask(**what)
                    self.check(answer, status, body, kind)


class Lambda(Styled):
    style = "lambda"

    def test_event(self):
        with self.worker("def handler(event, context):\n    return event\n") as worker:
            answer = worker.ask(
                method="PUT", path="/a%20b", query="c=1&c=2&d=", body=b"hi", peer="1.2.3.4", identifier="call-7",
                headers=[("host", "h"), ("x-a", "1"), ("x-a", "2"), ("cookie", "k=v; l=w"), ("user-agent", "u")],
            )  # fmt: skip
            event = json.loads(answer.body)
            for key, value in {
                "version": "2.0", "routeKey": "$default", "rawPath": "/a%20b", "rawQueryString": "c=1&c=2&d=",
                "cookies": ["k=v", "l=w"], "queryStringParameters": {"c": "1,2", "d": ""}, "body": "hi",
                "isBase64Encoded": False, "httpMethod": "PUT", "path": "/a b",
                "multiValueQueryStringParameters": {"c": ["1", "2"], "d": [""]},
                "headers": {"host": "h", "x-a": "1,2", "cookie": "k=v; l=w", "user-agent": "u"},
            }.items():  # fmt: skip
                self.assertEqual(event[key], value, key)
            self.assertEqual(event["multiValueHeaders"]["x-a"], ["1", "2"])
            http = event["requestContext"]["http"]
            self.assertEqual(http, {"method": "PUT", "path": "/a%20b", "protocol": "HTTP/1.1", "sourceIp": "1.2.3.4", "userAgent": "u"})
            self.assertEqual(event["requestContext"]["requestId"], "call-7")

    def test_binary_body(self):
        code = "def handler(event, context):\n    return [event['body'], event['isBase64Encoded']]\n"
        with self.worker(code) as worker:
            for body, kind, said in ((b"\xff", "image/png", ["/w==", True]), (b"{}", "application/json", ["{}", False]),
                                     (b"", "text/plain", [None, False])):  # fmt: skip
                self.assertEqual(json.loads(worker.ask(body=body, headers={"content-type": kind}).body), said)

    def test_context(self):
        code = """
        def handler(event, context):
            return [context.aws_request_id, context.function_name, context.function_version, context.memory_limit_in_mb,
                    0 < context.get_remaining_time_in_millis() <= 30_000, context.client_context, context.tenant_id,
                    context.identity.cognito_identity_id, context.invoked_function_arn, context.log("logged")]
        """
        env = {"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_REGION": "r"}
        with self.worker(code, env=env) as worker:
            answer = worker.ask(identifier="x")
            self.assertEqual(json.loads(answer.body), ["x", "f", "$LATEST", "256", True, None, None, None,
                                                       "arn:aws:lambda:r:000000000000:function:f", None])  # fmt: skip
            self.assertEqual(answer.logs, [(1, 1, "logged")])

    def test_results(self):
        js = "application/json"
        self.check_rows("def handler(event, context):", [
            ("return {'a': 1}", {}, 200, js, '{"a": 1}'),
            ("return 'text'", {}, 200, js, "text"),
            ("return b'raw'", {}, 200, "application/unknown", "raw"),
            ("return None", {}, 200, js, ""),
            ("return {'statusCode': 201, 'body': 'x', 'headers': {'Content-Type': 'a/b'}}", {}, 201, "a/b", "x"),
            ("return {'statusCode': 200, 'body': '{}'}", {}, 200, js, "{}"),
            ("return {'statusCode': 200, 'body': '/w==', 'isBase64Encoded': True}", {}, 200, js, b"\xff"),
            ("return {'statusCode': 200, 'body': 'x', 'multiValueHeaders': {'content-type': ['c/d']}}", {}, 200, "c/d", "x"),
        ])  # fmt: skip

    def test_failures(self):
        for code in ("raise ValueError('x')", "return {'statusCode': 'odd'}", "return {'statusCode': 200, 'body': {}}", "return {1, object()}"):
            with self.subTest(code), self.worker(f"def handler(event, context):\n    {code}\n") as worker:
                answer = worker.ask()
                self.assertEqual((answer.status, answer.wanted_status), (None, 502))

    def test_logging(self):
        code = "import logging\ndef handler(event, context):\n    logging.getLogger().warning('careful')\n"
        with self.worker(code) as worker:
            level, origin, line = worker.ask(identifier="x").logs[0]
            self.assertRegex(line, r"\A\[WARNING\]\t....-..-..T..:..:..\....Z\tx\tcareful\Z")


class Kubeless(Styled):
    style = "kubeless"

    def test_event_and_context(self):
        code = """
        def handle(event, context):
            return {"keys": sorted(event), "data": repr(event["data"]), "id": event["event-id"], "context": context,
                    "method": event["extensions"]["request"].method}
        """
        env = {"FUNC_TIMEOUT": "30", "FUNC_RUNTIME": "python3.11", "FUNC_MEMORY_LIMIT": "128Mi"}
        with self.worker(code, env=env) as worker:
            for headers, body, data in (
                ({"content-type": "application/json"}, b'{"a": 1}', "{'a': 1}"),
                ({"content-type": "application/json; charset=utf-8"}, b"[]", "[]"),
                ({"content-type": "text/plain"}, b"hi", "b'hi'"),
                ({}, b"", "b''"),
            ):
                said = json.loads(worker.ask(headers={**headers, "event-id": "7"}, body=body).body)
                self.assertEqual(said, {
                    "keys": ["data", "event-id", "event-namespace", "event-time", "event-type", "extensions"], "data": data, "id": "7",
                    "context": {"function-name": "handle", "timeout": 30.0, "runtime": "python3.11", "memory-limit": "128Mi"},
                    "method": "POST",
                })  # fmt: skip

    def test_results(self):
        html = "text/html; charset=utf-8"
        self.check_rows("def handle(event, context):", [
            ("return 'x'", {}, 200, html, "x"), ("return b'x'", {}, 200, html, "x"), ("return None", {}, 200, html, ""),
            ("return {'a': 1}", {}, 200, "application/json", '{"a": 1}'), ("return ['a', 'b']", {}, 200, html, "ab"),
            ("return event['event-type']", {"headers": BINARY, "body": b"{}"}, 200, html, "t"),
        ])  # fmt: skip

    def test_failures(self):
        for code in ("raise ValueError", "return 7", "return [1]"):
            with self.subTest(code), self.worker(f"def handle(event, context):\n    {code}\n") as worker:
                self.assertIsNotNone(worker.ask().error)


class OpenFaas(Styled):
    style = "openfaas"

    def test_event(self):
        code = """
        def handle(event, context):
            return {"body": [event.body.decode(), event.method, event.path, dict(event.query), event.headers["X-A"], event.headers.get("x-a"),
                             context.hostname]}
        """
        with self.worker(code, env={"HOSTNAME": "me"}) as worker:
            answer = worker.ask(path="/p", query="a=1", headers={"x-a": "b"}, body=b"hi")
            self.assertEqual(json.loads(answer.body), ["hi", "POST", "/p", {"a": "1"}, "b", "b", "me"])

    def test_results(self):
        html, js = "text/html; charset=utf-8", "application/json"
        self.check_rows("def handle(event, context):", [
            ("return None", {}, 200, html, ""), ("return {'statusCode': 201, 'body': 'x'}", {}, 201, html, "x"),
            ("return {'body': {'a': 1}}", {}, 200, js, '{"a": 1}'), ("return {'body': b'\\xff'}", {}, 200, html, b"\xff"),
            ("return {'body': 7}", {}, 200, html, "7"), ("return {'other': 7}", {}, 200, html, ""),
            ("return {'body': 'x', 'headers': {'Content-Type': 'a/b'}}", {}, 200, "a/b", "x"),
            ("return {'body': 'x', 'headers': [('Content-Type', 'a/b')]}", {}, 200, "a/b", "x"),
            ("return 'x', 202", {}, 202, html, "x"), ("return 'x', 202, {'Content-Type': 'a/b'}", {}, 202, "a/b", "x"),
        ])  # fmt: skip

    def test_text(self):
        html = "text/html; charset=utf-8"
        rows = [("return repr(req)", {"body": "é".encode()}, 200, html, "'é'"), ("return None", {}, 200, html, ""),
                ("return req, 201", {"body": b"x"}, 201, html, "x")]  # fmt: skip
        self.check_rows("def handle(req):", rows)
        self.check_rows("def handle(req):", [("return repr(req)", {"body": b"\xff"}, 200, html, "b'\\xff'")], {"RAW_BODY": "true"})


class Func(Styled):
    style = "func"
    ASGI = """
    class Function:
        def __init__(self):
            self.said = []
        {0}def start(self, cfg):
            self.said.append("start " + cfg["WORD"])
        {0}def stop(self):
            print("stopped", flush=True)
        def alive(self):
            import os
            return not os.path.exists("broken")
        def ready(self):
            import os
            return (False, "not yet") if os.path.exists("busy") else True
        async def handle(self, scope, receive, send):
            message = await receive()
            self.said.append(message["body"].decode())
            await send({{"type": "http.response.start", "status": 200, "headers": [[b"x-a", b"b"]]}})
            await send({{"type": "http.response.body", "body": ",".join(self.said).encode()}})
    def new():
        return Function()
    """

    def test_instance(self):
        for asynchronous in ("", "async "):
            with self.worker(self.ASGI.format(asynchronous), env={"WORD": "word"}) as worker:
                answer = worker.ask(body=b"one")
                self.assertEqual(worker.said["hooks"], "alive ready")
                self.check(answer, 200, "start word,one")
                self.assertEqual(answer.header("x-a"), "b")
                worker.send(frame(PING, payload=b"\1"))
                self.assertEqual(worker.next(PONG).payload, b"\1\1")
                open(worker.folder + "/busy", "w").close()
                worker.send(frame(PING, payload=b"\1"))
                self.assertEqual(worker.next(PONG).payload, b"\1\0not yet")
                worker.send(frame(PING, payload=b"\0"))
                self.assertEqual(worker.next(PONG).payload, b"\0\1")
                open(worker.folder + "/broken", "w").close()
                worker.send(frame(PING, payload=b"\0"))
                self.assertEqual(worker.next(PONG).payload, b"\0\0alive said no")
                worker.send(frame(BYE))
                self.assertEqual(worker.ended(), 0)
                self.assertEqual(worker.stdout(), "stopped\n")

    def test_start_fails(self):
        code = self.ASGI.format("").replace("\n    ", "\n").replace('cfg["WORD"]', 'cfg["MISSING"]')
        told, status, _ = refused(self, code, {"handler_style": "func", "handler": "function.py"})
        self.assertEqual((told[0], status), ("KeyError", 1))

    def test_plain_asgi(self):
        code = """
        async def handle(scope, receive, send):
            await send({"type": "http.response.start", "status": 201, "headers": []})
            await send({"type": "http.response.body", "body": scope["path"].encode()})
        """
        with self.worker(code) as worker:
            self.check(worker.ask(path="/here"), 201, "/here")

    def test_events(self):
        code = """
        class Event:
            def __init__(self, attributes, data):
                self.attributes, self.data = attributes, data
            def get_attributes(self):
                return self.attributes
            def get_data(self):
                return self.data
        async def handle(scope, receive, send):
            event = scope["event"]
            await send(Event({"id": event.get_id(), "source": "/me", "type": "answer é", "specversion": "1.0"}, event.get_data()))
        """
        with self.worker(code) as worker:
            given = {"source": "/me", "type": "answer é", "specversion": "1.0", "datacontenttype": "application/json"}
            answer = worker.ask(headers=BINARY, body=b'{"a": 1}')
            self.check(answer, 200, '{"a": 1}')
            self.assertEqual(answer.attributes, {"id": "1", **given})
            attributes = {"id": "2", "source": "/s", "type": "t", "specversion": "1.0"}
            answer = worker.ask(kind=1, attributes=attributes, body=b"[]", headers={"content-type": "application/json"})
            self.assertEqual((answer.attributes, answer.body), ({"id": "2", **given}, b"[]"))

    def test_context(self):
        code = """
        def handle(context):
            event = context.cloud_event
            return {"method": context.request.method, "type": event and event["type"]}, 202
        """
        with self.worker(code) as worker:
            self.check(worker.ask(), 202, '{"method":"POST","type":null}\n')
            self.check(worker.ask(headers=BINARY, body=b"{}"), 202, '{"method":"POST","type":"t"}\n')


if __name__ == "__main__":
    unittest.main()
