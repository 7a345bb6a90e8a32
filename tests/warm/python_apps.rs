//! Whole applications in the worker itself: WSGI and ASGI by hand and by their frameworks; and the command of the
//! functions-framework.

use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::function::{Function, about, ask, check, path_with_frameworks};
use crate::support::{Conn, HEELER, Request, eventually, free_port, tree};

const TEXT: &str = "text/plain";
const JSON: &str = "application/json";

const WSGI: &str = r#"
    def app(environ, start_response):
        body = environ["wsgi.input"].read().decode()
        start_response("201 Made", [("Content-Type", "text/plain"), ("X-A", "1"), ("X-A", "2")])
        said = [environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], environ.get("HTTP_X_IN", ""), body]
        return [" ".join(said).encode()]
"#;

const ASGI: &str = r#"
    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["word"] = "started"
            await send({"type": "lifespan.startup.complete"})
            await receive()
            import meet
            meet.note("stopped")
            await send({"type": "lifespan.shutdown.complete"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message.get("more_body")
        said = [scope["state"]["word"], scope["method"], scope["path"], scope["query_string"].decode(), body.decode()]
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": " ".join(said).encode()})
"#;

#[test]
fn wsgi() {
    let request = Request::post("/a%20b?q=%20", "hi").header("X-In", "in");
    let rows = [(request, 201, TEXT, "POST /a b q=%20 in hi")];
    check("wsgi", &[("app.py", WSGI)], &[], &rows);
    check("wsgi", &[("any.py", WSGI)], &[("handler", "any:app"), ("handler_style", "wsgi")], &rows);
}

#[test]
fn asgi_with_its_lifespan() {
    let Some(function) = Function::of(&[("app.py", ASGI)]) else { return };
    let mut heeler = function.start(&[]);
    assert_eq!(about(&heeler, "style"), "asgi");
    ask(&heeler, &[(Request::post("/a%20b?q=%20", "hi"), 201, TEXT, "started POST /a b q=%20 hi")]);
    heeler.signal(Signal::SIGTERM);
    assert_eq!(heeler.exit_code(), 0);
    assert!(function.gate.has("stopped"), "the application did not hear of the shutdown");
}

#[test]
fn flask() {
    let code = r#"
        from flask import Flask, jsonify, request
        app = Flask(__name__)

        @app.post("/items/<int:number>")
        def item(number):
            return jsonify(number=number, q=request.args.get("q"), json=request.get_json()), 201

        @app.get("/crash")
        def crash():
            raise ValueError("a secret")
    "#;
    let Some(path) = path_with_frameworks() else { return };
    let Some(function) = Function::of(&[("app.py", code)]) else { return };
    let heeler = function.start(&[("PATH", &path)]);
    assert_eq!(about(&heeler, "style"), "wsgi");
    let request = Request::post("/items/3?q=1", "[2]").header("Content-Type", JSON);
    ask(&heeler, &[(request, 201, JSON, "{\"json\":[2],\"number\":3,\"q\":\"1\"}\n")]);
    assert_eq!(heeler.get("/nowhere").status, 404);
    let crash = heeler.get("/crash");
    assert_eq!(crash.status, 500);
    assert!(!crash.text().contains("secret"), "{}", crash.text());
    heeler.stderr.wait_for("ValueError: a secret");
}

#[test]
fn fastapi() {
    let code = r#"
        from fastapi import FastAPI
        app = FastAPI()

        @app.post("/items/{number}")
        async def item(number: int, value: dict, q: str = ""):
            return {"number": number, "q": q, "value": value}
    "#;
    let Some(path) = path_with_frameworks() else { return };
    let Some(function) = Function::of(&[("app.py", code)]) else { return };
    let heeler = function.start(&[("PATH", &path)]);
    assert_eq!(about(&heeler, "style"), "asgi");
    let request = |path: &str| Request::post(path, r#"{"a":1}"#).header("Content-Type", JSON);
    ask(&heeler, &[(request("/items/3?q=1"), 200, JSON, r#"{"number":3,"q":"1","value":{"a":1}}"#)]);
    assert_eq!(heeler.call(&request("/items/x")).status, 422);
}

/// As an image's CMD has it, with the runtime's commands in PATH.
#[test]
fn the_command_of_the_functions_framework() {
    let code = "def hello(request):\n    return 'hello ' + request.args.get('name', 'World')\n";
    let Some(function) = Function::of(&[("src/main.py", code)]) else { return };
    let root = env!("CARGO_MANIFEST_DIR");
    let commands = function.path().join("bin");
    std::fs::create_dir(&commands).expect("a folder");
    symlink(HEELER, commands.join("heeler")).expect("a link");
    let path =
        format!("{}:{root}/runtimes/python/bin:{}", commands.display(), std::env::var("PATH").unwrap_or_default());
    let port = free_port();
    let mut command = Command::new(format!("{root}/runtimes/python/bin/functions-framework"));
    command
        .args(["--target=hello", "--source", "src/main.py", "--port", &port.to_string()])
        .current_dir(function.path());
    let env = [
        ("PATH", path.as_str()),
        ("metrics_port", "0"),
        ("suppress_lock", "true"),
        ("TMPDIR", env!("CARGO_TARGET_TMPDIR")),
    ];
    command.env_clear().envs(env).env("TESTFN_GATE", function.gate.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the command starts");
    let address = ([127, 0, 0, 1], port).into();
    eventually("it answers", || Conn::try_open(address).is_ok());
    let answer = Conn::open(address).call(&Request::get("/?name=Ann"));
    tree::signal(child.id() as i32, Signal::SIGTERM);
    let status = child.wait().expect("our own child");
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello Ann"));
    assert_eq!(status.code(), Some(0));
}
