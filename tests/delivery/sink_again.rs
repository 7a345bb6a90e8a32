//! `reply=sink`: sinks that do not take an event, or not at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use nix::sys::signal::Signal;

use crate::event::{binary, printing, shell};
use crate::support::{Builder, Heeler, PATIENCE, Request, SECOND, SLACK, Upstream, assert_took, at_once, free_port};
use crate::taker::{REPLY, TAKEN, Taker, WRAP, attributes, is_accepted, scripted, status, within};

const NOT_YET: &str = "does not take the event yet";

/// A handler whose answer is an event with a new id each time it runs.
fn wrapping() -> Builder {
    printing("streaming", "echo text").envs(&WRAP)
}

fn refusing() -> Builder {
    let port = free_port().to_string();
    wrapping().env("reply", "sink").env("K_SINK", &format!("http://127.0.0.1:{port}/"))
}

#[test]
fn what_may_go_well_next_time_is_sent_again() {
    at_once([404, 408, 409, 429, 500, 502, 503, 504, 599, 0], |code| {
        let sink = Taker::saying(move |number, _| match (number, code) {
            (0, 0) => String::new(),
            (0, code) => status(code),
            _ => TAKEN.to_owned(),
        });
        let heeler = sink.behind(wrapping()).start();
        is_accepted(&heeler.call(&binary()));
        let [first, second] = sink.all().try_into().expect("two attempts");
        assert_eq!(attributes(&first), attributes(&second), "{code}");
        assert_eq!((first.body.as_slice(), &first.body), (&b"text\n"[..], &second.body), "{code}");
        heeler.stderr.wait_for_json("a line about it", |line| line["msg"].as_str().unwrap_or("").contains(NOT_YET));
    });
}

#[test]
fn pauses_between_attempts_grow() {
    let sink = Taker::saying(|number, _| if number < 4 { status(500) } else { TAKEN.to_owned() });
    let heeler = sink.behind(wrapping()).start();
    let before = Instant::now();
    is_accepted(&heeler.call(&binary()));
    // 100, 200, 400 and 800 ms, of each up to half less.
    assert!(before.elapsed() >= SECOND * 3 / 4, "{:?}", before.elapsed());
    assert_eq!(sink.all().len(), 5);
    let line = |line: &str| line.contains(NOT_YET);
    assert_eq!(heeler.stderr.count(line), 1, "one line for each call");
}

#[test]
fn what_is_refused_for_good_is_sent_once() {
    at_once([300, 302, 304, 400, 401, 403, 413, 415, 422], |code| {
        let sink = Taker::saying(move |_, _| status(code));
        let answer = sink.behind(wrapping()).start().call(&binary());
        answer.assert_made_by_heeler(502, "sink");
        assert!(answer.text().contains(&format!("refuses the event with {code}")), "{}", answer.text());
        assert_eq!(sink.all().len(), 1, "{code}");
    });
}

#[test]
fn the_deadline_ends_all_attempts() {
    let check = |heeler: &Heeler, last: &str| {
        let before = Instant::now();
        let answer = heeler.call(&within(binary(), "700ms"));
        assert_took(before.elapsed(), SECOND * 7 / 10);
        answer.assert_made_by_heeler(504, "sink");
        assert!(answer.text().contains(last), "{}", answer.text());
    };
    check(&refusing().start(), "cannot connect: Connection refused");
    check(&refusing().env("mode", "classic").start(), "cannot connect: Connection refused");
    let sink = Taker::saying(|_, _| status(503));
    check(&sink.behind(wrapping()).start(), "its last answer was 503");
    assert!(sink.all().len() > 1);
    let sink = Upstream::new();
    check(&wrapping().env("reply", "sink").env("K_SINK", sink.url()).start(), "no answer");
    let nonsense = Taker::saying(|_, _| "nonsense, Connection: close\r\n\r\n".to_owned());
    check(&nonsense.behind(wrapping()).start(), "it is not HTTP/1");
}

#[test]
fn a_sink_may_come_up_later() {
    let port = free_port();
    let heeler = wrapping().env("reply", "sink").env("K_SINK", &format!("http://localhost:{port}/")).start();
    let mut conn = heeler.conn();
    conn.send(&binary().bytes());
    heeler.stderr.wait_for_json("an attempt", |line| line["msg"].as_str().unwrap_or("").contains(NOT_YET));
    let sink = Taker::on(port, |_, _| TAKEN.to_owned());
    is_accepted(&conn.read_response("POST").unwrap());
    assert_eq!(sink.only().body, b"text\n");
}

#[test]
fn a_sink_says_when_to_come_again() {
    let asking =
        |code: u16, time: &str| format!("HTTP/1.1 {code} No\r\nRetry-After: {time}\r\nContent-Length: 0\r\n\r\n");
    at_once([(429, "2", true), (503, "2", true), (500, "2", false), (503, "soon", false)], |(code, time, waits)| {
        let sink = Taker::saying(move |number, _| if number == 0 { asking(code, time) } else { TAKEN.to_owned() });
        let heeler = sink.behind(wrapping()).start();
        let before = Instant::now();
        is_accepted(&heeler.call(&binary()));
        let took = before.elapsed();
        assert_eq!(took >= SECOND * 2, waits, "{code} {time}: {took:?}");
        assert!(took < SECOND * 2 + SLACK, "{took:?}");
    });
    let sink = Taker::saying(move |_, _| asking(503, "60"));
    let before = Instant::now();
    let answer = sink.behind(wrapping()).start().call(&within(binary(), "500ms"));
    assert_took(before.elapsed(), SECOND / 2);
    answer.assert_made_by_heeler(504, "sink");
    assert_eq!(sink.all().len(), 1);
}

#[test]
fn nothing_is_sent_for_a_client_that_has_left() {
    let sink = Upstream::new();
    for env in [("exec_timeout", "0"), ("exec_timeout", "30s")] {
        let heeler = wrapping().envs(&[("reply", "sink"), ("K_SINK", sink.url()), env]).start();
        let mut conn = heeler.conn();
        conn.send(&binary().bytes());
        let mut link = sink.accept();
        link.read_request();
        drop(conn);
        link.wait_closed();
    }
}

#[test]
fn a_sending_is_drained_with_its_call() {
    let sink = Upstream::new();
    let mut heeler = wrapping().envs(&[("reply", "sink"), ("K_SINK", sink.url())]).start();
    let mut conn = heeler.conn();
    conn.send(&binary().bytes());
    let mut link = sink.accept();
    link.read_request();
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    link.send(status(200).as_bytes());
    is_accepted(&conn.read_response("POST").unwrap());
    assert_eq!(heeler.exit_code(), 0);
}

/// How many connections twenty calls in a row take.
fn connections(answer: impl Fn(usize) -> String + Send + Sync + 'static) -> usize {
    let sink = Taker::saying(move |number, _| answer(number));
    let heeler = sink.behind(shell("cgi", &scripted(&[]))).start();
    let mut conn = heeler.conn();
    (0..20).for_each(|_| is_accepted(&conn.call(&Request::post("/", REPLY))));
    assert_eq!(sink.all().len(), 20);
    sink.server.used()
}

#[test]
fn connections_are_used_again() {
    let with = |more: &'static str| connections(move |_| format!("HTTP/1.1 200 OK\r\n{more}"));
    // A connection that was idle for half a second is closed, and the machine may be busy.
    for more in [
        "Content-Length: 0\r\n\r\n",
        "Content-Length: 7\r\n\r\nignored",
        "Transfer-Encoding: chunked\r\n\r\n4\r\nmore\r\n0\r\n\r\n",
    ] {
        assert!(with(more) < 20, "{more}");
    }
    assert_eq!(with("Connection: close\r\nContent-Length: 0\r\n\r\n"), 20);
    let large = 200_000;
    let body = "x".repeat(large);
    let count = connections(move |_| format!("HTTP/1.1 200 OK\r\nContent-Length: {large}\r\n\r\n{body}"));
    assert_eq!(count, 20, "nobody reads so much for a connection");
}

/// A kept connection that the sink has closed costs the call nothing.
#[test]
fn connections_that_have_gone_stale_are_replaced() {
    let unanswered = Arc::new(AtomicUsize::new(0));
    let seen = unanswered.clone();
    // A second request on a connection is not answered: the connection is closed instead.
    let sink = Upstream::serve_links(move |mut link| {
        if link.try_request().is_some() {
            link.send(TAKEN.as_bytes());
            seen.fetch_add(usize::from(link.try_request().is_some()), Ordering::SeqCst);
        }
    });
    let heeler = shell("cgi", &scripted(&[])).env("reply", "sink").env("K_SINK", sink.url()).start();
    let mut conn = heeler.conn();
    (0..20).for_each(|_| is_accepted(&conn.call(&binary())));
    assert_eq!(heeler.stderr.count(|line| line.contains(NOT_YET)), 0);
    assert!(unanswered.load(Ordering::SeqCst) > 0, "connections are used again");
}

/// Without a deadline it would be sent for ever.
#[test]
fn the_end_of_the_drain_ends_all_attempts() {
    let mut heeler = refusing().envs(&[("exec_timeout", "0"), ("drain_timeout", "300ms")]).start();
    let mut conn = heeler.conn();
    conn.send(&binary().bytes());
    heeler.stderr.wait_for_json("an attempt", |line| line["msg"].as_str().unwrap_or("").contains(NOT_YET));
    heeler.signal(Signal::SIGTERM);
    assert!(conn.read_response("POST").is_err(), "the call is cut");
    assert!(heeler.exit_code_within(PATIENCE).is_some());
}
