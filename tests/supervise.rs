//! http mode's server on its way up: when doors open, what it is told, and what is said when it does not come.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::kept::{end_within, has_heard, keep, probe, server, spawn, starts};
use support::{Conn, Gate, Heeler, SECOND, eventually, testfn, tree};

/// The last line that heeler wrote.
fn last_words(heeler: &Heeler) -> String {
    heeler.stderr.rest();
    heeler.stderr.json().last().map(|line| line["msg"].as_str().unwrap_or_default().to_owned()).unwrap_or_default()
}

fn says(status: u16, word: &str) -> (u16, String) {
    (status, word.to_owned())
}

#[test]
fn a_late_port_opens_when_the_server_listens() {
    let gate = Gate::new();
    let mut heeler = spawn(keep("gate", &gate));
    let pids = gate.wait_started(1);
    assert!(Conn::try_open(heeler.address()).is_err(), "open although nobody could be served");
    assert_eq!(probe(&heeler, "/_/health"), says(200, "OK"));
    assert_eq!(probe(&heeler, "/_/ready"), says(503, "starting"));
    let page = heeler.scrape();
    assert!(page.value("heeler_time_to_ready_seconds", &[]).abs() < f64::EPSILON);
    gate.open();
    heeler.wait_ready();
    assert_eq!(heeler.get("/_/ready").assert_ok().text(), "OK");
    assert_eq!(heeler.get("/_/health").assert_ok().text(), "OK");
    assert!(heeler.scrape().value("heeler_time_to_ready_seconds", &[]) > 0.0);
    assert_eq!(server(&heeler, 1).pid, pids[0]);
}

#[test]
fn an_early_port_is_open_and_not_ready() {
    let gate = Gate::new();
    let mut heeler = spawn(keep("gate", &gate).env("bind", "early"));
    eventually("the port is open", || Conn::try_open(heeler.address()).is_ok());
    let answer = heeler.get("/_/ready");
    assert_eq!(answer.status, 503);
    assert!(answer.text().starts_with("starting"), "{}", answer.text());
    assert_eq!(heeler.get("/_/health").assert_ok().text(), "OK");
    gate.open();
    heeler.wait_ready();
    assert_eq!(heeler.get("/_/ready").assert_ok().text(), "OK");
}

#[test]
fn the_lock_file_comes_when_it_is_up() {
    let (gate, folder) = (Gate::new(), tempfile::tempdir().unwrap());
    let lock = folder.path().join("lock");
    let builder = keep("gate", &gate).env("suppress_lock", "false").env("lock_file", lock.to_str().unwrap());
    let mut heeler = spawn(builder);
    gate.wait_started(1);
    assert!(!lock.exists());
    gate.open();
    heeler.wait_ready();
    assert!(fs::read_to_string(&lock).unwrap().contains(&heeler.port.to_string()));
}

/// A folder for temporary files may outlive its container: until the new instance is up, probes would ask where the
/// killed one said that it was.
#[test]
fn the_lock_file_of_a_killed_instance_misleads_no_probe() {
    let (gate, folder) = (Gate::new(), tempfile::tempdir().unwrap());
    let lock = folder.path().join("lock");
    let builder = |words| keep(words, &gate).env("suppress_lock", "false").env("lock_file", lock.to_str().unwrap());
    let mut killed = spawn(builder(""));
    killed.wait_ready();
    killed.signal(Signal::SIGKILL);
    assert_eq!(killed.exit_code(), 128 + 9);
    assert!(lock.exists());
    let heeler = spawn(builder("gate"));
    gate.wait_started(1);
    assert!(!lock.exists());
    drop(heeler);
    // The one of somebody who lives stays.
    let living = format!("{}\n127.0.0.1:1\n", std::process::id());
    fs::write(&lock, &living).unwrap();
    let _heeler = spawn(builder("gate"));
    gate.wait_started(2);
    assert_eq!(fs::read_to_string(&lock).unwrap(), living);
}

#[test]
fn the_server_is_told_a_port_of_its_own() {
    let (gate, outer) = (Gate::new(), support::free_port().to_string());
    let inherited = [("FUNC_PORT", "1"), ("HEELER_PORT", "2"), ("OTHER", "as it was"), ("PORT", outer.as_str())];
    let heeler = keep("", &gate).without("port").envs(&inherited).start();
    let server = server(&heeler, 1);
    let environment = server.environment();
    let port = server.port();
    for line in [
        format!("PORT={port}"),
        format!("FUNC_PORT={port}"),
        "ADDRESS=127.0.0.1".to_owned(),
        format!("LISTEN_ADDRESS=127.0.0.1:{port}"),
        format!("HEELER_PORT={outer}"),
        "OTHER=as it was".to_owned(),
    ] {
        let name = line.split_inclusive('=').next().unwrap();
        let all: Vec<_> = environment.iter().filter(|other| other.starts_with(name)).collect();
        assert_eq!(all, [&line]);
    }
    assert_ne!(port, outer);
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let bounds: Vec<u16> = range.split_whitespace().map(|bound| bound.parse().unwrap()).collect();
    assert!(!(bounds[0]..=bounds[1]).contains(&port.parse().unwrap()), "{port} may be given to others: {range}");
}

/// A port that the kernel chose for heeler is told as well.
#[test]
fn heelers_own_port_is_the_real_one() {
    let gate = Gate::new();
    let heeler = keep("", &gate).start();
    assert!(server(&heeler, 1).environment().contains(&format!("HEELER_PORT={}", heeler.port)));
}

#[test]
fn the_server_has_its_own_three_descriptors() {
    let gate = Gate::new();
    let heeler = keep("", &gate).start();
    let pid = server(&heeler, 1).pid;
    let at = |fd: usize| fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap().to_string_lossy().into_owned();
    assert_eq!(at(0), "/dev/null");
    assert!(at(1).starts_with("pipe:") && at(2).starts_with("pipe:") && at(1) != at(2));
    // And its listener: nothing of heeler's.
    eventually("its probed connection is closed", || tree::descriptors(pid) == 4);
}

#[test]
fn a_server_may_listen_on_v6_alone() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return support::skipped("no IPv6 here");
    }
    let gate = Gate::new();
    // PORT stands behind the last colon, whatever the host.
    let heeler = keep("host=[::1]", &gate).start();
    assert!(server(&heeler, 1).address.starts_with("[::1]:"));
    assert_eq!(probe(&heeler, "/_/ready"), says(200, "OK"));
}

#[test]
fn a_command_that_ends_before_it_listens_ends_heeler_with_its_code() {
    for (role, code, how) in [
        ("exit 0", 1, "ended with exit code 0"),
        ("exit 3", 3, "ended with exit code 3"),
        ("print-then-exit 9", 9, "ended with exit code 9"),
        ("signal 9", 137, "was ended by SIGKILL"),
        ("signal 11", 139, "was ended by SIGSEGV"),
    ] {
        for bind in ["late", "early"] {
            let mut heeler = Heeler::builder().role("http", role).env("bind", bind).spawn();
            assert_eq!(heeler.exit_code(), code, "{role}");
            let last = last_words(&heeler);
            let expected = format!("the handler {how} before it listened on 127.0.0.1:");
            assert!(last.starts_with(&expected), "{role}: {last}");
            assert_eq!(starts(&heeler), 1, "{role}");
        }
    }
}

/// Kubernetes shows the last lines of a container that failed: the handler's own must be among them.
#[test]
fn what_it_said_before_its_end_is_in_the_log() {
    let mut heeler = Heeler::builder().role("http", "say-both to-out to-err").spawn();
    assert_eq!(heeler.exit_code(), 1);
    for (lines, stream, text) in [(&heeler.stdout, "stdout", "to-out"), (&heeler.stderr, "stderr", "to-err")] {
        lines.rest();
        assert!(lines.json().iter().any(|line| line["stream"] == stream && line["msg"] == text), "{}", lines.text());
    }
}

#[test]
fn what_it_left_behind_goes_with_it() {
    let gate = Gate::new();
    let builder = Heeler::builder().role("http", "escape exit").env("TESTFN_GATE", gate.path());
    let mut heeler = builder.env("kill_grace", "100ms").spawn();
    assert_eq!(heeler.exit_code(), 1);
    tree::wait_until_gone(&gate.pids());
}

#[test]
fn a_command_that_cannot_be_executed_has_the_shells_code() {
    let folder = tempfile::tempdir().unwrap();
    let (script, plain) = (folder.path().join("script"), folder.path().join("plain"));
    for (file, mode) in [(&script, 0o755), (&plain, 0o644)] {
        fs::write(file, "#!/nowhere/at/all\n").unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }
    let (script, plain) = (script.to_str().unwrap(), plain.to_str().unwrap());
    for (command, code) in [(script, 127), (plain, 126), ("/nowhere/at/all", 127)] {
        let mut heeler = Heeler::builder().envs(&[("mode", "http"), ("fprocess", command)]).spawn();
        assert_eq!(heeler.exit_code(), code, "{command}");
        let last = last_words(&heeler);
        assert!(last.starts_with("cannot run the handler") && last.contains(command), "{last}");
    }
}

#[test]
fn a_server_that_does_not_come_up_ends_heeler_with_a_reason() {
    for (role, bind) in [("hang", "late"), ("hang", "early"), ("hang-ignoring-term", "late"), ("escape hang", "late")] {
        let gate = Gate::new();
        let env = [("start_timeout", "700ms"), ("kill_grace", "200ms"), ("TESTFN_GATE", gate.path()), ("bind", bind)];
        let began = Instant::now();
        let mut heeler = Heeler::builder().role("http", role).envs(&env).spawn();
        assert_eq!(heeler.exit_code(), 1, "{role}");
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(700) && took < SECOND * 8, "{role}: {took:?}");
        let last = last_words(&heeler);
        assert!(last.starts_with("the handler did not accept on 127.0.0.1:"), "{last}");
        assert!(last.contains("within 700ms (start_timeout)") && last.contains("PORT"), "{last}");
        tree::wait_until_gone(&gate.pids());
    }
}

#[test]
fn term_during_the_start_ends_it_well() {
    for bind in ["late", "early"] {
        for signal in [Signal::SIGTERM, Signal::SIGINT] {
            let gate = Gate::new();
            let mut heeler = spawn(keep("gate", &gate).env("bind", bind).env("shutdown_delay", "100s"));
            let pids = gate.wait_started(1);
            heeler.signal(signal);
            assert_eq!(end_within(&mut heeler, SECOND * 10), Some(0), "{bind} {signal}");
            tree::wait_until_gone(&pids);
            assert!(has_heard(&heeler, libc::SIGTERM), "the server was asked to end");
            assert_eq!(starts(&heeler), 1);
        }
    }
}

#[test]
fn a_server_that_does_not_listen_to_term_during_the_start_is_killed() {
    let gate = Gate::new();
    let mut heeler = spawn(keep("gate deaf leave", &gate));
    let pids = gate.wait_started(2);
    heeler.signal(Signal::SIGTERM);
    assert_eq!(end_within(&mut heeler, SECOND * 10), Some(0));
    tree::wait_until_gone(&pids);
}

#[test]
fn a_second_signal_during_the_start_ends_it_at_once() {
    let gate = Gate::new();
    let mut heeler = spawn(keep("gate deaf", &gate).env("kill_grace", "100s"));
    let pids = gate.wait_started(1);
    heeler.signal(Signal::SIGTERM);
    eventually("the server was asked to end", || has_heard(&heeler, libc::SIGTERM));
    heeler.signal(Signal::SIGTERM);
    assert_eq!(end_within(&mut heeler, SECOND * 5), Some(143));
    tree::wait_until_gone(&pids);
}

#[test]
fn check_tells_where_calls_will_go() {
    let command = testfn("serve");
    let builder = Heeler::builder().envs(&[("mode", "http"), ("fprocess", command.as_str())]);
    let mut heeler = builder.args(["check"]).spawn();
    assert_eq!(heeler.exit_code(), 0);
    let said = heeler.stdout.rest();
    assert!(
        said.lines().any(|line| line == "upstream: a free port of 127.0.0.1, given to the handler as PORT"),
        "{said}"
    );
    assert!(said.lines().any(|line| line.starts_with("program: /")), "{said}");
    let mut heeler = Heeler::builder().role("streaming", "echo").args(["check"]).spawn();
    assert_eq!(heeler.exit_code(), 0);
    assert!(!heeler.stdout.rest().contains("upstream:"));
}
