//! Handlers, and callers through them, that try to make two answers or two requests of one: line ends and NUL in heads,
//! bytes behind an answer, framing of the handler's own.

use crate::support::{Conn, Heeler, Request, Response, Upstream};

/// On every answer of heeler's own and every good one these never are: they stand for what was slipped in.
#[track_caller]
fn assert_unsplit(answer: &Response, what: &str) {
    assert!(!answer.headers.iter().any(|(name, _)| name.to_ascii_lowercase().contains("evil")), "{what}: {answer:?}");
    assert!(!answer.headers.iter().any(|(_, value)| value.contains(['\r', '\n', '\0'])), "{what}: {answer:?}");
    assert!(answer.all("content-length").len() + answer.all("transfer-encoding").len() <= 1, "{what}: {answer:?}");
}

/// A call, and then another one on the same connection, whose answer must be its own.
#[track_caller]
fn call_twice(conn: &mut Conn, first: &Request, second: &Request, own: &str, what: &str) -> Response {
    let answer = conn.call(first);
    assert_unsplit(&answer, what);
    let next = conn.call(second);
    assert_unsplit(&next, what);
    assert_eq!((next.status, next.text().as_str()), (200, own), "behind {what}");
    answer
}

/// The script prints its body's only line, escapes and all.
#[test]
fn heads_of_cgi() {
    let script = r#"sh -c 'IFS= read -r format; printf "$format"'"#;
    let heeler = Heeler::start(&[("mode", "cgi"), ("fprocess", script)]);
    let mut conn = heeler.conn();
    let good = Request::post("/", "\\nown\n");
    let mut run = |head: &str| call_twice(&mut conn, &Request::post("/", format!("{head}\n")), &good, "own", head);
    for head in [
        r"X-A: b\rX-Evil: c\n\nbody",
        r"X-A: b\r\rX-Evil: c\n\nbody",
        r"X-A: b\000X-Evil: c\n\nbody",
        r"X-A: b\177\n\nbody",
        r"X-A: b\001\n\nbody",
        r"X-A\rX-Evil: b\n\nbody",
        r"X-A\000: b\n\nbody",
        r"X A: b\n\nbody",
        r"X-A : b\n\nbody",
        r": b\n\nbody",
        r"X-A: b\n folded\n\nbody",
        r"HTTP/1.1 200 OK\nX-Evil: c\n\nbody",
        r"Status: 200\rX-Evil: c\n\nbody",
        r"Status: 20\n\nbody",
        r"Status: 101 Evil\n\nbody",
        r"Status: 100\n\nHTTP/1.1 200 OK\r\n\r\nevil",
    ] {
        run(head).assert_made_by_heeler(502, "bad_head");
    }
    // What stands behind the empty line is a body, whatever it looks like.
    for (head, body) in [
        (r"X-A: b\r\n\r\nHTTP/1.1 200 OK\r\nX-Evil: c\r\n\r\n", "HTTP/1.1 200 OK\r\nX-Evil: c\r\n\r\n"),
        (r"Content-Length: 0\n\nbody", "body"),
        (r"Content-Length: 9999\n\nbody", "body"),
        (r"Content-Length: 1\nContent-Length: 2\n\nbody", "body"),
        (r"Transfer-Encoding: chunked\n\n0\r\n\r\nevil", "0\r\n\r\nevil"),
        (r"Connection: upgrade, x-call-id\nUpgrade: evil\n\nbody", "body"),
        (r"Status: 200 OK\001\n\nbody", "body"),
    ] {
        let answer = run(head);
        assert_eq!((answer.status, answer.text().as_str()), (200, body), "{head}");
    }
}

/// The worker answers with the fields that it is sent.
#[test]
fn heads_of_workers() {
    let heeler = Heeler::play("warm", "worker places=4", &[]);
    let mut conn = heeler.conn();
    let good = Request::post("/echo", "own");
    let mut run = |fields: &str| call_twice(&mut conn, &Request::post("/head", fields), &good, "own", fields);
    for fields in [
        "x-a\0b\r\nx-evil: c\0",
        "x-a\0b\nx-evil: c\0",
        "x-a\0b\rx-evil: c\0",
        "x-a\0b\r\n\r\nHTTP/1.1 200 OK\0",
        "x-a\0b\x01\0",
        "x-a\0b\x7f\0",
        "x-a: b\r\nx-evil\0c\0",
        "x-a\r\n\r\nevil\0c\0",
        "x a\0b\0",
        "x-a:\0b\0",
        "\0b\0",
        "content-length\x005\r\nx-evil: c\0",
    ] {
        let answer = run(fields);
        assert_eq!(answer.status, 502, "{fields:?}: {answer:?}");
    }
    for fields in ["transfer-encoding\0chunked\0", "connection\0close, x-call-id\0upgrade\0evil\0", "keep-alive\x009\0"]
    {
        let answer = run(fields);
        assert_eq!((answer.status, answer.text().as_str()), (200, "body"), "{fields:?}");
    }
    // The length is a number, and the body's own.
    for fields in [
        "content-length\x003\0",
        "content-length\x005\0",
        "content-length\x00+4\0",
        "content-length\x004\0content-length\x005\0",
    ] {
        let mut conn = heeler.conn();
        conn.send(&Request::post("/head", fields).bytes());
        match conn.read_response("POST") {
            Ok(answer) => assert_eq!(answer.status, 502, "{fields:?}: {answer:?}"),
            Err(failure) => assert_unsplit(&failure.cut(), fields),
        }
    }
    assert_eq!(heeler.call(&good).assert_ok().text(), "own");
}

/// Half a field is no field: a worker that sends one is not understood any more, and another one takes its place.
#[test]
fn half_a_field_of_a_worker() {
    let heeler = Heeler::play("warm", "worker places=4", &[]);
    for fields in ["x-a", "x-a\0", "x-a\0b", "x-a\0b\0x-evil\0"] {
        let answer = heeler.call(&Request::post("/head", fields));
        assert_unsplit(&answer, fields);
        assert_eq!(answer.status, 502, "{fields:?}: {answer:?}");
        assert_eq!(heeler.post("/echo", "own").assert_ok().text(), "own", "{fields:?}");
    }
}

/// Answers of an upstream that are one and a half.
#[test]
fn what_stands_behind_an_upstreams_answer_is_nobodys() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let evil = "HTTP/1.1 200 OK\r\nX-Evil: c\r\nContent-Length: 4\r\n\r\nevil";
    for (method, head, status, body) in [
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok"),
        ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, "ok"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, ""),
        ("GET", "HTTP/1.1 204 No\r\n\r\n", 204, ""),
        ("GET", "HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\n", 204, ""),
        ("GET", "HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", 304, ""),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 200, ""),
        ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, ""),
        ("GET", "HTTP/1.1 103 Hints\r\nX-A: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok"),
    ] {
        let mut conn = heeler.conn();
        conn.send(&Request::new(method, "/").bytes());
        let mut link = upstream.accept();
        link.read_request();
        link.send(format!("{head}{evil}").as_bytes());
        let answer = conn.read_response(method).unwrap();
        assert_unsplit(&answer, head);
        assert_eq!((answer.status, answer.text().as_str()), (status, body), "{head}");
        // The next call comes by another connection: this one is not trusted any more.
        conn.send(&Request::get("/next").bytes());
        let mut other = upstream.accept();
        assert_eq!(other.read_request().target(), "/next", "{head}");
        other.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nown");
        let next = conn.read_response("GET").unwrap();
        assert_unsplit(&next, head);
        assert_eq!((next.status, next.text().as_str()), (200, "own"), "{head}");
    }
}

/// Of one answer, but in a head that two readers read in two ways.
#[test]
fn heads_of_upstreams() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    for head in [
        "HTTP/1.1 200 OK\rX-Evil: c\r\nContent-Length: 2",
        "HTTP/1.1 200 O\0K\r\nContent-Length: 2",
        "HTTP/1.1 200 OK\r\nX-A: b\rX-Evil: c\r\nContent-Length: 2",
        "HTTP/1.1 200 OK\r\nX-A: b\0\r\nContent-Length: 2",
        "HTTP/1.1 200 OK\r\nX-A\rX-Evil: c\r\nContent-Length: 2",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 3",
        "HTTP/1.1 200 OK\r\nContent-Length: +2",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked",
        "HTTP/1.1 101 Evil\r\nConnection: Upgrade\r\nUpgrade: evil",
    ] {
        let answer = upstream.answer_raw(&heeler, format!("{head}\r\n\r\nok").as_bytes()).unwrap();
        assert_unsplit(&answer, head);
        assert_eq!(answer.status, 502, "{head}: {answer:?}");
    }
}

/// JSON can hold what no header can: such an event is none (CloudEvents, type system: no control characters).
#[test]
fn attributes_of_events() {
    let event = |name: &str, value: &str| {
        let fields = [("specversion", "1.0"), ("id", "1"), ("source", "/s"), ("type", "t")];
        let mut event: serde_json::Map<String, serde_json::Value> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        event.insert(name.to_owned(), value.into());
        serde_json::to_string(&event).unwrap()
    };
    let cases = [
        ("subject", "a\r\nx-evil: c"),
        ("subject", "a\nb"),
        ("subject", "a\0b"),
        ("subject", "a\u{7f}b"),
        ("subject", "a\u{85}b"),
        ("id", "1\r\n\r\nHTTP/1.1 200 OK"),
        ("type", "t\rx"),
        ("source", "/s\r\nx-evil: c"),
        ("dataschema", "http://a/\r\nx-evil: c"),
        ("datacontenttype", "text/plain\r\nx-evil: c"),
        ("extension", "a\r\nx-evil: c"),
        ("ext\r\nevil", "a"),
    ];
    let upstream = Upstream::serve(|link, _| {
        link.ok("own");
        crate::support::Then::Keep
    });
    let heeler = upstream.heeler(&[("events", "auto"), ("event_mode", "binary")]);
    // Printed, it is none either, and other output is no answer.
    let printing = Heeler::start(&[("fprocess", "cat"), ("reply", "event")]);
    for (name, value) in cases {
        let text = event(name, value);
        let request = Request::post("/", text.clone()).header("Content-Type", "application/cloudevents+json");
        let answer = heeler.call(&request);
        assert_unsplit(&answer, &text);
        assert_eq!((answer.status, answer.reason()), (400, "event"), "{text}");
        let answer = printing.post("/", text.clone());
        assert_unsplit(&answer, &text);
        assert_eq!((answer.status, answer.text().as_str()), (202, ""), "{text}: no event, so nothing");
    }
    assert_eq!(upstream.used(), 0, "one of them was passed on");
}
