//! What all tests share: starting the real binary, talking to it, and looking at its processes.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test file uses its own part of this")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests start heeler from outside and poll it; the bans are for its own code"
)]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small test numbers")]

mod asked;
pub mod broker;
mod client;
pub mod dispositions;
mod flow;
mod gate;
pub mod h2;
mod heeler;
mod installed;
pub mod kept;
mod lines;
mod link;
pub mod load;
mod message;
mod page;
pub mod queues;
mod skip;
pub mod tree;
mod upstream;
pub mod working;

use std::time::{Duration, Instant};

pub use asked::Asked;
pub use client::{Conn, Failure};
pub use flow::{flow, three_events};
pub use gate::Gate;
pub use heeler::{Builder, HEELER, Heeler, free_port, place_program, testfn, testfn_path};
pub use installed::installed;
pub use lines::Lines;
pub use link::Link;
pub use message::{Request, Response};
pub use page::Page;
pub use skip::{skip, skipped};
pub use upstream::{Then, Upstream};

/// How long a test waits for what must happen: a bound against hanging, never a measure.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Slack above a deadline under test: the machine may be busy, the deadline must still be the cause.
pub const SLACK: Duration = Duration::from_secs(2);

pub const SECOND: Duration = Duration::from_secs(1);

/// Every mode that starts a process for each call.
pub const MODES: [&str; 4] = ["streaming", "serializing", "classic", "cgi"];

/// And with a server or a worker that is kept.
pub const ALL_MODES: [&str; 6] = ["streaming", "serializing", "classic", "cgi", "http", "warm"];

/// The same test for several cases at once, where each of them waits for a limit.
pub fn at_once<T: Copy + Send>(cases: impl IntoIterator<Item = T>, test: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        let test = &test;
        for case in cases {
            scope.spawn(move || test(case));
        }
    });
}

/// The role that gives a request's body back, in a mode.
pub fn echo_of(mode: &str) -> &'static str {
    match mode {
        "cgi" => "cgi-echo",
        "http" => "serve echo",
        "warm" => "worker echo",
        _ => "echo",
    }
}

/// The role that prints its words, in a mode.
pub fn say_of(mode: &str) -> &'static str {
    if mode == "cgi" { "cgi-say" } else { "say" }
}

/// Polls until it holds; panics with `what` when `PATIENCE` is over.
#[track_caller]
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    assert!(within(PATIENCE, condition), "not within {PATIENCE:?}: {what}");
}

/// Polls until it holds or the time is over; says whether it holds.
pub fn within(time: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + time;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(4));
    }
}

/// Lets time pass, where the passing of time is what a test is about (a limit that must or must not strike).
pub fn pass(time: Duration) {
    std::thread::sleep(time);
}

/// Asserts that something took at least `limit`, and not much longer.
#[track_caller]
pub fn assert_took(took: Duration, limit: Duration) {
    // Clocks of two processes may differ by a tick.
    assert!(took + Duration::from_millis(20) >= limit, "too early: {took:?} of {limit:?}");
    assert!(took < limit + SLACK, "too late: {took:?}, the limit is {limit:?}");
}

/// Bytes that differ wherever one looks, the same as the fixture's own.
pub fn pattern(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(next).collect()
}

/// Compares large bodies without printing them.
#[track_caller]
pub fn assert_same(seen: &[u8], expected: &[u8], what: &str) {
    if seen != expected {
        let at = seen.iter().zip(expected).take_while(|(a, b)| a == b).count();
        panic!("{what}: {} bytes instead of {}, they differ from byte {at}", seen.len(), expected.len());
    }
}

/// Whether the tests run as root: some things need it, and say so when they are skipped.
pub fn is_root() -> bool {
    // SAFETY: a syscall without arguments.
    unsafe { libc::geteuid() == 0 }
}

/// Whether a tool runs to a good end.
pub fn succeeds(program: &str, args: &[&str]) -> bool {
    let mut command = std::process::Command::new(program);
    command.args(args).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
