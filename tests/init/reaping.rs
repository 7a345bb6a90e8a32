//! Orphans, as a subreaper and as a real PID 1.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Running, as_pid_1, children, eventually, fixture, heeler_init, kill};

const ORPHANS: usize = 1000;
/// A wait of a hundredth of a second for each of them is as long. Without one it takes about a tenth of a second.
const MOST: Duration = Duration::from_secs(10);
/// Each round leaves one process whose parent has ended; then it waits to be told to end.
const SCRIPT: &str = "i=0; while [ $i -lt 1000 ]; do (: &); i=$((i+1)); done; echo done; read line; exit 3";

/// Lets the command leave its orphans, `init` tells which process is heeler.
fn collects_all(mut command: Command, init: impl Fn(&Running) -> i32) {
    let stderr = tempfile::NamedTempFile::new().unwrap();
    command.args(["-w", "--", "sh", "-c", SCRIPT]).stdin(Stdio::piped()).stderr(stderr.reopen().unwrap());
    let mut running = Running::start(command);
    assert_eq!(running.line(), "done");
    let heeler = init(&running);
    eventually("only the command is left", || (children(heeler).len() == 1).then_some(()));
    running.close_input();
    assert_eq!(running.wait().code(), Some(3));
    let said = std::fs::read_to_string(stderr.path()).unwrap();
    assert_eq!(said.lines().filter(|line| line.contains("warning: collected orphan")).count(), ORPHANS);
    assert_eq!(said.lines().count(), ORPHANS);
}

#[test]
fn a_subreaper_collects_every_orphan() {
    let mut init = heeler_init();
    init.arg("-s");
    collects_all(init, Running::pid);
}

#[test]
fn pid_1_collects_every_orphan() {
    if let Some(command) = as_pid_1() {
        collects_all(command, |unshare| children(unshare.pid())[0]);
    }
}

/// All of them end at once, as when a container's memory runs out.
fn collects_a_crowd(mut command: Command, init: impl Fn(&Running) -> i32) {
    // Those whom a test that fails leaves behind end by themselves within a minute.
    let script = "i=0; while [ $i -lt 1000 ]; do (sleep 60 &); i=$((i+1)); done; echo done; read line; exit 3";
    command.args(["--", "sh", "-c", script]).stdin(Stdio::piped());
    let mut running = Running::start(command);
    assert_eq!(running.line(), "done");
    let heeler = init(&running);
    let all = || children(heeler);
    eventually("all are orphans", || (all().len() == ORPHANS + 1).then_some(()));
    // The command is the oldest.
    let command = all()[0];
    let orphans: Vec<i32> = all().into_iter().filter(|pid| *pid != command).collect();
    let began = Instant::now();
    orphans.into_iter().for_each(|pid| kill(pid, libc::SIGKILL));
    eventually("only the command is left", || (all() == [command]).then_some(()));
    let took = began.elapsed();
    eprintln!("init: {ORPHANS} orphans were collected in {took:.2?}");
    assert!(took < MOST, "{ORPHANS} orphans were collected in {took:?}");
    running.close_input();
    assert_eq!(running.wait().code(), Some(3));
}

#[test]
fn a_crowd_that_ends_at_once_is_collected_without_waiting_for_one_after_the_other() {
    let mut init = heeler_init();
    init.arg("-s");
    collects_a_crowd(init, Running::pid);
    if let Some(command) = as_pid_1() {
        collects_a_crowd(command, |unshare| children(unshare.pid())[0]);
    }
}

#[test]
fn the_end_of_pid_1_ends_what_is_left() {
    let Some(mut command) = as_pid_1() else { return };
    // The fixture takes no signal but KILL, and holds the pipe open for as long as it lives.
    command.args(["--", "sh", "-c", "setsid \"$0\" & read line; exit 4"]).arg(fixture()).stdin(Stdio::piped());
    let mut running = Running::start(command);
    assert!(running.line().ends_with(" ready"));
    running.close_input();
    assert_eq!(running.wait().code(), Some(4));
    assert!(running.at_end());
}
