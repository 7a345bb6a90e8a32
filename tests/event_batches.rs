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

const BATCH: &str = "application/cloudevents-batch+json";
/// As nobody would write it who made it anew.
const TEXT: &str = "[ {\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"/s\",\"type\":\"t\",\"data\":{\"n\": 1.10}},\n\
    {\"type\":\"t\",\"id\":\"b\",\"source\":\"/s\",\"specversion\":\"1.0\"} ]";

fn whole(text: &str) -> Request {
    Request::post("/", text).header("Content-Type", BATCH)
}

#[test]
fn a_whole_batch_is_one_call_that_has_it_as_it_came() {
    let upstream = support::Upstream::serve(|link, asked| {
        assert_eq!((asked.header("content-type").as_deref(), asked.header("ce-id")), (Some(BATCH), None));
        assert_eq!(asked.header("content-length"), Some(asked.body.len().to_string()));
        link.ok(&asked.body);
        support::Then::Keep
    });
    for mode in ["streaming", "serializing", "classic", "cgi", "http"] {
        let heeler = match mode {
            "http" => upstream.heeler(&[("batch", "whole"), ("events", "auto")]),
            mode => Heeler::play(mode, support::echo_of(mode), &[("batch", "whole")]),
        };
        for request in [whole(TEXT), whole(TEXT).chunked(TEXT)] {
            assert_eq!(heeler.call(&request).assert_ok().text(), TEXT, "{mode}");
        }
        assert_eq!(heeler.call(&whole(" [ ]")).status, 202, "{mode}");
        let more = heeler.call(&whole(&format!("[{}]", vec!["{}"; 1001].join(","))));
        more.assert_made_by_heeler(413, "event");
        heeler.call(&whole("[{}").header("X-In", mode)).assert_made_by_heeler(400, "event");
    }
    let env = Heeler::play("streaming", "env", &[("batch", "whole")]).call(&whole(TEXT));
    assert_eq!(env.assert_ok().variable("Http_Content_Type").as_deref(), Some(BATCH));
    assert!(!env.text().contains("\nCE_"), "{}", env.text());
}

#[test]
fn nothing_of_a_whole_batch_runs_where_one_event_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let heeler = shell(&format!("cat >> {}/seen", folder.path().display())).env("batch", "whole").start();
    let bad = json!({ "specversion": "1.0", "id": "b" });
    let answer = heeler.call(&batch(&[event("a", "t", json!(1)), bad, event("c", "t", json!(1)), json!(7)]));
    answer.assert_made_by_heeler(400, "batch");
    assert_eq!(json_of(&answer), json!([{ "index": 1, "status": 400 }, { "index": 3, "status": 400 }]));
    assert!(!folder.path().join("seen").exists());
}

#[test]
fn a_workers_function_gets_the_events_apart() {
    // Outlives a frame, and the window.
    let long = "x".repeat(700_000);
    let events = [event("a", "t", json!({ "n": 1 })), event("b", "t", json!(long)), event("c", "422", json!("é"))];
    let heeler = Heeler::play("warm", "worker events", &[("batch", "whole")]);
    let answer = heeler.call(&batch(&events));
    assert_eq!(answer.assert_ok().text(), r#"[{"index":2,"status":422}]"#);
    let line = heeler.stdout.wait_for("events 2 3");
    assert!(line.contains(r#"a={\"n\":1} b=700002 bytes c=\"é\""#), "{line}");
}

/// By the answer's content type, as servers and functions set it.
#[test]
fn a_whole_batch_is_answered_with_events_or_nothing() {
    let reply = r#"[{"specversion":"1.0","id":"r","source":"/r","type":"t","data":1.10}]"#;
    let broken = r#"[{"specversion":"1.0","id":"r"}]"#;
    let single = r#"{"specversion":"1.0","id":"r","source":"/r","type":"t"}"#;
    for (kind, output, status, body) in [
        (BATCH, reply, 200, Some(reply)),
        (BATCH, broken, 502, None),
        (BATCH, "no JSON", 502, None),
        (BATCH, "[]", 202, Some("")),
        ("application/cloudevents+json", single, 200, Some(single)),
        ("application/json", reply, 202, Some("")),
        ("text/plain", "", 202, Some("")),
    ] {
        let script = format!("cat > /dev/null; printf %s {}", shell_words::quote(output));
        let command = format!("sh -c {}", shell_words::quote(&script));
        let env = [("batch", "whole"), ("content_type", kind), ("fprocess", &command), ("mode", "streaming")];
        let heeler = Heeler::start(&env);
        let answer = heeler.call(&whole(TEXT).header("Prefer", "reply"));
        assert_eq!(answer.status, status, "{kind} {output}: {}", answer.text());
        if let Some(body) = body {
            assert_eq!(answer.text(), body);
        } else {
            assert_eq!(answer.reason(), "reply");
        }
        assert_eq!(heeler.call(&whole(TEXT)).assert_ok().text(), output, "nobody has asked for events");
    }
}

#[test]
fn a_whole_batch_takes_one_place() {
    let gate = Gate::new();
    let env = [("batch", "whole"), ("max_inflight", "1"), ("TESTFN_GATE", gate.path())];
    let heeler = Heeler::play("streaming", "gate", &env);
    let mut conn = heeler.conn();
    conn.send(&whole(TEXT).bytes());
    gate.wait_started(1);
    heeler.call(&whole(TEXT)).assert_made_by_heeler(429, "full");
    gate.open();
    assert_eq!(conn.read_response("POST").unwrap().assert_ok().text(), "opened\n");
    assert_eq!(gate.pids().len(), 1);
}

/// Says on standard error if a program is not here.
#[allow(clippy::disallowed_methods, reason = "it only asks whether the program is there")]
fn is_here(program: &str) -> bool {
    let here = std::process::Command::new(program).arg("--version").output().is_ok();
    if !here {
        support::skipped(&format!("batches for warm functions, for want of {program}"));
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
