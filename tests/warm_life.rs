//! warm mode's workers on their way up and after: what is said when they do not come, how they die, and their end.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::kept::{end_within, has_heard, probe, spawn, wait_probe};
use support::working::{call_aside, pid, said, starts, work, workers};
use support::{Conn, Gate, Heeler, PATIENCE, Request, eventually, succeeds, tree};

/// The last line that heeler wrote.
fn last_words(heeler: &Heeler) -> String {
    heeler.stderr.rest();
    heeler.stderr.json().last().map(|line| line["msg"].as_str().unwrap_or_default().to_owned()).unwrap_or_default()
}

#[test]
fn the_port_opens_with_the_first_hello() {
    let gate = Gate::new();
    let mut heeler = spawn(work("gate", &gate).env("workers", "3"));
    // All of them are started at once.
    let pids = gate.wait_started(3);
    assert!(Conn::try_open(heeler.address()).is_err(), "open although nobody could be served");
    assert_eq!(probe(&heeler, "/_/ready"), (503, "starting".to_owned()));
    assert_eq!(probe(&heeler, "/_/health"), (200, "OK".to_owned()));
    gate.open();
    heeler.wait_ready();
    assert_eq!(probe(&heeler, "/_/ready"), (200, "OK".to_owned()));
    assert!(pids.contains(&pid(&heeler)));
    let mut seen = workers(&heeler, 3);
    seen.sort_unstable();
    let mut started = pids;
    started.sort_unstable();
    assert_eq!(seen, started);
}

#[test]
fn a_worker_has_its_socket_and_nothing_else_of_heelers() {
    let gate = Gate::new();
    let heeler = work("", &gate).env("HEELER_FD", "77").env("handler", "a.b").start();
    let pid = pid(&heeler);
    let at = |fd: &str| fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap().to_string_lossy().into_owned();
    assert_eq!(at("0"), "/dev/null");
    assert!(at("1").starts_with("pipe:") && at("2").starts_with("pipe:") && at("1") != at("2"));
    assert!(at("3").starts_with("socket:"));
    // The fixture has made one more, a copy of the same.
    let all = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().map(|entry| entry.unwrap().file_name());
    let others: Vec<String> = all.map(|fd| at(fd.to_str().unwrap())).filter(|at| at.starts_with("socket:")).collect();
    assert_eq!(others, [at("3"), at("3")]);
    assert_eq!(tree::descriptors(pid), 5);
    let environment = heeler.get("/env").assert_ok().text();
    let told: Vec<_> = environment.lines().filter(|line| line.starts_with("HEELER_FD=")).collect();
    assert_eq!(told, ["HEELER_FD=3"]);
    let settings = heeler.get("/settings").assert_ok().text();
    let processors = settings.strip_prefix("handler\na.b\nprocessors\n");
    assert!(processors.is_some_and(|count| count.trim_end().parse::<usize>().is_ok()), "{settings}");
}

/// Java can take over no other descriptor.
#[test]
fn a_program_called_java_has_its_socket_as_standard_input() {
    let (gate, folder) = (Gate::new(), tempfile::tempdir().unwrap());
    let java = folder.path().join("java");
    std::os::unix::fs::symlink(support::testfn_path(), &java).unwrap();
    let heeler = work("", &gate).env("fprocess", &format!("{} worker", java.display())).start();
    let at = |fd: &str| fs::read_link(format!("/proc/{}/fd/{fd}", pid(&heeler)));
    assert!(at("0").unwrap().to_string_lossy().starts_with("socket:"));
    // Its own copy: heeler gave it no third one.
    assert_eq!(at("3").unwrap(), at("0").unwrap());
    assert_eq!(heeler.get("/env").assert_ok().text().lines().filter(|line| *line == "HEELER_FD=0").count(), 1);
}

#[test]
fn a_worker_that_does_not_say_hello_ends_heeler_with_the_reason() {
    for (words, code, message) in [
        ("exit=0", 1, "the worker ended with exit code 0 before it said hello"),
        ("exit=3", 3, "the worker ended with exit code 3 before it said hello"),
        ("load-fails", 1, "the function could not be loaded: ImportError: no module named nowhere"),
        ("silent", 1, "the worker did not say hello within 700ms (start_timeout)"),
        ("shut", 1, "the worker closed its socket before it said hello"),
    ] {
        let gate = Gate::new();
        let mut heeler = work(words, &gate).env("start_timeout", "700ms").env("workers", "2").spawn();
        assert_eq!(heeler.exit_code(), code, "{words}");
        assert_eq!(last_words(&heeler), message, "{words}");
        assert_eq!(starts(&heeler), 2, "{words}: nobody starts it again");
    }
}

#[test]
fn a_worker_that_speaks_nonsense_ends_heeler_before_it_was_up() {
    let gate = Gate::new();
    let mut heeler = work("rubbish", &gate).spawn();
    assert_eq!(heeler.exit_code(), 1);
    let last = last_words(&heeler);
    assert!(last.starts_with("the worker broke the protocol: "), "{last}");
}

/// Kubernetes shows the last lines of a container that failed.
#[test]
fn the_stack_of_a_load_failure_is_in_the_log() {
    let gate = Gate::new();
    let mut heeler = work("load-fails", &gate).env("workers", "3").spawn();
    assert_eq!(heeler.exit_code(), 1);
    heeler.stderr.rest();
    for line in ["File \"function.py\", line 1", "import nowhere"] {
        assert_eq!(said(&heeler, line), 1, "{line}");
    }
}

#[test]
fn a_command_that_is_not_there_is_said_at_once() {
    let mut heeler = Heeler::builder().envs(&[("mode", "warm"), ("fprocess", "/no/such/worker")]).spawn();
    assert_eq!(heeler.exit_code(), 127);
}

/// Its exec fails behind the place where it got its socket.
#[test]
fn a_script_without_its_interpreter_is_told_from_one_that_ends() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("worker");
    fs::write(&script, "#!/no/such/interpreter\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let mut heeler = Heeler::builder().envs(&[("mode", "warm"), ("fprocess", script.to_str().unwrap())]).spawn();
    assert_eq!(heeler.exit_code(), 127);
    let last = last_words(&heeler);
    assert!(last.starts_with("cannot run the worker: cannot execute "), "{last}");
}

#[test]
fn term_before_the_first_hello_ends_all() {
    let gate = Gate::new();
    let mut heeler = spawn(work("gate", &gate).env("workers", "2").env("kill_grace", "20s"));
    let pids = gate.wait_started(2);
    heeler.signal(Signal::SIGTERM);
    assert_eq!(end_within(&mut heeler, PATIENCE / 2), Some(0));
    tree::wait_until_gone(&pids);
    assert_eq!(workers(&heeler, 0), [0; 0]);
}

#[test]
fn a_worker_that_dies_costs_its_own_calls_only() {
    let gate = Gate::new();
    let mut heeler = work("", &gate).env("workers", "2").start();
    let both = workers(&heeler, 2);
    let (one, other) = (call_aside(&heeler, "/gate"), call_aside(&heeler, "/gate"));
    gate.wait_started(2);
    tree::signal(both[0], Signal::SIGKILL);
    let is_over = || one.is_finished() || other.is_finished();
    eventually("the dead worker's call is answered", is_over);
    assert!(!(one.is_finished() && other.is_finished()), "a call failed with the other's worker");
    gate.open();
    let mut answers = [one.join().unwrap(), other.join().unwrap()];
    answers.sort();
    assert_eq!((answers[0].0, answers[0].1.as_str()), (200, "opened\n"));
    assert_eq!(answers[1].0, 502);
    assert_eq!(workers(&heeler, 3).len(), 3);
    assert!(heeler.scrape().value("heeler_restarts_total", &[("cause", "signal")]) == 1.0);
    assert!(heeler.runs());
}

#[test]
fn a_worker_that_served_comes_again_at_once_and_calls_wait_for_it() {
    let gate = Gate::new();
    let mut heeler = work("", &gate).start();
    for round in 0..10 {
        let before = pid(&heeler);
        tree::signal(before, Signal::SIGKILL);
        // What is sent before its end was heard of is its own.
        eventually("its end was heard of", || said(&heeler, "worker is started again") > round);
        let after = pid(&heeler);
        assert_ne!(before, after, "{round}");
    }
    let pauses: Vec<_> =
        heeler.stderr.json().into_iter().filter(|line| line["msg"] == "worker is started again").collect();
    assert!(pauses.len() == 10 && pauses.iter().all(|line| line["pause"] == "0s"), "{pauses:?}");
    assert!(heeler.runs());
}

#[test]
fn without_a_worker_it_is_not_ready_and_failed_starts_are_ever_further_apart() {
    let gate = Gate::new();
    let mut heeler = work("only-first", &gate).start();
    tree::signal(workers(&heeler, 1)[0], Signal::SIGKILL);
    wait_probe(&heeler, "/_/ready", 503, "handler");
    assert_eq!(probe(&heeler, "/_/health"), (200, "OK".to_owned()));
    let began = Instant::now();
    eventually("four failed starts", || starts(&heeler) >= 6);
    // At least half of 100, 200, 400 and 800 ms.
    assert!(began.elapsed() >= Duration::from_millis(700), "{:?}", began.elapsed());
    assert!(heeler.runs());
    fs::remove_file(gate.file("served")).unwrap();
    wait_probe(&heeler, "/_/ready", 200, "OK");
}

#[test]
fn restart_never_ends_heeler_with_the_workers_code() {
    for (path, code, how) in [("/exit/7", 7, "ended with exit code 7"), ("/kill/9", 137, "was ended by SIGKILL")] {
        let gate = Gate::new();
        let mut heeler = work("", &gate).env("restart", "never").start();
        assert_eq!(heeler.get(path).status, 502);
        assert_eq!(heeler.exit_code(), code, "{path}");
        assert_eq!(last_words(&heeler), format!("the worker {how}, and restart is never"));
    }
}

#[test]
fn calls_that_wait_are_told_when_no_worker_will_come_again() {
    let gate = Gate::new();
    let mut heeler = work("", &gate).env("restart", "never").start();
    let running = call_aside(&heeler, "/gate");
    gate.wait_started(1);
    let waiting = call_aside(&heeler, "/pid");
    eventually("one runs and one waits", || heeler.scrape().value("http_requests_in_flight", &[]) == 2.0);
    tree::signal(workers(&heeler, 1)[0], Signal::SIGKILL);
    let (status, text) = waiting.join().unwrap();
    assert_eq!((status, text.as_str()), (503, "handler: the workers have ended for good\n"));
    assert_eq!(running.join().unwrap().0, 502);
    assert_eq!(end_within(&mut heeler, PATIENCE / 2), Some(137));
}

#[test]
fn a_worker_that_breaks_the_protocol_or_its_socket_is_replaced() {
    for path in ["/rubbish", "/shut"] {
        let gate = Gate::new();
        let heeler = work("", &gate).start();
        let first = pid(&heeler);
        assert_eq!(heeler.get(path).status, 502, "{path}");
        assert_ne!(pid(&heeler), first, "{path}");
        tree::wait_until_gone(&[first]);
    }
}

#[test]
fn what_a_dead_worker_leaves_behind_is_ended() {
    let gate = Gate::new();
    let heeler = work("leave", &gate).start();
    let first = pid(&heeler);
    let left: Vec<i32> = heeler.descendants().iter().map(|process| process.pid).filter(|pid| *pid != first).collect();
    assert_eq!(left.len(), 1);
    tree::signal(first, Signal::SIGKILL);
    tree::wait_until_gone(&left);
}

#[test]
fn signals_for_handlers_reach_every_worker() {
    let gate = Gate::new();
    let heeler = work("", &gate).env("workers", "2").start();
    workers(&heeler, 2);
    heeler.signal(Signal::SIGUSR1);
    let line = format!("signal {}", Signal::SIGUSR1 as i32);
    eventually("both have heard it", || {
        heeler.stdout.json().iter().filter(|said| said["msg"] == line.as_str()).count() == 2
    });
}

#[test]
fn a_drain_says_bye_after_the_last_call() {
    let gate = Gate::new();
    let mut heeler = work("", &gate).env("workers", "2").start();
    workers(&heeler, 2);
    let call = call_aside(&heeler, "/gate");
    gate.wait_started(1);
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    assert!(!gate.has("bye"), "a worker heard of the end before its call was over");
    gate.open();
    assert_eq!(call.join().unwrap(), (200, "opened\n".to_owned()));
    assert_eq!(end_within(&mut heeler, PATIENCE), Some(0));
    let byes = heeler.stdout.json().iter().filter(|line| line["msg"] == "bye").count();
    assert_eq!(byes, 2);
    assert!(!has_heard(&heeler, libc::SIGTERM), "they ended by themselves");
}

#[test]
fn workers_that_hear_nothing_are_ended_by_term_and_kill() {
    let gate = Gate::new();
    let mut heeler = work("deaf", &gate).env("workers", "2").start();
    let pids = workers(&heeler, 2);
    heeler.signal(Signal::SIGTERM);
    assert_eq!(end_within(&mut heeler, PATIENCE), Some(0));
    assert!(has_heard(&heeler, libc::SIGTERM));
    tree::wait_until_gone(&pids);
}

#[test]
fn a_second_signal_ends_at_once() {
    let gate = Gate::new();
    let mut heeler = work("deaf", &gate).env("kill_grace", "60s").start();
    let pids = workers(&heeler, 1);
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    heeler.signal(Signal::SIGTERM);
    assert_eq!(end_within(&mut heeler, PATIENCE / 2), Some(128 + libc::SIGTERM));
    tree::wait_until_gone(&pids);
}

#[test]
fn a_call_of_a_worker_that_was_stopped_ends_with_it() {
    let gate = Gate::new();
    let heeler = work("", &gate).env("exec_timeout", "400ms").start();
    let first = pid(&heeler);
    // It has one place: what it does not let go of costs it its life, and the call is answered long before.
    assert_eq!(heeler.call(&Request::get("/hang")).status, 504);
    tree::wait_until_gone(&[first]);
    eventually("another one serves", || heeler.get("/pid").status == 200);
    assert!(heeler.scrape().value("heeler_restarts_total", &[("cause", "timeout")]) == 1.0);
}

/// A worker, and beside it on its processor eight loops for as long as the gate has a file `crowd`.
const CROWDED: &str = r#"
taskset -cp "$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')" $$ >&2
for loop in 1 2 3 4 5 6 7 8; do
    (
        eval "exec $HEELER_FD>&-"
        until [ -e "$TESTFN_GATE/crowd" ]; do [ -d "$TESTFN_GATE" ] || exit; sleep 0.02; done
        : >"$TESTFN_GATE/crowding.$loop"
        while [ -e "$TESTFN_GATE/crowd" ]; do :; done
    ) &
done
exec "$0" worker places=4
"#;

/// It hears neither a cancel nor a ping, and is well. Its end would cost its other calls.
#[test]
fn a_worker_that_waits_for_a_processor_is_not_ended() {
    let gate = Gate::new();
    let command = shell_words::join(["sh", "-c", CROWDED, &support::testfn_path().display().to_string()]);
    let heeler = work("", &gate).env("fprocess", &command).start();
    let worker = pid(&heeler);
    let neighbour = call_aside(&heeler, "/wait/later");
    gate.wait_count("waiting.later", 1);
    // With the weight of the idle class it waits for seconds behind them.
    assert!(succeeds("chrt", &["--all-tasks", "--idle", "--pid", "0", &worker.to_string()]));
    fs::write(gate.file("crowd"), "").unwrap();
    gate.wait_count("crowding.", 8);
    assert_eq!(heeler.call(&Request::get("/").header("X-Timeout", "100ms")).status, 504);
    heeler.stderr.wait_for_json("a worker that waits", |line| {
        line["msg"] == "the worker does not answer, but waits for a processor: it is given more time"
            && line["pid"] == worker
    });
    fs::remove_file(gate.file("crowd")).unwrap();
    fs::write(gate.file("later"), "").unwrap();
    assert_eq!(neighbour.join().expect("a caller"), (200, format!("{worker}\n")));
    assert_eq!((pid(&heeler), starts(&heeler)), (worker, 1));
}
