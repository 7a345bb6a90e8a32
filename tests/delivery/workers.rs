//! Events that functions return in warm mode, in the words of each system.

use crate::event::{JSON, binary, delivery, structured};
use crate::function::{Function, ask, path_with_frameworks};
use crate::support::{Heeler, Response};

#[track_caller]
fn is_reply(answer: &Response, subject: &str) {
    let seen = ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject", "content-type"]
        .map(|name| answer.header(name).unwrap_or_default().to_owned());
    assert_eq!(seen, ["1.0", "r1", "/r", "r.t", subject, JSON], "{} {}", answer.status, answer.text());
    assert_eq!((answer.status, answer.text().replace(' ', "").as_str()), (200, r#"{"n":1}"#));
}

#[track_caller]
fn answers_with_events(heeler: &Heeler) {
    for request in [binary(), structured()] {
        is_reply(&heeler.call(&delivery(request.clone())), "%C3%A4%20%25");
        is_reply(&heeler.call(&request), "%C3%A4%20%25");
    }
}

/// `send(event)`: the worker says the attributes apart, and heeler makes the headers.
#[test]
fn func_for_python() {
    let code = r#"
        class Reply:
            def __init__(self, more):
                self.more = more

            def get_attributes(self):
                return {"specversion": "1.0", "id": "r1", "source": "/r", "type": "r.t", **self.more}

            def get_data(self):
                return {"n": 1}

        class Function:
            async def handle(self, scope, receive, send):
                what = scope["event"].get_type()
                if what == "broken":
                    await send(Reply({"time": "SECRET"}))
                elif what == "named":
                    await send(Reply({"my-name": "x"}))
                else:
                    await send(Reply({"subject": "ä %"}))

        def new():
            return Function()
    "#;
    let Some(function) = Function::of(&[("func.py", code)]) else { return };
    let heeler = function.start(&[("handler_style", "func")]);
    answers_with_events(&heeler);
    for (what, rule) in [("broken", "time: not an RFC 3339 time"), ("named", "my-name: ")] {
        for request in [binary_of(what), delivery(binary_of(what))] {
            let answer = heeler.call(&request);
            answer.assert_made_by_heeler(502, "reply");
            assert!(answer.text().contains(rule) && !answer.text().contains("SECRET"), "{}", answer.text());
        }
    }
    answers_with_events(&heeler);
    assert_eq!(heeler.stderr.count(|line| line.contains("worker is up")), 1, "a broken event ends no worker");
}

fn binary_of(kind: &str) -> crate::support::Request {
    let request = crate::support::Request::post("/", "{}").header("Content-Type", JSON).header("Ce-Type", kind);
    [("Ce-Specversion", "1.0"), ("Ce-Id", "7"), ("Ce-Source", "/s")]
        .iter()
        .fold(request, |request, (name, value)| request.header(name, value))
}

#[test]
fn func_for_node() {
    let returned = r#"{ specversion: '1.0', id: 'r1', source: '/r', type: 'r.t', subject: 'ä %', data: { n: 1 } }"#;
    let code = format!("exports.handle = (context, event) => (event.type === 'none' ? undefined : {returned});");
    let Some(function) = Function::of(&[("index.js", &code)]) else { return };
    let heeler = function.start(&[("handler_style", "func")]);
    answers_with_events(&heeler);
    assert_eq!(heeler.call(&delivery(binary_of("none"))).status, 202);
}

/// HKS has no word for events that are returned: its headers are HTTP's.
#[test]
fn hks_by_headers() {
    let python = r#"
        def handle(event):
            headers = {"ce-specversion": "1.0", "ce-id": "r1", "ce-source": "/r", "ce-type": "r.t", "ce-subject": "%C3%A4%20%25"}
            return {"statusCode": 201, "headers": headers, "body": {"n": 1}}
    "#;
    let node = "
        const headers = { 'ce-specversion': '1.0', 'ce-id': 'r1', 'ce-source': '/r', 'ce-type': 'r.t', 'ce-subject': '%C3%A4%20%25' };
        exports.handle = () => ({ statusCode: 201, headers, body: { n: 1 } });
    ";
    for (name, code) in [("function.py", python), ("function.js", node)] {
        let Some(function) = Function::of(&[(name, code)]) else { continue };
        let heeler = function.start(&[]);
        is_reply(&heeler.call(&delivery(binary())), "%C3%A4%20%25");
        assert_eq!(heeler.call(&binary()).status, 201, "{name}");
    }
}

/// With the SDK's own events, and with those of the same form.
#[test]
fn functions_framework_for_python() {
    let sdk = path_with_frameworks();
    for (import, path) in [("", None), ("from cloudevents.http import CloudEvent", sdk.as_deref())] {
        if !import.is_empty() && path.is_none() {
            continue;
        }
        let code = format!(
            r#"
            import functions_framework
            {import}

            @functions_framework.cloud_event
            def hello(event):
                print("seen", event["id"], event["type"], event["subject"], event["euro"], event.data["a"])
        "#
        );
        let Some(function) = Function::of(&[("main.py", &code)]) else { return };
        let env: Vec<_> = path.map(|path| ("PATH", path)).into_iter().collect();
        let heeler = function.start(&env);
        for (id, request) in [("one", binary()), ("two", structured())] {
            assert_eq!(heeler.call(&request.clone().header("X-Call-Id", id)).text(), "OK", "{import}");
            let line = heeler.stdout.wait_for_json("the event", |line| line["call_id"] == id);
            assert_eq!(line["msg"], "seen 7 t a b € x", "{import}");
            let answer = heeler.call(&delivery(request));
            assert_eq!((answer.status, answer.text().as_str()), (202, ""), "its OK is no event");
        }
    }
}

#[test]
fn lambda_gets_the_event_whole() {
    let python = "def handler(event, context):\n    return [event['id'], event['subject'], event['data']['a'], event['specversion']]\n";
    let node =
        "exports.handler = async (event, context) => [event.id, event.subject, event.data.a, event.specversion];";
    for (name, code, expected) in
        [("main.py", python, r#"["7", "a b", "x", "1.0"]"#), ("index.js", node, r#"["7","a b","x","1.0"]"#)]
    {
        let Some(function) = Function::of(&[(name, code)]) else { continue };
        let heeler = function.start(&[("handler_style", "lambda")]);
        ask(&heeler, &[(binary(), 200, JSON, expected), (structured(), 200, JSON, expected)]);
    }
}

#[test]
fn what_a_function_raises_is_a_failure() {
    for (name, code) in [
        ("function.py", "def handle(event):\n    raise ValueError('SECRET')\n"),
        ("function.js", "exports.handle = () => { throw new Error('SECRET'); };"),
    ] {
        let Some(function) = Function::of(&[(name, code)]) else { continue };
        let answer = function.start(&[]).call(&delivery(binary()));
        answer.assert_made_by_heeler(500, "raised");
        assert!(!answer.text().contains("SECRET"), "{name}");
    }
}
