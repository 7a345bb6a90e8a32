//! The handler ends at some point of a call, in some way.

use super::stage::{Outcome, Stage};
use super::support::{ALL_MODES, at_once};

/// Of this body each handler reads some.
const BODY: usize = 300_000;

/// The point, its steps, and what of an answer was said by then.
pub const POINTS: [(&str, &str, Said); 6] = [
    ("before it reads", "", Said::Nothing),
    ("while it reads", "read:100000", Said::Nothing),
    ("when it has read", "eof", Said::Nothing),
    ("at the start of its answer", "eof head put:100", Said::Some(100)),
    ("within a long answer", "eof head put:100000", Said::Some(100_000)),
    ("while it reads and answers", "read:1000 head put:100000 read:1000", Said::Some(100_000)),
];

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Said {
    Nothing,
    Some(usize),
}

/// The way, its step, and the label of the metric.
pub const WAYS: [(&str, &str, &str); 8] = [
    ("exits with 0", "exit:0", "zero"),
    ("exits with 1", "exit:1", "nonzero"),
    ("exits with 3", "exit:3", "nonzero"),
    ("exits with 255", "exit:255", "nonzero"),
    ("is killed by KILL", "kill:9", "signal"),
    ("is killed by SEGV", "kill:11", "signal"),
    ("aborts", "kill:6", "signal"),
    ("is killed by PIPE", "kill:13", "signal"),
];

/// A process per call answers with its end, a handler that is kept before it.
fn outcome(stage: &Stage, said: Said, how: &str) -> Outcome {
    // Beyond what streaming holds back.
    let is_out = |length| stage.keeps() || (stage.mode == "streaming" && length > 16 * 1024);
    match (how, said) {
        (_, Said::Nothing) if stage.mode == "http" => Outcome::Made(502, "upstream"),
        (_, Said::Nothing) if stage.mode == "warm" => Outcome::Made(502, "worker"),
        (_, Said::Some(_)) if stage.keeps() => Outcome::Broken,
        ("zero", Said::Nothing) if stage.mode == "cgi" => Outcome::Made(502, "bad_head"),
        ("zero", Said::Nothing) => Outcome::Fine(0),
        ("zero", Said::Some(length)) => Outcome::Fine(length),
        (_, Said::Some(length)) if is_out(length) => Outcome::Cut(1),
        ("signal", _) => Outcome::Made(502, "signal"),
        _ => Outcome::Made(500, "exit"),
    }
}

#[test]
fn a_handler_that_ends_costs_its_own_call() {
    at_once(ALL_MODES, |mode| {
        let stage = Stage::new(mode, &[]);
        for (point, steps, said) in POINTS {
            for (way, step, how) in WAYS {
                let name = format!("{way} {point}");
                let ends = |how| stage.heeler.scrape().value("heeler_handler_exits_total", &[("how", how)]);
                let before = ends(how);
                let request = stage.upload(&format!("{steps} {step}"), BODY);
                stage.call_case(&name, &request, outcome(&stage, said, how));
                // Of good calls there are some beside it.
                let count = ends(how) - before;
                assert!(count == 1.0 || (how == "zero" && count > 1.0), "{name}, {mode}: {count} ends with {how}");
            }
        }
    });
}

/// The kernel closes the files of the dead one by one, the newest first: long after its connections are gone, its
/// listener is still there and takes new ones. Out of memory that takes some ms; so does a process with many files.
#[test]
fn the_next_call_does_not_go_to_a_server_whose_end_takes_its_time() {
    let stage = Stage::new("http", &[]);
    stage.case("is long about its end", || {
        let mut held = stage.heeler.conn();
        held.send(&stage.request("open:100000 mark:full hang").bytes());
        stage.gate.wait_for("full");
        // The newest of all files is to be the next call's connection; the number for this one was set aside before.
        stage.is_fine();
        let killed = stage.heeler.conn().try_call(&stage.request("kill:9")).expect("an answer");
        stage.is_fine();
        let held = held.read_response("GET").expect("an answer");
        assert_eq!((killed.status, killed.reason(), held.status), (502, "upstream", 502));
        std::fs::remove_file(stage.gate.file("full")).expect("the mark");
    });
}
