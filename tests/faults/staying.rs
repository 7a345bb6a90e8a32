//! The handler does not end, or not all of it does.

use std::time::{Duration, Instant};

use super::stage::{Outcome, Stage};
use super::support::{ALL_MODES, MODES, PATIENCE, at_once};

/// What a call has where it must run out of time. A good call beside it may take longer on a busy machine.
const LIMIT: Duration = Duration::from_millis(400);

/// What it does instead of ending, how much of an answer it has said before, and how much of a body it is sent.
pub const HANGS: [(&str, &str, usize, usize); 7] = [
    ("hangs before it reads", "hang", 0, 300_000),
    ("hangs while it reads", "read:100000 hang", 0, 300_000),
    ("hangs when it has read", "eof hang", 0, 300_000),
    ("hangs without a body", "hang", 0, 0),
    ("hangs before 16 MB that it never reads", "hang", 0, 16 << 20),
    ("hangs at the start of its answer", "eof head put:100 hang", 100, 0),
    ("hangs within a long answer", "head put:100000 hang", 100_000, 300_000),
];

/// The same of a process per call, which can close what it was given and leave others behind.
pub const HANGS_OF_PROCESSES: [(&str, &str); 7] = [
    ("hangs deaf to TERM", "deaf hang"),
    ("hangs without its input", "shut:0 hang"),
    ("hangs without its output", "eof shut:1 hang"),
    ("hangs without its standard error", "shut:2 hang"),
    ("hangs with all of them closed", "shut:0 shut:1 shut:2 hang"),
    ("hangs beside a daemon", "daemon hang"),
    ("hangs deaf beside two daemons", "deaf daemon daemon hang"),
];

/// Processes that end well, whatever they closed or left behind.
pub const ODD: [(&str, &str, usize); 7] = [
    ("closes its input early", "shut:0 head put:100", 100),
    ("closes its input while it reads", "read:1000 shut:0 head put:100000", 100_000),
    ("closes its output early", "eof head put:100 shut:1", 100),
    ("closes its standard error", "shut:2 eof head put:100", 100),
    ("closes all of them", "read:10 head put:100 shut:0 shut:1 shut:2", 100),
    ("leaves a daemon behind", "eof head put:100 daemon", 100),
    ("leaves daemons behind within its answer", "daemon head put:50 daemon put:50 daemon", 100),
];

#[track_caller]
fn runs_out_of_time(stage: &Stage, name: &str, steps: &str, said: usize, body: usize) {
    // What is held in memory has no answer begun before its process ends.
    let outcome = if said == 0 || stage.holds() { stage.late() } else { Outcome::Cut(said) };
    let limit = format!("{}ms", LIMIT.as_millis());
    let request = stage.upload(steps, body).header("X-Timeout", &limit);
    let began = Instant::now();
    stage.case(name, || {
        stage.meets(&request, outcome);
        // Less than exec_timeout is enough to tell which limit it was; the machine may be busy.
        let took = began.elapsed();
        assert!(took + Duration::from_millis(20) >= LIMIT && took < PATIENCE, "{took:?}");
    });
}

#[test]
fn a_handler_that_hangs_is_ended_at_its_deadline() {
    at_once(ALL_MODES, |mode| {
        let stage = Stage::new(mode, &[]);
        for (name, steps, said, body) in HANGS {
            runs_out_of_time(&stage, name, steps, said, body);
        }
    });
}

#[test]
fn a_process_that_hangs_is_ended_with_all_it_has_started() {
    at_once(MODES, |mode| {
        let stage = Stage::new(mode, &[]);
        for (name, steps) in HANGS_OF_PROCESSES {
            runs_out_of_time(&stage, name, steps, 0, 300_000);
        }
    });
}

#[test]
fn what_a_process_closes_or_leaves_costs_nobody() {
    at_once(MODES, |mode| {
        let stage = Stage::new(mode, &[]);
        for (name, steps, length) in ODD {
            stage.call_case(name, &stage.upload(steps, 300_000), Outcome::Fine(length));
        }
    });
}

#[test]
fn a_process_that_closed_its_output_has_its_call_until_it_ends() {
    at_once(MODES, |mode| {
        let stage = Stage::new(mode, &[]);
        stage.case("closes its output and lives", || {
            let request = stage.request("head put:100 shut:1 mark:closed wait:go");
            let mut conn = stage.heeler.conn();
            conn.send(&request.bytes());
            stage.gate.wait_for("closed");
            assert_eq!(stage.heeler.scrape().value("http_requests_in_flight", &[]), 1.0, "{mode}");
            stage.gate.let_go("go");
            assert_eq!(conn.read_response("GET").unwrap().assert_ok().body.len(), 100, "{mode}");
        });
        stage.case("closes its output and fails later", || {
            let request = stage.request("head put:100 shut:1 mark:failing wait:fail exit:3");
            let mut conn = stage.heeler.conn();
            conn.send(&request.bytes());
            stage.gate.wait_for("failing");
            stage.gate.let_go("fail");
            let answer = conn.read_response("GET");
            match mode {
                // The 200 may be out; it must not look whole then.
                "streaming" => match answer {
                    Ok(answer) => answer.assert_made_by_heeler(500, "exit"),
                    Err(failure) => assert_eq!(failure.cut().status, 200),
                },
                _ => answer.unwrap().assert_made_by_heeler(500, "exit"),
            }
        });
    });
}
