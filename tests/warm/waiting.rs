//! Deadlines and callers that leave: what they are answered, what the function hears of it, and what its neighbours do.

use std::time::{Duration, Instant};

use crate::function::{Function, noted, wait_noted};
use crate::support::working::{call_aside, said, starts};
use crate::support::{Heeler, Request, assert_took, at_once, eventually};

const LIMIT: Duration = Duration::from_millis(400);

/// Says `fine` at once, and else runs until the gate opens, whatever it hears.
const BLOCKING: &str = r#"
    import meet
    def handle(request):
        if request.path == "/fine":
            return "fine"
        meet.note("ran" + request.path.replace("/", "."))
        meet.wait("open")
        return "late"
"#;

/// Runs until it is cancelled.
const ASYNC: &str = r#"
    import asyncio, meet
    async def handle(request):
        if request.path == "/fine":
            return "fine"
        meet.note("ran" + request.path.replace("/", "."))
        try:
            await meet.until("open")
        except asyncio.CancelledError:
            meet.note("cancelled")
            if request.path == "/stubborn":
                await meet.until("open")
            raise
        return "late"
"#;

const NODE: &str = r#"
    const meet = require('./meet');
    exports.handle = async (request) => {
      if (request.path === '/fine') return 'fine';
      meet.note('ran' + request.path.replaceAll('/', '.'));
      if (request.path === '/block') meet.block('open');
      request.signal.addEventListener('abort', () => meet.note('cancelled'));
      if (request.path === '/call') await Promise.race([meet.until('open'), new Promise((resolve) => { request.signal.addEventListener('abort', resolve); })]);
      else await meet.until('open');
      return 'late';
    };
"#;

#[track_caller]
fn assert_fine(heeler: &Heeler) {
    assert_eq!(heeler.get("/fine").assert_ok().text(), "fine");
}

#[test]
fn a_call_is_answered_at_its_deadline_and_its_function_cancelled() {
    for function in [Function::python(ASYNC), Function::node(NODE)] {
        let Some(function) = function else { continue };
        let heeler = function.start(&[("exec_timeout", "400ms")]);
        for round in 1..=2 {
            let began = Instant::now();
            heeler.get("/call").assert_made_by_heeler(504, "timeout");
            assert_took(began.elapsed(), LIMIT);
            wait_noted(&function.gate, "cancelled", round);
            assert_fine(&heeler);
        }
        assert_eq!(starts(&heeler), 1, "a function that heard of it was ended");
    }
}

/// It may shorten, never lengthen; nonsense is passed over.
#[test]
fn x_timeout_shortens_the_deadline() {
    let Some(function) = Function::python(ASYNC) else { return };
    let heeler = function.start(&[("exec_timeout", "800ms")]);
    let most = LIMIT * 2;
    for (header, limit) in [("400ms", LIMIT), ("20s", most), ("soon", most)] {
        let began = Instant::now();
        heeler.call(&Request::get("/call").header("X-Timeout", header)).assert_made_by_heeler(504, "timeout");
        assert_took(began.elapsed(), limit);
    }
    assert_eq!(starts(&heeler), 1);
}

/// It has one place and is held by a call that nobody waits for: it is ended and another one comes.
#[test]
fn a_function_with_one_place_that_does_not_let_go_is_ended() {
    let Some(function) = Function::python(BLOCKING) else { return };
    let heeler = function.start(&[("worker_concurrency", "1"), ("kill_grace", "300ms")]);
    let began = Instant::now();
    heeler.call(&Request::get("/call").header("X-Timeout", "400ms")).assert_made_by_heeler(504, "timeout");
    assert_took(began.elapsed(), LIMIT);
    // What waits meanwhile waits for the next one, and is not lost with the old.
    let began = Instant::now();
    assert_fine(&heeler);
    assert!(began.elapsed() > Duration::from_millis(100), "it let go");
    assert_eq!(starts(&heeler), 2);
    assert_eq!(noted(&function.gate, "ran.call"), 1);
    assert_eq!(heeler.scrape().value("heeler_restarts_total", &[("cause", "timeout")]), 1.0);
}

/// A thread cannot be ended: its call keeps the place, its neighbours do not feel it, and the place comes back.
#[test]
fn a_stubborn_call_harms_no_neighbour() {
    at_once([(BLOCKING, "/call"), (ASYNC, "/stubborn")], |(code, path)| {
        let Some(function) = Function::python(code) else { return };
        let heeler = function.start(&[("worker_concurrency", "4"), ("kill_grace", "300ms")]);
        let neighbour = call_aside(&heeler, "/neighbour");
        wait_noted(&function.gate, "ran.neighbour", 1);
        heeler.call(&Request::get(path).header("X-Timeout", "400ms")).assert_made_by_heeler(504, "timeout");
        // Well beyond the grace and the time for a ping.
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(1_600) {
            assert_fine(&heeler);
        }
        assert_eq!(starts(&heeler), 1, "one stubborn call ended the worker");
        function.gate.open();
        assert_eq!(neighbour.join().expect("a caller"), (200, "late".to_owned()));
        assert_fine(&heeler);
        assert_eq!(starts(&heeler), 1);
    });
}

/// Half of its places are held by calls that nobody waits for: another worker takes its place, its open calls end.
#[test]
fn a_worker_with_half_its_places_lost_is_replaced() {
    let Some(function) = Function::python(BLOCKING) else { return };
    let heeler = function.start(&[("worker_concurrency", "4"), ("kill_grace", "5s")]);
    let neighbour = call_aside(&heeler, "/neighbour");
    wait_noted(&function.gate, "ran.neighbour", 1);
    for _ in 0..2 {
        heeler.call(&Request::get("/call").header("X-Timeout", "300ms")).assert_made_by_heeler(504, "timeout");
    }
    eventually("another worker is up", || said(&heeler, "worker is up") == 2);
    assert_fine(&heeler);
    assert_eq!(noted(&function.gate, "ran.call"), 2);
    function.gate.open();
    assert_eq!(neighbour.join().expect("a caller"), (200, "late".to_owned()));
    assert_eq!(said(&heeler, "worker is to be replaced"), 1);
}

/// Nothing else runs in such a process, pings included: it is ended, and its other calls are 502.
#[test]
fn a_worker_that_cannot_even_answer_a_ping_is_ended() {
    let Some(function) = Function::node(NODE) else { return };
    let heeler = function.start(&[("kill_grace", "300ms")]);
    let neighbour = call_aside(&heeler, "/neighbour");
    wait_noted(&function.gate, "ran.neighbour", 1);
    let began = Instant::now();
    heeler.call(&Request::get("/block").header("X-Timeout", "400ms")).assert_made_by_heeler(504, "timeout");
    assert_took(began.elapsed(), LIMIT);
    assert_eq!(neighbour.join().expect("a caller").0, 502);
    assert_fine(&heeler);
    assert_eq!(starts(&heeler), 2);
}

#[test]
fn a_caller_who_leaves_cancels_its_call() {
    for function in [Function::python(ASYNC), Function::node(NODE)] {
        let Some(function) = function else { continue };
        let heeler = function.start(&[]);
        let neighbour = call_aside(&heeler, "/neighbour");
        wait_noted(&function.gate, "ran.neighbour", 1);
        for round in 1..=3 {
            let mut conn = heeler.conn();
            conn.send(&Request::get("/call").bytes());
            wait_noted(&function.gate, "ran.call", round);
            match round {
                1 => drop(conn),
                2 => conn.reset(),
                _ => conn.half_close(),
            }
            wait_noted(&function.gate, "cancelled", round);
        }
        let line = heeler.stderr.wait_for_json("the access line", |line| line["path"] == "/call");
        assert_eq!((&line["status"], &line["reason"]), (&499.into(), &"client_gone".into()));
        function.gate.open();
        assert_eq!(neighbour.join().expect("a caller"), (200, "late".to_owned()));
        assert_eq!(starts(&heeler), 1);
    }
}

/// By the function's own count: a call that was given up in the queue never ran.
#[test]
fn what_was_given_up_in_the_queue_never_runs() {
    let Some(function) = Function::python(BLOCKING) else { return };
    let heeler = function.start(&[("worker_concurrency", "1")]);
    let running = call_aside(&heeler, "/first");
    wait_noted(&function.gate, "ran.first", 1);
    let late = Request::get("/late").header("X-Timeout", "300ms");
    heeler.call(&late).assert_made_by_heeler(503, "queue_timeout");
    let mut left = heeler.conn();
    left.send(&Request::get("/left").bytes());
    eventually("it waits", || heeler.scrape().value("http_requests_in_flight", &[]) == 2.0);
    drop(left);
    eventually("it is gone", || heeler.scrape().value("http_requests_in_flight", &[]) == 1.0);
    function.gate.open();
    assert_eq!(running.join().expect("a caller"), (200, "late".to_owned()));
    assert_eq!(heeler.get("/last").assert_ok().text(), "late");
    let ran = ["ran.first", "ran.late", "ran.left", "ran.last"].map(|name| noted(&function.gate, name));
    assert_eq!(ran, [1, 0, 0, 1]);
}

/// What is left of the time is told to the function.
#[test]
fn functions_know_their_deadline() {
    let python = "def handler(event, context):\n    return context.get_remaining_time_in_millis()\n";
    let node = "exports.handler = async (event, context) => context.getRemainingTimeInMillis();";
    for function in [Function::of(&[("main.py", python)]), Function::of(&[("index.js", node)])] {
        let Some(function) = function else { continue };
        let heeler = function.start(&[("handler_style", "lambda"), ("exec_timeout", "30s")]);
        for (header, least, most) in [("5s", 3_000, 5_000), ("60s", 25_000, 30_000)] {
            let left: u64 = heeler
                .call(&Request::get("/").header("X-Timeout", header))
                .assert_ok()
                .text()
                .parse()
                .expect("a number");
            assert!((least..=most).contains(&left), "{left} ms of {header}");
        }
    }
}

/// The body never comes to its end: the deadline is the call's all the same.
#[test]
fn a_request_that_never_ends_meets_the_deadline() {
    let python = "def handle(request):\n    return request.data\n";
    let node = "exports.handle = (request) => String(request.get('body'));";
    for function in [Function::python(python), Function::node(node)] {
        let Some(function) = function else { continue };
        let heeler = function.start(&[("exec_timeout", "400ms"), ("worker_concurrency", "2")]);
        // The second one the function has seen the beginning of.
        for length in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
            let mut conn = heeler.conn();
            let began = Instant::now();
            conn.send(format!("POST /never HTTP/1.1\r\nHost: h\r\n{length}\r\n\r\n9\r\nhalf").as_bytes());
            let answer = conn.read_response("POST").expect("an answer");
            answer.assert_made_by_heeler(504, "timeout");
            assert_took(began.elapsed(), LIMIT);
        }
        for _ in 0..4 {
            assert_eq!(heeler.post("/", "whole").assert_ok().text(), "whole");
        }
        assert_eq!(starts(&heeler), 1);
    }
}
