//! Time jumps. A test may not set the machine's clock, so three things stand for it: heeler is stopped for longer than a
//! deadline; it runs in a time namespace whose monotonic clocks are years ahead; and its source and its system calls show
//! that nothing waits by the clock that an operator can set.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::stage::Stage;
use super::support::{ALL_MODES, HEELER, Lines, PATIENCE, SECOND, at_once, is_root, pass, skipped, succeeds, tree};

/// For so long a handler may take to start before the pause, and for so long heeler is stopped.
const DEADLINE: Duration = Duration::from_secs(3);

#[test]
fn a_pause_of_heeler_costs_what_ran_out_of_time_in_it() {
    at_once(ALL_MODES, |mode| {
        let stage = Stage::new(mode, &[]);
        stage.case("stands still beyond a deadline", || {
            let mut conn = stage.heeler.conn();
            conn.send(
                &stage.request("mark:paused hang").header("X-Timeout", &format!("{}s", DEADLINE.as_secs())).bytes(),
            );
            stage.gate.wait_for("paused");
            tree::signal(stage.heeler.pid, Signal::SIGSTOP);
            pass(DEADLINE);
            tree::signal(stage.heeler.pid, Signal::SIGCONT);
            let answer = conn.read_response("GET").unwrap();
            assert_eq!((answer.status, answer.reason()), (if mode == "classic" { 408 } else { 504 }, "timeout"));
        });
        stage.case("stands still within a call that has time", || {
            let mut conn = stage.heeler.conn();
            conn.send(&stage.request("mark:still wait:move head put:4 end").bytes());
            stage.gate.wait_for("still");
            tree::signal(stage.heeler.pid, Signal::SIGSTOP);
            stage.gate.let_go("move");
            pass(SECOND / 5);
            tree::signal(stage.heeler.pid, Signal::SIGCONT);
            assert_eq!(conn.read_response("GET").unwrap().assert_ok().body, b"aaaa");
        });
    });
}

#[test]
fn a_clock_that_is_years_ahead_changes_no_deadline() {
    let years = (10 * 365 * 86_400).to_string();
    let clocks = ["-T", "--monotonic", &years, "--boottime", &years];
    if !is_root() || !succeeds("unshare", &[&clocks[..], &["true"]].concat()) {
        return skipped("no time namespace can be made");
    }
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("heeler");
    fs::write(&program, format!("#!/bin/sh\nexec unshare {} {HEELER:?} \"$@\"\n", clocks.join(" "))).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    at_once(ALL_MODES, |mode| {
        let stage = Stage::with(mode, |builder| builder.user(0, &program));
        // The offsets in /proc are those of children to come, whichever namespace the process is in itself.
        let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/time")).unwrap();
        if namespace(&stage.heeler.pid.to_string()) == namespace("self") {
            return skipped("unshare moves no program into a time namespace");
        }
        let offsets = fs::read_to_string(format!("/proc/{}/timens_offsets", stage.heeler.pid)).unwrap();
        assert!(offsets.contains(&years), "{offsets}");
        stage.case("has a clock that is years ahead", || {
            let began = Instant::now();
            stage.meets(&stage.request("hang").header("X-Timeout", "500ms"), stage.late());
            let took = began.elapsed();
            assert!(took >= SECOND / 2 && took < PATIENCE, "{took:?}");
        });
    });
}

/// The system calls of a wait say by which clock they wait.
#[test]
fn nothing_waits_by_a_clock_that_can_be_set() {
    if !succeeds("strace", &["-V"]) || !is_root() {
        return skipped("system calls can be watched by root with strace only");
    }
    at_once(ALL_MODES, |mode| {
        let stage = Stage::new(mode, &[]);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calls");
        let calls = "trace=epoll_wait,epoll_pwait,epoll_pwait2,futex,timer_create,timerfd_create,timerfd_settime,\
                     clock_nanosleep,nanosleep,poll,ppoll,select,pselect6,setitimer,alarm,clock_gettime";
        let mut strace = Command::new("strace");
        strace.args(["-f", "-e", calls, "-o"]).arg(&file).args(["-p", &stage.heeler.pid.to_string()]);
        let mut strace = strace.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("strace");
        let said = Lines::follow(strace.stderr.take().expect("a pipe"));
        said.wait_for("attached");
        stage.case("waits while it is watched", || {
            stage.meets(&stage.request("hang").header("X-Timeout", "300ms"), stage.late());
        });
        tree::signal(i32::try_from(strace.id()).unwrap(), Signal::SIGINT);
        strace.wait().unwrap();
        let calls = fs::read_to_string(&file).unwrap();
        assert!(calls.contains("epoll_"), "{mode}: nothing was seen: {calls}");
        assert!(!calls.contains("REALTIME"), "{mode}: {calls}");
    });
}

/// The wall clock is for what people and programs read: log lines, dates of files, HEELER_DEADLINE_MS, an event's time.
#[test]
fn the_wall_clock_is_read_for_what_is_told_and_for_no_deadline() {
    let may = ["log/time.rs", "invoke/files/version.rs", "invoke/files/answer.rs", "invoke/call.rs", "client/event.rs"];
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut readers = Vec::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if fs::read_to_string(&path).unwrap().contains("SystemTime") {
                readers.push(path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    readers.sort_unstable();
    let mut may = may.to_vec();
    may.sort_unstable();
    assert_eq!(readers, may);
}
