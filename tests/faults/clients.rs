//! The client goes away, at each point of a call, or is slow about it.

use std::time::Duration;

use super::stage::{Outcome, Stage};
use super::support::{ALL_MODES, Conn, Failure, SECOND, at_once, pass};

const BODY: usize = 200_000;
/// More than all buffers on the way to a client who does not read.
const LONG: usize = 16 << 20;

/// How far a client comes before it goes.
#[derive(Clone, Copy, Debug)]
pub enum Point {
    /// So many bytes of a POST's head, or, negative, all but so many.
    Head(isize),
    /// The head's first bytes up to the end of this.
    UpTo(&'static str),
    /// So many bytes of its body.
    Body(usize),
    /// The same of a chunked body, its sizes included.
    Chunked(usize),
    /// All but this end of the chunked request.
    ChunkedLess(usize),
    /// An interim 100 has come.
    Continue,
    /// The handler has all of it and says nothing.
    Waiting,
    /// The head of an answer has been read.
    AnswerHead,
    /// And so many bytes of what follows it.
    AnswerBody(usize),
    /// The whole answer has come, and the connection is kept.
    Kept,
    /// And then some bytes of the next request.
    KeptHead(usize),
    /// Two requests were sent at once, and one was answered.
    Pipelined,
}

impl Point {
    /// Whether the request was whole then, or nothing was left to come of it.
    fn is_whole(self) -> bool {
        matches!(self, Point::Waiting | Point::AnswerHead | Point::AnswerBody(_) | Point::Kept | Point::Pipelined)
    }
}

pub const POINTS: [(&str, Point); 24] = [
    ("before the first byte", Point::Head(0)),
    ("after a byte", Point::Head(1)),
    ("within the method", Point::Head(3)),
    ("within the target", Point::UpTo("POST /")),
    ("after the request line", Point::UpTo("HTTP/1.1\r\n")),
    ("within a header's name", Point::UpTo("\r\nHo")),
    ("within a header's value", Point::UpTo("Content-Length: 20")),
    ("before the empty line", Point::Head(-2)),
    ("before the head's last byte", Point::Head(-1)),
    ("after the head", Point::UpTo("\r\n\r\n")),
    ("after a byte of the body", Point::Body(1)),
    ("within the body", Point::Body(100_000)),
    ("before the body's last byte", Point::Body(199_999)),
    ("within a chunk's size", Point::Chunked(2)),
    ("within a chunk", Point::Chunked(5000)),
    ("before the last chunk", Point::ChunkedLess(5)),
    ("within the last chunk", Point::ChunkedLess(2)),
    ("after 100 Continue", Point::Continue),
    ("while the handler works", Point::Waiting),
    ("after the answer's head", Point::AnswerHead),
    ("within the answer", Point::AnswerBody(1_000_000)),
    ("on a kept connection", Point::Kept),
    ("within the next request of a kept connection", Point::KeptHead(10)),
    ("after the first of two requests", Point::Pipelined),
];

/// Where a close is not a reset.
pub const CLOSES: [(&str, Point); 3] =
    [("waiting", Point::Waiting), ("answered", Point::AnswerBody(1_000_000)), ("kept", Point::Kept)];

/// A connection at that point.
fn arrive(stage: &Stage, point: Point, mark: &str) -> Conn {
    let mut conn = stage.heeler.conn();
    let upload = stage.upload("eof head put:100 end", BODY);
    let (head, whole) = (upload.head_bytes(), upload.bytes());
    let fine = stage.request("head put:4 end");
    // The fixture's server reads no chunks: it says nothing to them. Little enough that the end behind it is heard of.
    let chunked = stage.request("hang").method("POST").chunked(vec![b'u'; BODY / 4]);
    match point {
        Point::Body(length) => {
            conn.send(&whole[..head.len() + length]);
        }
        Point::Head(length) => {
            let end = if length < 0 { head.len() } else { 0 }.saturating_add_signed(length);
            conn.send(&head[..end]);
        }
        Point::UpTo(part) => {
            let at = head.windows(part.len()).position(|window| window == part.as_bytes()).expect("it is there");
            conn.send(&head[..at + part.len()]);
        }
        Point::Chunked(length) => {
            conn.send(&chunked.bytes()[..chunked.head_bytes().len() + length]);
        }
        Point::ChunkedLess(less) => {
            let bytes = chunked.bytes();
            conn.send(&bytes[..bytes.len() - less]);
        }
        Point::Continue => {
            conn.send(&upload.header("Expect", "100-continue").head_bytes());
            assert_eq!(conn.read_head().unwrap().status, 100);
        }
        Point::Waiting => {
            conn.send(&stage.request(&format!("mark:{mark} hang")).bytes());
            stage.gate.wait_for(mark);
        }
        Point::AnswerHead | Point::AnswerBody(_) => {
            conn.send(&stage.request(&format!("head put:{LONG} end")).bytes());
            assert_eq!(conn.read_head().unwrap().status, 200);
            let mut left = if let Point::AnswerBody(length) = point { length } else { 0 };
            while left > 0 {
                let some = conn.read_some(left).unwrap();
                assert!(!some.is_empty(), "the answer is cut");
                left -= some.len();
            }
        }
        Point::Kept => drop(conn.call(&fine).assert_ok().text()),
        Point::KeptHead(length) => {
            conn.call(&fine).assert_ok();
            conn.send(&head[..length]);
        }
        Point::Pipelined => {
            let next = stage.request(&format!("mark:{mark} hang"));
            conn.send(&[fine.bytes(), next.bytes()].concat());
            conn.read_response("GET").unwrap().assert_ok();
            stage.gate.wait_for(mark);
        }
    }
    conn
}

#[test]
fn a_reset_costs_nothing_but_its_own_call() {
    at_once(ALL_MODES, |mode| {
        let stage = Stage::new(mode, &[]);
        for (name, point) in POINTS {
            let mark = format!("reset.{}", name.replace(' ', "-"));
            stage.case(&format!("is reset {name}"), || arrive(&stage, point, &mark).reset());
        }
    });
}

/// What closes its side only has gone away, too: before the request is whole it gets nothing, or 400 or 408, and never a 200.
#[test]
fn a_half_close_ends_the_call() {
    at_once(ALL_MODES, |mode| {
        let stage = Stage::new(mode, &[]);
        for (name, point) in POINTS {
            let mark = format!("half.{}", name.replace(' ', "-"));
            stage.case(&format!("is half-closed {name}"), || {
                let mut conn = arrive(&stage, point, &mark);
                conn.half_close();
                let rest = match point {
                    // What is on its way may still come, or be cut.
                    Point::AnswerHead | Point::AnswerBody(_) => conn.read_to_end().map(|_| Vec::new()),
                    _ => conn.read_to_end(),
                };
                let rest = rest.unwrap_or_else(|failure| panic!("it stays open: {failure:?}"));
                let status = rest.get(..12).map(|start| String::from_utf8_lossy(start).into_owned());
                let may = match point.is_whole() {
                    true => !matches!(status.as_deref(), Some("HTTP/1.1 200")),
                    false => matches!(status.as_deref(), None | Some("HTTP/1.1 400" | "HTTP/1.1 408")),
                };
                assert!(may, "{}", String::from_utf8_lossy(&rest));
            });
        }
    });
}

#[test]
fn a_plain_close_ends_the_call() {
    at_once(ALL_MODES, |mode| {
        let stage = Stage::new(mode, &[]);
        for (name, point) in CLOSES {
            stage.case(&format!("closes while {name}"), || drop(arrive(&stage, point, &format!("close.{name}"))));
        }
    });
}

#[test]
fn a_slow_client_is_served() {
    at_once(ALL_MODES, |mode| {
        let stage = Stage::new(mode, &[]);
        stage.case("sends a byte at a time", || {
            let mut conn = stage.heeler.conn();
            for byte in stage.upload("eof head put:100 end", 50).bytes() {
                assert!(conn.send(&[byte]));
                pass(Duration::from_millis(1));
            }
            assert_eq!(conn.read_response("POST").unwrap().assert_ok().body.len(), 100);
        });
        stage.case("reads some bytes at a time", || {
            let mut conn = Conn::open_narrow(stage.heeler.address());
            conn.send(&stage.request("head put:300000 end").bytes());
            let mut seen = 0;
            while seen < 300_000 {
                let some = conn.read_some(3000).unwrap();
                assert!(!some.is_empty(), "cut after {seen} bytes");
                seen += some.len();
                pass(Duration::from_millis(1));
            }
        });
    });
}

#[test]
fn a_client_that_stops_is_cut() {
    at_once(ALL_MODES, |mode| {
        let stage = Stage::new(mode, &[("write_timeout", "500ms"), ("read_timeout", "500ms")]);
        stage.case("stops reading its answer", || {
            let mut conn = Conn::open_narrow(stage.heeler.address());
            conn.send(&stage.request(&format!("head put:{LONG} end")).bytes());
            super::support::eventually("its call is over", || {
                let page = stage.heeler.scrape();
                page.value("http_requests_in_flight", &[]) == 0.0 && page.value("heeler_connections", &[]) == 0.0
            });
            let rest = conn.read_to_end();
            assert!(rest.is_ok_and(|rest| rest.len() < LONG), "{mode}");
        });
        stage.case("stops within its head", || {
            let mut conn = stage.heeler.conn();
            conn.send(b"POST / HTTP/1.1\r\nHost: a\r\n");
            conn.read_response("POST").unwrap().assert_made_by_heeler(408, "slow_request");
        });
        if stage.holds() {
            stage.case("stops within its body", || {
                let mut conn = stage.heeler.conn();
                let upload = stage.upload("eof head put:1 end", BODY).bytes();
                conn.send(&upload[..upload.len() - 1]);
                conn.read_response("POST").unwrap().assert_made_by_heeler(408, "slow_request");
            });
        }
        stage.case("stops within its body until its deadline", || {
            let mut conn = stage.heeler.conn();
            let upload = stage.upload("eof head put:1 end", BODY).header("X-Timeout", "300ms").bytes();
            conn.send(&upload[..upload.len() - 1]);
            let Outcome::Made(status, reason) = stage.late() else { unreachable!("it is made by heeler") };
            conn.read_response("POST").unwrap().assert_made_by_heeler(status, reason);
        });
        stage.case("stops after an answer", || {
            let mut conn = stage.heeler.conn();
            conn.call(&stage.request("head put:4 end")).assert_ok();
            conn.set_patience(SECOND * 3);
            conn.send(b"G");
            let end = conn.read_response("GET");
            assert!(end.is_ok_and(|answer| answer.status == 408) || matches!(conn.read_head(), Err(Failure::Nothing)));
        });
    });
}
