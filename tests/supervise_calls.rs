//! http mode's server and the calls on it: who ends first, and what calls see of a restart.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::kept::{end_within, has_heard, keep, server, starts, wait_probe};
use support::{Gate, Heeler, Request, SECOND, eventually, tree};

const AGAIN: &str = "handler is started again";

/// of-watchdog hands TERM on at once, and the calls in flight die with the server.
#[test]
fn the_server_hears_term_only_after_the_last_call() {
    let gate = Gate::new();
    let mut heeler = keep("", &gate).start();
    let mut conns: Vec<_> = (0..3).map(|_| heeler.conn()).collect();
    conns.iter_mut().for_each(|conn| assert!(conn.send(&Request::get("/gate").bytes())));
    gate.wait_started(1);
    eventually("all of them are there", || heeler.scrape().value("http_requests_in_flight", &[]) == 3.0);
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    assert!(!has_heard(&heeler, libc::SIGTERM));
    gate.open();
    for conn in &mut conns {
        assert_eq!(conn.read_response("GET").unwrap().assert_ok().text(), "opened\n");
    }
    assert_eq!(end_within(&mut heeler, SECOND * 10), Some(0));
    assert!(has_heard(&heeler, libc::SIGTERM));
    assert_eq!(starts(&heeler), 1);
}

#[test]
fn calls_are_served_by_whoever_is_there() {
    let gate = Gate::new();
    let heeler = keep("", &gate).start();
    let mut seen = Vec::new();
    for nth in 1..=3 {
        let server = server(&heeler, nth);
        wait_probe(&heeler, "/_/ready", 200, "OK");
        let pid = heeler.get("/pid").assert_ok().text();
        assert_eq!(pid, format!("{}\n", server.pid));
        seen.push(pid);
        // The call that ends it has no answer of its own.
        assert_eq!(heeler.get("/exit/3").status, 502);
    }
    seen.dedup();
    assert_eq!(seen.len(), 3);
}

/// A call that comes while there is no server waits for the next one.
#[test]
fn a_call_waits_for_a_restart() {
    let gate = Gate::new();
    gate.open();
    let heeler = keep("gate", &gate).start();
    std::fs::remove_file(gate.file("open")).unwrap();
    assert_eq!(heeler.get("/exit/3").status, 502);
    wait_probe(&heeler, "/_/ready", 503, "handler");
    let mut conn = heeler.conn();
    assert!(conn.send(&Request::get("/").bytes()));
    gate.wait_started(2);
    gate.open();
    assert_eq!(conn.read_response("GET").unwrap().assert_ok().text(), "hello\n");
}

/// One that has served is worth another start at once, however short its life.
#[test]
fn a_server_that_has_served_comes_again_at_once() {
    let gate = Gate::new();
    let heeler = keep("", &gate).start();
    for nth in 1..=5 {
        server(&heeler, nth);
        wait_probe(&heeler, "/_/ready", 200, "OK");
        heeler.get("/").assert_ok();
        assert_eq!(heeler.get("/exit/0").status, 502);
    }
    let again = || heeler.stderr.json().into_iter().filter(|line| line["msg"] == AGAIN);
    eventually("the fifth restart is told", || again().count() == 5);
    let lines: Vec<_> = again().collect();
    assert!(lines.iter().all(|line| line["pause"] == "0s"), "{lines:?}");
}

#[test]
fn a_server_that_dies_during_the_delay_is_there_for_the_next_call() {
    let gate = Gate::new();
    let mut heeler = keep("", &gate).env("shutdown_delay", "2s").start();
    heeler.signal(Signal::SIGTERM);
    wait_probe(&heeler, "/_/ready", 503, "draining");
    tree::signal(server(&heeler, 1).pid, Signal::SIGKILL);
    // Until that is noticed a call may still go to the dead one, and has its 502.
    heeler.stderr.wait_for("handler ended");
    assert_eq!(heeler.get("/").assert_ok().text(), "hello\n");
    assert_eq!(end_within(&mut heeler, SECOND * 10), Some(0));
    assert_eq!(starts(&heeler), 2);
}

#[test]
fn restart_never_gives_waiting_calls_a_status() {
    let gate = Gate::new();
    let mut heeler = keep("", &gate).env("restart", "never").start();
    let mut conns: Vec<_> = (0..3).map(|_| heeler.conn()).collect();
    conns.iter_mut().for_each(|conn| assert!(conn.send(&Request::get("/gate").bytes())));
    eventually("all of them are there", || heeler.scrape().value("http_requests_in_flight", &[]) == 3.0);
    gate.wait_started(1);
    tree::signal(server(&heeler, 1).pid, Signal::SIGKILL);
    for conn in &mut conns {
        let status = conn.read_response("GET").unwrap().status;
        assert!([502, 503].contains(&status), "{status}");
    }
    assert_eq!(end_within(&mut heeler, SECOND * 10), Some(137));
}

/// A call that waited for the first start never ran: it may be sent elsewhere.
#[test]
fn term_during_the_start_answers_calls_that_wait() {
    let gate = Gate::new();
    let mut heeler = support::kept::spawn(keep("gate", &gate).env("bind", "early"));
    gate.wait_started(1);
    let mut conn = heeler.conn();
    assert!(conn.send(&Request::get("/").bytes()));
    eventually("it waits", || heeler.scrape().value("http_requests_in_flight", &[]) == 1.0);
    heeler.signal(Signal::SIGTERM);
    assert_eq!(conn.read_response("GET").unwrap().status, 503);
    assert_eq!(heeler.exit_code(), 0);
}

#[test]
fn a_call_that_runs_out_of_time_may_cost_the_server_its_life() {
    for kill in ["true", "false"] {
        let gate = Gate::new();
        let env = [("exec_timeout", "500ms"), ("kill_on_timeout", kill)];
        let heeler: Heeler = keep("", &gate).envs(&env).start();
        let began = Instant::now();
        assert_eq!(heeler.get("/gate").status, 504);
        assert!(began.elapsed() >= Duration::from_millis(500));
        let pid = server(&heeler, if kill == "true" { 2 } else { 1 }).pid;
        wait_probe(&heeler, "/_/ready", 200, "OK");
        assert_eq!(heeler.get("/pid").assert_ok().text(), format!("{pid}\n"));
        let restarts = heeler.scrape().value("heeler_restarts_total", &[("cause", "timeout")]);
        assert_eq!(restarts > 0.0, kill == "true");
    }
}
