//! Images as users write them: every Dockerfile is read from README.md or docs/images.md, its function is one of examples/.

use std::path::Path;

use super::boxed::{echo, java_function};
use super::container::{Container, Run};
use super::engine::{build, functions, image, root};
use super::support::Request;

/// A Dockerfile as a page shows it: this line and those behind it, as far as they are code.
#[track_caller]
fn shown(page: &str, first: &str) -> String {
    let text = std::fs::read_to_string(root().join(page)).expect(page);
    let mut code = text.lines().skip_while(|line| line.strip_prefix("    ") != Some(first)).peekable();
    assert!(code.peek().is_some(), "{page} has no {first:?}");
    code.map_while(|line| line.strip_prefix("    ")).fold(String::new(), |all, line| all + line + "\n")
}

/// The Dockerfile that begins so, with a folder's files, in a box.
#[track_caller]
fn serve(name: &str, first: &str, folder: &Path, request: &Request) -> Option<Container> {
    image(name)?;
    let image = build(&format!("user-{name}"), &shown("README.md", first), folder);
    Some(Run::of(&image).boxed("64m").options(&["--pids-limit", "64"]).serve(request))
}

fn greets(name: &str, folder: &str) {
    let Some(container) = serve(name, &format!("FROM heeler-{name}"), &root().join(folder), &Request::get("/")) else {
        return;
    };
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
fn a_function_in_java() {
    if image("java").is_none() {
        return;
    }
    let Some(container) = serve("java", "FROM heeler-java", java_function().path(), &echo()) else { return };
    assert_eq!(container.call(&echo()).text(), "some bytes");
}

#[test]
fn a_function_in_go() {
    let Some(container) = serve("go", "FROM heeler-go-build AS build", &functions("go"), &echo()) else { return };
    assert_eq!(container.call(&echo()).text(), "some bytes");
}

#[test]
fn a_script() {
    let call = Request::post("/there", "five!");
    let Some(container) = serve("custom", "FROM heeler-custom", &root().join("examples/shell"), &call) else { return };
    let said = container.call(&call).assert_ok().text();
    assert!(said.starts_with("Hello, there!\n") && said.contains("body: five!"), "{said}");
}

/// The binary on top of any image, in place of the watchdog that was there.
#[test]
fn an_image_that_was_there() {
    let Some(_) = image("custom") else { return };
    let before =
        "FROM heeler-test/base-custom\nRUN touch /usr/bin/fwatchdog\nENV fprocess=cat\nCMD [\"/usr/bin/fwatchdog\"]\n";
    let before = build("user-before", before, Path::new("examples/shell"));
    let after = shown("README.md", "FROM heeler AS watchdog").replace("registry.example/my-function", &before);
    let container =
        Run::of(&build("user-after", &after, Path::new("examples/shell"))).serve(&Request::post("/", "body"));
    assert_eq!(container.call(&Request::post("/", "body")).text(), "body");
}

/// One process for each call, in a language that is compiled, under the old watchdog's name.
#[test]
fn a_program_in_go() {
    let (Some(_), Some(_)) = (image("custom"), image("base-go-build")) else { return };
    let dockerfile = shown("docs/images.md", "FROM golang:1.25-bookworm AS build");
    let container = Run::of(&build("user-classic-go", &dockerfile, &root().join("examples/go"))).boxed("64m");
    let container = container.serve(&Request::post("/path", "body"));
    assert_eq!(container.call(&Request::post("/path", "body")).text(), "POST /path: 4 bytes\n");
}
