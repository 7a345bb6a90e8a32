//! http mode: what the caller sees of the upstream's answer.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use support::{Conn, Heeler, Link, Request, Response, Upstream};

fn start() -> (Upstream, Heeler) {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    (upstream, heeler)
}

/// The answer to a GET, of which the upstream's side is this.
#[track_caller]
fn answer(upstream: &Upstream, heeler: &Heeler, bytes: &[u8]) -> Response {
    upstream.answer_raw(heeler, bytes).unwrap()
}

/// A request on a new connection, and the upstream that has read it.
fn asked(upstream: &Upstream, heeler: &Heeler, request: &[u8]) -> (Conn, Link) {
    let mut conn = heeler.conn();
    conn.send(request);
    let mut link = upstream.accept();
    link.read_request();
    (conn, link)
}

#[test]
fn any_status_passes() {
    let (upstream, heeler) = start();
    for status in [200, 201, 202, 203, 206, 299, 300, 301, 400, 404, 418, 422, 429, 451, 500, 502, 503, 504, 599] {
        let head = format!("HTTP/1.1 {status} Chosen\r\nLocation: /else\r\nContent-Length: 3\r\n\r\nout");
        let answer = answer(&upstream, &heeler, head.as_bytes());
        assert_eq!((answer.status, answer.text().as_str()), (status, "out"));
        assert_eq!(answer.header("location"), Some("/else"), "redirects are the caller's to follow");
        assert_eq!(answer.reason(), "", "heeler did not make this answer");
    }
}

#[test]
fn a_status_line_without_a_phrase_is_one() {
    let (upstream, heeler) = start();
    for line in ["HTTP/1.1 200 ", "HTTP/1.1 200", "HTTP/1.1 200 All is well: \"x\""] {
        let answer = answer(&upstream, &heeler, format!("{line}\r\nContent-Length: 2\r\n\r\nok").as_bytes());
        assert_eq!(answer.assert_ok().text(), "ok", "{line}");
    }
}

#[test]
fn headers_pass_with_all_their_values_in_order() {
    let (upstream, heeler) = start();
    let answer = answer(
        &upstream,
        &heeler,
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nX-Between: x\r\nSet-Cookie: b=2, c\r\nset-cookie: a=1; Path=/\r\n\
          X-Empty:\r\nDate: Mon, 01 Jan 2001 00:00:00 GMT\r\nServer: mine\r\nVary: *\r\nContent-Type: text/weird\r\n\
          Access-Control-Allow-Origin: *\r\nX-Duration-Seconds: 99\r\nContent-Length: 0\r\n\r\n",
    );
    assert_eq!(answer.all("set-cookie"), ["a=1; Path=/", "b=2, c", "a=1; Path=/"]);
    for (name, value) in [
        ("x-between", "x"),
        ("x-empty", ""),
        ("date", "Mon, 01 Jan 2001 00:00:00 GMT"),
        ("server", "mine"),
        ("vary", "*"),
        ("content-type", "text/weird"),
        ("access-control-allow-origin", "*"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    assert_ne!(answer.header("x-duration-seconds"), Some("99"), "it is heeler's own measure, and there is one");
    assert!(answer.header("x-call-id").is_some());
}

#[test]
fn no_header_is_invented_that_speaks_for_the_upstream() {
    let (upstream, heeler) = start();
    let answer = answer(&upstream, &heeler, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    let names = answer.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
    let others: Vec<String> = names
        .filter(|name| !["content-length", "date", "x-call-id", "x-duration-seconds"].contains(&name.as_str()))
        .collect();
    assert_eq!(others, [""; 0]);
}

#[test]
fn values_may_be_any_bytes() {
    let (upstream, heeler) = start();
    let (mut conn, mut link) = asked(&upstream, &heeler, b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    let bytes: Vec<u8> = (0x80..=0xff).collect();
    link.send(&[b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Bytes: ", &bytes[..], b"\r\n\r\n"].concat());
    let seen = conn.read_to_end().unwrap();
    assert!(seen.windows(bytes.len()).any(|window| window == bytes), "{}", String::from_utf8_lossy(&seen));
}

#[test]
fn many_and_long_headers_pass() {
    let (upstream, heeler) = start();
    let many: String = (0..90).map(|n| format!("X-{n}: v{n}\r\n")).collect();
    let seen = answer(&upstream, &heeler, format!("HTTP/1.1 200 OK\r\n{many}Content-Length: 0\r\n\r\n").as_bytes());
    assert!((0..90).all(|n| seen.header(&format!("x-{n}")) == Some(&format!("v{n}"))));
    let long = "v".repeat(30_000);
    let seen =
        answer(&upstream, &heeler, format!("HTTP/1.1 200 OK\r\nX-L: {long}\r\nContent-Length: 0\r\n\r\n").as_bytes());
    assert_eq!(seen.header("x-l"), Some(long.as_str()));
}

/// RFC 9110 §7.6.1: these are between heeler and the upstream alone.
#[test]
fn headers_of_the_connection_stay_behind() {
    let (upstream, heeler) = start();
    let mut conn = heeler.conn();
    conn.send(&Request::get("/").bytes());
    let mut link = upstream.accept();
    link.read_request();
    link.send(
        b"HTTP/1.1 200 OK\r\nConnection: close, X-Foo\r\nConnection: x-too\r\nX-Foo: secret\r\nX-Too: secret\r\n\
          Keep-Alive: timeout=1, max=1\r\nProxy-Connection: close\r\nUpgrade: h2c\r\nX-Kept: kept\r\nContent-Length: 2\r\n\r\nok",
    );
    let answer = conn.read_response("GET").unwrap();
    for name in ["connection", "x-foo", "x-too", "keep-alive", "proxy-connection", "upgrade"] {
        assert_eq!(answer.all(name), [""; 0], "{name}");
    }
    assert_eq!(answer.header("x-kept"), Some("kept"));
    // The upstream's connection ends, the caller's goes on.
    conn.send(&Request::get("/again").bytes());
    let mut link = upstream.accept();
    assert_eq!(link.read_request().target(), "/again");
    link.ok("again");
    assert_eq!(conn.read_response("GET").unwrap().text(), "again");
}

#[test]
fn an_encoded_body_is_nobodys_business() {
    let (upstream, heeler) = start();
    let head =
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-MD5: x\r\nETag: \"1\"\r\nContent-Length: 20\r\n\r\n";
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for _ in 0..2 {
        let answer = answer(&upstream, &heeler, &[head.as_bytes(), &gzip].concat());
        assert_eq!(answer.header("content-encoding"), Some("gzip"));
        assert_eq!((answer.header("content-length"), answer.header("etag")), (Some("20"), Some("\"1\"")));
        assert_eq!(answer.body, gzip);
    }
}

#[test]
fn a_length_stays_a_length() {
    let (upstream, heeler) = start();
    for length in [0, 1, 5] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{}", "x".repeat(length));
        let answer = answer(&upstream, &heeler, head.as_bytes());
        assert_eq!(answer.header("content-length"), Some(length.to_string().as_str()));
        assert!(!answer.is_chunked());
        assert_eq!(answer.body.len(), length);
    }
    // Twice the same is once (RFC 9110 §8.6), and goes on as once or not at all.
    match upstream.answer_raw(&heeler, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok") {
        Ok(answer) if answer.status == 200 => assert_eq!(answer.header("content-length"), Some("2")),
        other => assert_eq!(other.unwrap().status, 502),
    }
}

/// What is not all there with the head has no length that could be told.
#[test]
fn chunks_stay_chunks() {
    let (upstream, heeler) = start();
    let (mut conn, mut link) = asked(&upstream, &heeler, &Request::get("/").bytes());
    link.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n");
    let mut answer = conn.read_head().unwrap();
    assert_eq!((answer.all("transfer-encoding"), answer.header("content-length")), (vec!["chunked"], None));
    link.send(b"5;ext=1\r\nhello\r\n0001\r\n!\r\n0\r\n\r\n");
    conn.read_body(&mut answer, "GET").unwrap();
    assert_eq!(answer.text(), "hello!");
}

/// RFC 9112 §6.3: without either framing the body ends with the connection.
#[test]
fn a_body_may_end_with_the_connection() {
    let (upstream, heeler) = start();
    for head in
        ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\n", "HTTP/1.0 200 OK\r\nServer: old\r\n"]
    {
        for body in ["", "to the end"] {
            let answer = answer(&upstream, &heeler, format!("{head}\r\n{body}").as_bytes());
            assert_eq!(answer.assert_ok().text(), body, "{head}");
        }
    }
}

#[test]
fn an_upstream_of_the_older_version_is_understood() {
    let (upstream, heeler) = start();
    for head in ["", "Connection: keep-alive\r\n"] {
        let head = format!("HTTP/1.0 200 OK\r\n{head}Content-Length: 3\r\n\r\nold");
        let answer = answer(&upstream, &heeler, head.as_bytes());
        assert_eq!((answer.status, answer.header("content-length")), (200, Some("3")));
        assert_eq!(answer.text(), "old");
        assert_eq!(answer.all("connection"), [""; 0]);
    }
}

/// RFC 9110 §8.6: the length of a body that is not sent.
#[test]
fn heads_are_answered_without_a_body_and_with_its_length() {
    let (upstream, heeler) = start();
    let mut conn = heeler.conn();
    for (framing, length) in
        [("Content-Length: 12345", Some("12345")), ("Transfer-Encoding: chunked", None), ("X-None: 1", None)]
    {
        conn.send(&Request::new("HEAD", "/file").bytes());
        let mut link = upstream.accept();
        assert_eq!(link.read_request().line, "HEAD /file HTTP/1.1");
        link.send(format!("HTTP/1.1 200 OK\r\nConnection: close\r\nETag: \"e\"\r\n{framing}\r\n\r\n").as_bytes());
        let answer = conn.read_response("HEAD").unwrap();
        assert_eq!((answer.status, answer.header("etag")), (200, Some("\"e\"")));
        if length.is_some() {
            assert_eq!(answer.header("content-length"), length);
        }
        drop(link);
    }
    // On the same connection: no byte of a body stood behind those.
    conn.send(&Request::get("/").bytes());
    let mut link = upstream.accept();
    link.read_request();
    link.ok("body");
    assert_eq!(conn.read_response("GET").unwrap().text(), "body");
}

#[test]
fn answers_that_have_no_body_have_none() {
    let (upstream, heeler) = start();
    let mut conn = heeler.conn();
    for (head, status) in [
        ("204 No Content\r\nX-A: 1", 204),
        ("304 Not Modified\r\nX-A: 1\r\nETag: \"e\"\r\nContent-Length: 777", 304),
        ("304 Not Modified\r\nX-A: 1\r\nETag: \"e\"", 304),
    ] {
        conn.send(&Request::get("/").bytes());
        let mut link = upstream.accept();
        link.read_request();
        link.send(format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").as_bytes());
        let answer = conn.read_response("GET").unwrap();
        assert_eq!((answer.status, answer.header("x-a")), (status, Some("1")));
        assert!(!answer.is_chunked());
        if status == 304 {
            assert_eq!(answer.header("etag"), Some("\"e\""));
            // RFC 9110 §8.6: it may be the length of what was not sent (hyper writes none), and never another.
            let length = answer.header("content-length");
            assert!(length.is_none() || length == Some("777") && head.contains("777"), "{length:?}");
        } else {
            assert_eq!(answer.header("content-length"), None, "RFC 9110 §8.6 forbids it in a 204");
        }
    }
    conn.send(&Request::get("/").bytes());
    let mut link = upstream.accept();
    link.read_request();
    link.ok("body");
    assert_eq!(conn.read_response("GET").unwrap().text(), "body");
}

/// What stands behind the last chunk of an answer to a request with these headers.
fn trailers_for(headers: &str) -> String {
    let (upstream, heeler) = start();
    let request = format!("GET / HTTP/1.1\r\nHost: h\r\n{headers}\r\n");
    let (mut conn, mut link) = asked(&upstream, &heeler, request.as_bytes());
    link.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-Late\r\n\r\n\
          4\r\nbody\r\n0\r\nX-Sum: abc\r\nX-Late: 1\r\n\r\n",
    );
    let seen = String::from_utf8(conn.read_to_end().unwrap()).unwrap();
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert!(!head.to_ascii_lowercase().contains("x-sum: abc"), "a trailer is no header: {head}");
    body.strip_prefix("4\r\nbody\r\n0\r\n").unwrap_or_else(|| panic!("{seen}")).to_ascii_lowercase()
}

/// RFC 9110 §6.5.1: a trailer is for those who said that they take it.
#[test]
fn trailers_go_to_callers_who_take_them() {
    let taken = trailers_for("TE: trailers\r\nConnection: close, TE\r\n");
    assert!(taken.contains("x-sum: abc\r\n") && taken.contains("x-late: 1\r\n"), "{taken:?}");
    assert_eq!(trailers_for("Connection: close\r\n"), "\r\n");
}

#[test]
fn early_hints_come_before_the_answer() {
    let (upstream, heeler) = start();
    let (mut conn, mut link) = asked(&upstream, &heeler, &Request::get("/").bytes());
    for n in 1..=2 {
        // Each is at the caller before the upstream says more.
        link.send(
            format!("HTTP/1.1 103 Early Hints\r\nLink: </{n}.css>; rel=preload\r\nX-Hint: {n}\r\n\r\n").as_bytes(),
        );
        let hint = conn.read_head().unwrap();
        assert_eq!((hint.status, hint.header("link")), (103, Some(format!("</{n}.css>; rel=preload").as_str())));
        assert_eq!(hint.header("x-hint"), Some(n.to_string().as_str()));
    }
    link.ok("body");
    let mut answer = conn.read_head().unwrap();
    assert_eq!((answer.status, answer.header("link")), (200, None));
    conn.read_body(&mut answer, "GET").unwrap();
    assert_eq!(answer.text(), "body");
}

/// RFC 9110 §15.2: a client of HTTP/1.0 knows no interim answers.
#[test]
fn early_hints_are_not_for_callers_of_the_older_version() {
    let (upstream, heeler) = start();
    let (mut conn, mut link) = asked(&upstream, &heeler, b"GET / HTTP/1.0\r\nHost: h\r\n\r\n");
    link.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody");
    let mut answer = conn.read_head().unwrap();
    assert_eq!((answer.status, answer.header("link")), (200, None));
    conn.read_body(&mut answer, "GET").unwrap();
    assert_eq!(answer.text(), "body");
}

#[test]
fn a_go_on_that_nobody_asked_for_is_swallowed() {
    let (upstream, heeler) = start();
    let (mut conn, mut link) = asked(&upstream, &heeler, &Request::post("/", "x").bytes());
    link.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody");
    let mut answer = conn.read_head().unwrap();
    assert_eq!(answer.status, 200);
    conn.read_body(&mut answer, "POST").unwrap();
    assert_eq!(answer.text(), "body");
}

/// Neither chunks nor keep-alive for HTTP/1.0: the end of the connection is the end of the body.
#[test]
fn callers_of_the_older_version_get_what_they_can_read() {
    let (upstream, heeler) = start();
    let (mut conn, mut link) = asked(&upstream, &heeler, b"GET / HTTP/1.0\r\nHost: h\r\n\r\n");
    link.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n");
    let answer = conn.read_response("GET").unwrap();
    assert!(!answer.is_chunked());
    assert_eq!(answer.assert_ok().text(), "body");
}

/// A head may come in as many pieces as it has bytes.
#[test]
fn an_answer_may_come_byte_by_byte() {
    let (upstream, heeler) = start();
    let (mut conn, mut link) = asked(&upstream, &heeler, &Request::get("/").bytes());
    let bytes = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    bytes.iter().for_each(|byte| assert!(link.send(&[*byte])));
    let answer = conn.read_response("GET").unwrap();
    assert_eq!((answer.header("x-a"), answer.text().as_str()), (Some("1"), "abc"));
}
