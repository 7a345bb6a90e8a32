//! The Java runtime's own tests, which speak the worker protocol to it frame by frame: runtimes/java/src/test/.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start programs from outside, and a panic is how they fail"
)]

#[allow(dead_code, unreachable_pub, reason = "one of its two functions is used here")]
#[path = "support/skip.rs"]
mod skip;

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn the_java_runtime() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // It says in its file whether there are a JDK and Maven, and what Maven needs.
    let built = Command::new(root.join("scripts/java.sh")).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    if let Ok(why) = fs::read_to_string(root.join("target/runtimes/java.skipped")) {
        return skip::skipped(why.trim_end());
    }
    let mut maven = Command::new("mvn");
    let run =
        maven.args(["--batch-mode", "--file"]).arg(root.join("runtimes/java/pom.xml")).arg("test").output().unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{told}{}", String::from_utf8_lossy(&run.stderr));
    let passed = told.lines().filter(|line| line.contains("Tests run:") && line.contains("Failures: 0")).count();
    assert!(passed > 1, "no tests were run:\n{told}");
}
