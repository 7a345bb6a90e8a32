//! Batches on their way into functions: as a list of events, as the array that HTTP has, or gathered from single events.

use serde_json::Value;

use crate::function::{Function, check};
use crate::python_events::binary;
use crate::support::{Heeler, Request};

const JSON: &str = "application/json";
const BATCH: &str = "application/cloudevents-batch+json";
const WHOLE: &[(&str, &str)] = &[("batch", "whole")];

fn event(id: &str, data: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t","subject":"a %","data":{data}}}"#)
}

fn two() -> Request {
    let events = [event("1", r#"{"n":1.10}"#), event("2", r#""x""#)];
    Request::post("/", format!("[{}]", events.join(","))).header("Content-Type", BATCH)
}

#[test]
fn hks_gets_a_list_in_python() {
    let code = r#"
        def handle(events):
            return [[event["id"], event.subject, event.data] for event in events]
    "#;
    let seen = r#"[["1", "a %", {"n": 1.1}], ["2", "a %", "x"]]"#;
    check("hks", &[("function.py", code)], WHOLE, &[(two(), 200, JSON, seen)]);
}

#[test]
fn hks_gets_a_list_in_node() {
    let code = r#"
        exports.handle = async (events) => events.map((event) => [event.id, event.subject, event.data])
    "#;
    let seen = r#"[["1","a %","{\"n\":1.10}"],["2","a %","\"x\""]]"#;
    check("hks", &[("function.js", code)], WHOLE, &[(two(), 200, JSON, seen)]);
}

#[test]
fn a_batch_larger_than_a_frame_arrives_whole() {
    let large = format!("\"{}\"", "x".repeat(700_000));
    let events: Vec<_> = (0..4).map(|id| event(&id.to_string(), &large)).collect();
    let request = Request::post("/", format!("[{}]", events.join(","))).header("Content-Type", BATCH);
    let python = "def handle(events):\n    return [len(event.data) for event in events]\n";
    let seen = "[700000, 700000, 700000, 700000]";
    check("hks", &[("function.py", python)], WHOLE, &[(request.clone(), 200, JSON, seen)]);
    let node = "exports.handle = (events) => events.map((event) => event.data.length)\n";
    let seen = "[700002,700002,700002,700002]";
    check("hks", &[("function.js", node)], WHOLE, &[(request, 200, JSON, seen)]);
}

#[test]
fn servers_in_python_get_the_array() {
    let code = r#"
        def app(environ, start_response):
            start_response("200 OK", [("Content-Type", environ["CONTENT_TYPE"])])
            return [environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))]
    "#;
    let Some(function) = Function::of(&[("app.py", code)]) else { return };
    let answer = function.start(&[("batch", "whole"), ("handler_style", "wsgi")]).call(&two());
    assert_eq!((answer.status, answer.header("content-type")), (200, Some(BATCH)));
    let text = answer.text();
    assert!(text.contains(r#"{"n":1.10}"#), "numbers keep their digits: {text}");
    let events: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (&events[0]["subject"], &events[1]["id"], &events[1]["data"]),
        (&"a %".into(), &"2".into(), &"x".into())
    );
}

#[test]
fn servers_in_node_get_the_array() {
    let code = r#"
        exports.hello = (req, res) => { res.setHeader('x-type', req.headers['content-type']); res.end(req.rawBody || req.body) }
    "#;
    let Some(function) = Function::of(&[("function.js", code)]) else { return };
    let answer = function.start(&[("batch", "whole"), ("FUNCTION_TARGET", "hello")]).call(&two());
    assert_eq!((answer.status, answer.header("x-type")), (200, Some(BATCH)), "{}", answer.text());
    assert!(answer.text().contains(r#""data":{"n":1.10}"#), "{}", answer.text());
}

#[test]
fn events_of_the_framework_are_a_list() {
    let code = r#"
        import functions_framework

        @functions_framework.cloud_event
        def hello(events):
            return [{"index": at, "status": 503} for at, event in enumerate(events) if event["id"] == "2"]
    "#;
    let seen = r#"[{"index": 1, "status": 503}]"#;
    check("http", &[("main.py", code)], WHOLE, &[(two(), 200, JSON, seen)]);
}

#[test]
fn what_takes_one_event_refuses_many() {
    let code = "def hello(data, context):\n    pass\n";
    let Some(function) = Function::of(&[("main.py", code)]) else { return };
    let heeler =
        function.start(&[("batch", "whole"), ("FUNCTION_TARGET", "hello"), ("FUNCTION_SIGNATURE_TYPE", "event")]);
    let answer = heeler.call(&two());
    assert_eq!((answer.status, answer.reason()), (415, "raised"), "{}", answer.text());
    heeler.stderr.wait_for_json("what to do", |line| line.to_string().contains("batch=split"));
    let heeler = function.start(&[("FUNCTION_TARGET", "hello"), ("FUNCTION_SIGNATURE_TYPE", "event")]);
    assert_eq!(heeler.call(&two()).status, 202, "one by one they are taken");
}

#[test]
fn a_list_of_events_is_a_batch_again() {
    let python = r#"
        def handle(events):
            return [{"specversion": "1.0", "id": "r" + event["id"], "source": "/r", "type": "r", "data": event.data} for event in events]
    "#;
    let node = r#"
        exports.handle = (events) => events.map((event) =>
            ({ specversion: '1.0', id: `r${event.id}`, source: '/r', type: 'r', data: JSON.parse(event.data) }))
    "#;
    for file in [("function.py", python), ("function.js", node)] {
        let Some(function) = Function::of(&[file]) else { continue };
        let answer = function.start(WHOLE).call(&two().header("Prefer", "reply"));
        let kind = answer.header("content-type").unwrap_or_default();
        assert!(answer.status == 200 && kind.starts_with(BATCH), "{}: {} {kind}", file.0, answer.status);
        let events: Value = serde_json::from_str(&answer.text()).expect("JSON");
        assert_eq!((&events[0]["id"], &events[1]["id"], &events[1]["data"]), (&"r1".into(), &"r2".into(), &"x".into()));
    }
}

#[test]
fn gathered_events_are_answered_by_their_own_result() {
    let python = r#"
        def handle(events):
            return [{"index": at, "status": 503} for at, event in enumerate(events) if event.data["fails"]]
    "#;
    let node = r#"
        exports.handle = (events) => events.flatMap((event, index) => JSON.parse(event.data).fails ? [{ index, status: 503 }] : [])
    "#;
    for file in [("function.py", python), ("function.js", node)] {
        let Some(function) = Function::of(&[file]) else { continue };
        let heeler = function.start(&[("batch_size", "3"), ("batch_max_wait", "20s")]);
        assert_eq!(together(&heeler, [true, false, true]), [503, 202, 503], "{}", file.0);
        assert_eq!(together(&heeler, [false, false, false]), [202; 3], "{}", file.0);
    }
}

/// Single deliveries at once, each on a connection of its own.
fn together(heeler: &Heeler, fails: [bool; 3]) -> [u16; 3] {
    let request = |fails: bool| binary(JSON, &format!(r#"{{"fails": {fails}}}"#));
    let mut conns = fails.map(|fails| {
        let mut conn = heeler.conn();
        assert!(conn.send(&request(fails).bytes()));
        conn
    });
    conns.each_mut().map(|conn| conn.read_response("POST").expect("an answer").status)
}
