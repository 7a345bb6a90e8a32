//! http mode: bodies of any size flow both ways at once, whole or visibly cut.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use support::{Asked, Conn, Link, PATIENCE, Request, SECOND, Then, Upstream, assert_same, pattern, tree};

const LARGE: usize = 16 << 20;

/// Answers before it has read, then gives back every byte as it comes.
fn echo_at_once(mut link: Link) {
    while let Some(asked) = link.try_head() {
        let length: Option<usize> = asked.header("content-length").map(|length| length.parse().unwrap());
        let framing = match length {
            Some(length) => format!("Content-Length: {length}"),
            None => "Transfer-Encoding: chunked".to_owned(),
        };
        link.send(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n").as_bytes());
        let whole = match length {
            Some(length) => echo_length(&mut link, length),
            None => echo_chunks(&mut link),
        };
        if !whole {
            return;
        }
    }
}

fn echo_length(link: &mut Link, mut left: usize) -> bool {
    while left > 0 {
        let piece = link.read_some(left);
        if piece.is_empty() || !link.send(&piece) {
            return false;
        }
        left -= piece.len();
    }
    true
}

fn echo_chunks(link: &mut Link) -> bool {
    while let Some(piece) = link.try_chunk() {
        // The one that ends it is sent as well, and the empty line behind it is read.
        if !link.send_chunk(&piece) {
            return false;
        }
        if piece.is_empty() {
            return link.read_exact(2) == b"\r\n";
        }
    }
    false
}

/// of-watchdog stops reading once an answer has begun: 256 KiB echoes came back whole six times of ten.
#[test]
fn an_upstream_that_answers_while_it_reads_gets_and_gives_every_byte() {
    let upstream = Upstream::serve_links(echo_at_once);
    let heeler = upstream.heeler(&[]);
    let mut conn = heeler.conn();
    for size in [64 << 10, 128 << 10, 256 << 10, 448 << 10, 512 << 10, 1 << 20] {
        let body = pattern(size);
        for round in 0..20 {
            let request = match round % 2 {
                0 => Request::post("/", body.clone()),
                _ => Request::new("POST", "/").chunked(body.clone()),
            };
            let answer = conn.call(&request);
            assert_same(&answer.assert_ok().body, &body, &format!("{size} bytes, round {round}"));
            assert!(!answer.closes(), "{size} bytes, round {round}: the connection goes on");
        }
    }
}

/// The steps are questions and answers: neither side could go on without the other's piece.
#[test]
fn both_directions_are_open_at_once() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let mut conn = heeler.conn();
    conn.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut link = upstream.accept();
    link.read_head();
    link.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(conn.read_head().unwrap().is_chunked());
    for n in 0..50 {
        let piece = format!("question {n}");
        conn.send(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes());
        assert_eq!(link.try_chunk().unwrap(), piece.as_bytes());
        link.send_chunk(piece.as_bytes());
        assert_eq!(conn.read_chunk().unwrap().unwrap(), piece.as_bytes());
    }
    conn.send(b"0\r\n\r\n");
    assert_eq!(link.try_chunk().unwrap(), b"");
    link.send_chunk(b"");
    assert_eq!(conn.read_chunk().unwrap(), None);
}

/// of-watchdog held the first byte of an event stream back for three seconds, until the end.
#[test]
fn every_byte_is_passed_on_as_it_comes() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    for framing in ["Content-Length: 50\r\n", "Transfer-Encoding: chunked\r\n", ""] {
        let mut conn = heeler.conn();
        conn.send(&Request::get("/").bytes());
        let mut link = upstream.accept();
        link.read_request();
        link.send(format!("HTTP/1.1 200 OK\r\n{framing}\r\n").as_bytes());
        // The head alone, before any byte of the body.
        let head = conn.read_head().unwrap();
        let chunked = head.is_chunked();
        for n in b'0'..b'0' + 50 {
            let sent = if framing.starts_with('T') { link.send_chunk(&[n]) } else { link.send(&[n]) };
            assert!(sent);
            let seen = if chunked { conn.read_chunk().unwrap().unwrap() } else { conn.read_some(1).unwrap() };
            assert_eq!(seen, [n], "{framing}");
        }
    }
}

#[test]
fn large_bodies_arrive_whole_in_both_directions() {
    let body = pattern(LARGE);
    let sent = body.clone();
    let upstream = Upstream::serve(move |link, asked| {
        match asked.target() {
            "/up" => link.ok(if asked.body == sent { "same" } else { "other" }),
            "/down" => link.ok(&sent),
            _ => {
                link.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                sent.chunks(77_777).for_each(|piece| assert!(link.send_chunk(piece)));
                link.send_chunk(b"");
            }
        }
        Then::Keep
    });
    let heeler = upstream.heeler(&[]);
    let mut conn = heeler.conn();
    for upload in [Request::post("/up", body.clone()), Request::new("POST", "/up").chunked(body.clone())] {
        assert_eq!(conn.call(&upload).assert_ok().text(), "same");
    }
    for target in ["/down", "/down-in-chunks"] {
        assert_same(&conn.call(&Request::get(target)).assert_ok().body, &body, target);
    }
}

#[test]
fn large_bodies_echo() {
    let upstream = Upstream::serve_links(echo_at_once);
    let heeler = upstream.heeler(&[]);
    let body = pattern(LARGE);
    for request in [Request::post("/", body.clone()), Request::new("POST", "/").chunked(body.clone())] {
        assert_same(&heeler.call(&request).assert_ok().body, &body, "a large echo");
    }
}

/// The upstream has made up its mind after the head; the caller is still sending.
#[test]
fn an_early_answer_reaches_a_caller_that_is_still_sending() {
    fn refuse(mut link: Link, then: fn(Link)) {
        link.read_head();
        link.read_some(1000);
        link.send(b"HTTP/1.1 413 Too Much\r\nConnection: close\r\nContent-Length: 4\r\n\r\nstop");
        then(link);
    }
    // Closing with unread bytes makes a reset of it; the polite ones wait for the other side to stop.
    let rude = Upstream::serve_links(|link| refuse(link, drop));
    let polite = Upstream::serve_links(|link| refuse(link, |mut link| drop(link.read_to_end())));
    for upstream in [rude, polite] {
        let heeler = upstream.heeler(&[]);
        for request in [Request::post("/", pattern(LARGE)), Request::new("POST", "/").chunked(pattern(LARGE))] {
            let answer = heeler.call(&request);
            assert_eq!((answer.status, answer.text().as_str()), (413, "stop"));
            assert_eq!(answer.reason(), "", "it is the upstream's answer");
        }
    }
}

/// What one side does not take must not pile up in between.
#[test]
fn a_caller_that_does_not_read_holds_the_upstream_back() {
    let upstream = Upstream::new();
    // The calls of this test take as long as the machine likes.
    let heeler = upstream.heeler(&[("exec_timeout", "0")]);
    let mut conn = heeler.conn();
    conn.send(&Request::get("/").bytes());
    let mut link = upstream.accept();
    link.read_request();
    let (block, total) = (pattern(1 << 20), 64);
    link.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", total << 20).as_bytes());
    let before = tree::size(heeler.pid, "VmRSS");
    // Nothing is taken any more for a while: all that lies between the two is full.
    link.set_write_patience(SECOND / 2);
    let mut sent = 0;
    loop {
        let rest = &block[sent % block.len()..];
        match link.send_some(rest) {
            0 => break,
            taken => sent += taken,
        }
        assert!(sent < 48 << 20, "48 MiB are under way to somebody who does not read");
    }
    let grown = tree::size(heeler.pid, "VmRSS").saturating_sub(before);
    assert!(grown < 8 << 20, "heeler has grown by {grown} bytes");
    link.set_write_patience(PATIENCE);
    let writer = std::thread::spawn(move || {
        while sent < total << 20 {
            let taken = link.send_some(&block[sent % block.len()..]);
            assert!(taken > 0, "nobody takes it");
            sent += taken;
        }
    });
    let answer = conn.read_response("GET").unwrap();
    writer.join().unwrap();
    assert_same(&answer.body, &pattern(1 << 20).repeat(total), "a body that had to wait");
}

#[test]
fn an_upstream_that_does_not_read_holds_the_caller_back() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let before = tree::size(heeler.pid, "VmRSS");
    let mut conn = heeler.conn();
    conn.set_write_patience(SECOND / 2);
    let body = pattern(64 << 20);
    conn.send(&Request::post("/", body.clone()).head_bytes());
    assert!(!conn.send(&body), "64 MiB are taken for somebody who does not read");
    let mut link = upstream.accept();
    link.read_head();
    let grown = tree::size(heeler.pid, "VmRSS").saturating_sub(before);
    assert!(grown < 8 << 20, "heeler has grown by {grown} bytes");
}

/// A cut upload must not look like a shorter whole one.
#[test]
fn a_body_that_the_caller_cuts_is_cut_for_the_upstream() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    type Leave = fn(Conn);
    let ways: [Leave; 3] = [drop, Conn::reset, |mut conn| {
        conn.half_close();
        drop(conn.read_to_end());
    }];
    for leave in ways {
        for framing in ["Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "Content-Length: 10\r\n\r\nhello"] {
            let mut conn = heeler.conn();
            conn.send(format!("POST / HTTP/1.1\r\nHost: h\r\n{framing}").as_bytes());
            let mut link = upstream.accept();
            let mut asked: Asked = link.read_head();
            let first = if asked.is_chunked() { link.try_chunk().unwrap() } else { link.read_exact(5) };
            assert_eq!(first, b"hello");
            leave(conn);
            assert!(!asked.is_chunked() || !link.try_body(&mut asked), "a clean end was made up");
            link.wait_closed();
        }
    }
}

#[test]
fn a_body_beyond_the_limit_does_not_look_whole_to_the_upstream() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("max_body", "1000")]);
    heeler.post("/", pattern(1001)).assert_made_by_heeler(413, "body_too_large");
    assert_eq!(upstream.used(), 0, "a length that is too large needs no upstream");
    let mut conn = heeler.conn();
    conn.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    let mut link = upstream.accept();
    let mut asked = link.read_head();
    assert_eq!(link.try_chunk().unwrap(), b"x");
    conn.send(&[b"3e8\r\n", &pattern(1000)[..], b"\r\n0\r\n\r\n"].concat());
    conn.read_response("POST").unwrap().assert_made_by_heeler(413, "body_too_large");
    assert!(!link.try_body(&mut asked), "a clean end was made up");
}

/// Twenty callers with bodies of their own: nothing is mixed up.
#[test]
fn many_echoes_at_once_stay_apart() {
    let upstream = Upstream::serve_links(echo_at_once);
    let heeler = upstream.heeler(&[]);
    std::thread::scope(|scope| {
        for caller in 0..20 {
            let heeler = &heeler;
            scope.spawn(move || {
                let mut conn = heeler.conn();
                for round in 0..10 {
                    let mut body = pattern(20_000 + caller * 1000 + round);
                    body[..8].copy_from_slice(format!("{caller:04}{round:04}").as_bytes());
                    let answer = conn.call(&Request::post("/", body.clone()));
                    assert_same(&answer.assert_ok().body, &body, &format!("caller {caller}, round {round}"));
                }
            });
        }
    });
}
