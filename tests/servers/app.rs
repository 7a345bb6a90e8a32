//! The small app that every server plays, as its caller sees it through heeler.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::Value;

use crate::support::{Conn, Heeler, Request, Response, assert_same, eventually, pattern};

/// What the app saw of a request.
#[track_caller]
pub(crate) fn seen(heeler: &Heeler, request: &Request) -> Value {
    parse(&heeler.call(request))
}

#[track_caller]
fn parse(answer: &Response) -> Value {
    serde_json::from_slice(&answer.assert_ok().body).unwrap_or_else(|problem| panic!("{problem}: {}", answer.text()))
}

pub(crate) fn says_hello(heeler: &Heeler) {
    let answer = heeler.get("/hello");
    assert_eq!(answer.assert_ok().text(), "hello\n");
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")), "{:?}", answer.headers);
    assert!(answer.header("x-call-id").is_some());
}

pub(crate) fn echoes_bodies(heeler: &Heeler) {
    for size in [0, 100, 1 << 20] {
        let body = pattern(size);
        for request in [Request::post("/echo", body.clone()), Request::new("POST", "/echo").chunked(body.clone())] {
            let answer = heeler.call(&request.header("Content-Type", "application/x-thing"));
            assert_same(&answer.assert_ok().body, &body, &format!("{size} bytes"));
            assert_eq!(answer.header("content-type"), Some("application/x-thing"));
        }
    }
}

pub(crate) fn sees_the_target_as_it_was_sent(heeler: &Heeler) {
    let query = "a=b&a=c&d=%20%2F+e";
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        for path in ["/headers", "/headers/a%20b", "/headers/a%2Fb"] {
            let target = format!("{path}?{query}");
            let answer = heeler.call(&Request::new(method, &target));
            if path.contains("%2F") && answer.header("server").is_some_and(|server| server.starts_with("Jetty")) {
                // It refuses an escaped slash, and so shows that it got one.
                assert_eq!((answer.status, answer.reason()), (400, ""));
                continue;
            }
            let seen = parse(&answer);
            let expected = (&method.into(), &target.into(), &query.into());
            assert_eq!((&seen["method"], &seen["target"], &seen["query"]), expected);
        }
    }
}

pub(crate) fn sees_the_headers(heeler: &Heeler) {
    let request = Request::get("/headers").header("Host", "function.example:8443").header("X-One", "1");
    let seen = seen(heeler, &request);
    let header =
        |name: &str| seen["headers"][name].as_str().unwrap_or_else(|| panic!("no {name} in {seen}")).to_owned();
    assert_eq!(header("host"), "function.example:8443");
    assert_eq!(header("x-one"), "1");
    assert_eq!(header("x-forwarded-for"), "127.0.0.1");
    assert_eq!(header("x-forwarded-proto"), "http");
    assert_eq!(header("x-forwarded-host"), "function.example:8443");
    assert!(!header("x-call-id").is_empty());
    let remote = seen["remote"].as_str();
    assert!(remote.is_none_or(|remote| remote.ends_with("127.0.0.1")), "{seen}");
}

pub(crate) fn keeps_repeated_headers(heeler: &Heeler) {
    assert_eq!(heeler.get("/cookies").assert_ok().all("set-cookie"), ["a=1", "b=2"]);
}

pub(crate) fn keeps_statuses(heeler: &Heeler) {
    for status in [201, 404, 409, 500, 503] {
        let answer = heeler.get(&format!("/status/{status}"));
        assert_eq!((answer.status, answer.text()), (status, format!("status {status}\n")));
        assert_eq!(answer.reason(), "", "heeler answered in the app's place");
    }
}

pub(crate) fn sends_pieces_and_large_answers(heeler: &Heeler) {
    let pieces: String = (0..10).map(|n| format!("piece {n}\n")).collect();
    assert_eq!(heeler.get("/stream").assert_ok().text(), pieces);
    let expected: Vec<u8> = (0..=250).cycle().take(3 << 20).collect();
    assert_same(&heeler.get("/big/3145728").assert_ok().body, &expected, "/big");
}

pub(crate) fn serves_many_at_once(heeler: &Heeler) {
    std::thread::scope(|scope| {
        for client in 0..16 {
            scope.spawn(move || {
                let mut conn = heeler.conn();
                for call in 0..50 {
                    let body = format!("client {client}, call {call}");
                    // One connection to heeler, whatever the server does with its own.
                    let request = Request::post("/echo", body.clone()).header("Content-Type", "text/plain");
                    let answer = conn.call(&request);
                    assert_eq!(answer.assert_ok().text(), body);
                    assert!(!answer.closes());
                }
            });
        }
    });
}

/// An event stream, at its first event: the second one comes when the test says so.
pub(crate) struct Events {
    conn: Conn,
    head: Response,
    pipe: PathBuf,
    _folder: tempfile::TempDir,
}

impl Events {
    #[track_caller]
    pub(crate) fn open(heeler: &Heeler) -> Events {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("gate");
        mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        let mut conn = heeler.conn();
        conn.send(&Request::get(&format!("/events?gate={}", pipe.display())).bytes());
        let mut events = Events { head: conn.read_head().unwrap(), conn, pipe, _folder: folder };
        events.head.assert_ok();
        let kind = events.head.header("content-type").unwrap();
        assert!(kind.starts_with("text/event-stream"), "{kind}");
        assert_eq!(events.next_event(), "data: first\n\n");
        events
    }

    /// The test's word: the app has opened its end and reads until this one is closed.
    pub(crate) fn go_on(&self) {
        let open = || OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(&self.pipe);
        let mut pipe = None;
        eventually("the app waits at the gate", || {
            pipe = open().ok();
            pipe.is_some()
        });
        pipe.unwrap().write_all(b"go on").unwrap();
    }

    #[track_caller]
    pub(crate) fn finish(mut self) {
        assert_eq!(self.next_event(), "data: second\n\n");
        assert!(!self.head.is_chunked() || self.conn.read_chunk().unwrap().is_none());
    }

    /// An event, in however many chunks it comes.
    fn next_event(&mut self) -> String {
        let mut event = Vec::new();
        while !event.ends_with(b"\n\n") {
            let piece = self.conn.read_chunk().unwrap();
            event.extend(piece.expect("another event"));
        }
        String::from_utf8(event).unwrap()
    }
}

pub(crate) fn sends_events_as_they_come(heeler: &Heeler) {
    let events = Events::open(heeler);
    events.go_on();
    events.finish();
}
