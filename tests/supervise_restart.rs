//! http mode's server after it was up: how it dies, when it comes again, which signals it hears, and its end.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::kept::{end_within, has_heard, keep, probe, server, starts, wait_probe};
use support::{Gate, Heeler, SECOND, eventually, tree};

const AGAIN: &str = "handler is started again";

#[track_caller]
fn assert_restarts(heeler: &Heeler, cause: &str, count: f64) {
    let name = "heeler_restarts_total";
    eventually(&format!("{count} restarts by {cause}"), || {
        let page = heeler.scrape();
        // Never more than that in all, whatever the cause.
        page.value(name, &[("cause", cause)]) >= count && page.sum(name, &[]) <= count
    });
}

/// A server that dies and may not listen again before the gate opens.
fn hold_the_next_start(gate: &Gate) {
    fs::remove_file(gate.file("open")).unwrap();
}

#[test]
fn a_server_that_was_killed_comes_again() {
    let gate = Gate::new();
    gate.open();
    let mut heeler = keep("gate", &gate).start();
    let first = server(&heeler, 1);
    hold_the_next_start(&gate);
    tree::signal(first.pid, Signal::SIGKILL);
    wait_probe(&heeler, "/_/ready", 503, "handler");
    // It is being seen to: no reason to end the container.
    assert_eq!(probe(&heeler, "/_/health"), (200, "OK".to_owned()));
    assert_eq!(heeler.get("/_/ready").status, 503, "the function's port stays open");
    gate.wait_started(2);
    assert_eq!(probe(&heeler, "/_/ready").0, 503, "started is not up");
    gate.open();
    wait_probe(&heeler, "/_/ready", 200, "OK");
    assert_ne!(server(&heeler, 2).pid, first.pid);
    assert_restarts(&heeler, "signal", 1.0);
    let page = heeler.scrape();
    assert!(page.value("heeler_handler_exits_total", &[("how", "signal")]) == 1.0);
    assert!(page.value("heeler_cold_starts_total", &[]) == 1.0);
    assert!(heeler.runs());
}

/// of-watchdog serves on without a handler after exit 0, and ends with 1 after any other.
#[test]
fn a_server_that_ends_comes_again_whatever_its_code() {
    // Children die with the thread that started them: with several threads none of those may end.
    for (code, threads) in [(0, "1"), (7, "1"), (0, "3")] {
        let gate = Gate::new();
        let mut heeler = keep("", &gate).env("threads", threads).start();
        let first = server(&heeler, 1);
        assert!(first.get(&format!("/exit/{code}")).is_none());
        let second = server(&heeler, 2);
        assert_ne!(first.pid, second.pid);
        wait_probe(&heeler, "/_/ready", 200, "OK");
        assert_restarts(&heeler, "exit", 1.0);
        heeler.stderr.wait_for_json("how it ended", |line| {
            line["msg"] == "handler ended" && line["how"] == format!("ended with exit code {code}").as_str()
        });
        assert!(heeler.runs());
    }
}

/// The pauses that were said, so many at least.
fn pauses(heeler: &Heeler, count: usize) -> Vec<Duration> {
    let all = || -> Vec<Duration> {
        let lines = heeler.stderr.json().into_iter().filter(|line| line["msg"] == AGAIN);
        lines.map(|line| heeler::duration::parse(line["pause"].as_str().unwrap()).unwrap()).collect()
    };
    eventually(&format!("{count} restarts"), || all().len() >= count);
    all()
}

#[test]
fn failed_starts_are_ever_further_apart() {
    let gate = Gate::new();
    let mut heeler = keep("only-first", &gate).start();
    let began = Instant::now();
    assert!(server(&heeler, 1).get("/exit/0").is_none());
    let said = pauses(&heeler, 5);
    let mut whole = Duration::from_millis(100);
    for pause in &said[..5] {
        assert!(*pause >= whole / 2 - Duration::from_millis(1) && *pause <= whole, "{said:?}");
        whole *= 2;
    }
    // They are kept, and not only said: the fifth comes after four of them.
    let least: Duration = said[..4].iter().sum();
    assert!(began.elapsed() >= least, "{:?} for {said:?}", began.elapsed());
    // Each pause brings one start and no more.
    let started = starts(&heeler);
    assert!(started <= pauses(&heeler, 5).len() + 1, "{said:?}");
    assert_restarts_include_starts(&heeler);
    // It is never given up, and the door stays open.
    assert!(heeler.runs());
    assert_eq!(heeler.get("/_/ready").status, 503);
}

#[track_caller]
fn assert_restarts_include_starts(heeler: &Heeler) {
    let page = heeler.scrape();
    assert!(page.value("heeler_restarts_total", &[("cause", "exit")]) == 1.0);
    assert!(page.value("heeler_restarts_total", &[("cause", "start")]) >= 4.0);
}

#[test]
fn a_server_that_stays_down_is_no_longer_healthy() {
    let gate = Gate::new();
    let heeler = keep("only-first", &gate).env("start_timeout", "1s").start();
    let up = Instant::now();
    assert!(server(&heeler, 1).get("/exit/0").is_none());
    wait_probe(&heeler, "/_/ready", 503, "handler");
    wait_probe(&heeler, "/_/health", 503, "handler");
    assert!(up.elapsed() >= SECOND, "{:?}", up.elapsed());
    fs::remove_file(gate.file("served")).unwrap();
    wait_probe(&heeler, "/_/ready", 200, "OK");
    wait_probe(&heeler, "/_/health", 200, "OK");
}

#[test]
fn a_restart_that_takes_too_long_is_ended_and_tried_again() {
    let gate = Gate::new();
    gate.open();
    let mut heeler = keep("gate", &gate).env("start_timeout", "400ms").start();
    hold_the_next_start(&gate);
    assert!(server(&heeler, 1).get("/exit/0").is_none());
    heeler.stderr.wait_for_json("the late one", |line| {
        let text = line["msg"].as_str().unwrap_or_default();
        text.starts_with("the handler did not accept on 127.0.0.1:") && text.contains("within 400ms (start_timeout)")
    });
    let late = gate.wait_started(3);
    gate.open();
    wait_probe(&heeler, "/_/ready", 200, "OK");
    assert!(heeler.runs());
    assert!(heeler.scrape().value("heeler_restarts_total", &[("cause", "start")]) >= 1.0);
    let alive: Vec<_> = late.into_iter().filter(|pid| tree::runs(*pid)).collect();
    assert!(alive.len() <= 1, "late ones are ended: {alive:?}");
}

#[test]
fn restart_never_ends_heeler_with_the_servers_code() {
    for (path, code, how) in [
        ("/exit/0", 0, "ended with exit code 0"),
        ("/exit/7", 7, "ended with exit code 7"),
        ("/kill/9", 137, "was ended by SIGKILL"),
    ] {
        let gate = Gate::new();
        // What is due to load balancers is not due to somebody who cannot serve.
        let env = [("restart", "never"), ("shutdown_delay", "100s")];
        let mut heeler = keep("", &gate).envs(&env).start();
        assert!(server(&heeler, 1).get(path).is_none());
        assert_eq!(end_within(&mut heeler, SECOND * 10), Some(code), "{path}");
        let said = heeler.stderr.rest();
        assert!(said.contains(how), "{said}");
        assert_eq!(starts(&heeler), 1);
        if code != 0 {
            let last = said.lines().last().unwrap();
            assert!(last.contains(how) && last.contains("restart is never"), "{last}");
        }
    }
}

/// A stale process of an earlier start would hold its port, its locks, its memory.
#[test]
fn nothing_of_a_dead_server_is_left_at_the_next_start() {
    let gate = Gate::new();
    let heeler = keep("leave", &gate).env("kill_grace", "1s").start();
    let left = gate.wait_started(1);
    assert!(left.iter().all(|pid| tree::runs(*pid)));
    let died = Instant::now();
    tree::signal(server(&heeler, 1).pid, Signal::SIGKILL);
    // It does not listen to TERM, so it takes the whole grace.
    let second = server(&heeler, 2);
    assert!(died.elapsed() >= SECOND, "the next start did not wait: {:?}", died.elapsed());
    assert!(!left.iter().any(|pid| tree::runs(*pid)));
    assert!(tree::runs(second.pid));
}

#[test]
fn signals_for_servers_go_to_its_first_process() {
    let gate = Gate::new();
    let mut heeler = keep("", &gate).start();
    server(&heeler, 1);
    for signal in [libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2, libc::SIGWINCH, libc::SIGRTMIN() + 1] {
        // SAFETY: no memory is involved; nix has no name for the last one.
        assert_eq!(unsafe { libc::kill(heeler.pid, signal) }, 0);
        eventually(&format!("signal {signal} is heard"), || has_heard(&heeler, signal));
    }
    heeler.signal(Signal::SIGCONT);
    // The kernel hands out lower numbers first: once this one is heard, the other one was seen.
    heeler.signal(Signal::SIGWINCH);
    eventually("the one after", || heeler.stdout.count(|line| line.contains("signal 28")) == 2);
    assert!(!has_heard(&heeler, libc::SIGCONT), "this one is for heeler alone");
    assert!(heeler.runs());
    assert!(server(&heeler, 1).get("/").is_some(), "it is the same one still");
}

#[test]
fn a_process_per_call_hears_none_of_them() {
    let gate = Gate::new();
    let env = [("TESTFN_GATE", gate.path()), ("log_level", "debug")];
    let mut heeler = Heeler::builder().role("streaming", "gate").envs(&env).start();
    let mut conn = heeler.conn();
    conn.send(&support::Request::get("/").bytes());
    gate.wait_started(1);
    [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGWINCH].into_iter().for_each(|signal| heeler.signal(signal));
    eventually("they are passed over", || heeler.stderr.count(|line| line.contains("signal passed over")) == 3);
    gate.open();
    assert_eq!(conn.read_response("GET").unwrap().assert_ok().text(), "opened\n");
    assert!(heeler.runs());
}

#[test]
fn term_ends_the_server_and_then_heeler() {
    for words in ["", "leave", "deaf", "deaf leave"] {
        let gate = Gate::new();
        let mut heeler = keep(words, &gate).start();
        let pids: Vec<i32> = gate.pids().into_iter().chain([server(&heeler, 1).pid]).collect();
        heeler.signal(Signal::SIGTERM);
        assert_eq!(end_within(&mut heeler, SECOND * 10), Some(0), "{words}");
        tree::wait_until_gone(&pids);
        assert!(has_heard(&heeler, libc::SIGTERM), "{words}: the server is asked first");
        assert_eq!(starts(&heeler), 1, "{words}: not started again");
        assert!(heeler.stderr.rest().contains("drained"));
    }
}

#[test]
fn a_second_signal_ends_both_at_once() {
    let gate = Gate::new();
    let mut heeler = keep("deaf leave", &gate).env("kill_grace", "100s").start();
    let pids: Vec<i32> = gate.pids().into_iter().chain([server(&heeler, 1).pid]).collect();
    heeler.signal(Signal::SIGTERM);
    eventually("the server was asked to end", || has_heard(&heeler, libc::SIGTERM));
    heeler.signal(Signal::SIGTERM);
    assert_eq!(end_within(&mut heeler, SECOND * 5), Some(143));
    tree::wait_until_gone(&pids);
    assert_eq!(starts(&heeler), 1);
}

/// During the delay after TERM calls are still served, so the server has to be there.
#[test]
fn a_server_that_dies_while_heeler_drains_comes_again() {
    let gate = Gate::new();
    let mut heeler = keep("", &gate).env("shutdown_delay", "100s").start();
    heeler.signal(Signal::SIGTERM);
    wait_probe(&heeler, "/_/ready", 503, "draining");
    tree::signal(server(&heeler, 1).pid, Signal::SIGKILL);
    let second = server(&heeler, 2);
    assert_eq!(second.get("/").unwrap().text(), "hello\n");
    assert_eq!(probe(&heeler, "/_/ready"), (503, "draining".to_owned()));
    heeler.signal(Signal::SIGTERM);
    assert_eq!(end_within(&mut heeler, SECOND * 5), Some(143));
    tree::wait_until_gone(&[second.pid]);
}

#[test]
fn a_crash_while_it_is_paused_for_does_not_hold_the_end_up() {
    let gate = Gate::new();
    let mut heeler = keep("only-first", &gate).start();
    assert!(server(&heeler, 1).get("/exit/0").is_none());
    pauses(&heeler, 4);
    let began = Instant::now();
    heeler.signal(Signal::SIGTERM);
    assert_eq!(end_within(&mut heeler, SECOND * 5), Some(0));
    assert!(began.elapsed() < SECOND * 3, "{:?}", began.elapsed());
}
