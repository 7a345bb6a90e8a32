//! Requests that two readers could read in two ways, or that no handler should see, are refused;
//! the next request on a new connection is always fine.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use support::{Conn, Failure, Heeler, MODES, Request, Response};

/// Sends raw bytes; the answer, or `None` if the connection was closed without one.
fn send(heeler: &Heeler, bytes: &[u8]) -> Option<Response> {
    let mut conn = heeler.conn();
    conn.send(bytes);
    let method = if bytes.starts_with(b"HEAD") { "HEAD" } else { "GET" };
    match conn.read_response(method) {
        Ok(answer) => Some(answer),
        Err(Failure::Nothing) => None,
        Err(other) => panic!("{other:?} to {:?}", String::from_utf8_lossy(bytes)),
    }
}

#[track_caller]
fn assert_healthy(heeler: &Heeler, after: &[u8]) {
    let answer = heeler.post("/healthy", "still here");
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "still here"),
        "after {:?}",
        String::from_utf8_lossy(after)
    );
}

/// What hyper lets pass.
#[test]
fn what_the_http_library_lets_pass_is_refused() {
    let long_method = "M".repeat(300);
    let rows: Vec<(Vec<u8>, &[u16], &str)> = [
        ("GET / HTTP/1.1\r\n\r\n", &[400][..], "bad_request"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", &[400], "bad_request"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", &[400], "bad_request"),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", &[400], "bad_request"),
        ("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", &[400], "bad_request"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            &[400, 501],
            "bad_request",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            &[400, 501],
            "bad_request",
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", &[400, 501], "bad_request"),
        ("GET http://other.example/ HTTP/1.1\r\nHost: a\r\n\r\n", &[400], "bad_request"),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", &[400], "bad_request"),
        ("GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", &[400], "bad_request"),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", &[405], "method"),
        (&format!("{long_method} / HTTP/1.1\r\nHost: a\r\n\r\n"), &[405, 501], "method"),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 0\r\n\r\n", &[417], "expectation"),
    ]
    .map(|(bytes, statuses, reason)| (bytes.as_bytes().to_vec(), statuses, reason))
    .into();
    for mode in MODES {
        let heeler = Heeler::play(mode, support::echo_of(mode), &[]);
        for (bytes, statuses, reason) in &rows {
            let what = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
            let answer = send(&heeler, bytes).unwrap_or_else(|| panic!("{mode}: no answer to {what:?}"));
            assert!(statuses.contains(&answer.status), "{mode}: {} to {what:?}", answer.status);
            assert_eq!(answer.reason(), *reason, "{mode}: {what:?}");
            assert!(answer.text().starts_with(&format!("{reason}: ")), "{mode}: {}", answer.text());
            assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
            assert_healthy(&heeler, bytes);
        }
    }
}

/// What hyper refuses by itself, as a floor under its updates.
#[test]
fn what_the_http_library_refuses_stays_refused() {
    let heeler = Heeler::play("streaming", "echo", &[]);
    let post =
        |headers: &str, body: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n{body}").into_bytes();
    let many_headers: String = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect();
    let rows: Vec<Vec<u8>> = vec![
        post("Content-Length: 1\r\nContent-Length: 2", "ab"),
        post("Content-Length: 1, 1", "a"),
        post("Content-Length: +1", "a"),
        post("Content-Length: -1", "a"),
        post("Content-Length: 0x1", "a"),
        post("Content-Length: 1_0", "a"),
        post("Content-Length:", "a"),
        post("Content-Length: 18446744073709551616", "a"),
        post("Content-Length : 1", "a"),
        post("Transfer-Encoding: xchunked", "0\r\n\r\n"),
        post("Transfer-Encoding: identity", "a"),
        post("Transfer-Encoding: chunked, identity", "0\r\n\r\n"),
        post("Transfer-Encoding: \x0bchunked", "0\r\n\r\n"),
        post("X-A: b\r\n folded: c", ""),
        post("X-A: b\rc", ""),
        post("X-A: b\0c", ""),
        post(": empty", ""),
        post("X A: space", ""),
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(),
        b"GET / HTTP/1.2\r\nHost: a\r\n\r\n".to_vec(),
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n".to_vec(),
        b"GET / http/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"GET / \r\nHost: a\r\n\r\n".to_vec(),
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(80_000)).into_bytes(),
        format!("GET / HTTP/1.1\r\nHost: a\r\n{many_headers}\r\n").into_bytes(),
        format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "a".repeat(500_000)).into_bytes(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
        b"\r\n\r\nno request at all\r\n\r\n".to_vec(),
    ];
    for bytes in &rows {
        let what = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        if let Some(answer) = send(&heeler, bytes) {
            assert!([400, 414, 431, 505].contains(&answer.status), "{} to {what:?}", answer.status);
        }
        assert_healthy(&heeler, bytes);
    }
}

#[test]
fn heads_have_a_limit_that_ordinary_ones_do_not_meet() {
    for mode in MODES {
        let heeler = Heeler::play(mode, "do", &[]);
        let role = if mode == "cgi" { "cgi-say hi" } else { "say hi" };
        heeler.call(&Request::role(role).header("X-Large", &"x".repeat(30_000))).assert_ok();
        let mut request = Request::role(role);
        for n in 0..80 {
            request = request.header(&format!("X-Header-{n}"), "value");
        }
        heeler.call(&request).assert_ok();
        let answer = send(&heeler, &Request::role(role).header("X-Large", &"x".repeat(500_000)).bytes());
        assert!(answer.is_none_or(|answer| answer.status == 431), "{mode}");
    }
}

#[test]
fn what_is_odd_but_clear_is_served() {
    let heeler = Heeler::play("streaming", "echo", &[]);
    let rows: [(&[u8], &str); 8] = [
        (b"GET http://heeler.test/x HTTP/1.1\r\nHost: heeler.test\r\n\r\n", ""),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", ""),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n2;ext=\"1\"\r\nhi\r\n0\r\n\r\n", "hi"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nhi\r\n0\r\n\r\n", "hi"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nConnection: content-length\r\nContent-Length: 2\r\n\r\nhi", "hi"),
        (b"\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", "hi"),
    ];
    for (bytes, body) in rows {
        let answer =
            send(&heeler, bytes).unwrap_or_else(|| panic!("no answer to {:?}", String::from_utf8_lossy(bytes)));
        assert_eq!((answer.status, answer.text().as_str()), (200, body), "{:?}", String::from_utf8_lossy(bytes));
        assert_healthy(&heeler, bytes);
    }
}

/// Either way of reading it may be refused; what is served is read in the one way of RFC 9112.
#[test]
fn two_framings_never_smuggle_a_second_request() {
    for mode in MODES {
        let heeler = Heeler::play(mode, support::echo_of(mode), &[]);
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
        let mut conn = heeler.conn();
        let body = format!("0\r\n\r\n{smuggled}");
        let head = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
            body.len()
        );
        conn.send(format!("{head}{body}").as_bytes());
        if let Ok(answer) = conn.read_response("POST") {
            assert!([200, 400].contains(&answer.status), "{mode}: {}", answer.status);
            assert_eq!(if answer.status == 200 { answer.text() } else { String::new() }, "", "{mode}");
        }
        assert!(
            matches!(conn.read_head(), Err(Failure::Nothing)),
            "{mode}: the connection goes on behind two framings"
        );
        let log = heeler.stderr.text();
        assert!(!log.contains("/smuggled"), "{mode}: {log}");
        assert_healthy(&heeler, b"two framings");
    }
}

#[test]
fn equal_lengths_are_one_length_or_refused() {
    let heeler = Heeler::play("streaming", "echo", &[]);
    let bytes = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi";
    let answer = send(&heeler, bytes).unwrap();
    assert!(answer.status == 400 || (answer.status, answer.text().as_str()) == (200, "hi"), "{}", answer.status);
    assert_healthy(&heeler, bytes);
}

#[test]
fn bare_line_feeds_hide_nothing() {
    let heeler = Heeler::play("streaming", "env", &[]);
    for bytes in [&b"GET / HTTP/1.1\nHost: a\nX-One: 1\n\n"[..], b"GET / HTTP/1.1\r\nHost: a\nX-One: 1\r\n\r\n"] {
        let answer = send(&heeler, bytes).unwrap();
        // Served only if the line was read as one of its own.
        assert!(answer.status == 400 || answer.variable("Http_X_One").as_deref() == Some("1"), "{}", answer.text());
    }
}

#[test]
fn paths_that_climb_are_never_resolved() {
    let heeler = Heeler::play("streaming", "env", &[]);
    for path in ["/../../etc/passwd", "/..%2f..%2fetc", "/a/../../b"] {
        let answer = heeler.get(path);
        let seen = answer.variable("Http_Path");
        let decoded = path.replace("%2f", "/");
        assert!(answer.status == 400 || seen == Some(decoded), "{path}: {} {seen:?}", answer.status);
    }
}

#[test]
fn garbage_on_many_connections_harms_nobody() {
    let heeler = Heeler::play("streaming", "echo", &[]);
    let noise = support::pattern(4096);
    for round in 0..50 {
        let mut conn: Conn = heeler.conn();
        conn.send(&noise[round * 40..round * 40 + 200]);
        conn.send(b"\r\n\r\n");
        // Refused or closed, but never served and never left hanging.
        match conn.read_response("GET") {
            Ok(answer) => assert!((400..500).contains(&answer.status), "{}", answer.status),
            Err(failure) => assert!(!matches!(failure, Failure::TimedOut), "left hanging"),
        }
    }
    assert_healthy(&heeler, b"garbage");
    heeler.wait_childless();
}
