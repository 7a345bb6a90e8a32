//! Probes, ports, the lock file, and what is said when heeler cannot start.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

use nix::sys::signal::Signal;
use support::{Conn, Gate, Heeler, MODES, PATIENCE, Request, SECOND, eventually, testfn};

const HEALTH: [&str; 3] = ["/_/health", "/healthz", "/health/liveness"];
const READY: [&str; 2] = ["/_/ready", "/health/readiness"];

/// All probes of both listeners must say this.
#[track_caller]
fn assert_probes(heeler: &Heeler, health: u16, ready: u16, word: &str) {
    for (paths, status, word) in [(&HEALTH[..], health, "OK"), (&READY[..], ready, word)] {
        for path in paths {
            let began = Instant::now();
            let request = Request::get(path);
            let mut answers = vec![heeler.call(&request)];
            if heeler.metrics_port.is_some() {
                answers.push(heeler.ask_metrics(&request));
            }
            for answer in answers {
                assert_eq!(answer.status, status, "{path}: {}", answer.text());
                if status == 200 {
                    assert_eq!(answer.text().trim_end(), "OK", "{path}");
                } else if paths == READY {
                    assert!(answer.text().starts_with(word), "{path}: {}", answer.text());
                }
            }
            assert!(began.elapsed() < SECOND, "{path} took {:?}", began.elapsed());
        }
    }
}

fn held_call(heeler: &Heeler, gate: &Gate) -> Conn {
    let mut conn = heeler.conn();
    conn.send(&Request::get("/").gate(gate).bytes());
    gate.wait_started(1);
    conn
}

#[test]
fn probes_say_ok_while_heeler_serves() {
    for mode in MODES {
        let heeler = Heeler::builder().role(mode, "gate").metrics().start();
        assert_probes(&heeler, 200, 200, "OK");
        assert_eq!(heeler.get("/_/health?x=1").status, 200, "{mode}: a query changes nothing");
    }
}

#[test]
fn a_full_instance_is_alive_but_not_ready() {
    let heeler = Heeler::builder().role("streaming", "gate").env("max_inflight", "1").metrics().start();
    let gate = Gate::new();
    let mut held = held_call(&heeler, &gate);
    assert_probes(&heeler, 200, 429, "full");
    gate.open();
    held.read_response("GET").unwrap().assert_ok();
    eventually("it is ready again", || heeler.get("/_/ready").status == 200);
}

#[test]
fn after_term_probes_say_so_at_once() {
    let env = [("shutdown_delay", "100s")];
    let heeler = Heeler::builder().role("streaming", "say hi").envs(&env).metrics().start();
    heeler.signal(Signal::SIGTERM);
    eventually("it is draining", || heeler.get("/_/ready").status == 503);
    assert_probes(&heeler, 503, 503, "draining");
    heeler.get("/").assert_ok();
}

#[test]
fn a_busy_handler_does_not_delay_probes() {
    let heeler = Heeler::builder().role("streaming", "gate").metrics().start();
    let gate = Gate::new();
    let _held: Vec<Conn> = (0..30).map(|_| held_call(&heeler, &gate)).collect();
    assert_probes(&heeler, 200, 200, "OK");
}

#[test]
fn other_health_paths_can_be_the_functions() {
    let heeler = Heeler::builder().role("streaming", "env").env("health_paths", "false").metrics().start();
    for path in ["/healthz", "/health/liveness", "/health/readiness"] {
        assert_eq!(heeler.get(path).assert_ok().variable("Http_Path").as_deref(), Some(path));
    }
    for path in ["/_/health", "/_/ready"] {
        assert_eq!(heeler.get(path).assert_ok().text().trim_end(), "OK");
    }
}

/// Both peers say 503 for ever without their lock file.
#[test]
fn health_does_not_hang_on_a_file() {
    let heeler = Heeler::play("streaming", "say hi", &[("suppress_lock", "true")]);
    assert_probes(&heeler, 200, 200, "OK");
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join(".lock");
    let env = [("suppress_lock", "false"), ("TMPDIR", folder.path().to_str().unwrap())];
    let heeler = Heeler::play("streaming", "say hi", &env);
    fs::remove_file(lock).unwrap();
    assert_probes(&heeler, 200, 200, "OK");
}

#[test]
fn the_lock_file_tells_pid_and_address_and_goes_at_the_end() {
    // The peers leave it behind on SIGINT.
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT] {
        for own_path in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let lock = folder.path().join(if own_path { "mine" } else { ".lock" });
            let name = if own_path { "lock_file" } else { "TMPDIR" };
            let value = if own_path { &lock } else { folder.path() };
            let env = [("suppress_lock", "false"), (name, value.to_str().unwrap())];
            let mut heeler = Heeler::play("streaming", "say hi", &env);
            let text = fs::read_to_string(&lock).unwrap();
            assert!(text.contains(&heeler.pid.to_string()), "{text:?}");
            assert!(text.contains(&heeler.port.to_string()), "{text:?}");
            heeler.signal(signal);
            assert_eq!(heeler.exit_code(), 0);
            assert!(!lock.exists(), "left behind by {signal}");
        }
    }
}

/// of-watchdog exits with 0, classic-watchdog panics.
#[test]
fn a_lock_that_cannot_be_written_is_one_warning() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for folder in [Path::new("/proc/nowhere"), file.path()] {
        let env = [("suppress_lock", "false"), ("TMPDIR", folder.to_str().unwrap())];
        let heeler = Heeler::play("streaming", "say hi", &env);
        heeler.get("/").assert_ok();
        assert_probes(&heeler, 200, 200, "OK");
        heeler.stderr.wait_for_json("the call", |line| line["msg"] == "call");
        let warnings: Vec<_> = heeler.stderr.json().into_iter().filter(|line| line["level"] == "warn").collect();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].to_string().contains(folder.to_str().unwrap()), "{warnings:?}");
    }
}

#[test]
fn both_kinds_of_bind_serve() {
    for bind in ["late", "early"] {
        let heeler = Heeler::play("streaming", "say hi", &[("bind", bind)]);
        heeler.get("/").assert_ok();
        assert_probes(&heeler, 200, 200, "OK");
    }
}

#[test]
fn the_port_listens_for_both_families() {
    let heeler = Heeler::play("streaming", "say hi", &[]);
    heeler.get("/").assert_ok();
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return support::skipped("no IPv6 here");
    }
    Conn::open((Ipv6Addr::LOCALHOST, heeler.port).into()).call(&Request::get("/")).assert_ok();
}

#[test]
fn the_port_may_be_given_as_platforms_do() {
    let (upper, lower) = (support::free_port().to_string(), support::free_port().to_string());
    let heeler = Heeler::builder().role("streaming", "env").without("port").env("PORT", &upper).start();
    assert_eq!(heeler.port.to_string(), upper);
    // The child sees it unchanged.
    assert_eq!(heeler.get("/").variable("PORT"), Some(upper.clone()));
    let heeler = Heeler::builder().role("streaming", "env").env("port", &lower).env("PORT", "1").start();
    assert_eq!(heeler.port.to_string(), lower);
}

#[test]
fn a_unix_socket_serves_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let _heeler = Heeler::builder()
        .role("streaming", "echo")
        .without("port")
        .env("listen", &format!("unix:{}", path.display()))
        .start();
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hi"), "{answer}");
}

/// Starts heeler with settings that must fail; its exit code and what it said.
#[track_caller]
fn failed_start(env: &[(&str, &str)]) -> (i32, String) {
    let mut heeler = Heeler::builder().envs(env).spawn();
    let code = heeler.exit_code();
    assert_eq!(heeler.stdout.rest(), "", "stdout belongs to the function");
    (code, heeler.stderr.rest())
}

/// The peers log it and exit with 0.
#[test]
fn a_port_in_use_is_an_error_that_names_it() {
    for address in ["0.0.0.0:0", "[::]:0", "127.0.0.1:0"] {
        let Ok(taken) = TcpListener::bind(address) else { continue };
        let port = taken.local_addr().unwrap().port().to_string();
        let command = testfn("say hi");
        let began = Instant::now();
        let (code, said) = failed_start(&[("fprocess", &command), ("port", &port)]);
        assert!(began.elapsed() < SECOND * 10);
        assert_eq!(code, 1, "{said}");
        let last = said.lines().last().unwrap_or("");
        assert!(last.contains(&port) && last.contains("in use"), "{said}");
        let (code, said) = failed_start(&[("fprocess", &command), ("metrics_port", &port)]);
        assert_eq!(code, 1, "set by hand: {said}");
        assert!(said.contains(&port), "{said}");
    }
}

#[test]
fn the_usual_metrics_port_in_use_is_only_a_warning() {
    // If somebody else has it, that is just as well.
    let _taken = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 8081)).or_else(|_| TcpListener::bind("0.0.0.0:8081"));
    let heeler = Heeler::builder().role("streaming", "say hi").without("metrics_port").start();
    heeler.get("/").assert_ok();
    heeler.stderr.wait_for_json("the taken port", |line| line["level"] == "warn" && line.to_string().contains("8081"));
}

#[test]
fn a_missing_handler_is_one_clear_line_and_127() {
    for mode in MODES {
        for command in ["/nowhere/at/all", "no-such-program-anywhere --flag", "./neither/this"] {
            let (code, said) = failed_start(&[("mode", mode), ("fprocess", command)]);
            assert_eq!(code, 127, "{mode} {command}: {said}");
            let last = said.lines().last().unwrap_or("");
            assert!(last.contains(command.split(' ').next().unwrap()), "{said}");
            assert!(!said.contains("panicked"), "{said}");
        }
    }
}

#[test]
fn a_handler_that_cannot_be_executed_is_126() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain");
    File::create(&plain).unwrap();
    for path in [&plain, &folder.path().to_owned()] {
        let path = path.to_str().unwrap();
        let (code, said) = failed_start(&[("fprocess", path)]);
        assert_eq!(code, 126, "{said}");
        assert!(said.lines().last().unwrap_or("").contains(path), "{said}");
    }
}

#[test]
fn without_a_command_the_error_says_what_to_set() {
    let (code, said) = failed_start(&[("mode", "streaming")]);
    assert_eq!(code, 64, "{said}");
    assert!(said.contains("fprocess"), "{said}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let command = testfn("say hi");
    let env = [("fprocess", command.as_str()), ("exec_timeout", "10x"), ("max_body", "many"), ("jwt_auth", "true")];
    let (code, said) = failed_start(&env);
    assert_eq!(code, 64, "{said}");
    for name in ["exec_timeout", "10x", "max_body", "many", "jwt_auth"] {
        assert!(said.contains(name), "{name}: {said}");
    }
}

#[test]
fn the_handler_can_be_asked_whether_it_is_ready() {
    for mode in MODES {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ready");
        let quoted = file.to_str().unwrap();
        // In cgi mode the role prints nothing, which is no head; a script says it right.
        let command = match mode {
            "cgi" => format!("sh -c 'test -e {quoted} || exit 1; echo; echo yes'"),
            _ => testfn(&format!("ready-if {quoted}")),
        };
        let env = [("mode", mode), ("fprocess", command.as_str()), ("ready_path", "/am-i")];
        let heeler = Heeler::start(&env);
        for path in READY {
            let answer = heeler.get(path);
            assert_eq!(answer.status, 503, "{mode}");
            assert!(answer.text().starts_with("handler"), "{mode}: {}", answer.text());
        }
        assert_eq!(heeler.get("/_/health").status, 200, "{mode}: health is another question");
        File::create(&file).unwrap();
        eventually("it is ready", || heeler.get("/_/ready").status == 200);
        fs::remove_file(&file).unwrap();
        eventually("it is unready again", || heeler.get("/_/ready").status == 503);
        let log = heeler.stderr.text();
        assert!(!log.contains("\"call\""), "probes are no calls: {log}");
    }
}

#[test]
fn a_handler_that_does_not_say_whether_it_is_ready_is_not() {
    let heeler = Heeler::play("streaming", "hang", &[("ready_path", "/am-i"), ("kill_grace", "100ms")]);
    for _ in 0..3 {
        let began = Instant::now();
        assert_eq!(heeler.get("/_/ready").status, 503);
        assert!(began.elapsed() < SECOND, "{:?}", began.elapsed());
    }
    heeler.wait_childless();
}

#[test]
fn the_metrics_listener_has_nothing_else() {
    let heeler = Heeler::builder().role("streaming", "say hi").metrics().start();
    for path in ["/", "/function", "/metrics/x"] {
        assert_eq!(heeler.ask_metrics(&Request::get(path)).status, 404, "{path}");
    }
    heeler.ask_metrics(&Request::get("/metrics")).assert_ok();
    // A client that says nothing there does not keep the others out.
    let address: SocketAddr = heeler.metrics_address();
    let _silent: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();
    heeler.ask_metrics(&Request::get("/metrics")).assert_ok();
}
