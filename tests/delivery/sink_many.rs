//! `reply=sink` where a call has many events: in its answer, in its request, or both.

use serde_json::Value;

use crate::event::{binary, printing, shell, structured};
use crate::support::{MODES, Request};
use crate::taker::{Taker, is_accepted, status};

const BATCH: &str = "application/cloudevents-batch+json";

fn event(id: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"{id}","source":"/r","type":"t","data":{{"n":1.10}}}}"#)
}

fn batch(ids: &[&str]) -> String {
    let events: Vec<_> = ids.iter().map(|id| event(id)).collect();
    format!("[{}]", events.join(","))
}

/// A cgi program that answers with a batch.
fn answering(ids: &[&str]) -> String {
    format!("cat >/dev/null; echo 'Content-Type: {BATCH}'; echo; printf '%s' '{}'", batch(ids))
}

fn sent(sink: &Taker) -> Vec<String> {
    sink.all().iter().map(|asked| serde_json::from_slice::<Value>(&asked.body).unwrap()["id"].to_string()).collect()
}

#[test]
fn events_of_an_answer_are_sent_one_by_one() {
    let sink = Taker::new();
    let overrides = r#"{"extensions":{"over":"x"}}"#;
    let heeler = sink.behind(shell("cgi", &answering(&["a", "b"]))).env("K_CE_OVERRIDES", overrides).start();
    for call in [binary(), structured(), Request::post("/", batch(&["1", "2"])).header("Content-Type", BATCH)] {
        is_accepted(&heeler.call(&call));
    }
    let all = sink.all();
    assert!(all.iter().all(|asked| {
        let event: Value = serde_json::from_slice(&asked.body).unwrap();
        event["over"] == "x" && String::from_utf8_lossy(&asked.body).ends_with(r#""data":{"n":1.10}}"#)
    }));
    assert_eq!(sent(&sink)[..4], [r#""a""#, r#""b""#, r#""a""#, r#""b""#]);
    // The calls of a batch run beside each other.
    assert_eq!(all.len(), 8);
}

#[test]
fn a_refusal_ends_the_sending_and_fails_the_call() {
    let sink = Taker::saying(|number, _| status(if number == 1 { 400 } else { 202 }));
    let heeler = sink.behind(shell("cgi", &answering(&["a", "b", "c"]))).start();
    let answer = heeler.call(&binary());
    assert_eq!((answer.status, answer.reason()), (502, "sink"));
    assert_eq!(sent(&sink), [r#""a""#, r#""b""#]);
}

#[test]
fn a_broken_event_among_them_is_found_before_any_is_sent() {
    let sink = Taker::new();
    let script = format!(r#"echo 'Content-Type: {BATCH}'; echo; printf '%s' '[{},{{"id":"b"}}]'"#, event("a"));
    let heeler = sink.behind(shell("cgi", &script)).start();
    let answer = heeler.call(&binary());
    assert_eq!((answer.status, answer.reason()), (502, "reply"));
    assert_eq!(sink.all().len(), 0);
}

#[test]
fn a_whole_batch_has_one_result() {
    for mode in MODES {
        let sink = Taker::new();
        let print = format!("printf '%s' '{}'", event("r"));
        let heeler = sink.behind(printing(mode, &print)).env("batch", "whole").start();
        is_accepted(&heeler.call(&Request::post("/", batch(&["1", "2"])).header("Content-Type", BATCH)));
        assert_eq!(sent(&sink), [r#""r""#], "{mode}");
    }
}

#[test]
fn results_of_gathered_events_are_sent_before_anybody_is_answered() {
    let sink = Taker::saying(|number, _| status(if number < 2 { 202 } else { 422 }));
    let builder = sink.behind(shell("cgi", &answering(&["a", "b"])));
    let heeler = builder.envs(&[("batch_size", "2"), ("batch_max_wait", "20s")]).start();
    let pair = || {
        let mut conns = [heeler.conn(), heeler.conn()];
        conns.iter_mut().for_each(|conn| assert!(conn.send(&binary().bytes())));
        conns.map(|mut conn| conn.read_response("POST").unwrap())
    };
    pair().iter().for_each(is_accepted);
    assert_eq!(sent(&sink), [r#""a""#, r#""b""#]);
    for answer in pair() {
        assert_eq!((answer.status, answer.reason()), (502, "sink"));
    }
}
