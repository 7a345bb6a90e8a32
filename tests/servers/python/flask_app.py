"""The small app for Flask: under gunicorn, waitress and wsgiref, and as functions of the functions-framework."""

import flask


def see(request):
    names = ("RAW_URI", "REQUEST_URI")
    return {
        "method": request.method,
        "target": next((request.environ[name] for name in names if name in request.environ), request.path),
        "query": request.query_string.decode(),
        "headers": {name.lower(): value for name, value in request.headers},
        "remote": request.remote_addr,
    }


def events(gate):
    yield "data: first\n\n"
    # A named pipe: this waits until the test has written into it.
    with open(gate, "rb") as pipe:
        pipe.read()
    yield "data: second\n\n"


def play(request):
    word, _, rest = request.path.lstrip("/").partition("/")
    if word == "hello":
        return flask.Response("hello\n", mimetype="text/plain")
    if word == "echo":
        return flask.Response(request.get_data(), content_type=request.content_type)
    if word == "headers":
        return see(request)
    if word == "cookies":
        return flask.Response("", headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    if word == "status":
        return f"status {rest}\n", int(rest)
    if word == "stream":
        return flask.Response(f"piece {n}\n" for n in range(10))
    if word == "big":
        return flask.Response((bytes(range(251)) * (int(rest) // 251 + 1))[: int(rest)])
    if word == "events":
        return flask.Response(events(request.args["gate"]), mimetype="text/event-stream")
    return "no such page\n", 404


def event(event):
    print("event", event["id"], event["type"], event["source"], event.data["name"], flush=True)


app = flask.Flask(__name__)
methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@app.route("/", defaults={"path": ""}, methods=methods)
@app.route("/<path:path>", methods=methods)
def every(path):
    return play(flask.request)
