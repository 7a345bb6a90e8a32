//! Functions of events in Python: CloudEvents as they come over HTTP, and what each system makes of a plain POST.

use crate::function::{Function, about, check, lines_of};
use crate::support::{Heeler, Request};

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
    for (status, kind) in [(400, JSON), (415, "text/plain")] {
        let request = Request::post("/", "{\"a\": \"the caller's own words\"}").header("Content-Type", kind);
        let refused = heeler.call(&request);
        assert_eq!(refused.status, status);
        assert!(!refused.text().contains("own words"), "{}", refused.text());
    }
    assert_eq!(heeler.get("/").status, 405);
}

/// An event of Pub/Sub as it was before CloudEvents: no event to heeler, which hands it on as the request it is.
pub const LEGACY: &str = r#"{"context": {"eventId": "7", "eventType": "google.pubsub.topic.publish", "timestamp": "2026-01-02T03:04:05Z",
    "resource": {"service": "pubsub.googleapis.com", "name": "projects/p/topics/t"}}, "data": {"data": "aGk="}}"#;
/// What Pub/Sub itself pushes.
pub const PUSHED: &str =
    r#"{"subscription": "s", "message": {"data": "aGk=", "messageId": "7", "publishTime": "2026-01-02T03:04:05Z"}}"#;
pub const TOPIC: &str = "/projects/p/topics/t";
pub const PUBLISHED: &str = "google.cloud.pubsub.topic.v1.messagePublished";

/// The same as today's event.
pub fn published() -> Request {
    let message = r#"{"message": {"data": "aGk=", "messageId": "7", "publishTime": "2026-01-02T03:04:05Z"}}"#;
    Request::post("/", message)
        .header("Content-Type", JSON)
        .header("ce-specversion", "1.0")
        .header("ce-id", "7")
        .header("ce-type", PUBLISHED)
        .header("ce-source", "//pubsub.googleapis.com/projects/p/topics/t")
        .header("ce-time", "2026-01-02T03:04:05Z")
}

pub fn old(path: &str, body: &str) -> Request {
    Request::post(path, body).header("Content-Type", JSON)
}

#[test]
fn functions_framework_background_functions() {
    let code = r#"
        def hello(data, context):
            print(data["data"], context.event_id, context.event_type, context.resource["name"])
    "#;
    let env = [("FUNCTION_TARGET", "hello"), ("FUNCTION_SIGNATURE_TYPE", "event")];
    let Some(function) = Function::of(&[("main.py", code)]) else { return };
    let heeler = function.start(&env);
    for (id, request) in [("old", old("/", LEGACY)), ("pushed", old(TOPIC, PUSHED)), ("today's", published())] {
        let answer = heeler.call(&request.header("X-Call-Id", id));
        assert_eq!((answer.status, answer.text().as_str()), (200, "OK"), "{id}");
        let line = heeler.stdout.wait_for_json("the event", |line| line["call_id"] == id);
        assert_eq!(line["msg"], "aGk= 7 google.pubsub.topic.publish projects/p/topics/t", "{id}");
    }
}

#[test]
fn older_events_for_functions_of_todays() {
    let code = r#"
        import functions_framework

        @functions_framework.cloud_event
        def hello(event):
            print(event["id"], event["type"], event["source"], event.data["message"]["data"])
    "#;
    let Some(function) = Function::of(&[("main.py", code)]) else { return };
    let heeler = function.start(&[]);
    for (id, request) in [("old", old("/", LEGACY)), ("pushed", old(TOPIC, PUSHED)), ("today's", published())] {
        assert_eq!(heeler.call(&request.header("X-Call-Id", id)).status, 200, "{id}");
        let line = heeler.stdout.wait_for_json("the event", |line| line["call_id"] == id);
        assert_eq!(line["msg"], format!("7 {PUBLISHED} //pubsub.googleapis.com/projects/p/topics/t aGk="), "{id}");
    }
    // A broken event never gets as far as the function.
    let broken = heeler.call(&published().header("ce-extra", "%C0%A0"));
    assert_eq!((broken.status, broken.header("x-heeler-reason")), (400, Some("event")));
}

/// What a function answers with, and the one header of an event's that shows how its attributes were written.
#[test]
fn answers_that_are_events() {
    let code = r#"
        def handle(event):
            if event.id == "headers":
                return {"statusCode": 200, "body": "hi", "headers": {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/me", "ce-type": "ü t"}}
            if event.id == "broken":
                return {**event, "type": "", "data": "hi"}
            return {**event, "type": "ü t", "data": "hi", "datacontenttype": "text/plain"}
    "#;
    let Some(function) = Function::of(&[("function.py", code)]) else { return };
    answers(&function.start(&[]));
}

pub fn answers(heeler: &Heeler) {
    let event = |id: &str| {
        let attributes = [("specversion", "1.0"), ("id", id), ("source", "/s"), ("type", "t")];
        let request = Request::post("/", "{}").header("Content-Type", JSON).header("Prefer", "reply");
        heeler.call(
            &attributes.iter().fold(request, |request, (name, value)| request.header(&format!("ce-{name}"), value)),
        )
    };
    for id in ["headers", "whole"] {
        let answer = event(id);
        assert_eq!((answer.status, answer.header("ce-type")), (200, Some("%C3%BC%20t")), "{id}");
        assert_eq!((answer.text().as_str(), answer.header("x-heeler-reason")), ("hi", None), "{id}");
    }
    let broken = event("broken");
    assert_eq!((broken.status, broken.header("x-heeler-reason")), (502, Some("reply")));
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
