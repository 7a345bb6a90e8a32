//! Clients and handlers that mean harm, or behave as if they did.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{self, Conn, Failure, Heeler, MODES, Request, eventually};

/// User and system time of a process, in clock ticks of 10 ms.
fn ticks(pid: i32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// A program finds the first of two variables of one name.
#[test]
fn headers_cannot_stand_for_the_request_itself() {
    for mode in ["streaming", "serializing", "classic"] {
        let heeler = Heeler::play(mode, "env", &[]);
        let request = Request::get("/real?q=1").header("Path", "/admin").header("Method", "PUT").header("Query", "a=b");
        let text = heeler.call(&request).assert_ok().text();
        for (name, value) in [("Http_Path", "/real"), ("Http_Method", "GET"), ("Http_Query", "q=1")] {
            let found: Vec<&str> = text.lines().filter(|line| line.starts_with(&format!("{name}="))).collect();
            assert_eq!(found, [format!("{name}={value}")], "{mode}");
        }
    }
}

#[test]
fn heelers_own_environment_does_not_pass_for_the_calls() {
    let env = [("HEELER_CALL_ID", "old"), ("REMOTE_ADDR", "9.9.9.9"), ("HEELER_DEADLINE_MS", "1")];
    let heeler = Heeler::play("streaming", "env", &env);
    let text = heeler.call(&Request::get("/").header("X-Call-Id", "new")).assert_ok().text();
    assert!(text.contains("HEELER_CALL_ID=new\n") && text.contains("REMOTE_ADDR=127.0.0.1\n"), "{text}");
    assert!(
        !text.contains("=old\n") && !text.contains("=9.9.9.9\n") && !text.contains("HEELER_DEADLINE_MS=1\n"),
        "{text}"
    );
}

#[test]
fn an_id_that_would_lie_in_the_log_is_replaced() {
    let heeler = Heeler::play("streaming", "say hi", &[]);
    for id in ["x] reason=timeout", "a\"b", "a b"] {
        let answer = heeler.call(&Request::get("/").header("X-Call-Id", id));
        assert_ne!(answer.header("x-call-id"), Some(id));
    }
    let kept = heeler.call(&Request::get("/").header("X-Call-Id", "a-b:c/1.2"));
    assert_eq!(kept.header("x-call-id"), Some("a-b:c/1.2"));
}

#[test]
fn an_http2_client_that_says_nothing_costs_nothing_and_is_closed() {
    let heeler = Heeler::play("streaming", "say hi", &[("idle_timeout", "500ms")]);
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let mut silent: Vec<Conn> = (0..3).map(|_| heeler.conn()).collect();
    for conn in &mut silent {
        assert!(conn.send(preface));
    }
    let before = ticks(heeler.pid);
    let began = Instant::now();
    for conn in &mut silent {
        // SETTINGS and GOAWAY, then the end.
        assert!(conn.read_to_end().is_ok(), "it stays");
    }
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(ticks(heeler.pid) - before < 20, "waiting burns the processor");
}

#[test]
fn a_reader_that_pauses_gets_its_whole_answer_at_a_drain() {
    let mut heeler = Heeler::play("serializing", "flood-stdout 6000000", &[("idle_timeout", "300ms")]);
    let mut conn = Conn::open_narrow(heeler.address());
    conn.send(&Request::get("/").bytes());
    let mut answer = conn.read_head().unwrap();
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    // Longer than an idle connection may stay, at a drain or at rest.
    let paused = Instant::now();
    eventually("a pause", || paused.elapsed() > Duration::from_secs(1));
    conn.read_body(&mut answer, "GET").unwrap();
    assert_eq!(answer.body.len(), 6_000_000);
    drop(conn);
    assert_eq!(heeler.exit_code(), 0);
}

#[test]
fn a_body_that_nobody_reads_is_no_slow_head() {
    let heeler = Heeler::play("streaming", "never-read", &[("read_timeout", "500ms"), ("idle_timeout", "2s")]);
    let mut conn = heeler.conn();
    conn.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    conn.read_response("POST").unwrap().assert_ok();
    conn.send(b"1\r\ny\r\n");
    let rest = conn.read_to_end().unwrap_or_default();
    assert!(rest.is_empty(), "an answer nobody asked for: {:?}", String::from_utf8_lossy(&rest));
}

#[test]
fn a_socket_takes_the_place_of_no_ordinary_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("precious");
    fs::write(&path, "data").unwrap();
    let mut heeler =
        Heeler::builder().role("streaming", "say hi").env("listen", &format!("unix:{}", path.display())).spawn();
    assert_eq!(heeler.exit_code(), 1);
    assert_eq!(fs::read_to_string(&path).unwrap(), "data");
}

#[test]
fn a_second_signal_leaves_nothing_behind_whatever_the_threads() {
    for threads in ["1", "4"] {
        let mut heeler =
            Heeler::play("streaming", "hang-ignoring-term", &[("threads", threads), ("exec_timeout", "0")]);
        let mut calls: Vec<Conn> = (0..4).map(|_| heeler.conn()).collect();
        for conn in &mut calls {
            conn.send(&Request::get("/").bytes());
        }
        eventually("the handlers run", || heeler.descendants().len() >= 4);
        let handlers: Vec<i32> = heeler.descendants().iter().map(|process| process.pid).collect();
        heeler.signal(Signal::SIGTERM);
        heeler.wait_closed();
        heeler.signal(Signal::SIGTERM);
        assert_eq!(heeler.exit_code(), 128 + 15, "{threads} threads");
        support::tree::wait_until_gone(&handlers);
    }
}

#[test]
fn a_line_without_end_does_not_stop_heeler() {
    let heeler = Heeler::play("streaming", "flood-stderr 30000000", &[("log_buffer_size", "-1")]);
    let began = Instant::now();
    heeler.get("/").assert_ok();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn a_handler_that_says_goodbye_may_finish_its_work() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("cleaned");
    let script = format!("trap 'echo bye; echo bye; : > {}; exit' TERM; while :; do sleep 0.05; done", mark.display());
    let command = format!("sh -c {}", shell_words::quote(&script));
    let heeler = Heeler::start(&[("fprocess", &command), ("exec_timeout", "500ms"), ("kill_grace", "10s")]);
    heeler.get("/").assert_made_by_heeler(504, "timeout");
    eventually("its work is done", || mark.exists());
}

#[test]
fn heads_have_a_limit_that_ordinary_ones_do_not_meet() {
    for mode in MODES {
        let heeler = Heeler::play(mode, "do", &[]);
        let role = if mode == "cgi" { "cgi-say hi" } else { "say hi" };
        heeler.call(&Request::role(role).header("X-Large", &"x".repeat(30_000))).assert_ok();
        let mut request = Request::role(role);
        for n in 0..80 {
            request = request.header(&format!("X-Header-{n}"), "value");
        }
        heeler.call(&request).assert_ok();
        let answer = heeler.conn().try_call(&Request::role(role).header("X-Large", &"x".repeat(500_000)));
        assert!(matches!(answer, Ok(answer) if answer.status == 431), "{mode}");
    }
}

#[test]
fn garbage_on_many_connections_harms_nobody() {
    let heeler = Heeler::play("streaming", "echo", &[]);
    let noise = support::pattern(4096);
    for round in 0..50 {
        let mut conn = heeler.conn();
        conn.send(&noise[round * 40..round * 40 + 200]);
        conn.send(b"\r\n\r\n");
        // Refused or closed, but never served and never left hanging.
        match conn.read_response("GET") {
            Ok(answer) => assert!((400..500).contains(&answer.status), "{}", answer.status),
            Err(failure) => assert!(!matches!(failure, Failure::TimedOut), "left hanging"),
        }
    }
    heeler.post("/healthy", "still here").assert_ok();
    heeler.wait_childless();
}
