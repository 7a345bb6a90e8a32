//! Answers: the head on stderr, the body on stdout, the outcome as the exit code.

use std::io::Read;

use crate::run::{Run, answered};
use crate::support::Upstream;

#[test]
fn the_head_goes_to_stderr_and_the_body_to_stdout() {
    let answer = b"HTTP/1.1 200 Fine\r\nContent-Length: 6\r\nX-A: 1\r\nx-a: \xff\r\n\r\n\xff\0\nabc";
    let (_, ran) = answered(&[], answer);
    assert_eq!((ran.code, ran.stdout.as_slice()), (0, &b"\xff\0\nabc"[..]));
    assert_eq!(ran.stderr, "HTTP/1.1 200 OK\ncontent-length: 6\nx-a: 1\nx-a: \u{fffd}\n");
}

#[test]
fn the_exit_code_tells_the_status() {
    for (status, code) in [(200, 0), (202, 0), (299, 0), (301, 1), (404, 1), (500, 1), (504, 1), (999, 1)] {
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 4\r\n\r\nbody");
        let (_, ran) = answered(&[], answer.as_bytes());
        assert_eq!((ran.code, ran.text()), (code, "body"), "{status}");
    }
}

#[test]
fn bodies_end_where_their_framing_says() {
    for (args, answer, body) in [
        (&[][..], &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"[..], "abc"),
        (&[], b"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end"),
        (&[], b"HTTP/1.0 200 OK\r\n\r\nold", "old"),
        (&[], b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabcdef", "ab"),
        (&[], b"HTTP/1.1 204 No Content\r\n\r\nabc", ""),
        (&["-X", "HEAD"], b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", ""),
    ] {
        let (_, ran) = answered(args, answer);
        assert_eq!(ran.assert_ok().text(), body);
    }
}

#[test]
fn what_comes_before_and_behind_is_shown_too() {
    let answer = b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 7\r\n\r\n";
    let (_, ran) = answered(&[], answer);
    assert_eq!(ran.text(), "a");
    let expected = "HTTP/1.1 103 Early Hints\nlink: a\nHTTP/1.1 200 OK\ntransfer-encoding: chunked\nx-sum: 7\n";
    assert_eq!(ran.stderr, expected);
}

/// 101 is an answer that nobody asked for; what follows is no HTTP.
#[test]
fn a_change_of_protocol_is_no_success() {
    let (_, ran) = answered(&[], b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nrubbish");
    assert_eq!((ran.code, ran.text()), (1, ""));
}

#[test]
fn a_body_waits_for_the_server_if_it_is_told_to() {
    let peer = Upstream::new();
    let running = Run::new(&[peer.url(), "-d", "later", "-H", "Expect: 100-continue"]).start();
    let mut link = peer.accept();
    let mut asked = link.read_head();
    link.send(b"HTTP/1.1 100 Continue\r\n\r\n");
    assert!(link.try_body(&mut asked) && asked.body == b"later");
    link.ok("fine");
    let ran = running.end().assert_ok();
    assert_eq!(ran.text(), "fine");
    ran.assert_says("HTTP/1.1 100 Continue");
}

/// A server that has seen enough answers before it has read all.
#[test]
fn an_answer_is_shown_also_when_the_body_is_not_wanted() {
    let peer = Upstream::new();
    let running = Run::new(&[peer.url(), "-d", "-"]).stdin(vec![b'x'; 16 << 20]).start();
    let mut link = peer.accept();
    link.read_head();
    link.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nmuch");
    let ran = running.end();
    assert_eq!((ran.code, ran.text()), (1, "much"), "{}", ran.stderr);
}

#[test]
fn pieces_are_shown_as_they_come() {
    let peer = Upstream::new();
    let mut running = Run::new(&[peer.url()]).start();
    let mut link = peer.accept();
    link.read_request();
    link.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut stdout = running.child.stdout.take().unwrap();
    for piece in ["one", "two"] {
        link.send_chunk(piece.as_bytes());
        let mut seen = [0; 3];
        stdout.read_exact(&mut seen).unwrap();
        assert_eq!(seen, piece.as_bytes());
    }
    link.send_chunk(b"");
    running.end().assert_ok();
}

/// `heeler invoke | head -1`.
#[test]
fn nobody_has_to_read_the_body() {
    let peer = Upstream::new();
    let mut running = Run::new(&[peer.url()]).start();
    drop(running.child.stdout.take());
    let mut link = peer.accept();
    link.read_request();
    link.ok("x".repeat(1 << 20));
    let ran = running.end();
    assert_eq!((ran.code, ran.stderr.contains("cannot write")), (0, false), "{}", ran.stderr);
}
