//! cgi mode: RFC 3875's variables in, a header block and a body out.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use support::{Heeler, Request};

#[test]
fn cgi_gives_the_meta_variables() {
    let heeler = Heeler::play("cgi", "cgi-env", &[]);
    let request = Request::post("/a%20b/c?x=%20y", "four")
        .header("Host", "fn.example:8081")
        .header("Content-Type", "text/x-mine")
        .header("X-Many", "1")
        .header("X-Many", "2")
        .header("Cookie", "a=b");
    let answer = heeler.call(&request);
    for (name, expected) in [
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("SERVER_NAME", "fn.example"),
        ("REQUEST_METHOD", "POST"),
        ("PATH_INFO", "/a b/c"),
        ("QUERY_STRING", "x=%20y"),
        ("SCRIPT_NAME", ""),
        ("CONTENT_LENGTH", "4"),
        ("CONTENT_TYPE", "text/x-mine"),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("HTTP_X_MANY", "1, 2"),
        ("HTTP_COOKIE", "a=b"),
    ] {
        assert_eq!(answer.variable(name).as_deref(), Some(expected), "{name}");
    }
    assert!(answer.variable("SERVER_PORT").unwrap().parse::<u16>().is_ok());
    assert!(answer.variable("SERVER_SOFTWARE").unwrap().starts_with("heeler"));
    // RFC 3875 §4.1.7: present though empty. §4.1.2: a length only where there is a body.
    let bare = heeler.get("/");
    assert_eq!(bare.variable("QUERY_STRING").as_deref(), Some(""));
    assert_eq!(bare.variable("CONTENT_LENGTH"), None);
    // Chunked: the true length, since a script reads that many bytes.
    let chunked = heeler.call(&Request::new("POST", "/").chunked("sixsix"));
    assert_eq!(chunked.variable("CONTENT_LENGTH").as_deref(), Some("6"));
}

#[test]
fn cgi_takes_status_and_headers_from_the_handler() {
    let heeler = Heeler::play("cgi", "do", &[]);
    for status in [200, 201, 404, 503] {
        let answer = heeler.call(&Request::role(&format!("cgi {status}")));
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        assert_eq!(answer.header("x-from"), Some("script"));
        assert_eq!(answer.all("x-many"), ["1", "2"]);
        assert_eq!(answer.text(), format!("body {status}\n"));
        assert_eq!(answer.reason(), "", "the handler's own answer");
        assert_eq!(answer.header("status"), None, "Status is not a header of HTTP");
    }
}

#[test]
fn cgi_heads_of_every_make() {
    let run = |block: &str| {
        let heeler = Heeler::play("cgi", &format!("cgi-raw '{block}'"), &[]);
        heeler.conn().try_call(&Request::get("/")).unwrap()
    };
    let redirect = run(r"Location: https://x.example/\n\n");
    assert_eq!((redirect.status, redirect.header("location")), (302, Some("https://x.example/")));
    // Framing is heeler's: a script's own words on it would cut or glue answers.
    let framed = run(r"Content-Length: 99\r\nTransfer-Encoding: chunked\r\nConnection: upgrade\r\n\r\nbody");
    assert_eq!((framed.status, framed.text().as_str()), (200, "body"));
    assert_eq!(run(r"\nonly a body").text(), "only a body");
    for nonsense in ["no head at all", r"Status: 1000\n\n", r"Status: hello\n\n", r"Content-Type: x", r"a b: c\n\n"] {
        run(nonsense).assert_made_by_heeler(502, "bad_head");
    }
}

#[test]
fn statuses_without_a_body_drop_the_output() {
    let heeler = Heeler::play("cgi", "do", &[]);
    let mut conn = heeler.conn();
    for status in [204, 304] {
        let answer = conn.call(&Request::role(&format!("cgi {status}")));
        assert_eq!((answer.status, answer.header("x-from")), (status, Some("script")));
        assert_eq!(conn.call(&Request::role("cgi 200")).assert_ok().text(), "body 200\n");
    }
}
