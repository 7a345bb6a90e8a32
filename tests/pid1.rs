//! As process 1 of a container, and alike as a subreaper: who ends is collected, whoever its parent was.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use nix::sys::signal::Signal;
use support::{Builder, Failure, Gate, Heeler, MODES, Request, SECOND, assert_took, eventually, skipped, tree};

/// Both places that heeler can have; process 1 only where this is allowed.
fn places() -> Vec<bool> {
    let allowed = support::succeeds("unshare", &["-pf", "--kill-child", "--mount-proc", "true"]);
    if !allowed {
        skipped("process 1: namespaces are not allowed here (try as root, or with --privileged)");
    }
    if allowed { vec![false, true] } else { vec![false] }
}

fn builder(pid1: bool, mode: &str, env: &[(&str, &str)]) -> Builder {
    let builder = Heeler::builder().role(mode, "do").envs(env);
    if pid1 { builder.in_namespace() } else { builder }
}

/// Processes below heeler that have ended and were not collected.
fn zombies(heeler: &Heeler) -> Vec<tree::Process> {
    heeler.descendants().into_iter().filter(|process| process.state == 'Z').collect()
}

#[test]
fn it_is_process_1_and_serves() {
    for pid1 in places() {
        for mode in MODES {
            let heeler = builder(pid1, mode, &[]).start();
            if pid1 {
                assert!(tree::status(heeler.pid, "NSpid").ends_with("\t1"), "{}", tree::status(heeler.pid, "NSpid"));
            }
            let role = if mode == "cgi" { "cgi-say hi" } else { "say hi" };
            for _ in 0..10 {
                assert_eq!(heeler.call(&Request::role(role)).assert_ok().text(), "hi\n");
            }
            heeler.wait_childless();
        }
    }
}

/// Both peers leave one zombie for each call that leaves a background process.
#[test]
fn background_processes_leave_no_zombies() {
    for pid1 in places() {
        for leftovers in ["kill", "keep"] {
            let heeler = builder(pid1, "streaming", &[("leftovers", leftovers), ("kill_grace", "100ms")]).start();
            let gate = Gate::new();
            for _ in 0..10 {
                heeler.call(&Request::role("fork-and-leave").gate(&gate)).assert_ok();
                heeler.call(&Request::role("escape exit").gate(&gate)).assert_ok();
            }
            if leftovers == "keep" {
                assert!(heeler.descendants().len() >= 20, "{:?}", heeler.descendants());
                gate.open();
                // The daemons ignore all but KILL.
                for process in heeler.descendants() {
                    tree::kill_if_there(process.pid);
                }
            }
            heeler.wait_childless();
        }
    }
}

#[test]
fn a_thousand_orphans_are_collected() {
    for pid1 in places() {
        let heeler = builder(pid1, "streaming", &[]).metrics().start();
        for _ in 0..5 {
            heeler.call(&Request::role("orphans 200")).assert_ok();
        }
        heeler.wait_childless();
        eventually("they are counted", || heeler.scrape().sum("heeler_orphans_reaped_total", &[]) >= 100.0);
    }
}

/// A wait of a hundredth of a second for each of a thousand is as long. Without one it takes about a tenth of a second.
const MOST: std::time::Duration = std::time::Duration::from_secs(10);

/// All of them end at once, and are no children of heeler's.
#[test]
fn a_crowd_that_ends_at_once_is_collected_without_waiting_for_one_after_the_other() {
    for pid1 in places() {
        let heeler = builder(pid1, "streaming", &[("leftovers", "keep")]).start();
        for _ in 0..10 {
            heeler.call(&Request::role("crowd 100")).assert_ok();
        }
        let crowd = heeler.descendants();
        assert_eq!(crowd.len(), 1000);
        let began = std::time::Instant::now();
        crowd.iter().for_each(|process| tree::kill_if_there(process.pid));
        heeler.wait_childless();
        let took = began.elapsed();
        eprintln!("pid1: a thousand processes were collected in {took:.2?}");
        assert!(took < MOST, "a thousand processes were collected in {took:?}");
        heeler.call(&Request::role("say hi")).assert_ok();
    }
}

#[test]
fn escapees_end_at_the_deadline() {
    for pid1 in places() {
        let heeler = builder(pid1, "streaming", &[("exec_timeout", "1s"), ("kill_grace", "100ms")]).start();
        std::thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| {
                    let began = std::time::Instant::now();
                    heeler.call(&Request::role("escape hang")).assert_made_by_heeler(504, "timeout");
                    assert_took(began.elapsed(), SECOND);
                });
            }
        });
        heeler.wait_childless();
    }
}

#[test]
fn a_call_ends_only_its_own_tree() {
    for pid1 in places() {
        let heeler = builder(pid1, "streaming", &[("kill_grace", "100ms"), ("exec_timeout", "100s")]).start();
        let (gate, other) = (Gate::new(), Gate::new());
        let mut held = heeler.conn();
        held.send(&Request::role("gate").gate(&gate).bytes());
        gate.wait_started(1);
        for _ in 0..5 {
            heeler.call(&Request::role("escape hang").gate(&other).header("X-Timeout", "300ms"));
        }
        eventually("only the held one is left", || heeler.descendants().len() == 1);
        gate.open();
        assert_eq!(held.read_response("GET").unwrap().assert_ok().text(), "opened\n");
    }
}

#[test]
fn statuses_reach_their_own_calls_under_load() {
    for pid1 in places() {
        let heeler = builder(pid1, "serializing", &[]).start();
        std::thread::scope(|scope| {
            for thread in 0..8_u16 {
                let heeler = &heeler;
                scope.spawn(move || {
                    let mut conn = heeler.conn();
                    for n in 0..25 {
                        let code = (thread * 25 + n) % 256;
                        let answer = conn.call(&Request::role(&format!("exit {code}")));
                        let expected = if code == 0 { String::new() } else { format!("exit status {code}") };
                        assert_eq!(answer.text().trim_end(), expected);
                    }
                });
            }
        });
        heeler.wait_childless();
        assert!(zombies(&heeler).is_empty());
    }
}

/// For process 1 a signal without a handler of its own is dropped by the kernel.
#[test]
fn signals_drain_it() {
    for pid1 in places() {
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT] {
            let mut heeler = builder(pid1, "streaming", &[]).start();
            let gate = Gate::new();
            let mut held = heeler.conn();
            held.send(&Request::role("gate").gate(&gate).bytes());
            gate.wait_started(1);
            heeler.signal(signal);
            heeler.wait_closed();
            gate.open();
            assert_eq!(held.read_response("GET").unwrap().assert_ok().text(), "opened\n");
            assert_eq!(heeler.exit_code(), 0, "{signal}");
        }
    }
}

/// Left as they are: a fault must end the process that made it.
const FAULTS: [i32; 7] =
    [libc::SIGFPE, libc::SIGILL, libc::SIGSEGV, libc::SIGBUS, libc::SIGABRT, libc::SIGTRAP, libc::SIGSYS];

/// KILL and STOP cannot be taken, TERM, INT and QUIT ask for the end.
fn others() -> impl Iterator<Item = i32> {
    let not = [libc::SIGKILL, libc::SIGSTOP, libc::SIGTERM, libc::SIGINT, libc::SIGQUIT];
    (1..=64).filter(move |signal| !not.contains(signal) && !FAULTS.contains(signal))
}

#[test]
fn other_signals_are_no_reason_to_end() {
    for pid1 in places() {
        let mut heeler = builder(pid1, "streaming", &[]).start();
        // The kernel keeps from PID 1 what would end it by default.
        let faults = if pid1 { &FAULTS[..] } else { &[] };
        for signal in others().chain(faults.iter().copied()) {
            tree::signal_number(heeler.pid, signal);
            heeler.call(&Request::role("say hi")).assert_ok();
        }
        assert!(heeler.runs());
        heeler.signal(Signal::SIGTERM);
        assert_eq!(heeler.exit_code(), 0);
    }
}

#[test]
fn a_fault_signal_ends_it_and_what_it_started() {
    for signal in FAULTS {
        let mut heeler = builder(false, "streaming", &[]).limit(libc::RLIMIT_CORE, 0, 0).start();
        let gate = Gate::new();
        let mut held = heeler.conn();
        held.send(&Request::role("gate").gate(&gate).bytes());
        let handler = gate.wait_started(1);
        tree::signal_number(heeler.pid, signal);
        if [libc::SIGSEGV, libc::SIGBUS].contains(&signal) {
            // Rust's handler for overflows of the stack steps aside and lets the fault happen again. One that somebody sent
            // does not happen again by itself.
            eventually("it steps aside", || !tree::takes(heeler.pid, signal));
            tree::signal_number(heeler.pid, signal);
        }
        assert_eq!(heeler.exit_code(), 128 + signal);
        tree::wait_until_gone(&handler);
    }
}

#[test]
fn a_second_term_ends_it_at_once() {
    for pid1 in places() {
        let mut heeler = builder(pid1, "streaming", &[("kill_grace", "30s"), ("exec_timeout", "100s")]).start();
        let gate = Gate::new();
        let mut held = heeler.conn();
        held.send(&Request::role("escape hang").gate(&gate).bytes());
        let daemon = gate.wait_started(1);
        let below: Vec<i32> = heeler.descendants().iter().map(|process| process.pid).collect();
        assert!(below.len() >= 2, "the handler and its daemon: {below:?}");
        assert!(pid1 || below.contains(&daemon[0]), "{daemon:?} is not of {below:?}");
        heeler.signal(Signal::SIGTERM);
        // The first one must have been taken: two that are pending at once are one.
        heeler.wait_closed();
        heeler.signal(Signal::SIGTERM);
        assert_eq!(heeler.exit_code_within(SECOND * 5), Some(143));
        tree::wait_until_gone(&below);
    }
}

#[test]
fn exit_codes_are_the_same_in_both_places() {
    for pid1 in places() {
        let start = |command: &str| {
            let builder = Heeler::builder().env("fprocess", command);
            let mut heeler = if pid1 { builder.in_namespace() } else { builder }.spawn();
            (heeler.exit_code(), heeler.stderr.rest())
        };
        let (code, said) = start("/nowhere/at/all");
        assert_eq!(code, 127, "{said}");
        let (code, said) = start("/");
        assert_eq!(code, 126, "{said}");
    }
}

#[test]
fn a_client_that_goes_away_ends_the_tree() {
    for pid1 in places() {
        let heeler = builder(pid1, "streaming", &[("kill_grace", "100ms"), ("exec_timeout", "100s")]).start();
        for _ in 0..5 {
            let gate = Gate::new();
            let mut conn = heeler.conn();
            conn.send(&Request::role("escape hang").gate(&gate).bytes());
            gate.wait_started(1);
            conn.half_close();
            heeler.wait_childless();
            assert!(!matches!(conn.read_response("GET"), Err(Failure::TimedOut)));
        }
    }
}

/// A server that is kept, with a daemon that it leaves behind: both die, both are collected, and the next one comes.
#[test]
fn a_server_that_is_kept_dies_and_comes_again() {
    for pid1 in places() {
        let gate = Gate::new();
        let builder = support::kept::keep("leave", &gate);
        let mut heeler = if pid1 { builder.in_namespace() } else { builder }.start();
        assert_eq!(heeler.descendants().len(), 2, "a server and its daemon");
        assert!(support::kept::server(&heeler, 1).get("/kill/9").is_none());
        support::kept::server(&heeler, 2);
        support::kept::wait_probe(&heeler, "/_/ready", 200, "OK");
        eventually("none is left of the first one", || heeler.descendants().len() == 2);
        heeler.signal(Signal::SIGTERM);
        assert_eq!(heeler.exit_code(), 0);
    }
}
