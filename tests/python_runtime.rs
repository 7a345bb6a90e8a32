//! The Python runtime's own tests, run with the machine's Python. They start workers and speak the protocol byte by byte.
#![allow(clippy::disallowed_methods, clippy::panic, reason = "tests start programs from outside, and may panic")]

#[allow(dead_code, unreachable_pub, reason = "one of its two functions is used here")]
#[path = "support/skip.rs"]
mod skip;

use std::path::Path;
use std::process::Command;

#[test]
fn its_own_tests_pass() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtimes/python/tests");
    let old = "import sys, venv; sys.exit(sys.version_info < (3, 9))";
    if !Command::new("python3").args(["-c", old]).status().is_ok_and(|status| status.success()) {
        return skip::skipped("the Python runtime's tests need python3 from 3.9 on, with venv");
    }
    // Its text is for the terminal of whoever looks into a failure.
    let ran = Command::new("python3").args(["-m", "unittest"]).current_dir(&tests).output();
    let ran = ran.unwrap_or_else(|error| panic!("python3 -m unittest: {error}"));
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    for line in said.lines().filter(|line| line.contains("skipped=")) {
        skip::skipped(&format!(
            "some of the Python runtime's tests, for want of the real frameworks (scripts/servers.sh): {line}"
        ));
    }
}
