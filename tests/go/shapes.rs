//! Functions of CloudEvents, of the kind that Knative func has.

use serde_json::Value;

use crate::function::{made, serving};
use crate::support::{Heeler, Request};

fn binary(kind: &str) -> Request {
    Request::post("/", r#"{"a":1}"#)
        .header("Content-Type", "application/json")
        .header("ce-specversion", "1.0")
        .header("ce-id", "1")
        .header("ce-source", "/test")
        .header("ce-subject", "%C3%A4%20b")
        .header("ce-type", kind)
        .header("Prefer", "reply")
}

fn structured(id: &str) -> Value {
    serde_json::json!({ "specversion": "1.0", "id": id, "source": "/test", "type": "t", "datacontenttype": "application/json", "data": { "a": 1 } })
}

fn start(function: &str, env: &[(&str, &str)]) -> Option<Heeler> {
    Some(serving(&made(function)?).envs(env).start())
}

#[test]
fn an_event_goes_in_and_another_comes_back() {
    let Some(heeler) = start("Handle", &[]) else { return };
    let whole = Request::post("/", structured("1").to_string()).header("Content-Type", "application/cloudevents+json");
    for request in [binary("t"), whole] {
        let answer = heeler.call(&request);
        answer.assert_ok();
        let seen =
            ["ce-id", "ce-type", "ce-source", "ce-seen", "content-type"].map(|name| answer.header(name).unwrap_or("-"));
        assert_eq!(seen, ["r-1", "t.back", "/go", "/test", "application/json"]);
        assert_eq!(answer.text(), r#"{"a":1}"#);
    }
    assert_eq!(heeler.call(&binary("t")).header("ce-subject"), Some("%C3%A4%20b"), "decoded, and encoded again");
}

#[test]
fn no_event_an_error_and_a_panic() {
    let Some(heeler) = start("Handle", &[]) else { return };
    for (kind, status) in [("none", 200), ("fail", 500), ("panic", 500)] {
        let answer = heeler.call(&binary(kind));
        assert!(!answer.text().contains("secret"), "{kind}: {}", answer.text());
        assert_eq!(answer.status / 100, status / 100, "{kind}");
    }
    heeler.stderr.wait_for("panic: secret words");
    assert_eq!(heeler.post("/", "no event").status, 415);
    assert_eq!(heeler.get("/").status, 405);
}

fn batch() -> Request {
    let events = serde_json::json!([structured("1"), structured("2")]);
    Request::post("/", events.to_string())
        .header("Content-Type", "application/cloudevents-batch+json")
        .header("Prefer", "reply")
}

#[test]
fn many_at_once_go_to_those_who_take_many() {
    let Some(heeler) = start("Many", &[("batch", "whole")]) else { return };
    let answer = heeler.call(&batch());
    let events: Value = serde_json::from_str(&answer.assert_ok().text()).unwrap();
    let seen = [0, 1].map(|at| events[at]["id"].as_str().unwrap_or_default().to_owned());
    assert_eq!((seen, &events[1]["data"]["a"]), (["r-1".to_owned(), "r-2".to_owned()], &1.into()));
    let Some(heeler) = start("Handle", &[("batch", "whole")]) else { return };
    assert_eq!(heeler.call(&batch()).status, 415);
    heeler.stderr.wait_for("set batch=split");
    let Some(heeler) = start("Handle", &[]) else { return };
    assert_eq!(heeler.call(&batch()).status, 200, "one by one they are taken");
}
