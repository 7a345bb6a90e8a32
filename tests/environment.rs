//! What a handler finds around itself: as if it had been started in heeler's place.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::os::fd::OwnedFd;
use std::process::Stdio;

use nix::sys::signal::Signal;
use support::{Gate, Heeler, MODES, Request, tree};

/// A command whose output has a head in cgi mode.
fn shown(mode: &str, command: &str) -> String {
    if mode == "cgi" { format!("sh -c 'echo; exec {command}'") } else { command.to_owned() }
}

#[test]
fn it_has_three_descriptors() {
    for mode in ["streaming", "serializing", "classic"] {
        let heeler = Heeler::play(mode, "fds", &[]);
        // Other calls' pipes are about while it starts.
        let gate = Gate::new();
        let other = Heeler::play(mode, "do", &[]);
        let mut held = other.conn();
        held.send(&Request::role("gate").gate(&gate).bytes());
        gate.wait_started(1);
        for (call, stdin) in [
            (heeler.get("/"), "/dev/null"),
            (heeler.post("/", "body"), "pipe:["),
            (other.call(&Request::role("fds")), "/dev/null"),
        ] {
            let text = call.assert_ok().text();
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines.len(), 3, "{mode}: {text}");
            assert!(lines[0].starts_with(&format!("0 -> {stdin}")), "{mode}: {text}");
            assert!(lines[1].starts_with("1 -> pipe:["), "{mode}: {text}");
            assert!(lines[2].starts_with("2 -> pipe:["), "{mode}: {text}");
        }
        gate.open();
        held.read_response("GET").unwrap().assert_ok();
    }
}

/// A pipe that is held by another call's child would not end with its own.
#[test]
fn calls_that_start_at_once_do_not_hold_each_others_pipes() {
    let heeler = Heeler::play("streaming", "do", &[]);
    let gate = Gate::new();
    let mut held: Vec<_> = (0..5).map(|_| heeler.conn()).collect();
    held.iter_mut().for_each(|conn| assert!(conn.send(&Request::role("gate").gate(&gate).bytes())));
    gate.wait_started(5);
    for _ in 0..20 {
        assert_eq!(
            heeler.call(&Request::role("count").method("POST").body(vec![b'x'; 100_000])).assert_ok().text(),
            "100000\n"
        );
    }
    gate.open();
    held.iter_mut().for_each(|conn| drop(conn.read_response("GET").unwrap().assert_ok().text()));
}

#[test]
fn it_never_reads_heelers_own_stdin() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut writer, b"not for you").unwrap();
    for mode in ["streaming", "serializing", "classic"] {
        let stdin = Stdio::from(OwnedFd::from(reader.try_clone().unwrap()));
        let heeler = Heeler::builder().role(mode, "echo").stdin(stdin).start();
        assert_eq!(heeler.get("/").assert_ok().text(), "", "{mode}");
    }
}

/// Signals 32 and 33 are glibc's: its posix_spawn, by which tests start heeler, leaves them ignored.
const LIBC_OWN: u64 = 0b11 << 31;

fn bit(signal: Signal) -> u64 {
    1 << (signal as u64 - 1)
}

#[test]
fn its_signals_are_as_heeler_found_them() {
    for mode in MODES {
        let bits = |heeler: &Heeler, key: &str| {
            let text = heeler.get("/").assert_ok().text();
            let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_else(|| panic!("{mode}: {text}"));
            u64::from_str_radix(line.trim(), 16).unwrap()
        };
        // Not the fixture: its runtime ignores SIGPIPE by itself.
        let command = shown(mode, "cat /proc/self/status");
        let env = [("mode", mode), ("fprocess", &command)];
        let heeler = Heeler::start(&env);
        assert_eq!(bits(&heeler, "SigBlk:"), 0, "{mode}: heeler blocks signals for itself only");
        assert_eq!(bits(&heeler, "SigIgn:") & !LIBC_OWN, 0, "{mode}: heeler ignores signals for itself only");
        let inherited = [Signal::SIGHUP, Signal::SIGPIPE];
        let heeler = Heeler::builder().envs(&env).blocked(Signal::SIGUSR2).ignored(inherited).start();
        assert_eq!(bits(&heeler, "SigBlk:"), bit(Signal::SIGUSR2), "{mode}: what heeler inherited");
        let expected = inherited.map(bit).into_iter().sum::<u64>();
        assert_eq!(bits(&heeler, "SigIgn:") & !LIBC_OWN, expected, "{mode}: what heeler inherited");
    }
}

/// The same for handlers that are kept: a shell notes what it was started with.
#[test]
fn the_signals_of_what_is_kept_are_as_heeler_found_them() {
    for (mode, words) in [("http", "serve"), ("warm", "worker")] {
        let gate = Gate::new();
        // By itself: some shells unblock signals once they have started something.
        let note = "while read -r line; do echo \"$line\"; done </proc/self/status";
        let script = format!("{note} >{}/status; exec {}", gate.path(), support::testfn(words));
        let command = format!("sh -c {}", shell_words::quote(&script));
        let inherited = [Signal::SIGHUP, Signal::SIGPIPE];
        for (blocked, ignored) in [(None, &[][..]), (Some(Signal::SIGUSR2), &inherited[..])] {
            let builder = Heeler::builder().envs(&[("mode", mode), ("fprocess", &command)]);
            let builder = blocked.into_iter().fold(builder, support::Builder::blocked);
            let heeler = builder.ignored(ignored.iter().copied()).start();
            heeler.get("/").assert_ok();
            let status = std::fs::read_to_string(gate.file("status")).unwrap();
            let bits = |key: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
                u64::from_str_radix(line.trim(), 16).unwrap()
            };
            assert_eq!(bits("SigBlk:"), blocked.map_or(0, bit), "{mode}");
            let ignored = ignored.iter().map(|signal| bit(*signal)).sum::<u64>();
            assert_eq!(bits("SigIgn:") & !LIBC_OWN, ignored, "{mode}");
        }
    }
}

#[test]
fn it_leads_a_session_of_its_own() {
    for mode in ["streaming", "serializing", "classic"] {
        let heeler = Heeler::play(mode, "session", &[]);
        let text = heeler.get("/").assert_ok().text();
        let ids: Vec<&str> = text.split_whitespace().map(|pair| pair.split_once('=').unwrap().1).collect();
        assert!(ids[0] == ids[1] && ids[1] == ids[2], "{mode}: {text}");
    }
}

#[test]
fn its_limits_are_as_heeler_found_them() {
    for mode in ["streaming", "serializing", "classic"] {
        let heeler = Heeler::builder().role(mode, "limits").limit(libc::RLIMIT_NOFILE, 200, 900).start();
        let limits_of = |text: &str| -> Vec<String> {
            let line = text.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
            line.split_whitespace().take(2).map(str::to_owned).collect()
        };
        let own = std::fs::read_to_string(format!("/proc/{}/limits", heeler.pid)).unwrap();
        assert_eq!(limits_of(&own), ["900", "900"], "{mode}: heeler takes what it may");
        assert_eq!(limits_of(&heeler.get("/").assert_ok().text()), ["200", "900"], "{mode}");
    }
}

#[test]
fn it_works_in_heelers_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    for mode in ["streaming", "serializing", "classic"] {
        let heeler = Heeler::builder().role(mode, "cwd").folder(&path).start();
        assert_eq!(heeler.get("/").assert_ok().text().trim_end(), path.to_str().unwrap(), "{mode}");
        // A command may be named from there.
        std::fs::write(path.join("script.sh"), "#!/bin/sh\necho from here\n").unwrap();
        let heeler = Heeler::builder().envs(&[("mode", mode), ("fprocess", "sh ./script.sh")]).folder(&path).start();
        assert_eq!(heeler.get("/").assert_ok().text(), "from here\n", "{mode}");
    }
}

#[test]
fn it_has_heelers_environment() {
    for mode in ["streaming", "serializing", "classic"] {
        let env = [("EMPTY", ""), ("WITH_EQUALS", "a=b=c"), ("SPACES", " a  b "), ("PORT", "1234"), ("port", "0")];
        let heeler = Heeler::play(mode, "env", &env);
        let answer = heeler.get("/");
        for (name, value) in env {
            assert_eq!(answer.variable(name).as_deref(), Some(value), "{mode}: {name}");
        }
    }
}

/// of-watchdog's handlers live on.
#[test]
fn it_ends_with_a_heeler_that_was_killed() {
    for mode in MODES {
        let mut heeler = Heeler::play(mode, "hang-ignoring-term", &[("exec_timeout", "100s")]);
        let gate = Gate::new();
        let mut conns: Vec<_> = (0..3).map(|_| heeler.conn()).collect();
        conns.iter_mut().for_each(|conn| assert!(conn.send(&Request::get("/").gate(&gate).bytes())));
        let pids = gate.wait_started(3);
        heeler.signal(Signal::SIGKILL);
        assert_eq!(heeler.exit_code(), 137);
        tree::wait_until_gone(&pids);
    }
}

#[test]
fn with_more_threads_all_is_the_same() {
    let env = [("threads", "2"), ("exec_timeout", "100s")];
    let heeler = Heeler::play("streaming", "do", &env);
    for _ in 0..50 {
        assert_eq!(
            heeler.call(&Request::role("count").method("POST").body(vec![b'x'; 100_000])).assert_ok().text(),
            "100000\n"
        );
    }
    // The parent-death signal follows the thread that started it, so that thread must stay.
    let gate = Gate::new();
    let mut conn = heeler.conn();
    conn.send(&Request::role("gate").gate(&gate).bytes());
    gate.wait_started(1);
    support::pass(support::SECOND);
    gate.open();
    assert_eq!(conn.read_response("GET").unwrap().assert_ok().text(), "opened\n");
}
