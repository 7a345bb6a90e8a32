//! Answers that are no easy ones: without an end, without a body, too many of them, in trailers, in pieces.

use std::time::Instant;

use serde_json::Value;

use crate::event::{binary, delivery, shell, structured_text};
use crate::function::{Function, noted};
use crate::support::{Request, SECOND, Then, Upstream, assert_took, eventually};
use crate::taker::{REPLY, Taker, WRAP, is_accepted};

const BATCH: &str = "application/cloudevents-batch+json";

fn batch(events: &[String]) -> Request {
    Request::post("/", format!("[{}]", events.join(","))).header("Content-Type", BATCH)
}

fn event(id: usize, more: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t"{more}}}"#)
}

/// A server whose answers are a stream that begins and does not end.
fn endless() -> Upstream {
    Upstream::serve(|link, _| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        link.send(format!("{head}6\r\ndata:\n\r\n").as_bytes());
        // Until heeler hangs up.
        while link.try_request().is_some() {}
        Then::Close
    })
}

#[test]
fn a_stream_without_an_end_is_late_where_it_has_to_be_read() {
    let upstream = endless();
    let sink = Taker::new();
    let time = [("events", "auto"), ("exec_timeout", "1s")];
    let of_delivery = upstream.heeler(&time);
    let of_sink = sink.behind(upstream.builder().envs(&time)).start();
    let rows = [
        (&of_delivery, delivery(binary()), 504),
        (&of_delivery, batch(&[structured_text()]), 503),
        (&of_sink, Request::post("/", "x"), 504),
        (&of_sink, binary(), 504),
    ];
    for (heeler, request, status) in rows {
        let began = Instant::now();
        let answer = heeler.call(&request);
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_took(began.elapsed(), SECOND);
    }
    assert_eq!(sink.all().len(), 0);
}

#[test]
fn attributes_of_a_batch_are_bound_as_those_of_one_event_are() {
    let large = format!(r#","x":"{}""#, "x".repeat(300_000));
    let request = batch(&[event(0, &large), event(1, "")]);
    let refused = r#"[{"index":0,"id":"0","status":431}]"#;
    let code = "import meet\ndef handle(event):\n    meet.note(event['id'])\n";
    if let Some(function) = Function::python(code) {
        let heeler = function.start(&[]);
        let answer = heeler.call(&request);
        assert_eq!((answer.status, answer.text().trim()), (400, refused));
        assert_eq!((noted(&function.gate, "0"), noted(&function.gate, "1")), (0, 1));
        assert_eq!(heeler.stderr.count(|line| line.contains("worker started")), 1, "the worker is still the first one");
    }
    let upstream = Upstream::serve(|link, _| {
        link.send(b"HTTP/1.1 204 No Content\r\n\r\n");
        Then::Keep
    });
    let answer = upstream.heeler(&[("events", "auto"), ("event_mode", "binary")]).call(&request);
    assert_eq!((answer.status, answer.text().trim()), (400, refused));
}

/// What came together is refused together, or runs.
#[test]
fn events_of_a_batch_wait_for_a_worker_beyond_the_line() {
    let code = "import meet\ndef handle(event):\n    for one in event if isinstance(event, list) else [event]:\n        meet.note(one['id'])\n";
    let Some(function) = Function::python(code) else { return };
    let events: Vec<_> = (0..12).map(|id| event(id, "")).collect();
    let narrow = [("queue_depth", "0"), ("queue_timeout", "1ms"), ("worker_concurrency", "1")];
    for (round, more) in [&[][..], &[("max_inflight", "2")], &[("batch_size", "2")]].into_iter().enumerate() {
        let heeler = function.start(&[&narrow[..], more].concat());
        let answer = heeler.call(&batch(&events));
        assert_eq!((answer.status, answer.text().as_str()), (202, ""), "{more:?}");
        for id in 0..12 {
            assert_eq!(noted(&function.gate, &id.to_string()), round + 1, "{more:?}: each ran once");
        }
    }
}

#[test]
fn replies_to_a_batch_have_one_limit() {
    let script = "cat >/dev/null; echo 'Content-Type: a/b'; echo 'Ce-Specversion: 1.0'; echo 'Ce-Id: r'; \
                  echo 'Ce-Source: /r'; echo 'Ce-Type: r'; echo; head -c 400000 /dev/zero";
    let heeler = shell("cgi", script).env("max_body", "1000000").start();
    let events = |count| batch(&(0..count).map(|id| event(id, "")).collect::<Vec<_>>());
    assert_eq!(heeler.call(&events(2)).status, 200);
    let answer = heeler.call(&events(4));
    let failed: Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!((answer.status, failed.as_array().map(Vec::len)), (503, Some(2)), "{failed}");
    assert!(failed.as_array().unwrap().iter().all(|row| row["status"] == 502), "{failed}");
    heeler.stderr.wait_for("larger than 1000000 bytes together");
}

#[test]
fn an_answer_to_head_is_no_event() {
    let upstream = Upstream::serve(|link, asked| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/cloudevents+json\r\nContent-Length: 90\r\n\r\n";
        link.send(head.as_bytes());
        if asked.method() == "HEAD" { Then::Keep } else { Then::Close }
    });
    let sink = Taker::new();
    let of_sink = sink.behind(upstream.builder()).start();
    for heeler in [of_sink, upstream.heeler(&[("reply", "event")])] {
        let answer = heeler.call(&Request::new("HEAD", "/"));
        assert_eq!((answer.status, answer.header("content-length")), (200, Some("90")));
    }
    assert_eq!(sink.all().len(), 0);
}

#[test]
fn nothing_in_pieces_is_nothing() {
    for (end, status) in [("0\r\n\r\n", 202), ("2\r\nhi\r\n0\r\n\r\n", 200)] {
        let upstream = Upstream::new();
        let heeler = upstream.heeler(&[&[("events", "auto")][..], &WRAP].concat());
        let (mut conn, mut link) = upstream.asked(&heeler, &delivery(binary()));
        link.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        eventually("heeler reads", || link.is_read());
        link.send(end.as_bytes());
        let answer = conn.read_response("POST").unwrap();
        let text = if status == 200 { "hi" } else { "" };
        assert_eq!(
            (answer.status, answer.text().as_str(), answer.header("ce-type").is_some()),
            (status, text, status == 200)
        );
    }
}

#[test]
fn printed_events_of_gathered_calls_reach_the_sink() {
    let sink = Taker::new();
    let print = format!("cat >/dev/null; printf '%s' '{REPLY}'");
    let heeler = sink.behind(shell("streaming", &print)).env("batch_size", "2").start();
    is_accepted(&heeler.call(&binary()));
    assert_eq!(String::from_utf8_lossy(&sink.only().body), REPLY);
    let listing = sink.behind(shell("streaming", r#"cat >/dev/null; echo '[{"index":0,"status":422}]'"#));
    let answer = listing.env("batch_size", "2").envs(&WRAP).start().call(&binary());
    assert_eq!((answer.status, sink.all().len()), (422, 0), "a list stays one");
}

#[test]
fn a_trace_that_is_none_stays_out_of_replies() {
    let script =
        "cat >/dev/null; echo 'Ce-Specversion: 1.0'; echo 'Ce-Id: r'; echo 'Ce-Source: /r'; echo 'Ce-Type: r'; echo";
    let heeler = shell("cgi", script).start();
    let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let trace = |trace: &str| format!(r#","traceparent":"{trace}""#);
    let answer = heeler.call(&batch(&[event(0, &trace("100%41")), event(1, &trace(good))]));
    let replies: Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!((&replies[0]["traceparent"], &replies[1]["traceparent"]), (&Value::Null, &good.into()));
}

#[test]
fn when_to_come_again_is_told_to_each() {
    let upstream = Upstream::serve(|link, _| {
        link.send(b"HTTP/1.1 503 Busy\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n");
        Then::Keep
    });
    let heeler = upstream.heeler(&[("events", "auto"), ("batch_size", "2")]);
    let answer = heeler.call(&binary());
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("9")));
}
