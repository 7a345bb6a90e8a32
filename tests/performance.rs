//! docs/performance.md says what the newest kept run of `make bench` has measured, and nothing else; what makes it is tested.
#![allow(clippy::disallowed_methods, clippy::panic, reason = "tests start programs from outside, and may panic")]

#[allow(dead_code, unreachable_pub, reason = "one of its two functions is used here")]
#[path = "support/skip.rs"]
mod skip;

use std::path::Path;
use std::process::Command;

/// What Python says, run in the folder of the comparisons; nothing where there is no Python that can.
fn python(arguments: &[&str]) -> Option<Result<(), String>> {
    if !Command::new("python3")
        .args(["-c", "import sys; sys.exit(sys.version_info < (3, 9))"])
        .status()
        .is_ok_and(|status| status.success())
    {
        return skip::skip("the page of measurements is made with python3 from 3.9 on");
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/compare");
    let ran = Command::new("python3").args(arguments).current_dir(folder).env("PYTHONDONTWRITEBYTECODE", "1").output();
    let ran = ran.unwrap_or_else(|error| panic!("python3: {error}"));
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    Some(if ran.status.success() { Ok(()) } else { Err(said) })
}

#[test]
fn the_page_is_what_the_newest_kept_run_makes() {
    if let Some(Err(said)) = python(&["page.py", "--check"]) {
        panic!("{said}");
    }
}

#[test]
fn what_makes_the_page_passes_its_own_tests() {
    if let Some(Err(said)) = python(&["-m", "unittest", "test_page"]) {
        panic!("{said}");
    }
}
