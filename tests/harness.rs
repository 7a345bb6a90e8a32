//! The tests' own client, upstream and page reader: they must see what is wrong, or no test can.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;

use support::{Conn, Failure, Page, Request, Response, Upstream};

/// What the client makes of these bytes, when the server closes after them.
fn answer(bytes: &'static [u8]) -> Result<Response, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
        stream.write_all(bytes).unwrap();
    });
    let answer = Conn::open(address).try_call(&Request::get("/"));
    server.join().unwrap();
    answer
}

#[test]
fn whole_answers_are_read_by_their_framing() {
    let seen = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").unwrap();
    assert_eq!((seen.status, seen.text()), (200, "hi".to_owned()));
    let seen = answer(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\nA\r\n0123456789\r\n0\r\n\r\n");
    assert_eq!(seen.unwrap().text(), "h0123456789");
    let late =
        answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n0\r\nX-Late: 1\r\n\r\n").unwrap();
    assert_eq!((late.text().as_str(), late.trailer("x-late"), late.header("x-late")), ("h", Some("1"), None));
    assert_eq!(answer(b"HTTP/1.1 200 OK\r\n\r\nto the end").unwrap().text(), "to the end");
    assert_eq!(answer(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().text(), "");
}

#[test]
fn cut_answers_are_told_from_whole_ones() {
    let cut = [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhi",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n",
    ];
    for bytes in cut {
        let seen = answer(bytes).unwrap_err().cut();
        assert_eq!((seen.status, seen.text()), (200, "hi".to_owned()));
    }
    assert!(matches!(answer(b"HTTP/1.1 200 OK\r\nX"), Err(Failure::Cut(_))));
    assert!(matches!(answer(b""), Err(Failure::Nothing)));
}

#[test]
fn nonsense_is_told_from_answers() {
    for bytes in [
        &b"HTTP/2.0 200 OK\r\n\r\n"[..],
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        assert!(matches!(answer(bytes), Err(Failure::Nonsense(_))));
    }
}

fn connect(upstream: &Upstream) -> Conn {
    Conn::open(([127, 0, 0, 1], upstream.port()).into())
}

#[test]
fn requests_are_read_by_their_framing() {
    let upstream = Upstream::new();
    drop(connect(&upstream));
    let mut conn = connect(&upstream);
    conn.send(b"PUT /a HTTP/1.1\r\nX-M: 1\r\nx-m:2\r\nContent-Length: 2\r\n\r\nhi");
    conn.send(b"POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\nX-T: 3\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    let mut link = upstream.accept();
    assert_eq!((link.number, upstream.used()), (1, 1), "the silent connection does not count");
    let asked = link.read_request();
    assert_eq!(
        (asked.line.as_str(), asked.all("x-m"), asked.body.as_slice()),
        ("PUT /a HTTP/1.1", vec!["1".into(), "2".into()], &b"hi"[..])
    );
    asked.assert_length(2);
    let asked = link.read_request();
    assert_eq!((asked.target(), asked.body.as_slice(), asked.trailer("x-t")), ("/b", &b"hi"[..], vec!["3".to_owned()]));
    assert!(asked.is_chunked());
    link.read_request().assert_no_framing();
    drop(conn);
    link.wait_closed();
}

#[test]
fn cut_requests_are_told_from_whole_ones() {
    for part in [
        "GET / HT",
        "PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nhi",
        "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n",
    ] {
        let upstream = Upstream::new();
        let mut conn = connect(&upstream);
        conn.send(part.as_bytes());
        let mut link = upstream.accept();
        drop(conn);
        assert!(link.try_request().is_none(), "{part}");
    }
}

#[test]
fn an_upstream_answers_refuses_and_resets() {
    let upstream = Upstream::echo();
    let mut conn = connect(&upstream);
    for body in ["one", ""] {
        assert_eq!(conn.call(&Request::post("/", body)).text(), body);
    }
    upstream.refuse();
    assert!(Conn::try_open(([127, 0, 0, 1], upstream.port()).into()).is_err());
    assert_eq!(conn.call(&Request::post("/", "still")).text(), "still");
    let upstream = Upstream::new();
    let mut conn = connect(&upstream);
    conn.send(b"x");
    upstream.accept().reset();
    assert!(conn.read_to_end().unwrap().is_empty());
    assert!(!conn.send(b"x") || !conn.send(b"x"));
}

#[test]
fn pages_are_read() {
    let page = Page::parse("# TYPE a counter\na{x=\"1\",y=\"2\"} 3\na{x=\"2\",y=\"2\"} 4\nb 0.5\n");
    assert_eq!(page.value("a", &[("x", "1")]), 3.0);
    assert_eq!(page.sum("a", &[("y", "2")]), 7.0);
    assert_eq!(page.sum("a", &[("y", "3")]), 0.0);
    assert_eq!(page.value("b", &[]), 0.5);
    assert_eq!(page.kind("a"), Some("counter"));
    assert_eq!(page.kind("b"), None);
}
