//! Which worker gets a call, how many each may have, and what becomes of those that find no place.

use std::collections::BTreeMap;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::support::kept::{probe, wait_probe};
use crate::support::load::{Tally, term_under_load};
use crate::support::working::{call_aside, pid, said, starts, work, workers};
use crate::support::{Builder, Gate, Heeler, Request, Response, SECOND, assert_took, eventually};

/// So many calls that wait for a name at the gate.
fn calls(heeler: &Heeler, count: usize, name: &str) -> Vec<JoinHandle<(u16, String)>> {
    (0..count).map(|_| call_aside(heeler, &format!("/wait/{name}"))).collect()
}

/// Waits until so many calls have reached a worker; how many each of them has.
fn spread(gate: &Gate, name: &str, count: usize) -> Vec<usize> {
    let mut of = BTreeMap::new();
    for entry in gate.wait_count(&format!("waiting.{name}."), count) {
        *of.entry(entry.split('.').next().unwrap_or_default().to_owned()).or_insert(0) += 1;
    }
    of.into_values().collect()
}

fn in_flight(heeler: &Heeler) -> f64 {
    heeler.scrape().value("http_requests_in_flight", &[])
}

fn all_ok(calls: Vec<JoinHandle<(u16, String)>>) {
    for call in calls {
        let (status, text) = call.join().expect("a caller");
        assert_eq!(status, 200, "{text}");
    }
}

#[test]
fn calls_go_to_the_worker_with_the_fewest() {
    let gate = Gate::new();
    let heeler = work("places=8", &gate).env("workers", "4").start();
    workers(&heeler, 4);
    let first = calls(&heeler, 4, "first");
    assert_eq!(spread(&gate, "first", 4), [1; 4]);
    let second = calls(&heeler, 8, "second");
    assert_eq!(spread(&gate, "second", 8), [2; 4]);
    gate.let_go("second");
    all_ok(second);
    gate.let_go("first");
    all_ok(first);
}

/// The smaller of what the settings allow and what the worker takes.
#[test]
fn a_worker_has_only_so_many_calls_at_once() {
    for (words, setting, places) in [("places=2", "", 2), ("places=4", "2", 2), ("places=2", "9", 2), ("", "9", 1)] {
        let gate = Gate::new();
        let heeler = work(words, &gate).env("worker_concurrency", setting).start();
        let calls = calls(&heeler, places + 2, "open");
        eventually("all calls are here", || in_flight(&heeler) == (places + 2) as f64);
        assert_eq!(spread(&gate, "open", places), [places], "{words} {setting}");
        gate.open();
        all_ok(calls);
    }
}

#[track_caller]
fn assert_refused(answer: &Response, status: u16, reason: &str) {
    answer.assert_made_by_heeler(status, reason);
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[test]
fn a_full_queue_refuses_and_says_when_to_come_again() {
    let gate = Gate::new();
    let heeler = work("", &gate).env("queue_depth", "2").start();
    let running = calls(&heeler, 1, "open");
    spread(&gate, "open", 1);
    let waiting = calls(&heeler, 2, "open");
    eventually("two calls wait", || in_flight(&heeler) == 3.0);
    for _ in 0..3 {
        assert_refused(&heeler.get("/pid"), 503, "queue_full");
    }
    assert_eq!(probe(&heeler, "/_/health"), (200, "OK".to_owned()));
    gate.open();
    all_ok(running);
    all_ok(waiting);
    heeler.get("/pid").assert_ok();
    assert_eq!(heeler.scrape().value("heeler_refusals_total", &[("reason", "queue_full")]), 3.0);
}

#[test]
fn calls_that_wait_for_a_worker_are_seen_in_the_metrics() {
    let gate = Gate::new();
    let heeler = work("", &gate).start();
    let running = calls(&heeler, 1, "open");
    spread(&gate, "open", 1);
    heeler.call(&Request::get("/pid").header("X-Timeout", "300ms")).assert_made_by_heeler(503, "queue_timeout");
    let waiting = calls(&heeler, 2, "open");
    eventually("two calls wait", || in_flight(&heeler) == 3.0);
    let page = heeler.scrape();
    assert_eq!(page.value("heeler_queue_depth", &[]), 2.0);
    assert_eq!(page.value("heeler_queue_wait_seconds_count", &[]), 1.0);
    gate.open();
    all_ok(running);
    all_ok(waiting);
}

#[test]
fn without_a_queue_a_call_is_refused_at_once() {
    let gate = Gate::new();
    let heeler = work("", &gate).env("queue_depth", "0").start();
    let running = calls(&heeler, 1, "open");
    spread(&gate, "open", 1);
    assert_refused(&heeler.get("/pid"), 503, "queue_full");
    gate.open();
    all_ok(running);
    heeler.get("/pid").assert_ok();
}

#[test]
fn max_inflight_is_429_as_in_every_mode() {
    let gate = Gate::new();
    let heeler = work("places=4", &gate).env("max_inflight", "2").start();
    let running = calls(&heeler, 2, "open");
    spread(&gate, "open", 2);
    assert_refused(&heeler.get("/pid"), 429, "full");
    assert_eq!(probe(&heeler, "/_/ready"), (429, "full".to_owned()));
    gate.open();
    all_ok(running);
    heeler.get("/pid").assert_ok();
    assert_eq!(probe(&heeler, "/_/ready"), (200, "OK".to_owned()));
}

/// 503 says that it never ran, 504 that it did.
#[test]
fn a_call_whose_time_passes_in_the_queue_never_reaches_a_worker() {
    for (setting, header) in [("300ms", None), ("0", Some("300ms"))] {
        let gate = Gate::new();
        let heeler = work("", &gate).env("queue_timeout", setting).start();
        let running = calls(&heeler, 1, "open");
        spread(&gate, "open", 1);
        let mut request = Request::get("/wait/never");
        if let Some(limit) = header {
            request = request.header("X-Timeout", limit);
        }
        let began = Instant::now();
        assert_refused(&heeler.call(&request), 503, "queue_timeout");
        assert_took(began.elapsed(), Duration::from_millis(300));
        gate.open();
        all_ok(running);
        heeler.get("/pid").assert_ok();
        assert_eq!(gate.wait_count("waiting.never", 0).len(), 0, "a call that was given up reached the worker");
        assert_eq!(starts(&heeler), 1);
    }
}

#[test]
fn a_caller_who_leaves_the_queue_never_reaches_a_worker() {
    let gate = Gate::new();
    let heeler = work("", &gate).env("queue_depth", "1").start();
    let running = calls(&heeler, 1, "open");
    spread(&gate, "open", 1);
    for _ in 0..20 {
        let mut conn = heeler.conn();
        conn.send(&Request::get("/wait/never").bytes());
        eventually("it waits", || in_flight(&heeler) == 2.0);
        drop(conn);
        eventually("it is gone", || in_flight(&heeler) == 1.0);
    }
    // Each of them has given its waiting place back.
    let waiting = calls(&heeler, 1, "open");
    eventually("it waits", || in_flight(&heeler) == 2.0);
    gate.open();
    all_ok(running);
    all_ok(waiting);
    assert_eq!(gate.wait_count("waiting.never", 0).len(), 0, "a call that was given up reached the worker");
}

/// A worker that owes the answer to a cancel gets no calls. All its free places are given out when it has answered, to
/// as many as wait.
#[test]
fn places_that_a_late_worker_held_back_are_all_given_out() {
    let gate = Gate::new();
    let heeler = work("places=8 hears-late", &gate).env("kill_grace", "60s").start();
    let first = calls(&heeler, 3, "first");
    spread(&gate, "first", 3);
    heeler.call(&Request::get("/hang").header("X-Timeout", "200ms")).assert_made_by_heeler(504, "timeout");
    let second = calls(&heeler, 4, "second");
    eventually("seven calls are here", || in_flight(&heeler) == 7.0);
    gate.let_go("first");
    all_ok(first);
    assert_eq!(gate.wait_count("waiting.second", 0).len(), 0, "a worker got a call that owes an answer to a cancel");
    gate.let_go("hear");
    assert_eq!(spread(&gate, "second", 4), [4]);
    gate.let_go("second");
    all_ok(second);
}

/// The same when a worker with several places comes up.
#[test]
fn places_of_a_new_worker_are_all_given_out() {
    let gate = Gate::new();
    let heeler = work("places=4", &gate).start();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid(&heeler)), nix::sys::signal::Signal::SIGKILL)
        .expect("it is there");
    eventually("its end was heard of", || said(&heeler, "worker is started again") > 0);
    let calls = calls(&heeler, 4, "open");
    assert_eq!(spread(&gate, "open", 4), [4]);
    gate.open();
    all_ok(calls);
}

#[test]
fn readiness_follows_the_workers_through_a_whole_life() {
    let gate = Gate::new();
    let mut heeler =
        crate::support::kept::spawn(work("gate", &gate).env("bind", "early").env("shutdown_delay", "300ms"));
    gate.wait_started(1);
    wait_probe(&heeler, "/_/ready", 503, "starting");
    // The port is open, and the call waits for the worker.
    let early = call_aside(&heeler, "/pid");
    eventually("it waits", || in_flight(&heeler) == 1.0);
    gate.open();
    wait_probe(&heeler, "/_/ready", 200, "OK");
    assert_eq!(early.join().expect("a caller").0, 200);
    heeler.signal(nix::sys::signal::Signal::SIGTERM);
    wait_probe(&heeler, "/_/ready", 503, "draining");
    assert_eq!(heeler.exit_code(), 0);
}

/// Calls in a queue when TERM comes are calls like others.
#[test]
fn a_drain_loses_no_call() {
    for (words, workers) in [("", "1"), ("places=4", "2")] {
        let gate = Gate::new();
        let tally = Tally::default();
        for _ in 0..2 {
            let heeler = work(words, &gate).env("workers", workers).start();
            term_under_load(heeler, &Request::post("/echo", "hello"), b"hello", 6, &tally);
        }
        assert_eq!(tally.lost.into_inner(), 0, "of {:?}", tally.answered);
    }
}

/// Replacement by age and by number, both at once, under load.
#[test]
fn recycling_loses_no_call() {
    let gate = Gate::new();
    let limits = [("workers", "2"), ("worker_max_requests", "7"), ("worker_max_age", "300ms")];
    let heeler = work("places=2", &gate).envs(&limits).start();
    load(&heeler, 6, || {
        workers(&heeler, 30);
    });
}

/// Callers who are all answered well while something goes on.
fn load(heeler: &Heeler, callers: usize, test: impl FnOnce()) {
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..callers)
            .map(|caller| {
                let over = &over;
                scope.spawn(move || {
                    let mut conn = heeler.conn();
                    while !over.load(std::sync::atomic::Ordering::Relaxed) {
                        let body = format!("caller {caller}");
                        assert_eq!(conn.call(&Request::post("/echo", body.as_str())).assert_ok().text(), body);
                    }
                })
            })
            .collect();
        test();
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        handles.into_iter().for_each(|handle| handle.join().expect("a caller"));
    });
}

/// With more processors than workers; the pool is shared by all of heeler's threads.
#[test]
fn several_threads_share_the_workers() {
    let gate = Gate::new();
    let builder: Builder = work("places=2", &gate).envs(&[("threads", "4"), ("workers", "3")]);
    let heeler = builder.start();
    workers(&heeler, 3);
    let began = Instant::now();
    load(&heeler, 8, || crate::support::pass(SECOND));
    assert!(began.elapsed() >= SECOND);
    let calls = calls(&heeler, 6, "open");
    assert_eq!(spread(&gate, "open", 6), [2; 3]);
    gate.open();
    all_ok(calls);
}
