//! Single calls, and the ways in which they fail; the worker's life around them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::function::start;
use crate::support::{Heeler, Request, eventually, tree, working};

#[test]
fn the_function_sees_the_request() {
    let Some((heeler, _)) = start(&[]) else { return };
    let request = Request::post("/see?a=%20b", "body").header("X-Twice", "1").header("x-twice", "2");
    let host = heeler.address();
    let seen = heeler.call(&request).assert_ok().text();
    assert!(seen.starts_with("POST /see?a=%20b ") && seen.ends_with(" HTTP/1.1 4 [1 2]"), "{seen} {host}");
    let answer = heeler.call(&Request::new("HEAD", "/see"));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain; charset=utf-8")));
    assert_eq!(heeler.get("/none").status, 404);
}

#[test]
fn a_panic_is_a_crash_of_its_call_alone() {
    let Some((heeler, _)) = start(&[]) else { return };
    let answer = heeler.get("/panic");
    answer.assert_made_by_heeler(502, "worker");
    assert!(!answer.text().contains("secret"), "{}", answer.text());
    let line = heeler.stderr.wait_for("secret words");
    assert!(line.contains("function.go"), "no stack: {line}");
    let mut conn = heeler.conn();
    conn.send(&Request::get("/cut").bytes());
    conn.read_head().expect("a head");
    assert_eq!(conn.read_chunk().expect("a piece").as_deref(), Some(&b"begun"[..]));
    assert!(conn.read_chunk().is_err(), "a body that was cut seems whole");
    heeler.get("/unread").assert_ok();
    assert_eq!(working::said(&heeler, "worker is up"), 1);
}

#[test]
fn deadlines_and_callers_that_leave_end_the_context() {
    let Some((heeler, gate)) = start(&[("exec_timeout", "500ms")]) else { return };
    heeler.get("/until").assert_made_by_heeler(504, "timeout");
    gate.wait_for("over: context deadline exceeded");
    let Some((heeler, gate)) = start(&[]) else { return };
    let mut conn = heeler.conn();
    conn.send(&Request::get("/until").bytes());
    eventually("the call runs", || are_in_flight(&heeler, 1));
    drop(conn);
    gate.wait_for("over: context canceled");
    heeler.get("/unread").assert_ok();
}

/// What does not hear of its deadline keeps its place, and nobody else's.
#[test]
fn a_call_that_runs_on_holds_up_nobody() {
    let Some((heeler, _)) = start(&[("exec_timeout", "300ms")]) else { return };
    heeler.get("/sleep").assert_made_by_heeler(504, "timeout");
    heeler.get("/unread").assert_ok();
}

#[test]
fn many_calls_run_at_once() {
    let Some((heeler, gate)) = start(&[]) else { return };
    let mut conns: Vec<_> = (0..50).map(|_| heeler.conn()).collect();
    for conn in &mut conns {
        conn.send(&Request::get("/hold").bytes());
    }
    gate.wait_for("held");
    eventually("all are in", || are_in_flight(&heeler, 50));
    gate.let_go("go");
    for conn in &mut conns {
        assert_eq!(conn.read_response("GET").expect("an answer").assert_ok().text(), "let go");
    }
}

#[test]
fn term_waits_for_calls_and_the_stop_hook_runs() {
    let Some((mut heeler, gate)) = start(&[("GREETING", "hello")]) else { return };
    heeler.stdout.wait_for("started with hello");
    let mut conn = heeler.conn();
    conn.send(&Request::get("/hold").bytes());
    gate.wait_for("held");
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    gate.let_go("go");
    assert_eq!(conn.read_response("GET").expect("an answer").assert_ok().text(), "let go");
    assert_eq!(heeler.exit_code(), 0);
    heeler.stdout.wait_for("stopped");
}

#[test]
fn the_function_says_whether_it_is_ready() {
    let Some((heeler, gate)) = start(&[]) else { return };
    assert_eq!(heeler.get("/_/ready").status, 200);
    gate.let_go("unready");
    eventually("it is not ready", || heeler.get("/_/ready").status == 503);
}

#[test]
fn the_worker_says_what_it_is() {
    let Some((heeler, _)) = start(&[]) else { return };
    let up = |line: &Value| line["msg"] == "worker is up";
    let line = heeler.stderr.wait_for_json("a worker's hello", up).to_string();
    for word in ["language=go", "style=func", "function=*function.Function.Handle", "hooks=ready"] {
        assert!(line.contains(word), "no {word} in {line}");
    }
}

/// A worker that dies takes its calls with it, and another one serves.
#[test]
fn a_worker_that_is_killed_is_replaced() {
    let Some((heeler, gate)) = start(&[]) else { return };
    let mut conn = heeler.conn();
    conn.send(&Request::get("/hold").bytes());
    gate.wait_for("held");
    tree::signal(worker(&heeler), Signal::SIGKILL);
    assert_eq!(conn.read_response("GET").expect("an answer").status, 502);
    eventually("another one serves", || heeler.get("/unread").status == 200);
}

fn are_in_flight(heeler: &Heeler, count: u32) -> bool {
    heeler.scrape().value("http_requests_in_flight", &[]) >= f64::from(count)
}

pub fn worker(heeler: &Heeler) -> i32 {
    heeler.descendants()[0].pid
}

/// A worker that is asked to end by somebody else serves what is on its way until heeler has another one.
#[test]
fn a_signal_to_the_worker_loses_no_call() {
    let Some((heeler, _)) = start(&[]) else { return };
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let mut conn = heeler.conn();
                while !over.load(Ordering::Relaxed) {
                    assert_eq!(conn.call(&Request::get("/unread")).assert_ok().text(), "unread");
                }
            });
        }
        for ups in 2..8 {
            tree::signal(newest(&heeler), Signal::SIGTERM);
            eventually("another one is up", || working::said(&heeler, "worker is up") == ups);
        }
        over.store(true, Ordering::Relaxed);
    });
}

/// Each start is one line of the log, with the worker's pid.
fn newest(heeler: &Heeler) -> i32 {
    let lines = heeler.stderr.json();
    let started = lines.iter().rev().find(|line| line["msg"] == "worker is up").expect("a worker");
    i32::try_from(started["pid"].as_i64().expect("a pid")).expect("a small number")
}

#[test]
fn an_end_accuses_nobody() {
    let Some((mut heeler, _)) = start(&[]) else { return };
    heeler.get("/unread").assert_ok();
    heeler.signal(Signal::SIGTERM);
    assert_eq!(heeler.exit_code(), 0);
    let said = heeler.stderr.rest();
    assert!(!said.contains("heeler sent"), "{said}");
}
