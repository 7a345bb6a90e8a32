//! Batches of events, and the handshake of those that send events by webhook.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use support::{Gate, Heeler, Request, Response};

fn event(id: &str, kind: &str, data: Value) -> Value {
    json!({ "specversion": "1.0", "id": id, "source": "/tests", "type": kind, "data": data })
}

fn batch(events: &[Value]) -> Request {
    Request::post("/", serde_json::to_vec(events).unwrap()).header("Content-Type", "Application/CloudEvents-Batch+JSON")
}

fn json_of(answer: &Response) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

/// A shell command for each event.
fn shell(script: &str) -> support::Builder {
    Heeler::builder().env("fprocess", &format!("sh -c '{script}'")).env("mode", "streaming")
}

#[test]
fn each_event_is_a_call_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(r#"printf "%s|%s|%s\n" "$CE_ID" "$CE_TYPE" "$(cat)" >> {}/seen"#, folder.path().display());
    for (mode, first) in [("binary", r#"a|t|{"n": 1}"#), ("asis", "")] {
        let heeler = shell(&script).env("event_mode", mode).start();
        let text = r#"[{"specversion":"1.0","id":"a","source":"/s","type":"t","data":{"n": 1}},
            {"specversion":"1.0","id":"b","source":"/s","type":"t","datacontenttype":"text/plain","data":"text"}]"#;
        let request = Request::post("/", text).header("Content-Type", "application/cloudevents-batch+json");
        let answer = heeler.call(&request);
        assert_eq!((answer.status, answer.body.len()), (202, 0), "{}", answer.text());
        let seen = fs::read_to_string(folder.path().join("seen")).unwrap();
        let lines: BTreeSet<&str> = seen.lines().collect();
        match first {
            "" => {
                // An element's own text, as it stood in the batch.
                let own = r#"a|t|{"specversion":"1.0","id":"a","source":"/s","type":"t","data":{"n": 1}}"#;
                assert!(lines.contains(own), "{seen}");
            }
            first => assert_eq!(lines, BTreeSet::from([first, "b|t|text"])),
        }
        fs::remove_file(folder.path().join("seen")).unwrap();
    }
}

#[test]
fn replies_come_back_as_a_batch_in_the_order_of_the_events() {
    let heeler = shell("cat").env("reply", "event").start();
    let events: Vec<Value> = (0..20).map(|n| event(&format!("id-{n}"), "t", json!({ "n": n }))).collect();
    let answer = heeler.call(&batch(&events));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("content-type").unwrap().starts_with("application/cloudevents-batch+json"));
    assert_eq!(json_of(&answer), Value::from(events));
}

#[test]
fn one_failure_is_told_and_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let script = format!(r#"cat > /dev/null; echo "$CE_ID" >> {path}/seen; exit "$CE_TYPE""#);
    let heeler = shell(&script).env("exit_codes", "3:422").start();
    let events =
        [event("a", "0", json!(1)), event("b", "3", json!(1)), event("", "0", json!(1)), event("d", "0", json!(1))];
    let answer = heeler.call(&batch(&events));
    answer.assert_made_by_heeler(400, "batch");
    assert_eq!(json_of(&answer), json!([{ "index": 1, "id": "b", "status": 422 }, { "index": 2, "status": 400 }]));
    let seen = fs::read_to_string(folder.path().join("seen")).unwrap();
    assert_eq!(seen.lines().collect::<BTreeSet<_>>(), BTreeSet::from(["a", "b", "d"]));
    // What may go well next time makes all of it worth a retry.
    let answer = heeler.call(&batch(&[event("a", "3", json!(1)), event("b", "1", json!(1))]));
    answer.assert_made_by_heeler(503, "batch");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(json_of(&answer)[1], json!({ "index": 1, "id": "b", "status": 500 }));
}

#[test]
fn what_is_no_batch_is_refused_as_a_whole() {
    let heeler = shell("cat").env("batch_max_events", "2").start();
    let send = |text: &str| {
        heeler.call(&Request::post("/", text).header("Content-Type", "application/cloudevents-batch+json"))
    };
    let one = r#"{"specversion":"1.0","id":"a","source":"/s","type":"t"}"#;
    send(&format!("[{one},{one},{one}]")).assert_made_by_heeler(413, "event");
    for text in ["", "{}", one, "[", &format!("[{one}"), &format!("[{one},]"), &format!("[{one}] x")] {
        send(text).assert_made_by_heeler(400, "event");
    }
    assert_eq!(send(&format!("[{one},{one}]")).status, 202);
    assert_eq!(send("[]").status, 202, "an empty one is one");
}

#[test]
fn places_are_waited_for_and_events_run_side_by_side() {
    let heeler = shell("cat").env("max_inflight", "1").start();
    let events: Vec<Value> = (0..20).map(|n| event(&format!("{n}"), "t", json!(n))).collect();
    let answer = heeler.call(&batch(&events));
    assert_eq!(answer.status, 202, "{}", answer.text());

    let gate = Gate::new();
    let heeler = Heeler::builder().role("streaming", "gate").env("TESTFN_GATE", gate.path()).start();
    let mut conn = heeler.conn();
    conn.send(&batch(&events[..3]).bytes());
    gate.wait_started(3);
    gate.open();
    assert_eq!(conn.read_response("POST").unwrap().status, 202);
}

#[test]
fn warm_functions_get_events_of_a_batch_too() {
    if !is_here("python3") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let code =
        "def handle(event):\n    return {'statusCode': 200, 'body': ''} if event['data'] else {'statusCode': 422}\n";
    fs::write(folder.path().join("function.py"), code).unwrap();
    let heeler = Heeler::builder().folder(folder.path()).env("mode", "warm").start();
    let answer = heeler.call(&batch(&[event("a", "t", json!({ "x": 1 })), event("b", "t", json!(0))]));
    answer.assert_made_by_heeler(400, "batch");
    assert_eq!(json_of(&answer), json!([{ "index": 1, "id": "b", "status": 422 }]));
}

/// Says on standard error if a program is not here.
#[allow(clippy::disallowed_methods, reason = "it only asks whether the program is there")]
fn is_here(program: &str) -> bool {
    use std::io::Write;
    let here = std::process::Command::new(program).arg("--version").output().is_ok();
    if !here {
        let _ = writeln!(std::io::stderr(), "skipped: batches for warm functions, for want of {program}");
    }
    here
}

#[test]
fn consent_is_given_to_named_origins_and_other_options_reach_the_function() {
    let heeler = shell("echo of the function").env("webhook_origins", "hooks.example.com").start();
    let ask = |origin: &str| Request::new("OPTIONS", "/any").header("WebHook-Request-Origin", origin);
    let granted = heeler.call(&ask("hooks.example.com").header("WebHook-Request-Rate", "120"));
    assert_eq!((granted.status, granted.body.len()), (200, 0));
    assert_eq!(granted.header("webhook-allowed-origin"), Some("hooks.example.com"));
    assert_eq!((granted.header("webhook-allowed-rate"), granted.header("allow")), (Some("*"), Some("POST")));
    for request in [ask("other.example.com"), Request::new("OPTIONS", "/any")] {
        let answer = heeler.call(&request);
        assert_eq!(answer.assert_ok().text(), "of the function\n");
        assert_eq!(answer.header("webhook-allowed-origin"), None);
    }
    let closed = shell("echo of the function").start();
    assert_eq!(closed.call(&ask("hooks.example.com")).assert_ok().text(), "of the function\n", "nobody is the default");
}
