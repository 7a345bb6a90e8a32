//! The worker in a language without a runtime of heeler's, as it stands in examples/.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::disallowed_methods, reason = "it only asks whether perl is there")]

mod support;

use std::io::Write;
use std::process::Command;

use support::{Heeler, Request, pattern};

fn start() -> Option<Heeler> {
    if Command::new("perl").arg("-v").output().is_err() {
        // Past the test runner's capture.
        let _ = writeln!(std::io::stderr(), "skipped: the example worker, for want of perl");
        return None;
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/worker/worker.pl");
    Some(Heeler::builder().env("mode", "warm").env("fprocess", &format!("perl {file}")).start())
}

#[test]
fn the_example_worker_serves() {
    let Some(heeler) = start() else { return };
    let mut conn = heeler.conn();
    for _ in 0..3 {
        assert_eq!(conn.call(&Request::post("/a%20b", "hello")).assert_ok().text(), "POST /a%20b: HELLO");
    }
    let body: Vec<u8> = pattern(3 << 20).iter().map(|byte| b'a' + byte % 26).collect();
    for request in [Request::post("/", body.clone()), Request::new("POST", "/").chunked(body.clone())] {
        let answer = conn.call(&request);
        assert_eq!(answer.assert_ok().body[8..], body.to_ascii_uppercase());
    }
}

#[test]
fn its_errors_are_told_by_their_type() {
    let Some(heeler) = start() else { return };
    heeler.get("/die").assert_made_by_heeler(500, "raised");
    heeler.stderr.wait_for("no\\n");
    heeler.get("/next").assert_ok();
}
