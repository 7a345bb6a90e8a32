//! http mode: an upstream that breaks is a 502 with its reason, or an answer that is visibly cut.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use support::{Conn, Failure, Heeler, Link, Request, Response, Upstream};

fn start() -> (Upstream, Heeler) {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    (upstream, heeler)
}

/// A 502 of heeler's own, with a word and a sentence.
#[track_caller]
fn assert_bad_gateway(answer: &Response, what: &str) {
    assert_eq!(answer.status, 502, "{what}: {:?} {}", answer.headers, answer.text());
    assert_ne!(answer.reason(), "", "{what}: no X-Heeler-Reason");
    let text = answer.text();
    let (word, sentence) = text.trim_end().split_once(": ").unwrap_or_else(|| panic!("{what}: {text:?}"));
    assert_eq!(word, answer.reason(), "{what}");
    assert!(!sentence.is_empty(), "{what}");
    assert!(answer.header("x-call-id").is_some(), "{what}");
}

/// What a caller gets whose upstream, on a new connection, does this.
#[track_caller]
fn outcome(
    upstream: &Upstream,
    heeler: &Heeler,
    request: &Request,
    play: impl FnOnce(Link),
) -> Result<Response, Failure> {
    let mut conn = heeler.conn();
    conn.send(&request.bytes());
    let mut link = upstream.accept();
    let method = link.read_request().method().to_owned();
    play(link);
    conn.read_response(&method)
}

/// A caller whose upstream sends these bytes and leaves the connection open gets a 502 at once, and that connection
/// is never used again.
#[track_caller]
fn assert_head_is_refused(upstream: &Upstream, heeler: &Heeler, bytes: &[u8]) {
    let what = String::from_utf8_lossy(&bytes[..bytes.len().min(120)]).into_owned();
    let mut conn = heeler.conn();
    for request in [Request::get("/"), Request::post("/", "body")] {
        conn.send(&request.bytes());
        let mut link = upstream.accept();
        let method = link.read_request().method().to_owned();
        link.send(bytes);
        let answer = conn.read_response(&method).unwrap_or_else(|failure| panic!("{what:?}: {failure:?}"));
        assert_bad_gateway(&answer, &what);
        drop(link.read_to_end());
    }
}

#[test]
fn what_is_no_answer_is_a_502() {
    let (upstream, heeler) = start();
    for bytes in [
        "garbage\r\n\r\n",
        "220 mail.example ESMTP ready\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 -200 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
        "<html>no head at all</html>\r\n\r\n",
        "\x16\x03\x01\x02\0\x01\0\x01\u{7f}\r\n\r\n",
    ] {
        assert_head_is_refused(&upstream, &heeler, bytes.as_bytes());
    }
    // Settings of HTTP/2, which nobody asked for.
    assert_head_is_refused(&upstream, &heeler, b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0\r\n\r\n");
}

#[test]
fn a_header_that_is_none_is_a_502() {
    let (upstream, heeler) = start();
    for header in
        ["no colon here", ": no name", "X A: blank in the name", "X-A: a\rb", "X-A: a\0b", "X-A: a\u{7f}b", "X(A): 1"]
    {
        let head = format!("HTTP/1.1 200 OK\r\n{header}\r\nContent-Length: 2\r\n\r\nok");
        assert_head_is_refused(&upstream, &heeler, head.as_bytes());
    }
}

/// RFC 9112 §5.1 and §5.2 leave a proxy the choice: refuse, or pass on what it was meant to be.
#[test]
fn headers_of_old_servers_are_mended_or_refused() {
    let (upstream, heeler) = start();
    for (header, mended) in [("X-A : blank", "blank"), ("X-A: two\r\n  lines", "two lines")] {
        let head = format!("HTTP/1.1 200 OK\r\n{header}\r\nContent-Length: 2\r\n\r\nok");
        let answer = upstream.answer_raw(&heeler, head.as_bytes()).unwrap();
        match answer.status {
            200 => assert_eq!(answer.header("x-a").unwrap().split_whitespace().collect::<Vec<_>>().join(" "), mended),
            _ => assert_bad_gateway(&answer, header),
        }
    }
}

/// RFC 9112 §6.3: whoever guesses here lets one answer's body become the next one's head.
#[test]
fn a_length_that_is_none_is_a_502() {
    let (upstream, heeler) = start();
    for lengths in [
        "Content-Length: 2\r\nContent-Length: 3",
        "Content-Length: 2, 3",
        "Content-Length: -1",
        "Content-Length: +2",
        "Content-Length: 0x2",
        "Content-Length: 2.0",
        "Content-Length: 2 2",
        "Content-Length: two",
        "Content-Length: 18446744073709551616",
        "Content-Length: 99999999999999999999999999",
    ] {
        let head = format!("HTTP/1.1 200 OK\r\n{lengths}\r\n\r\nok");
        assert_head_is_refused(&upstream, &heeler, head.as_bytes());
    }
}

/// The chunks are what counts (RFC 9112 §6.3), or it is an error: never the length.
#[test]
fn both_framings_are_never_read_by_the_length() {
    let (upstream, heeler) = start();
    let both = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
    let answer = upstream.answer_raw(&heeler, both).unwrap();
    if answer.status == 200 {
        assert_ne!(answer.header("content-length"), Some("3"));
        assert_eq!(answer.text(), "body");
    } else {
        assert_bad_gateway(&answer, "both framings");
    }
}

#[test]
fn a_head_without_end_is_a_502() {
    let (upstream, heeler) = start();
    let one = format!("HTTP/1.1 200 OK\r\nX-Long: {}", "v".repeat(80 << 10));
    let many: String = (0..10_000).map(|n| format!("X-{n}: v\r\n")).collect();
    for head in [one, format!("HTTP/1.1 200 OK\r\n{many}"), "v".repeat(80 << 10)] {
        let answer = outcome(&upstream, &heeler, &Request::get("/"), |mut link| {
            // It may be closed while this is sent.
            link.send(head.as_bytes());
            drop(link.read_to_end());
        });
        assert_bad_gateway(&answer.unwrap(), &head[..30]);
    }
}

#[test]
fn an_answer_that_ends_within_its_head_is_a_502() {
    let (upstream, heeler) = start();
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    for length in 1..head.len() - 1 {
        for leave in [drop, Link::reset as fn(Link)] {
            let cut = |mut link: Link| {
                link.send(&head.as_bytes()[..length]);
                leave(link);
            };
            let answer = outcome(&upstream, &heeler, &Request::get("/"), cut).unwrap();
            assert_bad_gateway(&answer, &head[..length]);
        }
    }
}

/// On of-watchdog's other path this is an empty 200.
#[test]
fn no_answer_at_all_is_a_502_and_not_tried_again_on_a_fresh_connection() {
    let (upstream, heeler) = start();
    let leave: [fn(Link); 3] = [drop, Link::reset, |mut link| {
        link.half_close();
        drop(link.read_to_end());
    }];
    let mut used = 0;
    for leave in leave {
        for request in [
            Request::get("/"),
            Request::get("/").header("Accept", "text/event-stream"),
            Request::new("HEAD", "/"),
            Request::new("DELETE", "/"),
            Request::post("/", "body"),
            Request::post("/", ""),
        ] {
            let answer = outcome(&upstream, &heeler, &request, leave).unwrap();
            used += 1;
            if request.bytes().starts_with(b"HEAD") {
                assert_eq!(answer.status, 502);
                assert_ne!(answer.reason(), "");
            } else {
                assert_bad_gateway(&answer, "no answer");
            }
            assert_eq!(upstream.used(), used, "once each");
        }
    }
}

#[test]
fn an_interim_answer_and_then_nothing_is_a_502() {
    let (upstream, heeler) = start();
    for interim in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"] {
        let answer = outcome(&upstream, &heeler, &Request::get("/"), |mut link| {
            link.send(interim.as_bytes());
        });
        assert_bad_gateway(&answer.unwrap(), interim);
    }
}

/// An upgrade that nobody asked for would leave both sides with bytes that no one can read.
#[test]
fn a_switch_that_nobody_asked_for_is_a_502() {
    let (upstream, heeler) = start();
    for head in [
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ] {
        assert_head_is_refused(&upstream, &heeler, head.as_bytes());
    }
}

#[test]
fn a_refused_connection_is_a_502() {
    let (upstream, heeler) = start();
    heeler.call(&Request::get("/_/ready")).assert_ok();
    upstream.refuse();
    for request in [Request::get("/"), Request::post("/", "body"), Request::new("POST", "/").chunked("body")] {
        assert_bad_gateway(&heeler.call(&request), "refused");
    }
}

/// It is told apart from a call that ran and took too long: the caller may send it again.
#[test]
fn a_call_that_reached_nobody_before_its_deadline_did_not_run() {
    let (upstream, heeler) = start();
    upstream.refuse();
    let answer = heeler.call(&Request::post("/", "body").header("X-Timeout", "300ms"));
    assert!(matches!(answer.status, 502 | 503), "504 says that it ran: {} {}", answer.status, answer.text());
    assert_ne!(answer.reason(), "");
}

/// All of these have a head and a part of their body.
const CUT: [(&str, &str); 7] = [
    ("Content-Length: 10\r\n\r\nhello", "hello"),
    ("Content-Length: 10\r\n\r\n", ""),
    ("Transfer-Encoding: chunked\r\n\r\n", ""),
    ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "hello"),
    ("Transfer-Encoding: chunked\r\n\r\na\r\nhello", "hello"),
    ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "hello"),
    ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Trail", "hello"),
];

/// The caller's side of an answer that must not look whole: cut, or refused when that was still possible.
#[track_caller]
fn assert_cut(outcome: Result<Response, Failure>, sent: &str, what: &str) {
    match outcome {
        Err(Failure::Cut(part)) => assert!(sent.as_bytes().starts_with(&part.body), "{what}: {:?}", part.text()),
        Ok(answer) if answer.status == 502 => assert_bad_gateway(&answer, what),
        other => panic!("{what}: {other:?}"),
    }
}

/// In of-watchdog such a cut looks like a proper end, with a length computed from what there was.
#[test]
fn an_answer_that_is_cut_never_looks_whole() {
    let (upstream, heeler) = start();
    for (rest, sent) in CUT {
        for leave in [drop, Link::reset as fn(Link)] {
            let play = |mut link: Link| {
                link.send(format!("HTTP/1.1 200 OK\r\n{rest}").as_bytes());
                leave(link);
            };
            assert_cut(outcome(&upstream, &heeler, &Request::get("/"), play), sent, rest);
        }
    }
}

/// The same when the caller has already seen the first part.
#[test]
fn an_answer_that_is_cut_late_never_looks_whole() {
    let (upstream, heeler) = start();
    for (rest, sent) in CUT {
        if sent.is_empty() {
            continue;
        }
        let mut conn = heeler.conn();
        conn.send(&Request::get("/").bytes());
        let mut link = upstream.accept();
        link.read_request();
        link.send(format!("HTTP/1.1 200 OK\r\n{rest}").as_bytes());
        let mut head = conn.read_head().unwrap();
        let first = if head.is_chunked() { conn.read_chunk().unwrap().unwrap() } else { conn.read_some(5).unwrap() };
        assert_eq!(first, sent.as_bytes(), "{rest}");
        drop(link);
        let end = conn.read_body(&mut head, "GET");
        assert_eq!(end.unwrap_err().cut().body, b"", "{rest}");
    }
}

/// A reset is no end, not even where the end of the connection is the end of the body.
#[test]
fn a_reset_is_not_the_end_of_a_body() {
    let (upstream, heeler) = start();
    let mut conn = heeler.conn();
    conn.send(&Request::get("/").bytes());
    let mut link = upstream.accept();
    link.read_request();
    link.send(b"HTTP/1.1 200 OK\r\n\r\nhello");
    let mut head = conn.read_head().unwrap();
    // With the first piece at the caller, the reset finds nothing to throw away.
    assert!(head.is_chunked());
    assert_eq!(conn.read_chunk().unwrap().unwrap(), b"hello");
    link.reset();
    assert!(matches!(conn.read_body(&mut head, "GET"), Err(Failure::Cut(_))));
}

#[test]
fn chunks_that_are_none_cut_the_answer() {
    let (upstream, heeler) = start();
    for (chunks, sent) in [
        ("zz\r\nhello\r\n", ""),
        ("-5\r\nhello\r\n", ""),
        ("+5\r\nhello\r\n0\r\n\r\n", ""),
        ("0x5\r\nhello\r\n0\r\n\r\n", ""),
        ("\r\nhello\r\n0\r\n\r\n", ""),
        ("5\r\nhelloXX0\r\n\r\n", "hello"),
        ("5\r\nhello\r\nzz\r\n", "hello"),
        ("5\r\nhello\r\nfffffffffffffffff\r\n", "hello"),
        ("10000000000000005\r\nhello\r\n0\r\n\r\n", ""),
        ("5\r\nhello\r\n\r\n0\r\n\r\n", "hello"),
        ("5\r\nhello\r\n0\r\nX(Y): 1\r\n\r\n", "hello"),
    ] {
        let play = |mut link: Link| {
            link.send(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}").as_bytes());
            drop(link.read_to_end());
        };
        let seen = outcome(&upstream, &heeler, &Request::get("/"), play);
        if chunks.contains("X(Y)") && matches!(&seen, Ok(answer) if answer.status == 200) {
            continue; // The body is whole; a trailer that nobody asked for may be dropped unread.
        }
        assert_cut(seen, sent, chunks);
    }
}

/// One broken upstream connection is nobody else's trouble.
#[test]
fn calls_beside_a_broken_one_go_on() {
    let (upstream, heeler) = start();
    let mut others: Vec<(Conn, Link)> = (0..5)
        .map(|_| {
            let mut conn = heeler.conn();
            conn.send(&Request::get("/").bytes());
            let mut link = upstream.accept();
            link.read_request();
            (conn, link)
        })
        .collect();
    for bytes in ["garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut"] {
        let broken = outcome(&upstream, &heeler, &Request::get("/"), |mut link| assert!(link.send(bytes.as_bytes())));
        assert_cut(broken, "cut", bytes);
    }
    for (at, (conn, link)) in others.iter_mut().enumerate() {
        link.ok(at.to_string());
        assert_eq!(conn.read_response("GET").unwrap().assert_ok().text(), at.to_string());
    }
}

#[test]
fn failures_are_seen_in_log_and_metrics() {
    let upstream = Upstream::new();
    let heeler = upstream.builder().metrics().start();
    let answer = upstream.answer_raw(&heeler, b"garbage\r\n\r\n").unwrap();
    assert_bad_gateway(&answer, "garbage");
    let id = answer.header("x-call-id").unwrap().to_owned();
    heeler
        .stderr
        .wait_for_json("the call's access line", |line| line["call_id"] == id.as_str() && line["status"] == 502);
    let page = heeler.scrape();
    assert_eq!(page.value("http_requests_total", &[("code", "502"), ("method", "get")]), 1.0);
    assert_eq!(page.value("heeler_refusals_total", &[("reason", answer.reason())]), 1.0);
}
