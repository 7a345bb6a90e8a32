//! http mode: how a request's body is framed for the upstream, and who waits for whom before it is sent.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::time::{Duration, Instant};

use support::{Asked, Conn, Heeler, Link, Request, SECOND, Upstream, assert_same, pattern};

fn start(env: &[(&str, &str)]) -> (Upstream, Heeler) {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(env);
    (upstream, heeler)
}

/// of-watchdog sends every body in chunks; servers that read by the length alone (WSGI) then see none.
#[test]
fn a_length_stays_a_length() {
    let (upstream, heeler) = start(&[]);
    for method in ["POST", "PUT", "PATCH", "DELETE", "GET", "OPTIONS", "REPORT"] {
        let asked = upstream.see(&heeler, &Request::new(method, "/").body("body"));
        asked.assert_length(4);
        assert_eq!(asked.body, b"body", "{method}");
    }
    let body = pattern(40_000);
    let asked = upstream.see(&heeler, &Request::post("/", body.clone()));
    asked.assert_length(40_000);
    assert_same(&asked.body, &body, "a body with its length");
}

#[test]
fn an_empty_body_with_its_length_stays_one() {
    let (upstream, heeler) = start(&[]);
    for method in ["POST", "PUT", "DELETE", "GET"] {
        upstream.see(&heeler, &Request::new(method, "/").body("")).assert_length(0);
    }
}

#[test]
fn a_request_without_a_body_says_nothing_of_one() {
    let (upstream, heeler) = start(&[]);
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"] {
        upstream.see(&heeler, &Request::new(method, "/")).assert_no_framing();
    }
    // RFC 9110 §8.6: for a method that expects a body, a length of zero may be said.
    let asked = upstream.see(&heeler, &Request::new("POST", "/"));
    assert_eq!(asked.all("transfer-encoding"), [""; 0]);
    assert!(asked.header("content-length").is_none_or(|length| length == "0"), "{asked:?}");
}

#[test]
fn what_comes_in_chunks_goes_on_in_chunks() {
    let (upstream, heeler) = start(&[]);
    for size in [0, 1, 8191, 8192, 30_000] {
        let body = pattern(size);
        let asked = upstream.see(&heeler, &Request::new("POST", "/").chunked(body.clone()));
        assert!(asked.is_chunked(), "{asked:?}");
        assert_eq!(asked.all("content-length"), [""; 0]);
        assert_same(&asked.body, &body, "a body in chunks");
    }
}

/// A caller's own spelling of the framing never reaches the upstream: two readers could read it in two ways.
#[test]
fn the_framing_is_made_anew() {
    let (upstream, heeler) = start(&[]);
    let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n";
    let asked = upstream.see_raw(&heeler, format!("{head}00004;ext=\"x\"\r\nbody\r\n000;last\r\n\r\n").as_bytes());
    assert_eq!(asked.all("transfer-encoding"), ["chunked"]);
    assert_eq!(asked.body, b"body");
    // Both framings: refused, or one of them passes and it is not the length.
    let both =
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
    let mut conn = heeler.conn();
    conn.send(both.as_bytes());
    if let Some(mut link) = upstream.accept_within(SECOND) {
        let asked = link.read_request();
        link.ok("");
        assert_eq!((asked.all("content-length").len(), asked.body.as_slice()), (0, &b"body"[..]));
    } else {
        assert_eq!(conn.read_response("POST").unwrap().status, 400);
    }
}

/// The pieces are steps: each is at the upstream before the next is sent.
#[test]
fn a_body_flows_as_it_comes() {
    let (upstream, heeler) = start(&[]);
    let mut conn = heeler.conn();
    conn.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n");
    let mut link = upstream.accept();
    link.read_head().assert_length(10);
    for piece in [&b"one"[..], b"2", b"three."] {
        conn.send(piece);
        assert_eq!(link.read_exact(piece.len()), piece);
    }
    // Not to be used again: the next call shall have a connection of its own.
    link.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    conn.read_response("POST").unwrap().assert_ok();

    let mut conn = heeler.conn();
    conn.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut link = upstream.accept();
    assert!(link.read_head().is_chunked());
    for piece in ["3\r\none\r\n", "1\r\n2\r\n", "6\r\nthree.\r\n"] {
        conn.send(piece.as_bytes());
        assert_eq!(link.try_chunk().unwrap(), piece.split("\r\n").nth(1).unwrap().as_bytes());
    }
    conn.send(b"0\r\n\r\n");
    assert_eq!(link.try_chunk().unwrap(), b"");
    link.ok("");
    conn.read_response("POST").unwrap().assert_ok();
}

#[test]
fn trailers_of_a_request_pass() {
    let (upstream, heeler) = start(&[]);
    let request = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-More\r\n\r\n\
                   4\r\nbody\r\n0\r\nX-Sum: abc\r\nX-More: 1\r\n\r\n";
    let asked = upstream.see_raw(&heeler, request.as_bytes());
    assert_eq!(asked.body, b"body");
    assert_eq!((asked.trailer("x-sum"), asked.trailer("x-more")), (vec!["abc".to_owned()], vec!["1".to_owned()]));
    assert_eq!(asked.header("x-sum"), None, "a trailer is no header");
}

/// RFC 9110 §6.5.1: what frames, routes or authenticates is no trailer.
#[test]
fn trailers_that_could_change_the_message_do_not_pass() {
    let (upstream, heeler) = start(&[]);
    let request = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\
                   Trailer: Content-Length, Transfer-Encoding, Host\r\n\r\n\
                   4\r\nbody\r\n0\r\nContent-Length: 1\r\nTransfer-Encoding: x\r\nHost: evil\r\n\r\n";
    let asked = upstream.see_raw(&heeler, request.as_bytes());
    assert_eq!(asked.body, b"body");
    assert_eq!(asked.header("host").unwrap(), "h");
    for name in ["content-length", "transfer-encoding", "host"] {
        assert_eq!(asked.trailer(name), [""; 0]);
    }
}

/// In of-watchdog the setting has no effect on bodies that come in chunks.
#[test]
fn a_held_body_has_a_length() {
    for name in ["http_buffer_req_body", "buffer_http"] {
        let (upstream, heeler) = start(&[(name, "true")]);
        for size in [0, 5, 30_000] {
            let body = pattern(size);
            for request in [Request::new("POST", "/").chunked(body.clone()), Request::post("/", body.clone())] {
                let asked = upstream.see(&heeler, &request);
                asked.assert_length(size);
                assert_same(&asked.body, &body, "a held body");
            }
        }
        upstream.see(&heeler, &Request::get("/")).assert_no_framing();
    }
}

/// An upstream that knows nothing of `Expect` would be waited for, though the body is there.
#[test]
fn a_held_body_is_not_announced() {
    let (upstream, heeler) = start(&[("http_buffer_req_body", "true")]);
    let mut conn = heeler.conn();
    conn.send(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(conn.read_head().unwrap().status, 100);
    conn.send(b"4\r\nbody\r\n0\r\n\r\n");
    let mut link = upstream.accept();
    let asked = link.read_request();
    assert_eq!((asked.header("expect"), asked.body.as_slice()), (None, &b"body"[..]));
    link.ok("fine");
    assert_eq!(conn.read_response("POST").unwrap().assert_ok().text(), "fine");
}

/// A body that is cut while it is held never was a call.
#[test]
fn a_held_body_that_is_cut_does_not_reach_the_upstream() {
    let (upstream, heeler) = start(&[("http_buffer_req_body", "true")]);
    let mut conn = heeler.conn();
    conn.send(b"POST /cut HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    conn.half_close();
    drop(conn.read_to_end());
    assert_eq!(upstream.see(&heeler, &Request::get("/next")).target(), "/next");
    assert_eq!(upstream.used(), 1);
}

const EXPECTING: &[u8] = b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";

/// A caller that waits to be told to go on, and the upstream that has its head.
fn expecting(upstream: &Upstream, heeler: &Heeler) -> (Conn, Link, Asked) {
    let mut conn = heeler.conn();
    conn.send(EXPECTING);
    let mut link = upstream.accept();
    let asked = link.read_head();
    (conn, link, asked)
}

#[test]
fn the_upstream_says_when_an_expected_body_may_come() {
    let (upstream, heeler) = start(&[]);
    let (mut conn, mut link, asked) = expecting(&upstream, &heeler);
    assert_eq!(asked.header("expect").unwrap().to_ascii_lowercase(), "100-continue");
    asked.assert_length(4);
    let began = Instant::now();
    link.send(b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(conn.read_head().unwrap().status, 100);
    assert!(began.elapsed() < SECOND / 2, "not before the upstream said so, but then at once: {:?}", began.elapsed());
    conn.send(b"body");
    assert_eq!(link.read_exact(4), b"body");
    link.ok("taken");
    let answer = conn.read_head().unwrap();
    assert_eq!(answer.status, 200, "one 100 is enough");
}

/// The caller keeps its body, which is what the expectation is for (RFC 9110 §10.1.1).
#[test]
fn a_final_answer_instead_leaves_the_body_where_it_is() {
    let (upstream, heeler) = start(&[]);
    for status in [401, 413, 417, 200] {
        let (mut conn, mut link, _) = expecting(&upstream, &heeler);
        link.send(format!("HTTP/1.1 {status} Final\r\nContent-Length: 2\r\n\r\nno").as_bytes());
        let mut answer = conn.read_head().unwrap();
        assert_eq!(answer.status, status, "the first head is the final one");
        conn.read_body(&mut answer, "POST").unwrap();
        assert_eq!(answer.text(), "no");
        drop(conn);
        // Nothing of a body that never came was made up.
        link.wait_closed();
    }
}

/// RFC 9110 §10.1.1: many servers know nothing of expectations and just read. Somebody must make the first step.
#[test]
fn an_upstream_that_says_nothing_gets_the_body_after_about_a_second() {
    let (upstream, heeler) = start(&[]);
    let began = Instant::now();
    let (mut conn, mut link, _) = expecting(&upstream, &heeler);
    assert_eq!(conn.read_head().unwrap().status, 100);
    let took = began.elapsed();
    assert!(took > Duration::from_millis(400) && took < SECOND * 4, "the client was told to go on after {took:?}");
    conn.send(b"body");
    assert_eq!(link.read_exact(4), b"body");
    link.ok("taken");
    assert_eq!(conn.read_head().unwrap().status, 200);
}

/// Such a caller has sent its body before anybody asked.
#[test]
fn a_caller_that_does_not_wait_is_served() {
    let (upstream, heeler) = start(&[]);
    let mut conn = heeler.conn();
    conn.send(&[EXPECTING, b"body"].concat());
    let mut link = upstream.accept();
    let asked = link.read_request();
    assert_eq!(asked.body, b"body");
    link.ok("taken");
    assert_eq!(conn.read_response("POST").unwrap().assert_ok().text(), "taken");
}

#[test]
fn an_expected_body_that_is_held_is_asked_for_by_heeler() {
    let (upstream, heeler) = start(&[("http_buffer_req_body", "true")]);
    let mut conn = heeler.conn();
    conn.send(EXPECTING);
    assert_eq!(conn.read_head().unwrap().status, 100);
    conn.send(b"body");
    let mut link = upstream.accept();
    let asked = link.read_request();
    asked.assert_length(4);
    link.ok("taken");
    assert_eq!(conn.read_response("POST").unwrap().assert_ok().text(), "taken");
}
