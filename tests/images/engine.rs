//! The engine that runs the images: its client, and which images there are.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::support::skip;

/// An image that scripts/test-images.sh has built. Where there is none the reason is said, once for each, and the test is over.
pub(super) fn image(name: &str) -> Option<String> {
    let built = std::env::var("HEELER_TEST_IMAGES").unwrap_or_default();
    let why = match built.split_whitespace().any(|built| built == name) {
        true => return Some(full_name(name)),
        false if built.is_empty() => "images, which `make test-images` runs in containers".to_owned(),
        false => format!("the image {name}, which cannot be built here"),
    };
    skip(&why)
}

fn full_name(name: &str) -> String {
    match name {
        "heeler" => "heeler-test/heeler:test".to_owned(),
        base if base.starts_with("base-") => format!("heeler-test/{base}:latest"),
        name => format!("heeler-test/heeler-{name}:test"),
    }
}

/// Builds an image as a user does: a Dockerfile that names images as README.md does, and a folder.
#[track_caller]
pub(super) fn build(name: &str, dockerfile: &str, folder: &Path) -> String {
    let tag = format!("heeler-test/{name}:test");
    let mut command = Command::new("docker");
    command.args(["build", "--quiet", "--network", "none", "--tag", &tag, "--file", "-"]).arg(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the engine's client");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(as_called_here(dockerfile).as_bytes())
        .expect("a Dockerfile is short");
    let output = child.wait_with_output().expect("the engine's client ends");
    assert!(output.status.success(), "{name}: {}\n{dockerfile}", String::from_utf8_lossy(&output.stderr));
    tag
}

/// `FROM heeler-python` is the image that was built for the tests, and `FROM` a default base is the base that is here.
fn as_called_here(dockerfile: &str) -> String {
    let line = |line: &str| match line.split(' ').collect::<Vec<_>>()[..] {
        ["FROM", from, ref rest @ ..] => format!("FROM {} {}\n", here(from), rest.join(" ")),
        _ => format!("{line}\n"),
    };
    dockerfile.lines().map(line).collect()
}

fn here(from: &str) -> String {
    match from.strip_prefix("heeler-") {
        Some(name) if !name.contains('/') => full_name(name),
        None if from == "heeler" => full_name(from),
        _ => match ["custom", "python", "node", "go-build", "java"].into_iter().find(|name| default_base(name) == from)
        {
            Some(name) => full_name(&format!("base-{name}")),
            None => from.to_owned(),
        },
    }
}

/// What stands behind `ARG BASE=`.
fn default_base(name: &str) -> String {
    let text = std::fs::read_to_string(root().join("Dockerfiles").join(name)).unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix("ARG BASE=")).unwrap_or_default().to_owned()
}

/// The client's answer, whatever it is.
pub(super) fn docker(args: &[&str]) -> Output {
    Command::new("docker").args(args).stdin(Stdio::null()).output().expect("the engine's client")
}

/// What the client prints when all is well.
#[track_caller]
pub(super) fn said(args: &[&str]) -> String {
    let output = docker(args);
    assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(super) fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

/// A folder of tests/images/functions/.
pub(super) fn functions(language: &str) -> PathBuf {
    root().join("tests/images/functions").join(language)
}
