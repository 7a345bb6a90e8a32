//! http mode: which connections are used again, which calls are tried again, and what no caller may ever see.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Asked, Conn, Heeler, Link, Request, Then, Upstream, eventually, pass, pattern, tree};

fn start() -> (Upstream, Heeler) {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    (upstream, heeler)
}

/// A connection to the upstream on which a first GET was answered, and the caller's.
fn warmed(upstream: &Upstream, heeler: &Heeler) -> (Conn, Link) {
    let mut conn = heeler.conn();
    conn.send(&Request::get("/warm").bytes());
    let mut link = upstream.accept();
    assert_eq!(link.read_request().target(), "/warm");
    link.ok("warm");
    assert_eq!(conn.read_response("GET").unwrap().assert_ok().text(), "warm");
    (conn, link)
}

/// Asserts that the next call comes on a new connection, and is answered by what is said there.
#[track_caller]
fn assert_next_is_fresh(upstream: &Upstream, heeler: &Heeler, what: &str) {
    let mut conn = heeler.conn();
    conn.send(&Request::get("/next").bytes());
    let mut link = upstream.accept();
    assert_eq!(link.read_request().target(), "/next", "{what}");
    link.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nnext");
    assert_eq!(conn.read_response("GET").unwrap().assert_ok().text(), "next", "{what}");
}

#[test]
fn a_connection_is_used_again() {
    let (upstream, heeler) = start();
    let (mut conn, mut link) = warmed(&upstream, &heeler);
    for n in 0..50 {
        // Callers come and go; the upstream's connection stays.
        let mut other = heeler.conn();
        let caller = if n % 2 == 0 { &mut conn } else { &mut other };
        let target = format!("/{n}");
        caller.send(&Request::get(&target).bytes());
        assert_eq!(link.read_request().target(), target);
        link.send(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{n:02}\r\n0\r\n\r\n").as_bytes());
        assert_eq!(caller.read_response("GET").unwrap().text(), format!("{n:02}"));
    }
    assert_eq!(upstream.used(), 1);
}

#[test]
fn calls_at_once_have_connections_of_their_own() {
    let (upstream, heeler) = start();
    let mut conns: Vec<Conn> = (0..10).map(|_| heeler.conn()).collect();
    conns.iter_mut().for_each(|conn| assert!(conn.send(&Request::get("/").bytes())));
    let mut links: Vec<Link> = conns.iter().map(|_| upstream.accept()).collect();
    for link in &mut links {
        link.read_request();
        link.ok("");
    }
    conns.iter_mut().for_each(|conn| drop(conn.read_response("GET").unwrap().assert_ok().text()));
}

/// A server may close an idle connection at any moment, and a POST that met that moment could not be sent again:
/// so it never goes where the moment may come.
#[test]
fn a_post_does_not_go_on_a_connection_that_was_idle() {
    let (upstream, heeler) = start();
    for idle in [3, 10, 100] {
        let (mut conn, _warm) = warmed(&upstream, &heeler);
        for request in [Request::post("/not-again", "body"), Request::new("PATCH", "/not-again").body("body")] {
            pass(Duration::from_millis(idle));
            conn.send(&request.bytes());
            let mut link = upstream.accept();
            assert_eq!(link.read_request().target(), "/not-again", "{idle} ms");
            link.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            conn.read_response("POST").unwrap().assert_ok();
        }
    }
}

/// It does once connections that were idle for longer were seen to stay open: else a server behind many callers would get
/// a new connection with every third call.
#[test]
fn a_post_goes_on_a_connection_that_was_idle_for_less_than_others() {
    let upstream = Upstream::serve_links(|mut link| {
        while link.try_request().is_some() {
            link.ok("");
        }
    });
    let heeler = upstream.heeler(&[]);
    let mut conn = heeler.conn();
    let mut call = |method: &str| drop(conn.call(&Request::new(method, "/")).assert_ok().text());
    call("GET");
    pass(Duration::from_millis(400));
    call("GET");
    for _ in 0..20 {
        pass(Duration::from_millis(5));
        call("POST");
    }
    // A machine that is busy may let one of them wait.
    assert!(upstream.used() < 10, "{} connections for 22 calls", upstream.used());
}

/// Numbers that differ from round to round and not from run to run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// Five times what heeler takes for sure, since on a busy machine an answer is read some time after it was sent.
const SHORTEST_IDLE_US: u64 = 10_000;

/// Counts ids, and closes each connection after an idle time of its own choice.
fn moody(seen: Arc<Mutex<HashMap<String, usize>>>) -> Upstream {
    Upstream::serve_links(move |mut link| {
        let mut dice = Dice(link.number as u64);
        loop {
            let asked = link.read_request();
            *seen.lock().unwrap().entry(String::from_utf8(asked.body).unwrap()).or_default() += 1;
            link.ok("counted");
            if !link.waits_for_more(Duration::from_micros(SHORTEST_IDLE_US + dice.roll(30_000))) {
                return;
            }
        }
    })
}

fn nothing_is_lost_or_doubled(calls: usize) {
    const CALLERS: usize = 8;
    let seen = Arc::new(Mutex::new(HashMap::new()));
    let upstream = moody(seen.clone());
    let heeler = upstream.heeler(&[("access_log", "false")]);
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let heeler = &heeler;
            scope.spawn(move || {
                let mut dice = Dice(1000 + caller as u64);
                let mut conn = heeler.conn();
                for n in 0..calls / CALLERS {
                    // Gaps on both sides of the upstream's.
                    match dice.roll(4) {
                        0 => {}
                        1 => pass(Duration::from_micros(dice.roll(1_500))),
                        _ => pass(Duration::from_micros(dice.roll(40_000))),
                    }
                    let answer = conn.call(&Request::post("/", format!("{caller}/{n}")));
                    assert_eq!(answer.assert_ok().text(), "counted", "{caller}/{n}");
                }
            });
        }
    });
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), calls / CALLERS * CALLERS, "calls that were lost");
    let doubled: Vec<_> = seen.iter().filter(|(_, times)| **times != 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
}

#[test]
fn posts_to_a_server_that_closes_when_it_likes_are_neither_lost_nor_doubled() {
    nothing_is_lost_or_doubled(2_000);
}

#[test]
#[ignore = "ten thousand calls with pauses"]
fn ten_thousand_posts_are_neither_lost_nor_doubled() {
    nothing_is_lost_or_doubled(10_000);
}

/// The upstream's close and the next call cross: the caller sees nothing of it.
#[test]
fn a_get_that_meets_a_closing_connection_is_tried_again() {
    let (upstream, heeler) = start();
    for leave in [drop, Link::reset as fn(Link)] {
        for method in ["GET", "HEAD", "OPTIONS"] {
            let (mut conn, mut warm) = warmed(&upstream, &heeler);
            conn.send(&Request::new(method, "/again").bytes());
            assert_eq!(warm.read_request().target(), "/again");
            leave(warm);
            let mut link = upstream.accept();
            assert_eq!(link.read_request().line, format!("{method} /again HTTP/1.1"));
            link.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            conn.read_response(method).unwrap().assert_ok();
        }
    }
}

#[test]
fn it_is_tried_again_once() {
    let (upstream, heeler) = start();
    let (mut conn, mut warm) = warmed(&upstream, &heeler);
    conn.send(&Request::get("/again").bytes());
    warm.read_request();
    drop(warm);
    let mut second = upstream.accept();
    assert_eq!(second.read_request().target(), "/again");
    drop(second);
    assert_eq!(conn.read_response("GET").unwrap().status, 502);
    assert_next_is_fresh(&upstream, &heeler, "there was no third");
    assert_eq!(upstream.used(), 3);
}

/// Several idle connections went stale together: the second try must not take another of them.
#[test]
fn the_second_try_is_on_a_fresh_connection() {
    let (upstream, heeler) = start();
    let mut conns: Vec<Conn> = (0..4).map(|_| heeler.conn()).collect();
    conns.iter_mut().for_each(|conn| assert!(conn.send(&Request::get("/").bytes())));
    let mut links: Vec<Link> = conns.iter().map(|_| upstream.accept()).collect();
    links.iter_mut().for_each(|link| drop(link.read_request()));
    links.iter_mut().for_each(|link| link.ok(""));
    conns.iter_mut().for_each(|conn| drop(conn.read_response("GET").unwrap().assert_ok().text()));
    // Each of them takes one more request and closes instead of an answer.
    links.into_iter().for_each(|mut link| {
        std::thread::spawn(move || link.try_request());
    });
    conns[0].send(&Request::get("/again").bytes());
    let mut fresh = upstream.accept();
    assert_eq!((fresh.number, fresh.read_request().target()), (5, "/again"));
    fresh.ok("fresh");
    assert_eq!(conns[0].read_response("GET").unwrap().assert_ok().text(), "fresh");
}

/// One byte of an answer says that the call was run.
#[test]
fn a_get_that_was_partly_answered_is_not_tried_again() {
    let (upstream, heeler) = start();
    for (part, is_head) in [
        ("H", false),
        ("HTTP/1.1 200 OK\r\nContent-", false),
        ("HTTP/1.1 103 Early Hints\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", true),
    ] {
        let (mut conn, mut warm) = warmed(&upstream, &heeler);
        let used = upstream.used();
        conn.send(&Request::get("/once").bytes());
        warm.read_request();
        warm.send(part.as_bytes());
        drop(warm);
        match conn.read_response("GET") {
            Ok(answer) => assert_eq!(answer.status, 502, "{part:?}"),
            Err(failure) => assert!(is_head, "{part:?}: {failure:?}"),
        }
        assert_next_is_fresh(&upstream, &heeler, part);
        assert_eq!(upstream.used(), used + 1);
    }
}

/// Runs each call on whatever connection it comes by, and counts how often it comes.
fn closing_at(target: &'static str) -> (Upstream, Arc<Mutex<Vec<String>>>) {
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = lines.clone();
    let play = move |link: &mut Link, asked: Asked| {
        seen.lock().unwrap().push(asked.line.clone());
        if asked.target() == target {
            return Then::Close;
        }
        link.ok("");
        Then::Keep
    };
    (Upstream::serve(play), lines)
}

#[test]
fn a_call_that_must_not_be_run_twice_is_not_tried_again() {
    let (upstream, lines) = closing_at("/once");
    let heeler = upstream.heeler(&[]);
    for request in [
        Request::post("/once", "body"),
        Request::post("/once", ""),
        Request::new("POST", "/once"),
        Request::new("PATCH", "/once").body("body"),
        Request::new("LOCK", "/once"),
        // These may be, but their body is gone: it was read from the caller and is kept nowhere.
        Request::new("PUT", "/once").body("body"),
        Request::new("DELETE", "/once").chunked("body"),
        Request::new("GET", "/once").body("body"),
    ] {
        let mut conn = heeler.conn();
        for round in 0..3 {
            conn.call(&Request::get("/warm")).assert_ok();
            lines.lock().unwrap().clear();
            let answer = conn.call(&request);
            assert_eq!((answer.status, answer.reason().is_empty()), (502, false), "{request:?}, {round}");
            assert_eq!(lines.lock().unwrap().len(), 1, "{request:?}, {round}");
        }
    }
}

#[test]
fn a_connection_that_the_upstream_closes_is_not_used_again() {
    let (upstream, heeler) = start();
    for answer in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nConnection: X-Other, Close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ] {
        let mut conn = heeler.conn();
        conn.send(&Request::get("/").bytes());
        let mut link = upstream.accept();
        link.read_request();
        link.send(answer.as_bytes());
        assert_eq!(conn.read_response("GET").unwrap().assert_ok().text(), "ok");
        assert_next_is_fresh(&upstream, &heeler, answer);
        // It says that it will close, and waits for heeler to do so first.
        link.wait_closed();
    }
}

/// Response smuggling: what stands behind an answer must never become the next caller's.
#[test]
fn what_stands_behind_an_answer_reaches_nobody() {
    const EVIL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let (upstream, heeler) = start();
    for (method, answer, body) in [
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", ""),
        ("GET", "HTTP/1.1 304 Not Modified\r\n\r\n", ""),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n", ""),
    ] {
        for together in [true, false] {
            let mut conn = heeler.conn();
            conn.send(&Request::new(method, "/").bytes());
            let mut link = upstream.accept();
            link.read_request();
            if together {
                link.send(format!("{answer}{EVIL}").as_bytes());
            } else {
                link.send(answer.as_bytes());
            }
            assert_eq!(conn.read_response(method).unwrap().text(), body, "{answer}");
            if !together {
                link.send(EVIL.as_bytes());
            }
            // Also as seen by the same caller.
            link.wait_closed();
            conn.send(&Request::get("/same-caller").bytes());
            let mut own = upstream.accept();
            assert_eq!(own.read_request().target(), "/same-caller", "{answer}");
            own.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nown");
            assert_eq!(conn.read_response("GET").unwrap().text(), "own", "{answer}");
            assert_next_is_fresh(&upstream, &heeler, answer);
        }
    }
}

/// The rest of a body that nobody sent would be read as the next request's head.
#[test]
fn a_connection_with_an_unfinished_request_is_not_used_again() {
    let (upstream, heeler) = start();
    for framing in ["Content-Length: 1000\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"] {
        let mut conn = heeler.conn();
        conn.send(format!("POST / HTTP/1.1\r\nHost: h\r\n{framing}").as_bytes());
        let mut link = upstream.accept();
        link.read_head();
        link.read_exact(5);
        link.ok("early");
        assert_eq!(conn.read_response("POST").unwrap().assert_ok().text(), "early");
        drop(conn);
        assert_next_is_fresh(&upstream, &heeler, framing);
        assert!(!link.read_to_end().windows(4).any(|window| window == b"GET "), "{framing}");
    }
}

/// The rest of an answer that nobody wanted would be read as the next answer's head.
#[test]
fn a_connection_with_an_unfinished_answer_is_not_used_again() {
    let (upstream, heeler) = start();
    let mut conn = heeler.conn();
    conn.send(&Request::get("/").bytes());
    let mut link = upstream.accept();
    link.read_request();
    link.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    link.send(&pattern(1000));
    assert_eq!(conn.read_head().unwrap().status, 200);
    conn.reset();
    assert_next_is_fresh(&upstream, &heeler, "an answer that was cut by its caller");
    link.wait_closed();
}

/// A server that restarts closes all it had: nothing of that may stay open here.
#[test]
fn closed_connections_are_let_go() {
    let (upstream, heeler) = start();
    // Once it has served, heeler has opened all that it keeps.
    let mut first = heeler.conn();
    first.call(&Request::get("/_/health")).assert_ok();
    let before = tree::descriptors(heeler.pid);
    let mut conns: Vec<Conn> = (0..10).map(|_| heeler.conn()).collect();
    conns.iter_mut().for_each(|conn| assert!(conn.send(&Request::get("/").bytes())));
    let mut links: Vec<Link> = conns.iter().map(|_| upstream.accept()).collect();
    links.iter_mut().for_each(|link| drop(link.read_request()));
    links.iter_mut().for_each(|link| link.ok(""));
    conns.iter_mut().for_each(|conn| drop(conn.read_response("GET").unwrap().assert_ok().text()));
    drop((conns, links));
    eventually("no descriptor of them is left", || tree::descriptors(heeler.pid) <= before);
}
