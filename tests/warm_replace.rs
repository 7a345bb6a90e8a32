//! warm mode's workers that have done enough: another one takes their place first, and no call is lost by it.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;
use support::kept::{end_within, probe};
use support::working::{call_aside, pid, said, starts, work, workers};
use support::{Gate, Heeler, PATIENCE, Request, eventually, tree};

/// Callers that do not stop until they are told to, and what they saw.
struct Load {
    stop: AtomicBool,
    good: AtomicU64,
    bad: AtomicU64,
}

/// Runs `test` while callers ask for `/pid` all the time; gives how many answers were good, and how many were not.
fn under_load(heeler: &Heeler, callers: usize, test: impl FnOnce()) -> (u64, u64) {
    let load = Load { stop: AtomicBool::new(false), good: AtomicU64::new(0), bad: AtomicU64::new(0) };
    std::thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                let mut conn = heeler.conn();
                while !load.stop.load(Ordering::Relaxed) {
                    let answer = conn.call(&Request::get("/pid"));
                    let seen = if answer.status == 200 { &load.good } else { &load.bad };
                    seen.fetch_add(1, Ordering::Relaxed);
                    assert!(matches!(answer.status, 200 | 502), "{}", answer.status);
                }
            });
        }
        // A test that fails must not leave the callers at it.
        let stopping = Stop(&load.stop);
        test();
        drop(stopping);
    });
    (load.good.into_inner(), load.bad.into_inner())
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_worker_is_replaced_after_its_number_of_calls_and_no_call_is_lost() {
    let gate = Gate::new();
    let heeler = work("", &gate).env("worker_max_requests", "5").env("workers", "2").start();
    let (good, bad) = under_load(&heeler, 4, || {
        workers(&heeler, 22);
    });
    assert_eq!(bad, 0);
    assert!(good >= 100, "{good} calls for 20 replacements");
    assert_eq!(probe(&heeler, "/_/ready"), (200, "OK".to_owned()));
    // What was replaced has ended by itself.
    let byes = || heeler.stdout.json().iter().filter(|line| line["msg"] == "bye").count();
    eventually("all but those that serve have gone", || byes() == workers(&heeler, 0).len() - 2);
    assert_eq!(said(&heeler, "worker ended"), 0);
    assert!(heeler.scrape().sum("heeler_restarts_total", &[]) == 0.0);
}

#[test]
fn a_worker_that_says_bye_is_heard_and_its_open_calls_are_finished() {
    let gate = Gate::new();
    let heeler = work("places=4", &gate).start();
    let first = workers(&heeler, 1)[0];
    let call = call_aside(&heeler, "/gate");
    assert_eq!(gate.wait_started(1), [first]);
    assert_eq!(heeler.get("/bye").assert_ok().text(), "enough\n");
    let second = workers(&heeler, 2)[1];
    eventually("the old one heard that no more come", || gate.has("bye"));
    assert_eq!(pid(&heeler), second);
    assert!(tree::runs(first), "a worker with an open call was ended");
    gate.open();
    assert_eq!(call.join().unwrap(), (200, "opened\n".to_owned()));
    tree::wait_until_gone(&[first]);
    assert_eq!(pid(&heeler), second);
}

#[test]
fn a_replacement_that_does_not_come_up_leaves_the_old_one_serving() {
    let gate = Gate::new();
    let mut heeler = work("only-first", &gate).env("restart", "never").start();
    let first = pid(&heeler);
    heeler.get("/bye").assert_ok();
    eventually("two failed starts", || said(&heeler, "the worker ended with exit code 4 before it said hello") >= 2);
    assert_eq!(pid(&heeler), first);
    assert_eq!(probe(&heeler, "/_/ready"), (200, "OK".to_owned()));
    fs::remove_file(gate.file("served")).unwrap();
    tree::wait_until_gone(&[first]);
    assert_ne!(pid(&heeler), first);
    assert!(heeler.runs());
}

#[test]
fn the_old_one_may_die_while_the_new_one_rises() {
    let gate = Gate::new();
    gate.open();
    let heeler = work("gate", &gate).start();
    let first = pid(&heeler);
    fs::remove_file(gate.file("open")).unwrap();
    heeler.get("/bye").assert_ok();
    gate.wait_started(2);
    tree::signal(first, Signal::SIGKILL);
    tree::wait_until_gone(&[first]);
    gate.open();
    assert_ne!(pid(&heeler), first);
    assert_eq!(starts(&heeler), 2, "one is enough in its place");
}

#[test]
fn age_and_memory_are_limits_too() {
    let gate = Gate::new();
    let heeler = work("", &gate).env("worker_max_age", "1s").start();
    let first = pid(&heeler);
    tree::wait_until_gone(&[first]);
    assert_ne!(pid(&heeler), first);

    let heeler = work("", &gate).env("worker_max_rss", "40Mi").start();
    let first = pid(&heeler);
    heeler.get("/grow/60").assert_ok();
    tree::wait_until_gone(&[first]);
    assert_ne!(pid(&heeler), first);
    let lines = heeler.stderr.json();
    let why = lines.iter().find_map(|line| line["why"].as_str().filter(|why| why.contains("worker_max_rss")));
    assert!(why.is_some());
}

#[test]
fn a_drain_ends_workers_that_are_on_their_way_out_too() {
    let gate = Gate::new();
    let mut heeler = work("deaf", &gate).env("kill_grace", "400ms").start();
    let first = pid(&heeler);
    heeler.get("/bye").assert_ok();
    let second = workers(&heeler, 2)[1];
    heeler.signal(Signal::SIGTERM);
    assert_eq!(end_within(&mut heeler, PATIENCE), Some(0));
    tree::wait_until_gone(&[first, second]);
}

/// Each kill costs the calls of that worker and no others: one place each.
#[test]
fn workers_killed_under_load_cost_their_own_calls_only() {
    const KILLS: usize = 30;
    let gate = Gate::new();
    let heeler = work("", &gate).env("workers", "2").start();
    workers(&heeler, 2);
    let (good, bad) = under_load(&heeler, 4, || {
        for kill in 0..KILLS {
            let before = heeler.descendants();
            tree::signal(before[kill % before.len()].pid, Signal::SIGKILL);
            // What a worker prints of itself comes before its hello.
            let up = || heeler.stderr.count(|line| line.contains("\"worker is up\""));
            eventually("another one serves", || up() >= 3 + kill);
        }
    });
    assert!(bad <= KILLS as u64, "{bad} calls failed by {KILLS} kills");
    assert!(good > KILLS as u64 * 4, "{good} calls");
    let page = heeler.scrape();
    let restarts = page.value("heeler_restarts_total", &[("cause", "signal")]);
    assert!(restarts == KILLS as f64, "{restarts} restarts:\n{}", heeler.stderr.text());
}

#[test]
fn a_worker_that_did_not_serve_long_is_paused_for_but_not_one_that_did() {
    let gate = Gate::new();
    let heeler = work("", &gate).start();
    let first = workers(&heeler, 1)[0];
    tree::signal(first, Signal::SIGKILL);
    let second = workers(&heeler, 2)[1];
    assert_eq!(pid(&heeler), second);
    tree::signal(second, Signal::SIGKILL);
    workers(&heeler, 3);
    let lines = heeler.stderr.json();
    let pauses: Vec<Duration> = lines
        .iter()
        .filter(|line| line["msg"] == "worker is started again")
        .map(|line| heeler::duration::parse(line["pause"].as_str().unwrap()).unwrap())
        .collect();
    assert!(pauses[0] >= Duration::from_millis(49), "{pauses:?}");
    assert_eq!(pauses[1], Duration::ZERO);
}
