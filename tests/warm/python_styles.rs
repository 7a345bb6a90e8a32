//! Every calling convention of docs/handlers.md for requests, in Python, once through heeler.

use crate::function::{Function, ask, check, path_with_frameworks};
use crate::support::Request;

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// As curl sends `-d`.
fn form(target: &str, body: &str) -> Request {
    Request::post(target, body).header("Content-Type", "application/x-www-form-urlencoded")
}

fn json(target: &str, body: &str) -> Request {
    Request::post(target, body).header("Content-Type", JSON)
}

#[test]
fn the_readme_s_function() {
    let code = r#"
        def handle(request):
            return {"hello": request.get("name", "World")}
    "#;
    check(
        "hks",
        &[("function.py", code)],
        &[],
        &[
            (Request::get("/"), 200, JSON, r#"{"hello": "World"}"#),
            (Request::get("/?name=Bob"), 200, JSON, r#"{"hello": "Bob"}"#),
            (form("/", r#"{"name": "Ann"}"#), 200, JSON, r#"{"hello": "Ann"}"#),
            (json("/?name=Bob", r#"{"name": "Ann"}"#), 200, JSON, r#"{"hello": "Ann"}"#),
            (json("/", r#"{"name": "#), 200, JSON, r#"{"hello": "World"}"#),
        ],
    );
}

const HKS: &str = r#"
    answers = {
        "/seen": lambda r: {"statusCode": 201, "body": [r.method, r.path, r.args["q"], r.headers["x-in"], r.get_json()]},
        "/bytes": lambda r: b"\xff",
        "/nothing": lambda r: None,
        "/pieces": lambda r: (part for part in ("a", "b")),
        "/keys": lambda r: {"statusCode": 404, "error": "gone"},
        "/three": lambda r: ("made", 201, {"Content-Type": "a/b"}),
        "/base64": lambda r: {"statusCode": 200, "body": "aGk=", "isBase64Encoded": True, "headers": {"Content-Type": "t/t"}},
    }
    DEF handle(request):
        return answers[request.path](request)
"#;

#[test]
fn hks_requests_and_results() {
    for form in ["def", "async def"] {
        check(
            "hks",
            &[("function.py", &HKS.replace("DEF", form))],
            &[],
            &[
                (
                    json("/seen?q=%C3%A9", "[1]").header("X-In", "in").method("PUT"),
                    201,
                    JSON,
                    r#"["PUT", "/seen", "\u00e9", "in", [1]]"#,
                ),
                (Request::get("/bytes"), 200, "application/octet-stream", "\u{fffd}"),
                (Request::get("/nothing"), 200, "", ""),
                (Request::get("/pieces"), 200, TEXT, "ab"),
                (Request::get("/keys"), 404, JSON, r#"{"error": "gone"}"#),
                (Request::get("/three"), 201, "a/b", "made"),
                (Request::get("/base64"), 200, "t/t", "hi"),
            ],
        );
    }
}

#[test]
fn headers_go_both_ways_as_they_are() {
    let code = r#"
        def handle(request):
            return {"statusCode": 200, "body": request.headers["x-a"],
                    "headers": {"X-One": 1, "X-Two": ["x", "y"], "Connection": "close", "Keep-Alive": "5"}, "cookies": ["k=v", "l=w"]}
    "#;
    let Some(function) = Function::python(code) else { return };
    let heeler = function.start(&[]);
    let mut conn = heeler.conn();
    for _ in 0..2 {
        let answer = conn.call(&Request::get("/").header("X-A", "1").header("x-a", "2").header("X-Call-Id", "mine"));
        assert_eq!(answer.assert_ok().text(), "1,2");
        assert_eq!(answer.header("x-one"), Some("1"));
        assert_eq!(answer.all("x-two"), ["x", "y"]);
        assert_eq!(answer.all("set-cookie"), ["k=v", "l=w"]);
        assert_eq!((answer.header("connection"), answer.header("keep-alive")), (None, None));
        assert_eq!(answer.header("x-call-id"), Some("mine"));
        assert_eq!((answer.header("content-length"), answer.reason()), (Some("3"), ""));
    }
}

const FRAMEWORK: &str = r#"
    import functions_framework

    @functions_framework.http
    def hello(request):
        if request.path == "/pair":
            return {"q": request.args.get("q"), "json": request.get_json(silent=True)}, 202, {"X-A": "b"}
        if request.path == "/code":
            return {"statusCode": 500, "body": "is a dictionary like others"}
        return f"{request.method} {request.get_data(as_text=True)}"
"#;

fn framework_rows(end: &str) -> [(Request, u16, &'static str, String); 4] {
    [
        (Request::post("/", "hi"), 200, HTML, "POST hi".to_owned()),
        (json("/pair?q=1", "[2]"), 202, JSON, format!("{{\"json\":[2],\"q\":\"1\"}}{end}")),
        (
            Request::get("/code"),
            200,
            JSON,
            format!("{{\"body\":\"is a dictionary like others\",\"statusCode\":500}}{end}"),
        ),
        (Request::get("/favicon.ico"), 404, HTML, String::new()),
    ]
}

#[test]
fn functions_framework_http_without_and_with_flask() {
    for path in [std::env::var("PATH").ok(), path_with_frameworks()].into_iter().flatten() {
        let Some(function) = Function::of(&[("main.py", FRAMEWORK)]) else { return };
        let heeler = function.start(&[("FUNCTION_TARGET", "hello"), ("PATH", &path)]);
        for (request, status, kind, body) in framework_rows("\n") {
            let answer = heeler.call(&request);
            let seen = (answer.status, answer.header("content-type").unwrap_or_default(), answer.text());
            let body = if status == 404 { answer.text() } else { body };
            assert_eq!(seen, (status, kind, body), "{path} {request:?}");
        }
    }
}

#[test]
fn functions_framework_typed_and_async() {
    let typed = r#"
        import functions_framework

        class Pair:
            def __init__(self, a, b):
                self.a, self.b = a, b
            @staticmethod
            def from_dict(it):
                return Pair(it["a"], it["b"])
            def to_dict(self):
                return {"a": self.b, "b": self.a}

        @functions_framework.typed(Pair)
        def swap(pair):
            return pair
    "#;
    let files = [("main.py", typed)];
    check("http", &files, &[], &[(json("/", r#"{"a": 1, "b": 2}"#), 200, HTML, r#"{"a": 2, "b": 1}"#)]);
    let aio = r#"
        import functions_framework.aio

        @functions_framework.aio.http
        async def hello(request):
            return {"body": (await request.body()).decode(), "q": request.query_params["q"]}
    "#;
    let rows = [(Request::post("/?q=1", "hi"), 200, JSON, r#"{"body":"hi","q":"1"}"#)];
    check("http", &[("main.py", aio)], &[("FUNCTION_TARGET", "hello")], &rows);
}

#[test]
fn lambda() {
    let code = r#"
        def handler(event, context):
            path = event["rawPath"]
            if path == "/plain":
                return {"a": 1}
            if path == "/raise":
                raise ValueError("a secret")
            if path == "/odd":
                return {"statusCode": "odd"}
            body = [event["httpMethod"], event["queryStringParameters"], event["body"], event["requestContext"]["requestId"],
                    context.aws_request_id, 0 < context.get_remaining_time_in_millis() <= 30000]
            import json
            return {"statusCode": 201, "headers": {"X-A": "b"}, "body": json.dumps(body)}
    "#;
    for (files, env) in [
        ([("main.py", code)], &[][..]),
        ([("other.py", code)], &[("_HANDLER", "other.handler")]),
        ([("other.py", code)], &[("handler", "other.handler"), ("handler_style", "lambda")]),
    ] {
        let Some(function) = Function::of(&files) else { return };
        let heeler = function.start(env);
        let seen = r#"["POST", {"q": "1,2"}, "hi", "id-7", "id-7", true]"#;
        let request =
            Request::post("/p?q=1&q=2", "hi").header("X-Call-Id", "id-7").header("Content-Type", "text/plain");
        ask(&heeler, &[(request, 201, JSON, seen), (Request::get("/plain"), 200, JSON, r#"{"a": 1}"#)]);
        for path in ["/raise", "/odd"] {
            let answer = heeler.get(path);
            assert_eq!(answer.status, 502, "{path}: {}", answer.text());
            assert!(!answer.text().contains("secret"), "{path}: {}", answer.text());
        }
    }
}

#[test]
fn kubeless() {
    let code = r#"
        def hello(event, context):
            if event["data"] == b"raise":
                raise KeyError("a secret")
            return {"data": str(event["data"]), "id": event["event-id"], "of": context["function-name"],
                    "method": event["extensions"]["request"].method}
    "#;
    let Some(function) = Function::of(&[("mod.py", code)]) else { return };
    let heeler = function.start(&[("MOD_NAME", "mod"), ("FUNC_HANDLER", "hello")]);
    let rows = [(
        json("/", r#"{"a": 1}"#).header("event-id", "7"),
        200,
        JSON,
        r#"{"data": "{'a': 1}", "id": "7", "of": "hello", "method": "POST"}"#,
    )];
    ask(&heeler, &rows);
    heeler.post("/", "raise").assert_made_by_heeler(500, "raised");
}

#[test]
fn openfaas_with_an_event_and_with_text() {
    let event = r#"
        def handle(event, context):
            if event.path == "/value":
                return "text", 202
            return {"statusCode": 201, "headers": {"Content-Type": "a/b"}, "body": event.method + " " + event.body.decode()}
    "#;
    let rows = [(Request::post("/", "hi"), 201, "a/b", "POST hi"), (Request::get("/value"), 202, HTML, "text")];
    for file in ["handler.py", "function/handler.py"] {
        check("openfaas", &[(file, event)], &[], &rows);
    }
    check("openfaas", &[("any.py", event)], &[("handler_style", "openfaas"), ("handler", "any.handle")], &rows);
    let text = "def handle(req):\n    return req.upper()\n";
    check("openfaas", &[("handler.py", text)], &[], &[(Request::post("/", "hi"), 200, HTML, "HI")]);
}

#[test]
fn knative_func_and_its_hooks() {
    let code = r#"
        import meet

        class Function:
            def start(self, cfg):
                self.word = cfg["WORD"]
            def stop(self):
                meet.note("stopped")
            async def handle(self, scope, receive, send):
                body = (await receive())["body"].decode()
                await send({"type": "http.response.start", "status": 201, "headers": [[b"content-type", b"a/b"]]})
                await send({"type": "http.response.body", "body": f"{self.word} {scope['path']} {body}".encode()})

        def new():
            return Function()
    "#;
    let Some(function) = Function::of(&[("func.py", code)]) else { return };
    let mut heeler = function.start(&[("handler_style", "func"), ("WORD", "word")]);
    ask(&heeler, &[(Request::post("/p", "hi"), 201, "a/b", "word /p hi")]);
    assert!(!function.gate.has("stopped"));
    heeler.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(heeler.exit_code(), 0);
    assert!(function.gate.has("stopped"), "the stop hook did not run");

    let code = "def handle(context):\n    return {'method': context.request.method}, 202\n";
    let rows = [(Request::post("/", ""), 202, JSON, "{\"method\":\"POST\"}\n")];
    check("func", &[("func.py", code)], &[("handler_style", "func")], &rows);
}
