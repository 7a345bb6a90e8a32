//! http mode: a WebSocket passes as the bytes it is made of, for as long as both sides want it.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::time::Instant;

use support::{
    Conn, Heeler, Link, Request, SECOND, SLACK, Upstream, assert_same, assert_took, eventually, pass, pattern,
};

const ACCEPTED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\nX-From: upstream\r\n\r\n";

fn handshake() -> Request {
    handshake_as("websocket", "Upgrade")
}

fn handshake_as(upgrade: &str, connection: &str) -> Request {
    Request::get("/chat?room=1")
        .header("Upgrade", upgrade)
        .header("Connection", connection)
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Protocol", "chat, superchat")
        .header("Sec-WebSocket-Extensions", "permessage-deflate")
        .header("Origin", "http://heeler.test")
}

/// An open session: the caller's end and the upstream's.
#[track_caller]
fn session(upstream: &Upstream, heeler: &Heeler) -> (Conn, Link) {
    let mut conn = heeler.conn();
    conn.send(&handshake().bytes());
    let mut link = upstream.accept();
    link.read_head();
    link.send(ACCEPTED);
    assert_eq!(conn.read_head().unwrap().status, 101);
    (conn, link)
}

#[track_caller]
fn assert_flows(conn: &mut Conn, link: &mut Link) {
    conn.send(b"to the upstream");
    assert_eq!(link.read_exact(15), b"to the upstream");
    link.send(b"to the caller");
    assert_eq!(read_exact(conn, 13), b"to the caller");
}

#[track_caller]
fn read_exact(conn: &mut Conn, length: usize) -> Vec<u8> {
    let mut seen = Vec::new();
    while seen.len() < length {
        let piece = conn.read_some(length - seen.len()).unwrap();
        assert!(!piece.is_empty(), "only {} bytes of {length} came", seen.len());
        seen.extend_from_slice(&piece);
    }
    seen
}

/// In of-watchdog only the spelling `websocket` upgrades; browsers and libraries use others (RFC 6455 §4.2.1 takes any).
#[test]
fn any_spelling_upgrades() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    for (upgrade, connection) in [
        ("websocket", "Upgrade"),
        ("WebSocket", "upgrade"),
        ("WEBSOCKET", "UPGRADE"),
        ("websocket", "keep-alive, Upgrade"),
        ("WebSocket", "Upgrade,keep-alive"),
    ] {
        let mut conn = heeler.conn();
        conn.send(&handshake_as(upgrade, connection).bytes());
        let mut link = upstream.accept();
        let asked = link.read_head();
        assert_eq!(asked.line, "GET /chat?room=1 HTTP/1.1");
        assert_eq!(asked.header("upgrade").unwrap().to_ascii_lowercase(), "websocket");
        assert_eq!(asked.header("connection").unwrap().to_ascii_lowercase(), "upgrade");
        asked.assert_no_framing();
        for (name, value) in [
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-version", "13"),
            ("sec-websocket-protocol", "chat, superchat"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("origin", "http://heeler.test"),
            ("host", "heeler.test"),
            ("x-forwarded-for", "127.0.0.1"),
        ] {
            assert_eq!(asked.header(name).as_deref(), Some(value), "{name}");
        }
        link.send(ACCEPTED);
        let head = conn.read_head().unwrap();
        assert_eq!(head.status, 101, "{upgrade}");
        assert_eq!(head.header("upgrade").unwrap().to_ascii_lowercase(), "websocket");
        assert_eq!(head.header("connection").unwrap().to_ascii_lowercase(), "upgrade");
        assert_eq!(head.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!((head.header("sec-websocket-protocol"), head.header("x-from")), (Some("chat"), Some("upstream")));
        assert_eq!((head.header("content-length"), head.header("transfer-encoding")), (None, None));
        assert_flows(&mut conn, &mut link);
    }
}

/// Either side may speak before the other has seen the switch.
#[test]
fn what_is_sent_together_with_the_heads_is_not_lost() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let mut conn = heeler.conn();
    conn.send(&[&handshake().bytes(), &b"early from the caller"[..]].concat());
    let mut link = upstream.accept();
    link.read_head();
    link.send(&[ACCEPTED, b"early from the upstream"].concat());
    assert_eq!(conn.read_head().unwrap().status, 101);
    assert_eq!(read_exact(&mut conn, 23), b"early from the upstream");
    assert_eq!(link.read_exact(21), b"early from the caller");
    assert_flows(&mut conn, &mut link);
}

/// Much at once in both directions, in pieces of every size: nothing is lost, doubled or swapped.
#[test]
fn bytes_flow_both_ways_at_once() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let (mut conn, mut link) = session(&upstream, &heeler);
    let (up, down) = (pattern(5 << 20), pattern((4 << 20) + 1));
    let (mut caller, mut server) = (conn.twin(), link.twin());
    std::thread::scope(|scope| {
        scope.spawn(|| up.chunks(12_345).for_each(|piece| assert!(caller.send(piece))));
        scope.spawn(|| down.chunks(54_321).for_each(|piece| assert!(server.send(piece))));
        let reader = scope.spawn(|| link.read_exact(up.len()));
        assert_same(&read_exact(&mut conn, down.len()), &down, "to the caller");
        assert_same(&reader.join().unwrap(), &up, "to the upstream");
    });
    assert_flows(&mut conn, &mut link);
}

#[test]
fn every_byte_is_passed_on_as_it_comes() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let (mut conn, mut link) = session(&upstream, &heeler);
    for byte in 0..=255 {
        conn.send(&[byte]);
        assert_eq!(link.read_exact(1), [byte]);
        link.send(&[!byte]);
        assert_eq!(read_exact(&mut conn, 1), [!byte]);
    }
}

/// Each direction ends by itself, and the other goes on.
#[test]
fn a_half_close_passes() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let (mut conn, mut link) = session(&upstream, &heeler);
    conn.send(b"last words");
    conn.half_close();
    assert_eq!(link.read_to_end(), b"last words");
    link.send(b"an answer to them");
    assert_eq!(read_exact(&mut conn, 17), b"an answer to them");
    drop(link);
    assert_eq!(conn.read_to_end().unwrap(), b"");

    let (mut conn, mut link) = session(&upstream, &heeler);
    link.send(b"last words");
    link.half_close();
    assert_eq!(conn.read_to_end().unwrap(), b"last words");
    conn.send(b"an answer to them");
    assert_eq!(link.read_exact(17), b"an answer to them");
    drop(conn);
    link.wait_closed();
}

#[test]
fn an_end_on_either_side_ends_the_other() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    for leave in [drop, Conn::reset as fn(Conn)] {
        let (conn, mut link) = session(&upstream, &heeler);
        let began = Instant::now();
        leave(conn);
        // After a caller's orderly end the upstream closes, as WebSockets do.
        link.wait_closed();
        assert!(began.elapsed() < SLACK);
    }
    for leave in [drop, Link::reset as fn(Link)] {
        let (mut conn, link) = session(&upstream, &heeler);
        leave(link);
        assert_eq!(conn.read_to_end().unwrap(), b"");
    }
}

#[test]
fn a_refused_upgrade_is_an_ordinary_answer() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let mut conn = heeler.conn();
    for (status, body) in [(400, "not so"), (426, "another version"), (200, "no need"), (404, "")] {
        conn.send(&handshake().bytes());
        let mut link = upstream.accept();
        link.read_head();
        link.send(
            format!("HTTP/1.1 {status} No\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
                .as_bytes(),
        );
        let answer = conn.read_response("GET").unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (status, body));
        assert!(!answer.closes(), "{status}");
        drop(link);
    }
    conn.send(&Request::get("/ordinary").bytes());
    let mut link = upstream.accept();
    assert_eq!(link.read_request().target(), "/ordinary");
    link.ok("ordinary");
    assert_eq!(conn.read_response("GET").unwrap().text(), "ordinary");
}

/// RFC 9113 has taken this way to HTTP/2 back; an upstream that knows it would answer in frames. To nothing at all there
/// is no upgrade either.
#[test]
fn an_upgrade_to_another_http_is_not_passed_on() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    for upgrade in ["h2c", "H2C", "h2c, websocket-not", "HTTP/2.0", "websocket-not, http/1.1", ""] {
        let request = Request::get("/")
            .header("Upgrade", upgrade)
            .header("Connection", "Upgrade, HTTP2-Settings")
            .header("HTTP2-Settings", "AAMAAABkAAQAAP__");
        let asked = upstream.see(&heeler, &request);
        let upgrades = asked.list("upgrade").to_ascii_lowercase();
        assert!(!upgrades.contains("h2c") && !upgrades.contains("http"), "{upgrade}: {asked:?}");
        assert_eq!(asked.all("http2-settings"), [""; 0]);
        if upgrades.is_empty() {
            assert_eq!(asked.all("connection"), [""; 0], "{upgrade:?}: nothing is left to upgrade to");
        }
    }
}

/// RFC 9110 §7.8: no switch before the request is whole. The rest of its body is no part of a tunnel.
#[test]
fn an_upstream_may_not_change_the_protocol_within_a_request() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    for body in ["Content-Length: 10\r\n\r\nhi", "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"] {
        let mut conn = heeler.conn();
        conn.send(format!("{head}{body}").as_bytes());
        let mut link = upstream.accept();
        link.read_head();
        link.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes");
        let mut answer = conn.read_head().unwrap();
        conn.read_body(&mut answer, "POST").unwrap();
        answer.assert_made_by_heeler(502, "bad_head");
    }
}

#[test]
fn a_session_outlives_the_deadline() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("exec_timeout", "500ms")]);
    let (mut conn, mut link) = session(&upstream, &heeler);
    for _ in 0..3 {
        pass(SECOND / 2);
        assert_flows(&mut conn, &mut link);
    }
}

#[test]
fn the_handshake_does_not_outlive_the_deadline() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("exec_timeout", "500ms"), ("stream_timeout", "100s")]);
    let mut conn = heeler.conn();
    conn.send(&handshake().bytes());
    let mut link = upstream.accept();
    link.read_head();
    conn.read_response("GET").unwrap().assert_made_by_heeler(504, "timeout");
    link.wait_closed();
}

#[test]
fn a_session_ends_at_its_own_limit() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("exec_timeout", "500ms"), ("stream_timeout", "1500ms")]);
    let began = Instant::now();
    let (mut conn, mut link) = session(&upstream, &heeler);
    assert_flows(&mut conn, &mut link);
    let rest = conn.read_to_end().unwrap();
    assert_took(began.elapsed(), SECOND * 3 / 2);
    // Nothing, or a frame that says goodbye: heeler may not make up anything else.
    assert!(rest.is_empty() || rest[0] == 0x88, "{rest:?}");
    drop(link.read_to_end());
}

#[test]
fn an_idle_session_is_not_an_idle_connection() {
    let upstream = Upstream::new();
    let limits = [("idle_timeout", "500ms"), ("read_timeout", "500ms"), ("write_timeout", "500ms")];
    let heeler = upstream.heeler(&limits);
    let (mut conn, mut link) = session(&upstream, &heeler);
    pass(SECOND * 3 / 2);
    assert_flows(&mut conn, &mut link);
}

#[test]
fn a_session_is_counted_and_holds_its_place() {
    let upstream = Upstream::new();
    let heeler = upstream.builder().metrics().env("max_inflight", "1").start();
    for _ in 0..3 {
        let (conn, mut link) = session(&upstream, &heeler);
        assert_eq!(heeler.scrape().value("http_requests_in_flight", &[]), 1.0);
        heeler.get("/").assert_made_by_heeler(429, "full");
        assert_eq!(heeler.get("/_/ready").status, 429);
        drop(conn);
        link.wait_closed();
        drop(link);
        eventually("the place is free", || heeler.get("/_/ready").status == 200);
        eventually("it is counted no more", || heeler.scrape().value("http_requests_in_flight", &[]) == 0.0);
    }
    let page = heeler.scrape();
    assert_eq!(page.sum("http_requests_total", &[("code", "101")]), 3.0);
}

/// The upstream's fault is not told as the caller's.
#[test]
fn a_session_that_breaks_is_told_by_the_side_that_broke_it() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let told = |nth: usize, reason: &str| {
        let reasons = || -> Vec<String> {
            let lines = heeler.stderr.json();
            lines.iter().filter_map(|line| line["reason"].as_str().map(str::to_owned)).collect()
        };
        eventually(&format!("session {nth} is told"), || reasons().len() >= nth);
        assert_eq!(reasons()[nth - 1], reason);
    };
    let (mut conn, link) = session(&upstream, &heeler);
    link.reset();
    assert!(!matches!(conn.read_some(1), Ok(piece) if !piece.is_empty()));
    told(1, "upstream");
    let (conn, mut link) = session(&upstream, &heeler);
    conn.reset();
    link.wait_closed();
    told(2, "client_gone");
}

/// The connection is the session's now, and never a call's again.
#[test]
fn the_upstreams_connection_is_not_used_again() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let (mut conn, mut link) = session(&upstream, &heeler);
    assert_eq!(upstream.see(&heeler, &Request::get("/other")).target(), "/other");
    assert_flows(&mut conn, &mut link);
    drop(conn);
    link.wait_closed();
    assert_eq!(upstream.see(&heeler, &Request::get("/next")).target(), "/next");
    assert_eq!(upstream.used(), 3);
}
