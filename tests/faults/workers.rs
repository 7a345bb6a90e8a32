//! warm mode: the worker breaks its protocol or its socket at some point of a call, and lives on.

use super::stage::{Outcome, Stage};
use super::support::eventually;

const BODY: usize = 300_000;
const LOST: Outcome = Outcome::Made(502, "worker");

pub const FAULTS: [(&str, &str, Outcome); 11] = [
    ("closes its socket before it reads", "shut hang", LOST),
    ("closes its socket while it reads", "read:100000 shut hang", LOST),
    ("closes its socket when it has read", "eof shut hang", LOST),
    ("closes its socket within its answer", "eof head put:100 shut hang", Outcome::Broken),
    ("closes its socket and ends with 0", "eof shut exit:0", LOST),
    ("speaks nonsense before it reads", "raw hang", LOST),
    ("speaks nonsense while it reads", "read:100000 raw hang", LOST),
    ("speaks nonsense when it has read", "eof raw hang", LOST),
    ("speaks nonsense within its answer", "eof head put:100 raw hang", Outcome::Broken),
    ("begins two answers", "eof head head hang", Outcome::Broken),
    ("answers without a head", "eof put:100 end hang", LOST),
];

/// The same once the call is over.
pub const BETWEEN: [(&str, &str); 2] = [
    ("speaks nonsense after its answer", "eof head put:100 end raw hang"),
    ("ends after its answer", "eof head put:100 end exit:1"),
];

#[test]
fn a_worker_that_breaks_off_costs_its_own_call() {
    let stage = Stage::new("warm", &[]);
    for (name, steps, outcome) in FAULTS {
        stage.call_case(name, &stage.upload(steps, BODY), outcome);
    }
}

/// A call that came to it before heeler could know would be lost with it, so the next one waits for its successor.
#[test]
fn a_worker_that_breaks_off_between_calls_costs_none() {
    let stage = Stage::new("warm", &[]);
    for (name, steps) in BETWEEN {
        stage.case(name, || {
            let starts = || stage.heeler.scrape().value("heeler_handler_starts_total", &[]);
            let before = starts();
            stage.meets(&stage.upload(steps, BODY), Outcome::Fine(100));
            eventually("another one is started", || starts() > before);
        });
    }
}
