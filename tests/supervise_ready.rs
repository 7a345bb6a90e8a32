//! http mode's `ready_path`: a server that accepts is up only when it says so.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::fs::{self, File};

use nix::sys::signal::Signal;
use support::kept::{keep, probe, server, spawn, starts, wait_probe};
use support::{Conn, Gate, Heeler, eventually, free_port, tree};

fn keep_asked(words: &str, gate: &Gate) -> support::Builder {
    keep(words, gate).env("ready_path", "/ready")
}

fn says_ready(gate: &Gate) {
    File::create(gate.file("ready")).unwrap();
}

#[test]
fn a_server_that_accepts_is_asked_before_the_port_opens() {
    let gate = Gate::new();
    let mut heeler = spawn(keep_asked("", &gate));
    // It accepts and answers; that alone is not enough.
    assert_eq!(server(&heeler, 1).get("/ready").unwrap().status, 503);
    assert!(Conn::try_open(heeler.address()).is_err());
    assert_eq!(probe(&heeler, "/_/ready"), (503, "starting".to_owned()));
    says_ready(&gate);
    heeler.wait_ready();
    wait_probe(&heeler, "/_/ready", 200, "OK");
}

#[test]
fn any_status_below_400_is_a_yes() {
    let gate = Gate::new();
    says_ready(&gate);
    let heeler = keep("", &gate).env("ready_path", "/anything-else").start();
    assert_eq!(probe(&heeler, "/_/ready").0, 200);
}

/// The fixture says no at `/ready` itself.
#[test]
fn the_path_is_asked_below_the_base_as_calls_are() {
    let (gate, at) = (Gate::new(), format!("127.0.0.1:{}", free_port()));
    let url = format!("http://{at}/base");
    let heeler = keep_asked(&format!("at={at}"), &gate).env("http_upstream_url", &url).start();
    assert_eq!(heeler.get("/_/ready").assert_ok().text(), "OK");
}

#[test]
fn a_server_that_never_says_so_is_named_with_its_last_answer() {
    let gate = Gate::new();
    let mut heeler = keep_asked("", &gate).env("start_timeout", "700ms").spawn();
    assert_eq!(heeler.exit_code(), 1);
    let said = heeler.stderr.rest();
    let last = said.lines().last().unwrap();
    assert!(last.contains("did not say that it is ready at /ready within 700ms (start_timeout)"), "{last}");
    assert!(last.contains("its last answer was 503"), "{last}");
    tree::wait_until_gone(&[server(&heeler, 1).pid]);
}

/// The connection stands in the backlog of a process that does not accept.
#[test]
fn a_server_that_accepts_and_does_not_answer_is_told_apart() {
    let gate = Gate::new();
    let mut heeler = keep("", &gate).env("ready_path", "/gate").env("start_timeout", "700ms").spawn();
    assert_eq!(heeler.exit_code(), 1);
    let said = heeler.stderr.rest();
    assert!(said.lines().last().unwrap().contains("but did not answer at /gate within 700ms"), "{said}");
}

#[test]
fn it_is_asked_again_after_a_restart() {
    let gate = Gate::new();
    says_ready(&gate);
    let heeler = keep_asked("", &gate).start();
    fs::remove_file(gate.file("ready")).unwrap();
    wait_probe(&heeler, "/_/ready", 503, "handler");
    tree::signal(server(&heeler, 1).pid, Signal::SIGKILL);
    let second = server(&heeler, 2);
    assert_eq!(second.get("/ready").unwrap().status, 503);
    assert_eq!(probe(&heeler, "/_/ready"), (503, "handler".to_owned()));
    assert_eq!(ups(&heeler), 1, "the second one is not up yet");
    says_ready(&gate);
    eventually("the second one is up", || ups(&heeler) == 2);
    wait_probe(&heeler, "/_/ready", 200, "OK");
    assert_eq!(starts(&heeler), 2);
}

fn ups(heeler: &Heeler) -> usize {
    heeler.stderr.json().iter().filter(|line| line["msg"] == "handler is up").count()
}
