//! Faults: whatever goes wrong in one call costs that call, with the status that docs/modes.md promises, and nothing else.
//!
//! A case has a name, and is played in every mode where it can happen. After each of them `stage` looks by itself: the
//! next call on a new connection is fine, no process, zombie, descriptor or file is left, and no call is counted as open.
//! A case counts once, in however many modes it is played; of tables each row is one. Those of other tests do not count.
//!
//! | family | cases | what goes wrong |
//! | --- | --- | --- |
//! | dying | 49 | the handler exits or is killed, at each point of a call |
//! | staying | 23 | it hangs, closes what it was given, leaves others behind |
//! | floods | 17 | too much output, log or input |
//! | clients | 58 | the client resets, half-closes, closes, is slow or stops |
//! | shortage | 19 | no descriptor, process, memory or room on a disk |
//! | missing | 18 | the program is lost, or is none |
//! | upstreams | 32 | the server behind http mode breaks off, byte by byte |
//! | workers | 13 | a worker breaks its protocol or its socket |
//! | clocks | 5 | time stands still, or is years ahead |
#![allow(clippy::disallowed_methods, reason = "tests start programs from outside; the bans are for heeler's own code")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::disallowed_types, reason = "as for the methods")]
#![allow(unreachable_pub, reason = "each module uses its own part of the others")]

#[path = "../support/mod.rs"]
mod support;

mod clients;
mod clocks;
mod dying;
mod floods;
mod missing;
mod shortage;
mod stage;
mod staying;
mod upstreams;
mod workers;

/// Rows of tables, as often as a test plays each of them, and the source with the cases that stand by themselves.
const CASES: [(&str, usize, &str); 9] = [
    ("dying", dying::POINTS.len() * dying::WAYS.len(), include_str!("dying.rs")),
    (
        "staying",
        staying::HANGS.len() + staying::HANGS_OF_PROCESSES.len() + staying::ODD.len(),
        include_str!("staying.rs"),
    ),
    ("floods", floods::UNREAD.len(), include_str!("floods.rs")),
    ("clients", clients::POINTS.len() * 2 + clients::CLOSES.len(), include_str!("clients.rs")),
    (
        "shortage",
        shortage::DESCRIPTORS.len() + shortage::HUNGRY.len() + shortage::DISKS.len(),
        include_str!("shortage.rs"),
    ),
    ("missing", missing::WAYS.len() * 3, include_str!("missing.rs")),
    ("upstreams", upstreams::FAULTS.len() + upstreams::ODD.len(), include_str!("upstreams.rs")),
    ("workers", workers::FAULTS.len() + workers::BETWEEN.len(), include_str!("workers.rs")),
    // What the source shows is one, too.
    ("clocks", 1, include_str!("clocks.rs")),
];

/// Cases whose names stand where they are played.
fn named(source: &str) -> usize {
    source.split("case(").skip(1).filter(|rest| rest.trim_start().starts_with('"')).count()
}

#[test]
fn the_cases_are_as_many_as_the_page_says() {
    for (family, rows, source) in CASES {
        let row = format!("//! | {family} | {} |", rows + named(source));
        assert!(include_str!("main.rs").contains(&row), "no row {row:?}");
    }
}
