//! The Node runtime's own tests, which speak the worker protocol to it frame by frame: runtimes/node/test/. They try the
//! one file that is in the binary, and once more what loads functions from the files that it is made of.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start programs from outside, and a panic is how they fail"
)]

#[allow(dead_code, unreachable_pub, reason = "one of its two functions is used here")]
#[path = "support/skip.rs"]
mod skip;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const OLDEST: u32 = 18;
/// As the build script packs it.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/node"));

#[test]
fn the_node_runtime() {
    if let Some(why) = missing() {
        return skip::skipped(&format!("the Node runtime: {why}"));
    }
    let place = tempfile::tempdir().unwrap();
    unpack(place.path());
    // One after the other: each file starts dozens of processes by itself.
    for file in files() {
        pass(&file, &place.path().join("node/worker.js"));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtimes/node");
    pass(&folder.join("test/load.test.js"), &folder.join("worker.js"));
}

fn pass(tests: &Path, worker: &Path) {
    let mut node = Command::new("node");
    let run =
        node.args(["--test", "--test-reporter=tap"]).arg(tests).env("HEELER_TEST_WORKER", worker).output().unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{}:\n{told}{}", tests.display(), String::from_utf8_lossy(&run.stderr));
    for line in told.lines().filter_map(|line| line.split_once("# SKIP ")) {
        skip::skipped(line.1);
    }
}

/// Name and bytes of each file, each behind its length.
fn unpack(place: &Path) {
    let files = miniz_oxide::inflate::decompress_to_vec(PACKED).unwrap();
    let mut rest = &files[..];
    let mut next = || {
        let (length, after) = rest.split_first_chunk()?;
        let (part, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        rest = after;
        Some(part)
    };
    while let Some(name) = next() {
        let path = place.join(std::str::from_utf8(name).unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, next().unwrap()).unwrap();
    }
}

/// Why they cannot run here.
fn missing() -> Option<String> {
    let Ok(said) = Command::new("node").arg("--version").output() else { return Some("node is not installed".into()) };
    let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    major.is_none_or(|major| major < OLDEST).then(|| format!("node {version} is older than {OLDEST}"))
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtimes/node/test");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".test.js"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no tests in runtimes/node/test");
    files
}
