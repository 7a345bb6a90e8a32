//! Images as users write them: every Dockerfile is read from README.md, and its function is one of examples/.

use std::path::Path;

use super::container::{Container, Run};
use super::engine::{build, image, root};
use super::support::Request;

/// A Dockerfile as README.md shows it: the lines behind this one, as far as they are code.
#[track_caller]
fn shown(first: &str) -> String {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    let mut lines = readme.lines().map_while(|line| Some(line.strip_prefix("    ").unwrap_or(line)));
    assert!(lines.any(|line| line == first), "README.md has no {first:?}");
    let rest = lines.take_while(|line| !line.is_empty());
    [first].into_iter().chain(rest).fold(String::new(), |all, line| all + line + "\n")
}

/// The Dockerfile that begins so, with a folder's files, in a box.
#[track_caller]
fn serve(name: &str, folder: &str, request: &Request) -> Option<Container> {
    image(name)?;
    let image = build(&format!("user-{name}"), &shown(&format!("FROM heeler-{name}")), &root().join(folder));
    Some(Run::of(&image).boxed("64m").serve(request))
}

fn greets(name: &str, folder: &str) {
    let Some(container) = serve(name, folder, &Request::get("/")) else { return };
    let answer = container.call(&Request::get("/?name=Ada"));
    let answer: serde_json::Value = serde_json::from_slice(&answer.assert_ok().body).expect("JSON");
    assert_eq!(answer, serde_json::json!({ "hello": "Ada", "method": "GET", "path": "/" }));
}

#[test]
fn a_function_in_python() {
    greets("python", "examples/hello");
}

#[test]
fn a_function_in_node() {
    greets("node", "examples/hello-node");
}

#[test]
fn a_script() {
    let Some(container) = serve("custom", "examples/shell", &Request::post("/there", "five!")) else { return };
    let said = container.call(&Request::post("/there", "five!")).assert_ok().text();
    assert!(said.starts_with("Hello, there!\n") && said.contains("body: five!"), "{said}");
}

/// The binary on top of any image, in place of the watchdog that was there.
#[test]
fn an_image_that_was_there() {
    let Some(_) = image("custom") else { return };
    let before =
        "FROM heeler-test/base-custom\nRUN touch /usr/bin/fwatchdog\nENV fprocess=cat\nCMD [\"/usr/bin/fwatchdog\"]\n";
    let before = build("user-before", before, Path::new("examples/shell"));
    let after = shown("FROM heeler AS watchdog").replace("registry.example/my-function", &before);
    let container =
        Run::of(&build("user-after", &after, Path::new("examples/shell"))).serve(&Request::post("/", "body"));
    assert_eq!(container.call(&Request::post("/", "body")).text(), "body");
}
