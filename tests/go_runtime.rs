//! The Go modules' own tests, which speak the worker protocol frame by frame, and what `go vet` says of them: runtimes/go/.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start programs from outside, and a panic is how they fail"
)]

#[allow(dead_code, unreachable_pub, reason = "one of its two functions is used here")]
#[path = "support/skip.rs"]
mod skip;

use std::path::Path;
use std::process::Command;

const OLDEST: (u32, u32) = (1, 21);
/// Those that need the CloudEvents SDK, which scripts/servers.sh fetches.
const WITH_OTHERS: [&str; 2] = ["events", "functions-framework-go"];
/// Modules that need no other.
const MODULES: [&str; 5] = ["worker", "build", "kubeless", "openfaas/go-http", "openfaas/go-function-sdk"];

#[test]
fn the_go_runtime() {
    if let Some(why) = missing() {
        return skip::skipped(&format!("the Go runtime: {why}"));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (folder, fetched) = (root.join("runtimes/go"), root.join("target/servers/functions_go/ours").exists());
    if !fetched {
        skip::skipped("Go modules for events need scripts/servers.sh functions_go");
    }
    for module in MODULES.into_iter().chain(WITH_OTHERS.into_iter().filter(|_| fetched)) {
        pass(&folder.join(module), &["vet", "./..."]);
        pass(&folder.join(module), &["test", "-count=1", "./..."]);
    }
}

fn pass(module: &Path, words: &[&str]) {
    let mut go = Command::new("go");
    go.current_dir(module).args(words).envs([
        ("GOTOOLCHAIN", "local"),
        ("GOPROXY", "off"),
        ("GOFLAGS", "-buildvcs=false"),
    ]);
    let run = go.output().unwrap();
    let (told, said) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "go {words:?} in {}:\n{told}{said}", module.display());
}

/// Why they cannot run here.
fn missing() -> Option<String> {
    let said = Command::new("go").env("GOTOOLCHAIN", "local").args(["env", "GOVERSION"]).output();
    let Ok(said) = said else { return Some("go is not installed".into()) };
    let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let mut numbers = version.trim_start_matches("go").split('.').map_while(|number| number.parse::<u32>().ok());
    let is_new = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= OLDEST;
    (!is_new).then(|| format!("{version:?} is older than go1.21"))
}
