//! Functions of events in Python: CloudEvents as they come over HTTP, and what each system makes of a plain POST.

use crate::function::{Function, about, check, lines_of};
use crate::support::Request;

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// In the form that has the attributes in headers.
pub fn binary(kind: &str, data: &str) -> Request {
    let attributes = [("specversion", "1.0"), ("id", "7"), ("source", "/s"), ("type", "t"), ("subject", "a%20b")];
    let request = Request::post("/", data).header("Content-Type", kind);
    attributes.iter().fold(request, |request, (name, value)| request.header(&format!("ce-{name}"), value))
}

/// In the form that has them in the body.
pub fn structured(data: &str) -> Request {
    let event = r#"{"specversion":"1.0","id":"7","source":"/s","type":"t","subject":"a b","datacontenttype":"application/json""#;
    Request::post("/", format!("{event},\"data\":{data}}}")).header("Content-Type", "application/cloudevents+json")
}

#[test]
fn hks_events_in_both_forms() {
    let code = r#"
        def handle(event):
            return {"statusCode": 200, "body": [event["type"], event.subject, event.get("none"), event.data]}
    "#;
    let seen = r#"["t", "a b", null, {"a": 1}]"#;
    let rows = [
        (binary(JSON, r#"{"a": 1}"#), 200, JSON, seen),
        (structured(r#"{"a":1}"#), 200, JSON, seen),
        (binary("text/plain", "hi"), 200, JSON, r#"["t", "a b", null, "hi"]"#),
    ];
    check("hks", &[("function.py", code)], &[], &rows);
    let rows = [(binary(JSON, r#"{"a": 1}"#), 200, JSON, r#"["t", "a b", null, "{\"a\": 1}"]"#)];
    check("hks", &[("function.py", code)], &[("event_data", "raw")], &rows);
}

#[test]
fn hks_style_forces_either_form() {
    let event = "def handle(event):\n    return event['data']\n";
    let rows = [
        (Request::post("/", r#"{"a": 1}"#).header("Content-Type", JSON), 200, JSON, r#"{"a": 1}"#),
        (Request::post("/", r#"{"type": "t", "data": 3}"#).header("Content-Type", JSON), 200, JSON, "3"),
        (Request::post("/", "text").header("Content-Type", "text/plain"), 200, TEXT, "text"),
    ];
    check("event", &[("function.py", event)], &[("handler_style", "event")], &rows);
    let request = "def handle(request):\n    return [request.method, request['a']]\n";
    let rows = [(binary(JSON, r#"{"a": 3}"#), 200, JSON, r#"["POST", 3]"#)];
    check("request", &[("function.py", request)], &[("handler_style", "request")], &rows);
}

#[test]
fn decorators_of_hks() {
    let code = r#"
        import hks_functions

        @hks_functions.cloud_event
        def handle(event):
            return event["type"] + " " + event["data"]["a"]
    "#;
    check("event", &[("function.py", code)], &[], &[(binary(JSON, r#"{"a": "b"}"#), 200, TEXT, "t b")]);
    let code = r#"
        import functions_framework, hks_functions

        @functions_framework.http
        def hello(request):
            return {"statusCode": 404, "body": request.get("name", "none")}
    "#;
    let rows = [(Request::post("/", r#"{"name": "Ann"}"#), 404, TEXT, "Ann"), (Request::get("/"), 404, TEXT, "none")];
    check("hks", &[("main.py", code)], &[], &rows);
}

#[test]
fn functions_framework_events() {
    let seen = r#"
        import functions_framework

        @functions_framework.cloud_event
        def hello(event):
            print(event["id"], event["type"], event.data)
    "#;
    let Some(function) = Function::of(&[("main.py", seen)]) else { return };
    let heeler = function.start(&[]);
    assert_eq!(about(&heeler, "style"), "http");
    for (id, request) in [("binary", binary(JSON, r#"{"a": 1}"#)), ("structured", structured(r#"{"a": 1}"#))] {
        let answer = heeler.call(&request.header("X-Call-Id", id));
        assert_eq!((answer.status, answer.text().as_str()), (200, "OK"));
        heeler.stdout.wait_for_json("the event", |line| line["call_id"] == id);
        assert_eq!(lines_of(&heeler, id), [("stdout".to_owned(), "7 t {'a': 1}".to_owned())]);
    }
    let refused = heeler.post("/", "the caller's own words");
    assert_eq!(refused.status, 400);
    assert!(!refused.text().contains("own words"), "{}", refused.text());
    assert_eq!(heeler.get("/").status, 405);
}

#[test]
fn functions_framework_background_functions() {
    let code = r#"
        def hello(data, context):
            print(data, context.event_id, context.event_type)
    "#;
    let env = [("FUNCTION_TARGET", "hello"), ("FUNCTION_SIGNATURE_TYPE", "event")];
    let Some(function) = Function::of(&[("main.py", code)]) else { return };
    let heeler = function.start(&env);
    let old = r#"{"context": {"eventId": "7", "eventType": "t", "timestamp": "2026-01-02T03:04:05Z", "resource": "r"}, "data": {"a": 1}}"#;
    let answer = heeler.call(&Request::post("/", old).header("Content-Type", JSON).header("X-Call-Id", "old"));
    assert_eq!((answer.status, answer.text().as_str()), (200, "OK"));
    let line = heeler.stdout.wait_for_json("the event", |line| line["call_id"] == "old");
    assert_eq!(line["msg"], "{'a': 1} 7 t");
}

#[test]
fn func_and_kubeless_take_events_too() {
    let func = r#"
        def handle(context):
            return context.cloud_event["type"] if context.cloud_event else "none"
    "#;
    let rows = [(binary(JSON, "{}"), 200, HTML, "t"), (Request::post("/", ""), 200, HTML, "none")];
    check("func", &[("func.py", func)], &[("handler_style", "func")], &rows);
    let kubeless = "def f(event, context):\n    return event['event-type']\n";
    let env = [("MOD_NAME", "mod"), ("FUNC_HANDLER", "f")];
    check("kubeless", &[("mod.py", kubeless)], &env, &[(binary(JSON, "{}"), 200, HTML, "t")]);
}
