//! Roles that are about processes: those that hang, hide, multiply and leave others behind.

use std::fs::File;
use std::io::{self, Read, Write};
use std::process::exit;
use std::time::{Duration, Instant};

use super::{fail, gate, longest_life, note, say, started, wait_for_open};

pub(super) fn hang() -> ! {
    loop {
        // SAFETY: waits for a signal.
        unsafe { libc::pause() };
    }
}

pub(super) fn kill_self(signal: usize) -> ! {
    let signal = i32::try_from(signal).unwrap_or(libc::SIGKILL);
    // Rust has a handler of its own for some.
    // SAFETY: a default disposition, then a signal to ourselves.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
    hang()
}

pub(super) fn ignore_requests_to_end() {
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT] {
        // SAFETY: no handler is set, only ignoring.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Tells the gate of a TERM, then ends.
pub(super) fn note_term() {
    // SAFETY: the set is ours, and blocking before waiting loses no signal.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        started();
        let mut signal = 0;
        libc::sigwait(&raw const set, &raw mut signal);
    }
    note("term");
}

/// True in the child.
fn fork() -> bool {
    // SAFETY: this program has one thread, so the child may do what it likes.
    match unsafe { libc::fork() } {
        -1 => fail("cannot fork"),
        0 => {
            // An alarm is not inherited.
            // SAFETY: as in main.
            unsafe { libc::alarm(longest_life()) };
            true
        }
        _ => false,
    }
}

fn setsid() {
    // SAFETY: no pointers.
    unsafe { libc::setsid() };
}

fn wait_for_children() {
    // SAFETY: null asks for no status.
    while unsafe { libc::wait(std::ptr::null_mut()) } > 0 {}
}

/// A daemon by the book, which also ignores requests to end and keeps the pipes open.
pub(super) fn escape(then: &str) {
    let (mut ready, tell) = io::pipe().unwrap_or_else(|error| fail(&error.to_string()));
    if fork() {
        setsid();
        if fork() {
            ignore_requests_to_end();
            started();
            drop(tell);
            hang();
        }
        exit(0);
    }
    drop(tell);
    wait_for_children();
    drop(ready.read(&mut [0]));
    match then {
        "hang" => hang(),
        "quiet" => {}
        _ => say("escaped\n"),
    }
}

/// A chain of processes that never stops forking.
pub(super) fn runner(pause_ms: usize) {
    if fork() {
        run_away(pause_ms);
    }
    started();
    hang();
}

/// So many such chains, and beside them a daemon that has left by the book.
pub(super) fn runners(pause_ms: usize, chains: usize) {
    for _ in 0..chains {
        if fork() {
            run_away(pause_ms);
        }
    }
    escape("hang");
}

/// Each process of the chain is in a session of its own, forks the next one and exits. It leaves a byte in the gate: a link
/// of a chain without pauses is gone before anybody who lists processes has looked at it.
fn run_away(pause_ms: usize) -> ! {
    let steps = gate().map(|gate| File::options().append(true).create(true).open(gate.join("steps")));
    let mut steps = steps.transpose().unwrap_or_else(|error| fail(&error.to_string()));
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until {
        setsid();
        if steps.as_mut().is_some_and(|steps| steps.write_all(b".").is_err()) {
            fail("the step cannot be told");
        }
        if pause_ms > 0 {
            std::thread::sleep(Duration::from_millis(pause_ms as u64));
        }
        if !fork() {
            exit(0);
        }
    }
    exit(0);
}

/// A background process that holds stdout, and says something on it once the gate opens.
pub(super) fn fork_and_leave() {
    let (mut ready, tell) = io::pipe().unwrap_or_else(|error| fail(&error.to_string()));
    if fork() {
        started();
        drop(tell);
        wait_for_open();
        say("from the background\n");
        note("finished");
        exit(0);
    }
    drop(tell);
    drop(ready.read(&mut [0]));
    say("left\n");
}

/// Processes whose parent ends, and which then wait for their own end.
pub(super) fn crowd(count: usize) {
    for _ in 0..count {
        if fork() {
            hang();
        }
    }
    say("left\n");
}

/// Processes whose parent ends before them, and which then end: someone else must collect them.
pub(super) fn orphans(count: usize) {
    for _ in 0..count {
        if fork() {
            let parent = std::process::id();
            if fork() {
                while std::os::unix::process::parent_id() == parent {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            exit(0);
        }
    }
    wait_for_children();
    say("orphaned\n");
}

pub(super) fn print_session() {
    // SAFETY: no pointers.
    let (group, session) = unsafe { (libc::getpgrp(), libc::getsid(0)) };
    say(&format!("pid={} pgid={group} sid={session}\n", std::process::id()));
}
