//! http mode: the end. No call is lost, the upstream hears TERM only when its work is done, sessions get a goodbye.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::load::{self, Tally};
use support::{Conn, Failure, Gate, Heeler, Link, Request, SECOND, Upstream, pass, tree};

const AT_ONCE: (&str, &str) = ("shutdown_delay", "0");

/// The process beside the test's server: it notes a TERM in its gate, and ends when that opens.
fn listening_for_term(upstream: &Upstream, gate: &Gate) -> Heeler {
    let builder = upstream.builder().role("http", "note-term-and-wait").env("TESTFN_GATE", gate.path());
    let heeler = builder.envs(&[AT_ONCE]).start();
    gate.wait_started(1);
    heeler
}

#[test]
fn term_under_load_loses_no_call() {
    let tally = Tally::default();
    for _ in 0..5 {
        let upstream = Upstream::echo();
        let heeler = upstream.heeler(&[AT_ONCE]);
        load::term_under_load(heeler, &Request::post("/", "body"), b"body", 16, &tally);
    }
    assert_eq!(tally.lost.load(Ordering::Relaxed), 0, "{tally:?}");
}

/// of-watchdog passes TERM on at once: each template had to learn to ignore it, and the others lost their calls.
#[test]
fn the_upstream_hears_term_after_its_last_call() {
    let (upstream, gate) = (Upstream::new(), Gate::new());
    let mut heeler = listening_for_term(&upstream, &gate);
    let (mut waiting, mut silent) = upstream.asked(&heeler, &Request::get("/"));
    let (mut reading, mut streaming) = upstream.asked(&heeler, &Request::get("/"));
    streaming.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    streaming.send_chunk(b"first");
    assert_eq!(reading.read_head().unwrap().status, 200);
    assert_eq!(reading.read_chunk().unwrap().unwrap(), b"first");
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    // Longer than an idle connection lives from here on.
    pass(SECOND);
    assert!(!gate.has("term"), "two calls are still at the upstream");
    silent.ok("late");
    assert_eq!(waiting.read_response("GET").unwrap().assert_ok().text(), "late");
    pass(SECOND / 2);
    assert!(!gate.has("term"), "a call is still at the upstream");
    streaming.send_chunk(b"second");
    assert_eq!(reading.read_chunk().unwrap().unwrap(), b"second");
    streaming.send_chunk(b"");
    assert_eq!(reading.read_chunk().unwrap(), None);
    gate.wait_for("term");
    gate.open();
    assert_eq!(heeler.exit_code(), 0);
}

#[test]
fn an_upload_in_flight_is_taken_to_its_end() {
    let upstream = Upstream::new();
    let mut heeler = upstream.heeler(&[AT_ONCE]);
    let mut conn = heeler.conn();
    conn.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello");
    let mut link = upstream.accept();
    link.read_head();
    assert_eq!(link.read_exact(5), b"hello");
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    conn.send(b"world");
    assert_eq!(link.read_exact(5), b"world");
    link.ok("taken");
    let answer = conn.read_response("POST").unwrap();
    assert_eq!(answer.assert_ok().text(), "taken");
    assert!(answer.closes());
    assert_eq!(heeler.exit_code(), 0);
}

/// Calls that are cut at the end of the time are no clean ends.
#[test]
fn a_stream_beyond_the_time_is_cut() {
    let upstream = Upstream::new();
    let mut heeler = upstream.heeler(&[AT_ONCE, ("drain_timeout", "1s"), ("kill_grace", "200ms")]);
    let (mut conn, mut link) = upstream.asked(&heeler, &Request::get("/"));
    link.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut head = conn.read_head().unwrap();
    let began = Instant::now();
    heeler.signal(Signal::SIGTERM);
    assert!(matches!(conn.read_body(&mut head, "GET"), Err(Failure::Cut(_))), "it looks whole");
    let took = began.elapsed();
    assert!(took >= SECOND && took < SECOND * 6, "{took:?}");
    assert_eq!(heeler.exit_code(), 1);
    link.wait_closed();
}

/// An open WebSocket before a process that ignores TERM, so that only heeler can end it.
fn session(upstream: &Upstream, env: &[(&str, &str)]) -> (Heeler, Conn, Link) {
    let builder = upstream.builder().role("http", "hang-ignoring-term").envs(&[AT_ONCE, ("kill_grace", "200ms")]);
    let heeler = builder.envs(env).start();
    let (conn, link) = open(upstream, &heeler);
    (heeler, conn, link)
}

fn open(upstream: &Upstream, heeler: &Heeler) -> (Conn, Link) {
    let request = Request::get("/")
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Sec-WebSocket-Version", "13");
    let (mut conn, mut link) = upstream.asked(heeler, &request);
    link.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    assert_eq!(conn.read_head().unwrap().status, 101);
    (conn, link)
}

/// RFC 6455 §7.4.1: going away, from a server without a mask.
const GOING_AWAY: [u8; 4] = [0x88, 0x02, 0x03, 0xe9];

/// A frame from a server to a client.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut frame = vec![first];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..=125), _) => frame.push(length),
        (_, Ok(length)) => frame.extend([&[126][..], &length.to_be_bytes()].concat()),
        _ => frame.extend([&[127][..], &(length as u64).to_be_bytes()].concat()),
    }
    frame.extend_from_slice(payload);
    frame
}

/// The upstream may end its sessions itself once it hears TERM, and hears it although they are open.
#[test]
fn the_upstream_hears_term_while_only_sessions_are_open() {
    let (upstream, gate) = (Upstream::new(), Gate::new());
    let mut heeler = listening_for_term(&upstream, &gate);
    let (mut conn, mut link) = open(&upstream, &heeler);
    let (mut other, mut late) = upstream.asked(&heeler, &Request::get("/"));
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    pass(SECOND / 2);
    assert!(!gate.has("term"), "a call is still at the upstream");
    late.ok("late");
    other.read_response("GET").unwrap().assert_ok();
    gate.wait_for("term");
    pass(SECOND / 2);
    assert!(heeler.runs());
    conn.send(b"still open");
    assert_eq!(link.read_exact(10), b"still open");
    // What a well-behaved upstream does with TERM: says goodbye, closes and ends, all at once.
    let goodbye = [&frame(0x81, &[b'x'; 100_000])[..], &frame(0x88, &[0x03, 0xe8])].concat();
    link.send(&goodbye);
    drop(link);
    gate.open();
    let seen = conn.read_to_end().unwrap();
    // After a close frame there is nothing to say (RFC 6455 §5.5.1).
    support::assert_same(&seen, &goodbye, "the upstream's last words");
    assert_eq!(heeler.exit_code(), 0);
}

/// After these the stream is at the boundary of a frame.
#[test]
fn an_open_session_gets_a_close_frame_at_the_end_of_the_time() {
    let long = frame(0x82, &vec![0x88; 70_000]);
    let cases = [
        Vec::new(),
        frame(0x81, b"hello"),
        frame(0x82, &[]),
        frame(0x82, &[0x88; 126]),
        [frame(0x01, b"first part, "), frame(0x89, b"ping"), frame(0x80, b"last part")].concat(),
        long,
    ];
    std::thread::scope(|scope| {
        for bytes in &cases {
            scope.spawn(move || {
                let upstream = Upstream::new();
                let (mut heeler, mut conn, mut link) = session(&upstream, &[("drain_timeout", "1s")]);
                // Frames and the pieces they come in have nothing to do with each other.
                for piece in bytes.chunks(if bytes.len() < 1000 { 3 } else { 9_999 }) {
                    assert!(link.send(piece));
                }
                let began = Instant::now();
                heeler.signal(Signal::SIGTERM);
                let seen = conn.read_to_end().unwrap();
                let took = began.elapsed();
                assert!(took + Duration::from_millis(50) >= SECOND && took < SECOND * 6, "{took:?}");
                support::assert_same(&seen, &[bytes, &GOING_AWAY[..]].concat(), "frames and a goodbye");
                assert_eq!(heeler.exit_code(), 0);
            });
        }
    });
}

/// Four bytes in the middle of a frame would be its payload, and the rest would be read as a head.
#[test]
fn a_frame_that_has_begun_is_not_broken_into() {
    let whole = frame(0x82, &[7; 300]);
    let small = frame(0x81, b"hello");
    let cases = [&whole[..1], &whole[..3], &whole[..4], &whole[..100], &small[..1], &small[..2], &small[..6]];
    std::thread::scope(|scope| {
        for part in cases {
            scope.spawn(move || {
                let upstream = Upstream::new();
                let (mut heeler, mut conn, mut link) = session(&upstream, &[("drain_timeout", "1s")]);
                let sent = [&frame(0x81, b"whole")[..], part].concat();
                link.send(&sent);
                heeler.signal(Signal::SIGTERM);
                let seen = conn.read_to_end().unwrap();
                assert_eq!(seen, sent, "what came of a frame, and nothing in its place");
                heeler.exit_code();
            });
        }
    });
}

/// The boundary may come within the time that is left.
#[test]
fn a_session_goes_on_until_then() {
    let upstream = Upstream::new();
    let (mut heeler, mut conn, mut link) = session(&upstream, &[("drain_timeout", "2s")]);
    let whole = frame(0x82, &[7; 300]);
    link.send(&whole[..100]);
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    pass(SECOND / 2);
    link.send(&whole[100..]);
    conn.send(b"a masked frame, for all that heeler knows");
    assert_eq!(link.read_exact(41), b"a masked frame, for all that heeler knows");
    let seen = conn.read_to_end().unwrap();
    assert_eq!(seen, [&whole[..], &GOING_AWAY].concat());
    assert_eq!(heeler.exit_code(), 0);
}

/// Without a limit for ordinary calls there is still one for sessions, or no drain would ever end.
#[test]
#[ignore = "takes half a minute"]
fn a_session_has_thirty_seconds_at_most() {
    let upstream = Upstream::new();
    let (mut heeler, mut conn, _link) = session(&upstream, &[("drain_timeout", "300s")]);
    conn.set_patience(SECOND * 60);
    let began = Instant::now();
    heeler.signal(Signal::SIGTERM);
    assert_eq!(conn.read_to_end().unwrap(), GOING_AWAY);
    let took = began.elapsed();
    assert!(took >= SECOND * 29 && took < SECOND * 40, "{took:?}");
    assert_eq!(heeler.exit_code(), 0);
}

#[test]
fn nothing_is_left_behind() {
    let upstream = Upstream::new();
    let (mut heeler, conn, link) = session(&upstream, &[("drain_timeout", "1s")]);
    let below: Vec<i32> = heeler.descendants().iter().map(|process| process.pid).collect();
    assert_eq!(below.len(), 1);
    heeler.signal(Signal::SIGTERM);
    assert_eq!(heeler.exit_code(), 0);
    tree::wait_until_gone(&below);
    drop((conn, link));
}
