//! Signals on their way to the command, and the state that it begins with.

use std::io::{Error, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Command;

use crate::dispositions::IGNORED_OUTSIDE;
use crate::support::{HEELER, Running, as_pid_1, children, fixture, heeler_init, in_session, kill, run};

/// FPE, ILL, SEGV, BUS, ABRT, TRAP, SYS.
const FAULTS: [i32; 7] = [8, 4, 11, 7, 6, 5, 31];

#[test]
fn every_other_signal_is_forwarded() {
    let mut init = Running::with_fixture("-s");
    for signal in (1..=64).filter(|signal| ![9, 17, 19].contains(signal) && !FAULTS.contains(signal)) {
        init.send(signal);
        assert_eq!(init.heard(), signal);
    }
}

/// What the kernel would drop, had PID 1 no handler of its own.
#[test]
fn pid_1_forwards_every_other_signal() {
    let Some(mut command) = as_pid_1() else { return };
    command.arg("--").arg(fixture());
    let mut running = Running::start(command);
    assert_eq!(running.line(), "2 ready");
    let heeler = children(running.pid())[0];
    for signal in (1..=64).filter(|signal| ![9, 17, 19].contains(signal) && !FAULTS.contains(signal)) {
        kill(heeler, signal);
        assert_eq!(running.heard(), signal);
    }
    // Faults of its own would end it; from others the kernel drops them.
    for signal in FAULTS {
        kill(heeler, signal);
        kill(heeler, libc::SIGUSR1);
        assert_eq!(running.heard(), libc::SIGUSR1, "after {signal}");
    }
    kill(children(heeler)[0], libc::SIGKILL);
    assert_eq!(running.wait().code(), Some(137));
}

/// A second one is no more than that: the command decides.
#[test]
fn each_term_is_forwarded() {
    let mut init = Running::with_fixture("-s");
    for _ in 0..3 {
        init.send(libc::SIGTERM);
        assert_eq!(init.heard(), libc::SIGTERM);
    }
    let count = "n=0; trap 'n=$((n+1)); echo $n; [ $n = 2 ] && exit 5' TERM; echo ready; while :; do sleep 0.01; done";
    let mut init = heeler_init();
    init.args(["-s", "--", "sh", "-c", count]);
    let mut init = Running::start(init);
    assert_eq!(init.line(), "ready");
    for nth in ["1", "2"] {
        init.send(libc::SIGTERM);
        assert_eq!(init.line(), nth);
    }
    assert_eq!(init.wait().code(), Some(5));
}

#[test]
fn a_fault_signal_ends_heeler_itself() {
    for signal in FAULTS {
        let mut init = Running::with_fixture("-s");
        let fixture = children(init.pid())[0];
        init.send(signal);
        assert_eq!(init.wait().signal(), Some(signal));
        kill(fixture, libc::SIGKILL);
    }
}

#[test]
fn the_end_after_a_forwarded_signal_is_the_commands() {
    let script = "trap 'exit 7' TERM; kill -TERM $PPID; while :; do :; done";
    assert_eq!(run("-s", &["sh", "-c", script]).status.code(), Some(7));
}

#[test]
fn signals_are_rewritten_and_dropped() {
    let mut init = Running::with_fixture("-s -r TERM:SIGQUIT -r 1:0 --rewrite usr1:RTMIN+6 -r RTMIN:INT");
    for (sent, heard) in [(1, None), (15, Some(3)), (10, Some(40)), (34, Some(2)), (3, Some(3)), (2, Some(2))] {
        init.send(sent);
        if let Some(heard) = heard {
            assert_eq!(init.heard(), heard, "for {sent}");
        }
    }
}

/// Two fixtures in one group: (heeler, the command, the other).
fn with_two_fixtures(options: &str) -> (Running, i32, i32) {
    let mut init = heeler_init();
    let fixture = fixture();
    let script = format!("{0} & echo $$; exec {0}", fixture.display());
    init.args(options.split_whitespace()).args(["--", "sh", "-c", &script]);
    let mut init = Running::start(init);
    let mut pids = Vec::new();
    let mut command = 0;
    for _ in 0..3 {
        match init.first_lines() {
            Ok(pid) => pids.push(pid),
            Err(pid) => command = pid,
        }
    }
    let other = pids.into_iter().find(|pid| *pid != command).unwrap();
    (init, command, other)
}

#[test]
fn the_command_alone_hears_a_signal() {
    let (mut init, command, other) = with_two_fixtures("-s");
    init.send(libc::SIGUSR1);
    assert_eq!(init.line(), format!("{command} 10"));
    // Had the other one heard the first, it would say so first: the lower number is taken first.
    kill(other, libc::SIGUSR2);
    assert_eq!(init.line(), format!("{other} 12"));
}

#[test]
fn with_g_its_group_hears_it() {
    let (mut init, command, other) = with_two_fixtures("-s -g");
    init.send(libc::SIGUSR1);
    let mut heard = [init.line(), init.line()];
    heard.sort_unstable();
    let mut expect = [format!("{command} 10"), format!("{other} 10")];
    expect.sort_unstable();
    assert_eq!(heard, expect);
}

#[test]
fn the_end_of_the_parent_is_forwarded() {
    let mut shell = in_session("sh");
    shell.args(["-c", "\"$0\" init -s -p USR1 -- \"$1\" & wait", HEELER]).arg(fixture());
    let mut shell = Running::start(shell);
    let fixture = shell.fixture_ready();
    shell.send(libc::SIGKILL);
    assert_eq!(shell.line(), format!("{fixture} 10"));
    kill(fixture, libc::SIGKILL);
}

/// SigBlk and SigIgn of the command, with heeler started under this mask and with these signals ignored.
fn configuration(blocked: u64, ignored: &'static [i32]) -> (u64, u64) {
    let mut init = heeler_init();
    init.args(["-s", "--", "cat", "/proc/self/status"]);
    // SAFETY: bare system calls; both the set and its size are the kernel's.
    unsafe {
        init.pre_exec(move || {
            for signal in ignored {
                libc::signal(*signal, libc::SIG_IGN);
            }
            let nothing = std::ptr::null_mut::<u64>();
            match libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const blocked, nothing, 8_usize) {
                0 => Ok(()),
                _ => Err(Error::last_os_error()),
            }
        });
    }
    let output = init.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let status = String::from_utf8(output.stdout).unwrap();
    (signals_of(&status, "SigBlk:"), signals_of(&status, "SigIgn:"))
}

fn signals_of(status: &str, name: &str) -> u64 {
    let value = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    u64::from_str_radix(value.trim(), 16).unwrap()
}

fn set(signals: &[i32]) -> u64 {
    signals.iter().fold(0, |set, signal| set | 1 << (signal - 1))
}

#[test]
fn the_command_has_the_signal_configuration_that_heeler_was_started_with() {
    // The tests' own runner may ignore some; SIGPIPE is ignored by Rust's runtime alone.
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    let always = signals_of(&own, "SigIgn:") & !set(&[libc::SIGPIPE]) & !set(&IGNORED_OUTSIDE);
    for blocked in [&[][..], &[10], &[1, 11, 17, 33, 34, 64]] {
        for ignored in [&[][..], &[13], &[2, 13, 20, 22], &[17], &[11, 7]] {
            let expect = (set(blocked), always | set(ignored));
            assert_eq!(configuration(expect.0, ignored), expect, "blocked {blocked:?}, ignored {ignored:?}");
        }
    }
}

#[test]
fn an_ignored_sigchld_costs_no_status() {
    let mut init = heeler_init();
    init.args(["-s", "--", "sh", "-c", "exit 6"]);
    // SAFETY: a bare system call.
    unsafe {
        init.pre_exec(|| {
            libc::signal(libc::SIGCHLD, libc::SIG_IGN);
            Ok(())
        });
    }
    assert_eq!(Running::start(init).wait().code(), Some(6));
}

#[test]
fn descriptors_and_their_limit_are_passed_on() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"text").unwrap();
    let mut init = Command::new("sh");
    let fd = file.as_raw_fd();
    init.args(["-c", "ulimit -Sn 77; exec \"$0\" init -s -- sh -c 'ulimit -Sn; cat /proc/self/fd/9; cat <&9'"]);
    init.arg(HEELER);
    // SAFETY: bare system calls.
    unsafe {
        init.pre_exec(move || {
            libc::lseek(fd, 0, libc::SEEK_SET);
            // To itself dup2 does nothing, and close-on-exec would stay (dup2(2)): the file may be 9 already.
            match libc::dup2(fd, 9) == 9 && libc::fcntl(9, libc::F_SETFD, 0) == 0 {
                true => Ok(()),
                false => Err(Error::last_os_error()),
            }
        });
    }
    assert_eq!(String::from_utf8(init.output().unwrap().stdout).unwrap(), "77\ntexttext");
}

#[test]
fn the_verbose_lines_tell_the_story() {
    let output = run("-s -v -r HUP:0 -r USR1:TERM", &["sh", "-c", "kill -HUP $PPID; kill -USR1 $PPID; exec sleep 100"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(143), "{said}");
    for part in ["started \"sh\"", "dropped SIGHUP", "forwarded SIGUSR1 as SIGTERM", "was ended by SIGTERM"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}
