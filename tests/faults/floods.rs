//! Too much of something: output, logs, input that nobody reads.

use super::stage::{Outcome, Stage};
use super::support::{ALL_MODES, MODES, at_once, tree};

const MIB: usize = 1 << 20;

const MUCH: usize = 96 * MIB;

/// More than this heeler may not grow by what flows through it.
const GROWTH: u64 = 48 << 20;

#[test]
fn output_without_end_meets_its_limit() {
    // A server's answers have no such limit.
    at_once(MODES.into_iter().chain(["warm"]), |mode| {
        let stage = Stage::new(mode, &[("max_output", "1Mi")]);
        let (over, before) = (Outcome::Made(502, "output_too_large"), tree::size(stage.heeler.pid, "VmHWM"));
        let cut = if stage.holds() { over } else { Outcome::Cut(1) };
        stage.call_case("answers without end", &stage.request("head flow"), cut);
        stage.call_case("answers a gigabyte", &stage.request("head put:1073741824 end"), cut);
        stage.call_case("answers a byte too much", &stage.request(&format!("head put:{} end", MIB + 1)), cut);
        stage.call_case("answers without end before it reads", &stage.upload("head flow eof", 16 * MIB), cut);
        let most = tree::size(stage.heeler.pid, "VmHWM");
        assert!(most < before + GROWTH, "{mode}: {before} bytes before, {most} then");
    });
}

/// A gigabyte takes long in a debug build: tests/bodies.rs has one.
#[test]
fn what_nobody_limits_flows_through() {
    at_once(["streaming", "http", "warm"], |mode| {
        let stage = Stage::new(mode, &[("max_output", "0"), ("exec_timeout", "100s")]);
        stage.case("answers much, and is let", || {
            let before = tree::size(stage.heeler.pid, "VmHWM");
            let mut conn = stage.heeler.conn();
            conn.send(&stage.request(&format!("head put:{MUCH} end")).bytes());
            assert_eq!(conn.read_head().unwrap().status, 200);
            let mut length = 0;
            while let Some(chunk) = conn.read_chunk().unwrap() {
                length += chunk.len();
            }
            assert_eq!(length, MUCH);
            let most = tree::size(stage.heeler.pid, "VmHWM");
            assert!(most < before + GROWTH, "{mode}: {before} bytes before, {most} then");
        });
    });
}

#[test]
fn input_that_nobody_reads_blocks_nobody() {
    at_once(ALL_MODES, |mode| {
        let stage = Stage::new(mode, &[("exec_timeout", "100s")]);
        stage.call_case("never reads 64 MB", &stage.upload("head put:100 end", 64 * MIB), Outcome::Fine(100));
        let upload = |steps: &str| stage.upload(steps, 16 * MIB);
        stage.call_case("reads a byte of 16 MB", &upload("read:1 head put:100 end"), Outcome::Fine(100));
        let all = Outcome::Fine(16 * MIB);
        stage.call_case("never reads 16 MB and answers 16 MB", &upload("head put:16777216 end"), all);
        stage.call_case("answers 16 MB before it reads 16 MB", &upload("head put:16777216 eof end"), all);
    });
}

/// Processes that do not want all of 32 MB.
pub const UNREAD: [(&str, &str); 3] = [
    ("ends before 32 MB", "head put:100"),
    ("ends within 32 MB", "read:1000000 head put:100"),
    ("closes its input before 32 MB", "shut:0 head put:100"),
];

#[test]
fn a_process_that_ends_or_closes_before_its_input_is_no_failure_of_the_pipe() {
    at_once(MODES, |mode| {
        let stage = Stage::new(mode, &[("exec_timeout", "100s")]);
        for (name, steps) in UNREAD {
            stage.call_case(name, &stage.upload(steps, 32 * MIB), Outcome::Fine(100));
        }
    });
}

#[test]
fn logs_without_end_harm_no_call() {
    at_once(ALL_MODES, |mode| {
        // Its error output would be part of the answer in classic mode.
        let stage = Stage::new(mode, &[("combine_output", "false")]);
        let fine = Outcome::Fine(100);
        stage.case("says 5 MB in one line", || {
            let cut = |stage: &Stage| stage.heeler.scrape().value("heeler_log_lines_cut_total", &[]);
            let before = cut(&stage);
            stage.meets(&stage.request("eof head err:5000000 put:100 end"), fine);
            if !stage.keeps() {
                assert!(cut(&stage) > before, "{mode}");
            }
        });
        stage.call_case("says 50,000 lines", &stage.request("errlines:50000 eof head put:100 end"), fine);
        stage.call_case(
            "says 50,000 lines within its answer",
            &stage.request("head put:50 errlines:50000 put:50 end"),
            fine,
        );
        let endless = stage.request("errflow").header("X-Timeout", "400ms");
        stage.call_case("says a line without end", &endless, stage.late());
    });
}

#[test]
fn a_reader_of_the_log_that_stops_holds_no_call_up_beyond_its_deadline() {
    at_once(MODES, |mode| {
        let stage = Stage::new(mode, &[("combine_output", "false")]);
        stage.case("says more than anybody reads", || {
            stage.heeler.stderr.pause();
            let request = stage.request("errflow").header("X-Timeout", "400ms");
            stage.meets(&request, stage.late());
            // Nobody reads yet.
            stage.is_fine();
            stage.heeler.stderr.resume();
        });
    });
}
