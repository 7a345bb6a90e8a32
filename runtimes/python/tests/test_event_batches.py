"""Batches of events: wire kind 2, built by hand, and what each style makes of one."""

import json
import struct
import unittest

from support import DATA, LAST, Case, Worker, call, frame

PLAIN = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
JSON, BATCH = "application/json", "application/cloudevents-batch+json"
BATCHED = {"content-type": BATCH + "; charset=utf-8", "content-length": "7", "x-a": "b"}


def event(number=1, data=b"", **more):
    attributes = {**PLAIN, "id": str(number), **more}
    fields = "".join(f"{name}\0{value}\0" for name, value in attributes.items()).encode()
    return struct.pack(">II", len(fields), len(data)) + fields + data


#: An event of each kind of data.
EVENTS = [
    event(1, b' {"n": 1.10} ', datacontenttype=JSON),
    event(2, "é".encode(), datacontenttype="text/plain", subject="ü %41"),
    event(3, b"\xff", datacontenttype="image/png"),
    event(4),
]


def batched(worker, *events, count=None, pieces=None, **more):
    """One call with these events, its body in as many frames as `pieces` says, and its answer."""
    worker.newest += 1
    body, stream = b"".join(events), worker.newest
    cut = len(body) // (pieces or 1) + 1
    first, rest = (body, []) if pieces is None else (body[:cut], [body[at : at + cut] for at in range(cut, len(body), cut)])
    sent = bytearray(call(stream, kind=2, body=first, last=not rest, length=len(body), **{"headers": BATCHED, **more}))
    sent[14:16] = struct.pack(">H", len(events) if count is None else count)
    worker.send(bytes(sent) + b"".join(frame(DATA, LAST * (piece is rest[-1]), stream, piece) for piece in rest))
    return worker.answer(stream)


class Lists(Case):
    def test_golden(self):
        """The bytes of a call of two events, as docs/wire.md has them."""
        head = b"POST\0/\0\0http\0\0id\0"
        attributes = b"specversion\x001.0\0id\x00a\0source\0/s\0type\0t\0"
        body = b"\0\0\0\x26\0\0\0\x02" + attributes + b"hi" + b"\0\0\0\x26\0\0\0\0" + attributes
        payload = b"\x02\x0b\0\x02" + struct.pack(">IIQ", len(head), 0, len(body)) + head + body
        self.assertEqual(len(attributes), 0x26)
        with Worker("def handle(events):\n    return [[e.id, e.source, e.data, len(e)] for e in events]\n") as worker:
            worker.send(struct.pack(">IBBHI", len(payload), 2, 1, 0, 1) + payload)
            self.check(worker.answer(), 200, '[["a", "/s", "hi", 5], ["a", "/s", null, 5]]')

    def test_hks(self):
        code = "def handle(events):\n    return [[e['id'], e.get('subject'), e.data] for e in events]\n"
        said = [["1", None, {"n": 1.1}], ["2", "ü %41", "é"], ["3", None, "/w=="], ["4", None, None]]
        for form in (code, "async " + code):
            for pieces in (None, 2, 5):
                with self.subTest(form, pieces=pieces), Worker(form) as worker:
                    answer = batched(worker, *EVENTS, pieces=pieces)
                    self.check(answer, 200, None, JSON)
                    self.assertEqual(json.loads(answer.body), said)
                    self.check(batched(worker), 200, "[]", JSON)
        with Worker(code, {"handler_style": "event", "event_data": "raw"}) as worker:
            self.assertEqual(json.loads(batched(worker, EVENTS[0]).body), [["1", None, ' {"n": 1.10} ']])

    def test_framework(self):
        code = """
        import functions_framework
        @functions_framework.{}cloud_event
        {}def hello(events):
            print([(e["id"], e.data) for e in events])
        """
        for code in (code.format("", ""), code.format("aio.", "async ").replace("_framework\n", "_framework.aio\n", 1)):
            with self.subTest(code), Worker(code) as worker:
                answer = batched(worker, *EVENTS[:2], event(5, b"text"))
                self.check(answer, 200, "OK")
                self.assertEqual(answer.logs[0][2], "[('1', {'n': 1.1}), ('2', 'é'), ('5', 'text')]")

    def test_data_and_context_take_one(self):
        env = {"FUNCTION_TARGET": "hello", "FUNCTION_SIGNATURE_TYPE": "event", "FUNCTION_SOURCE": "function.py"}
        with Worker("def hello(data, context):\n    print(data)\n", env=env) as worker:
            answer = batched(worker, *EVENTS)
            self.assertEqual((answer.kind, answer.wanted_status, answer.logs), (0, 415, []))
            self.assertIn("batch=split", answer.error[1])

    def test_func(self):
        asgi = """
        async def handle(scope, receive, send):
            await send([{"type": "t", "specversion": "1.0", "source": "/me", "id": e.get_id(), "data": e.get_data()} for e in scope["event"]])
        """
        with Worker(asgi, {"handler_style": "func", "handler": "function.py"}) as worker:
            answer = batched(worker, EVENTS[0], EVENTS[3])
            self.check(answer, 200, None, BATCH)
            got = [(each["id"], each["source"], each.get("data")) for each in json.loads(answer.body)]
            self.assertEqual(got, [("1", "/me", {"n": 1.1}), ("4", "/me", None)])
        context = "def handle(context, data):\n    return [data is context.cloud_events, context.cloud_event, data[1].data]\n"
        with Worker(context, {"handler_style": "func", "handler": "function.py"}) as worker:
            self.check(batched(worker, *EVENTS), 200, '[true,null,"\\u00e9"]\n')
            self.assertEqual(batched(worker).wanted_status, 0)
        with Worker(context.replace("data[1].data", "len(data)"), {"handler_style": "func", "handler": "function.py"}) as worker:
            self.check(batched(worker), 200, "[true,null,0]\n")


class Requests(Case):
    """Who speaks HTTP gets the JSON array: data's own text where it is JSON."""

    ARRAY = (
        b'[{"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "datacontenttype": "application/json", "data": {"n": 1.10}},'
        b'{"specversion": "1.0", "id": "2", "source": "/s", "type": "t", "datacontenttype": "text/plain", "subject": "\\u00fc %41", '
        b'"data": "\\u00e9"},'
        b'{"specversion": "1.0", "id": "3", "source": "/s", "type": "t", "datacontenttype": "image/png", "data_base64": "/w=="},'
        b'{"specversion": "1.0", "id": "4", "source": "/s", "type": "t"}]'
    )
    STYLES = (
        ("request", "def handle(r):\n    return [r.headers, r.data.decode()]\n", {}),
        ("http", "def main(r):\n    return [dict(r.headers), r.get_data(as_text=True)]\n", {}),
        ("openfaas", "def handle(event, context):\n    return {'body': [dict(event.headers), event.body.decode()]}\n", {}),
        ("lambda", "def handler(event, context):\n    return [event['headers'], event['body']]\n", {}),
        ("kubeless", "import json\ndef f(event, context):\n    r = event['extensions']['request']\n"
         "    return json.dumps([r.headers, r.data.decode(), len(event['data'])])\n", {"MOD_NAME": "function", "FUNC_HANDLER": "f"}),
        ("wsgi", "import json\ndef app(environ, start_response):\n    start_response('200 OK', [])\n    headers = {'content-type': "
         "environ['CONTENT_TYPE'], 'content-length': environ['CONTENT_LENGTH'], 'x-a': environ['HTTP_X_A']}\n"
         "    return [json.dumps([headers, environ['wsgi.input'].read().decode()]).encode()]\n", {}),
        ("asgi", "import json\nasync def app(scope, receive, send):\n    if scope['type'] == 'lifespan': return\n"
         "    headers = {n.decode(): v.decode() for n, v in scope['headers']}\n    body = (await receive())['body'].decode()\n"
         "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
         "    await send({'type': 'http.response.body', 'body': json.dumps([headers, body]).encode()})\n", {}),
    )  # fmt: skip

    def test_styles(self):
        want = {"content-type": BATCH, "content-length": str(len(self.ARRAY)), "x-a": "b"}
        for style, code, env in self.STYLES:
            settings = {"handler_style": style} if env else {"handler_style": style, "handler": "function.py"}
            with self.subTest(style), Worker(None, settings, files={"function.py": code}, env=env) as worker:
                for pieces in (None, 3):
                    answer = batched(worker, *EVENTS, pieces=pieces)
                    self.assertIsNone(answer.error)
                    headers, body, *_ = json.loads(answer.body)
                    self.assertEqual({name.lower(): value for name, value in headers.items()}, want)
                    self.assertEqual(body.encode(), self.ARRAY)

    def test_data(self):
        rows = (
            (b"[1e999, 1.0]", {}, '"data": [1e999, 1.0]'),
            (b"9" * 5000, {}, '"data": ' + "9" * 5000),
            (b"text", {}, '"data_base64": "dGV4dA=="'),
            (b"NaN", {}, '"data_base64": "TmFO"'),
            (b"\xef\xbb\xbf1", {}, '"data_base64": "77u/MQ=="'),
            (b"{broken", {"datacontenttype": "a/b+json"}, '"data_base64": "e2Jyb2tlbg=="'),
            (b'"x"', {"datacontenttype": "Application/JSON; charset=utf-8"}, '"data": "x"'),
            (b"<a/>", {"datacontenttype": "image/svg+xml"}, '"data": "<a/>"'),
            (b"1", {"datacontenttype": "text/plain"}, '"data": "1"'),
            (b"x", {"datacontenttype": "text/plain; charset=latin-1"}, '"data_base64": "eA=="'),
            (b"\xff", {"datacontenttype": "text/plain"}, '"data_base64": "/w=="'),
        )
        with Worker("def handle(r):\n    return r.data\n", {"handler_style": "request"}) as worker:
            for data, more, written in rows:
                with self.subTest(data, **more):
                    self.assertTrue(batched(worker, event(1, data, **more)).body.decode().endswith(", " + written + "}]"))


class Broken(Case):
    def test_ends_the_worker(self):
        whole = event(1, b"hi")
        for body, count in (
            (whole, 0), (whole, 2), (whole[:-1], 1), (whole + b"x", 1), (whole[:7], 1), (b"", 1),
            (struct.pack(">II", 2, 0) + b"ab", 1), (struct.pack(">II", 2, 0) + b"a\0", 1),
            (struct.pack(">II", 0xFFFF_FFFF, 0xFFFF_FFFF), 1),
        ):  # fmt: skip
            with self.subTest(body, count=count), Worker("def handle(events):\n    return 'x'\n") as worker:
                with self.assertRaises((EOFError, ConnectionError)):
                    batched(worker, body, count=count)
                self.assertEqual(worker.ended(), 70)
                self.assertIn("heeler's frames are broken", worker.stderr())


if __name__ == "__main__":
    unittest.main()
