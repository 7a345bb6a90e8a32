"""Runs a function under the real functions-framework and answers calls given as JSON lines on standard input.

Started by test_like_framework.py with the interpreter of a place where the framework is installed.
"""

import asyncio
import contextlib
import io
import json
import sys


def main():
    source, target, kind = sys.argv[1:]
    import functions_framework

    with contextlib.redirect_stdout(io.StringIO()):
        app = functions_framework.create_app(target, source, kind or None)
    ask = ask_wsgi if hasattr(app, "test_client") else ask_asgi
    for line in sys.stdin:
        call = json.loads(line)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status, headers, body = ask(app, call)
        seen = [json.loads(line[5:]) for line in said.getvalue().splitlines() if line.startswith("SEEN ")]
        answer = {"status": status, "headers": headers, "body": body.decode("latin-1"), "seen": seen}
        print("ANSWER " + json.dumps(answer), flush=True)


def ask_wsgi(app, call):
    environ = {
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost:8080",
    }
    with app.test_client(use_cookies=False) as client:
        got = client.open(
            call["path"], method=call["method"], query_string=call["query"], headers=call["headers"],
            data=call["body"].encode("latin-1"), base_url="http://localhost:8080", environ_overrides=environ,
        )  # fmt: skip
        return got.status_code, [list(pair) for pair in got.headers.items()], got.get_data()


def ask_asgi(app, call):
    sent = []

    async def receive():
        return {"type": "http.request", "body": call["body"].encode("latin-1"), "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": call["method"], "scheme": "http",
        "path": call["path"], "raw_path": call["path"].encode(), "query_string": call["query"].encode(), "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in call["headers"]],
        "client": ("127.0.0.1", 1), "server": ("localhost", 8080),
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    headers = [[part.decode() for part in pair] for pair in sent[0]["headers"]]
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


if __name__ == "__main__":
    main()
