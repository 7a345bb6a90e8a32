//! http mode: deadlines, streams that outlive them, and callers that leave.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::time::{Duration, Instant};

use support::{Conn, Failure, Gate, Heeler, Request, SECOND, SLACK, Upstream, assert_took, at_once, eventually, pass};

/// A call that the upstream never answers: 504 at the limit, and the upstream's connection is closed.
#[track_caller]
fn assert_times_out(upstream: &Upstream, heeler: &Heeler, request: &Request, limit: Duration) {
    let began = Instant::now();
    let (mut conn, mut link) = upstream.asked(heeler, request);
    let answer = conn.read_response("GET").unwrap();
    let took = began.elapsed();
    answer.assert_made_by_heeler(504, "timeout");
    assert!(!answer.body.is_empty());
    assert_took(took, limit);
    link.wait_closed();
    assert!(began.elapsed() < limit + SLACK, "the upstream's connection was closed late");
}

#[test]
fn an_upstream_that_says_nothing_is_a_504_at_the_deadline() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("exec_timeout", "1s")]);
    assert_times_out(&upstream, &heeler, &Request::get("/"), SECOND);
    assert_times_out(&upstream, &heeler, &Request::post("/", "body"), SECOND);
    // The next call is not the late one's heir.
    let (mut conn, mut link) = upstream.asked(&heeler, &Request::get("/"));
    link.ok("next");
    assert_eq!(conn.read_response("GET").unwrap().assert_ok().text(), "next");
}

/// In of-watchdog any caller lifts the limit by sending one header.
#[test]
fn what_a_caller_says_it_accepts_does_not_lift_the_limit() {
    at_once(["text/event-stream", "application/x-ndjson", "*/*"], |accept| {
        let upstream = Upstream::new();
        let heeler = upstream.heeler(&[("exec_timeout", "1s")]);
        assert_times_out(&upstream, &heeler, &Request::get("/").header("Accept", accept), SECOND);
    });
}

/// of-watchdog takes `0s` and negative values for "no limit".
#[test]
fn x_timeout_shortens_and_never_lengthens() {
    at_once(
        [("300ms", 300), ("1", 1000), ("60s", 1000), ("0s", 1000), ("-5s", 1000), ("junk", 1000)],
        |(value, limit)| {
            let upstream = Upstream::new();
            let heeler = upstream.heeler(&[("exec_timeout", "1s")]);
            let request = Request::get("/").header("X-Timeout", value);
            assert_times_out(&upstream, &heeler, &request, Duration::from_millis(limit));
        },
    );
}

#[test]
fn an_ordinary_answer_is_cut_at_the_deadline() {
    let framings = ["Content-Length: 100", "Transfer-Encoding: chunked", "X-None: 1"];
    at_once(framings, |framing| {
        let upstream = Upstream::new();
        let heeler = upstream.heeler(&[("exec_timeout", "1s")]);
        let began = Instant::now();
        let (mut conn, mut link) = upstream.asked(&heeler, &Request::get("/"));
        link.send(format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{framing}\r\n\r\n5\r\nhello\r\n").as_bytes());
        let mut head = conn.read_head().unwrap();
        assert_eq!(head.status, 200);
        assert!(matches!(conn.read_body(&mut head, "GET"), Err(Failure::Cut(_))), "{framing}: it looks whole");
        assert_took(began.elapsed(), SECOND);
        link.wait_closed();
    });
}

/// An answer that trickles is no stream: each byte is on time and the whole is late.
#[test]
fn bytes_now_and_then_do_not_lift_the_limit() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("exec_timeout", "1s")]);
    let began = Instant::now();
    let (mut conn, link) = upstream.asked(&heeler, &Request::get("/"));
    let mut writer = link.twin();
    writer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    let trickle = std::thread::spawn(move || {
        while writer.send(b"x") {
            pass(SECOND / 20);
        }
    });
    let failure = conn.read_response("GET").unwrap_err();
    assert_took(began.elapsed(), SECOND);
    assert!(failure.cut().body.len() > 5);
    drop(link);
    trickle.join().unwrap();
}

/// Streams without an end, by the type of the answer.
const STREAMS: [&str; 5] = [
    "text/event-stream",
    "text/event-stream; charset=utf-8",
    "Text/Event-Stream;charset=UTF-8",
    "application/x-ndjson",
    "application/grpc+proto",
];

#[test]
fn a_stream_outlives_the_deadline() {
    at_once(STREAMS, |kind| {
        let upstream = Upstream::new();
        let heeler = upstream.heeler(&[("exec_timeout", "500ms")]);
        let (mut conn, mut link) = upstream.asked(&heeler, &Request::get("/"));
        link.send(format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n").as_bytes());
        assert_eq!(conn.read_head().unwrap().header("content-type"), Some(kind));
        for event in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
            link.send_chunk(event.as_bytes());
            assert_eq!(conn.read_chunk().unwrap().unwrap(), event.as_bytes(), "{kind}");
            pass(SECOND / 2);
        }
        link.send_chunk(b"");
        assert_eq!(conn.read_chunk().unwrap(), None, "{kind}");
    });
}

#[test]
fn a_stream_has_a_limit_of_its_own() {
    at_once(STREAMS, |kind| {
        let upstream = Upstream::new();
        let heeler = upstream.heeler(&[("exec_timeout", "500ms"), ("stream_timeout", "1500ms")]);
        let began = Instant::now();
        let (mut conn, mut link) = upstream.asked(&heeler, &Request::get("/"));
        link.send(format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n").as_bytes());
        let mut head = conn.read_head().unwrap();
        assert!(matches!(conn.read_body(&mut head, "GET"), Err(Failure::Cut(_))), "{kind}: it looks whole");
        assert_took(began.elapsed(), SECOND * 3 / 2);
        link.wait_closed();
    });
}

/// `stream_timeout` is for answers that are streams: until there is a head, nothing says that it will be one.
#[test]
fn the_head_of_a_stream_is_due_at_the_deadline() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("exec_timeout", "1s"), ("stream_timeout", "100s")]);
    assert_times_out(&upstream, &heeler, &Request::get("/").header("Accept", "text/event-stream"), SECOND);
}

/// How a caller leaves.
const WAYS: [fn(Conn); 3] = [drop, Conn::reset, |mut conn| {
    conn.half_close();
    drop(conn.read_to_end());
}];

#[test]
fn a_caller_that_leaves_while_it_waits_is_not_worked_for() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("exec_timeout", "100s")]);
    for leave in WAYS {
        for request in [Request::get("/"), Request::post("/", "body"), Request::new("POST", "/").chunked("body")] {
            let (conn, mut link) = upstream.asked(&heeler, &request);
            let began = Instant::now();
            leave(conn);
            link.wait_closed();
            assert!(began.elapsed() < SLACK, "noticed after {:?}", began.elapsed());
        }
    }
}

#[test]
fn a_caller_that_leaves_a_stream_is_not_worked_for() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("exec_timeout", "100s")]);
    for leave in WAYS {
        for kind in ["text/event-stream", "text/plain"] {
            let (mut conn, mut link) = upstream.asked(&heeler, &Request::get("/"));
            link.send(
                format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n").as_bytes(),
            );
            link.send_chunk(b"first");
            assert_eq!(conn.read_head().unwrap().status, 200);
            assert_eq!(conn.read_chunk().unwrap().unwrap(), b"first");
            let began = Instant::now();
            leave(conn);
            link.wait_closed();
            assert!(began.elapsed() < SLACK, "{kind}: noticed after {:?}", began.elapsed());
        }
    }
}

/// of-watchdog never gives the place back: with `max_inflight=1` one aborted stream made the function answer 429 for good.
#[test]
fn an_aborted_stream_gives_its_place_back() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("max_inflight", "1")]);
    for leave in WAYS {
        for round in 0..5 {
            let request = Request::get("/").header("Accept", "text/event-stream");
            let (mut conn, mut link) = upstream.asked(&heeler, &request);
            link.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
            assert_eq!(conn.read_head().unwrap().status, 200);
            assert_eq!(heeler.get("/").status, 429, "{round}: the place is held");
            leave(conn);
            link.wait_closed();
            eventually("ready again", || heeler.get("/_/ready").status == 200);
            let (mut conn, mut link) = upstream.asked(&heeler, &Request::get("/next"));
            link.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nnext");
            assert_eq!(conn.read_response("GET").unwrap().assert_ok().text(), "next", "{round}");
        }
    }
}

#[test]
fn failed_and_late_calls_give_their_place_back() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("max_inflight", "1"), ("exec_timeout", "500ms")]);
    for _ in 0..3 {
        let limit = Duration::from_millis(500);
        eventually("a place is free", || heeler.get("/_/ready").status == 200);
        assert_times_out(&upstream, &heeler, &Request::get("/"), limit);
        eventually("a place is free", || heeler.get("/_/ready").status == 200);
        assert_eq!(upstream.answer_raw(&heeler, b"").unwrap().status, 502);
        eventually("a place is free", || heeler.get("/_/ready").status == 200);
        assert!(upstream.answer_raw(&heeler, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").is_err());
    }
}

/// The process that heeler has started, beside which the test plays the server.
fn process_of(gate: &Gate, starts: usize) -> i32 {
    let pids = gate.wait_started(starts);
    assert_eq!(pids.len(), starts);
    pids.into_iter().max().unwrap()
}

#[test]
fn an_upstream_whose_call_ran_out_of_time_is_restarted_on_request() {
    for kill in [true, false] {
        let upstream = Upstream::new();
        let gate = Gate::new();
        let builder = upstream.builder().env("TESTFN_GATE", gate.path()).env("exec_timeout", "500ms");
        let heeler = builder.env("kill_on_timeout", &kill.to_string()).start();
        let first = process_of(&gate, 1);
        assert_times_out(&upstream, &heeler, &Request::get("/"), Duration::from_millis(500));
        if kill {
            assert_ne!(process_of(&gate, 2), first);
            support::tree::wait_until_gone(&[first]);
        }
        let (mut conn, mut link) = upstream.asked(&heeler, &Request::get("/"));
        link.ok("again");
        assert_eq!(conn.read_response("GET").unwrap().assert_ok().text(), "again");
        assert_eq!(gate.pids().len(), if kill { 2 } else { 1 });
    }
}
