//! Orphans, as a subreaper and as a real PID 1.

use std::process::{Command, Stdio};

use crate::support::{HEELER, Running, children, eventually, fixture, heeler_init, in_session};

const ORPHANS: usize = 1000;
/// Each round leaves one process whose parent has ended; then it waits to be told to end.
const SCRIPT: &str = "i=0; while [ $i -lt 1000 ]; do (: &); i=$((i+1)); done; echo done; read line; exit 3";

/// PID 1 of a new PID namespace; `None` where that is not allowed.
fn as_pid_1() -> Option<Command> {
    let namespace = ["-pf", "--kill-child", "--mount-proc"];
    let allowed = Command::new("unshare").args(namespace).arg("true").stderr(Stdio::null()).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("skipped: PID namespaces are not allowed here, so nothing was tried as PID 1");
        return None;
    }
    let mut unshare = in_session("unshare");
    unshare.args(namespace).args([HEELER, "init"]).stdin(Stdio::null());
    Some(unshare)
}

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

#[test]
fn pid_1_forwards_what_its_kernel_would_drop() {
    let Some(mut command) = as_pid_1() else { return };
    command.arg("--").arg(fixture());
    let mut running = Running::start(command);
    assert_eq!(running.line(), "2 ready");
    let heeler = children(running.pid())[0];
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGUSR1, 34, 64] {
        crate::support::kill(heeler, signal);
        assert_eq!(running.heard(), signal);
    }
    crate::support::kill(children(heeler)[0], libc::SIGKILL);
    assert_eq!(running.wait().code(), Some(137));
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
