//! What is written: the handler's lines with their call, one line for each call, nothing that breaks a line.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::time::Instant;

use nix::sys::signal::Signal;
use serde_json::Value;
use support::{Heeler, MODES, Request, SECOND, eventually};

const TEXT: (&str, &str) = ("log_format", "text");

/// The line of a call in JSON.
fn access(heeler: &Heeler, path: &str) -> Value {
    heeler.stderr.wait_for_json(&format!("the call of {path}"), |line| line["msg"] == "call" && line["path"] == path)
}

#[test]
fn handler_lines_carry_their_call_in_json() {
    for mode in MODES {
        let heeler = Heeler::play(mode, "do", &[("combine_output", "false")]);
        for n in 0..5 {
            let id = format!("call-{n}");
            heeler.call(&Request::role(&format!("say-both x text-{n}")).header("X-Call-Id", &id));
            let line = heeler.stderr.wait_for_json("the handler's line", |line| line["msg"] == format!("text-{n}"));
            assert_eq!((&line["stream"], &line["call_id"]), (&"stderr".into(), &id.into()), "{mode}");
            assert!(line["time"].is_string() && line["level"].is_string(), "{mode}: {line}");
        }
    }
}

#[test]
fn handler_lines_look_like_the_peers_in_text() {
    let heeler = Heeler::play("streaming", "do", &[TEXT]);
    heeler.call(&Request::role("say-both x hello").header("X-Call-Id", "mine"));
    let line = heeler.stderr.wait_for("hello");
    // 2026/11/21 10:00:00 stderr: [mine] hello
    let (date, rest) = line.split_at(19);
    let shape: String = date.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    assert_eq!(shape, "0000/00/00 00:00:00", "{line}");
    assert_eq!(rest, " stderr: [mine] hello");
}

#[test]
fn handler_lines_can_be_left_alone() {
    let heeler = Heeler::play("streaming", "do", &[TEXT, ("prefix_logs", "false")]);
    heeler.call(&Request::role("say-both x hello")).assert_ok();
    assert_eq!(heeler.stderr.wait_for("hello"), "hello");
}

#[test]
fn lines_come_in_order_and_none_is_missing() {
    let heeler = Heeler::play("streaming", "lines 5000", &[TEXT, ("prefix_logs", "false")]);
    heeler.get("/").assert_ok();
    heeler.stderr.wait_for("line 4999");
    let lines: Vec<String> = heeler.stderr.all().into_iter().filter(|line| line.starts_with("line ")).collect();
    let expected: Vec<String> = (0..5000).map(|n| format!("line {n}")).collect();
    assert_eq!(lines, expected);
}

/// The peers stop reading at such a line, for good; the second one hangs the handler.
#[test]
fn a_long_line_is_cut_and_logging_goes_on() {
    for mode in ["streaming", "serializing", "classic"] {
        let env = [("log_buffer_size", "1024"), ("combine_output", "false")];
        let heeler = Heeler::builder().role(mode, "long-line 200000").envs(&env).metrics().start();
        for n in 1..=3 {
            let began = Instant::now();
            heeler.get("/").assert_ok();
            assert!(began.elapsed() < SECOND * 5, "{mode}: the handler was held up");
            eventually("the line after it is logged", || {
                heeler.stderr.json().iter().filter(|line| line["msg"] == "the line after").count() == n
            });
        }
        let cut: Vec<Value> = heeler.stderr.json().into_iter().filter(|line| line["cut"] == true).collect();
        assert_eq!(cut.len(), 3, "{mode}");
        for line in cut {
            assert_eq!(line["msg"], "x".repeat(1024), "{mode}");
        }
        assert_eq!(heeler.scrape().value("heeler_log_lines_cut_total", &[]), 3.0);
    }
}

#[test]
fn long_lines_in_text_have_a_mark_and_the_limit_is_64_ki() {
    let heeler = Heeler::play("streaming", "long-line 200000", &[TEXT]);
    heeler.get("/").assert_ok();
    heeler.stderr.wait_for("the line after");
    let line = heeler.stderr.wait_for("xxxx");
    assert_eq!(line.matches('x').count(), 65_536);
    assert!(line.ends_with("…[cut]"), "{}", &line[line.len() - 40..]);
}

#[test]
fn a_line_has_no_limit_if_so_wished() {
    let heeler = Heeler::play("streaming", "long-line 1000000", &[("log_buffer_size", "-1")]);
    heeler.get("/").assert_ok();
    let line = heeler
        .stderr
        .wait_for_json("the long line", |line| line["msg"].as_str().is_some_and(|text| text.starts_with('x')));
    assert_eq!(line["msg"].as_str().unwrap().len(), 1_000_000);
    assert_eq!(line["cut"], Value::Null);
}

#[test]
fn no_handler_can_break_a_line_of_the_log() {
    for mode in ["streaming", "serializing"] {
        let heeler = Heeler::play(mode, "binary-stderr", &[]);
        let request = Request::get("/%0a%22?q=%0d%0a").header("X-Call-Id", "a\"b\\c\t{}");
        heeler.conn().call(&request);
        heeler.get("/last").assert_ok();
        access(&heeler, "/last");
        for line in heeler.stderr.all() {
            let parsed: Result<Value, _> = serde_json::from_str(&line);
            assert!(parsed.is_ok_and(|value| value.is_object()), "not an object: {line:?}");
        }
        heeler.stderr.wait_for("without an end");
    }
}

#[test]
fn every_call_has_one_line_with_the_status_that_was_sent() {
    for mode in ["streaming", "serializing", "classic"] {
        let heeler = Heeler::play(mode, "do", &[("exec_timeout", "500ms"), ("kill_grace", "100ms")]);
        for (n, (role, method)) in
            [("say hi", "GET"), ("exit 3", "POST"), ("signal 9", "GET"), ("hang", "GET")].into_iter().enumerate()
        {
            let target = format!("/call/{n}?q={n}");
            let request = Request::role(role).method(method).target(&target).header("X-Call-Id", &format!("id-{n}"));
            let answer = heeler.call(&request);
            let line = access(&heeler, &target);
            // of-watchdog logs 200 for failures.
            assert_eq!(line["status"], answer.status, "{mode} {role}");
            assert_eq!(line["method"], method);
            assert_eq!(line["bytes"], answer.body.len(), "{mode} {role}");
            assert_eq!(line["call_id"], format!("id-{n}"));
            assert!(line["duration_seconds"].is_number());
            let reason = Some(answer.reason()).filter(|reason| !reason.is_empty());
            assert_eq!(line["reason"].as_str(), reason, "{mode} {role}");
        }
        let calls = heeler.stderr.json().iter().filter(|line| line["msg"] == "call").count();
        assert_eq!(calls, 4, "{mode}");
    }
}

#[test]
fn an_answer_that_is_cut_is_told_with_its_call() {
    let heeler = Heeler::play("streaming", "flood-stdout 300000 3", &[]);
    let cut = heeler.conn().try_call(&Request::get("/cut").header("X-Call-Id", "mine"));
    assert!(cut.is_err());
    assert_eq!(access(&heeler, "/cut")["reason"], "exit");
    // The same letters as in every other line, so that one search finds all lines of a call.
    heeler.stderr.wait_for_json("the cut", |line| line["level"] == "warn" && line["call_id"] == "mine");
}

#[test]
fn the_line_of_a_call_looks_like_of_watchdogs_in_text() {
    let heeler = Heeler::play("streaming", "echo", &[TEXT]);
    heeler.call(&Request::post("/a?b=c", "hello").header("X-Call-Id", "mine")).assert_ok();
    let line = heeler.stderr.wait_for("POST /a?b=c");
    assert!(line.contains("POST /a?b=c - 200 OK - ContentLength: 5B ("), "{line}");
    assert!(line.ends_with("s) [mine]"), "{line}");
}

#[test]
fn lines_of_calls_can_be_turned_off() {
    let heeler = Heeler::play("streaming", "say-both x mark", &[("access_log", "false")]);
    heeler.get("/quiet").assert_ok();
    heeler.get("/quiet").assert_ok();
    eventually("both have run", || heeler.stderr.json().iter().filter(|line| line["msg"] == "mark").count() == 2);
    assert!(!heeler.stderr.text().contains("/quiet"), "{}", heeler.stderr.text());
    for name in ["log_callid", "log_call_id"] {
        let heeler = Heeler::play("streaming", "say hi", &[(name, "false")]);
        heeler.call(&Request::get("/x").header("X-Call-Id", "hidden")).assert_ok();
        assert_eq!(access(&heeler, "/x")["call_id"], Value::Null, "{name}");
    }
}

#[test]
fn probes_leave_no_line() {
    let heeler = Heeler::play("streaming", "say hi", &[]);
    heeler.get("/first").assert_ok();
    access(&heeler, "/first");
    let before = heeler.stderr.all().len();
    for path in ["/_/health", "/_/ready", "/healthz", "/health/liveness", "/health/readiness"] {
        for _ in 0..10 {
            heeler.get(path).assert_ok();
        }
    }
    heeler.get("/last").assert_ok();
    access(&heeler, "/last");
    assert_eq!(heeler.stderr.all().len(), before + 1, "{}", heeler.stderr.text());
}

#[test]
fn a_log_that_nobody_reads_holds_up_the_handler_and_nothing_else() {
    let heeler = Heeler::play("streaming", "do", &[("exec_timeout", "100s")]);
    heeler.stderr.pause();
    // One line is still taken after the pause begins.
    heeler.call(&Request::role("say-both x one-line")).assert_ok();
    let mut held = heeler.conn();
    held.send(&Request::role("flood-stderr 5000000").bytes());
    for _ in 0..50 {
        let began = Instant::now();
        heeler.get("/_/health").assert_ok();
        heeler.call(&Request::role("say hi")).assert_ok();
        assert!(began.elapsed() < SECOND * 2, "{:?}", began.elapsed());
    }
    held.set_patience(SECOND / 2);
    assert!(held.read_head().is_err(), "5 MB of lines went somewhere");
    heeler.stderr.resume();
    held.set_patience(support::PATIENCE);
    assert_eq!(held.read_response("GET").unwrap().assert_ok().text(), "flooded\n");
}

#[test]
fn a_flood_of_lines_is_logged_whole() {
    for mode in ["streaming", "serializing"] {
        let heeler = Heeler::play(mode, "flood-stderr 4000000", &[TEXT, ("prefix_logs", "false")]);
        heeler.get("/").assert_ok();
        let whole = "f".repeat(79);
        eventually("all lines are there", || heeler.stderr.count(|line| line == whole) == 50_000);
    }
}

#[test]
fn standard_streams_are_not_made_non_blocking() {
    let heeler = Heeler::play("streaming", "say-both x y", &[]);
    heeler.get("/").assert_ok();
    for fd in 0..3 {
        let info = std::fs::read_to_string(format!("/proc/{}/fdinfo/{fd}", heeler.pid)).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
        let flags = i32::from_str_radix(flags, 8).unwrap();
        assert_eq!(flags & libc::O_NONBLOCK, 0, "descriptor {fd}");
    }
}

#[test]
fn the_start_says_what_runs_and_how() {
    let heeler = Heeler::play("serializing", "say hi", &[]);
    let said = heeler.stderr.text();
    assert!(said.contains("serializing"), "{said}");
    assert!(said.contains(env!("CARGO_PKG_VERSION")), "{said}");
    assert!(heeler.stdout.all().is_empty(), "stdout belongs to the function");
}

#[test]
fn the_log_level_leaves_lines_out() {
    let mut heeler = Heeler::play("streaming", "say-both x mark", &[]);
    heeler.get("/").assert_ok();
    heeler.signal(Signal::SIGTERM);
    heeler.exit_code();
    assert!(heeler.stderr.rest().contains("\"info\""));
    let port = support::free_port().to_string();
    let heeler =
        Heeler::builder().role("streaming", "say-both x mark").envs(&[("log_level", "error"), ("port", &port)]).spawn();
    let address = ([127, 0, 0, 1], port.parse::<u16>().unwrap()).into();
    eventually("it listens", || support::Conn::try_open(address).is_ok());
    support::Conn::open(address).call(&Request::get("/")).assert_ok();
    // The handler's lines are not heeler's to leave out.
    heeler.stderr.wait_for("mark");
    assert_eq!(heeler.stderr.all().len(), 1, "{}", heeler.stderr.text());
}
