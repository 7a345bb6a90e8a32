//! The script of the Tekton Task, run as its step runs it, but for the shell's place.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::files::documents;

struct Built {
    good: bool,
    said: String,
    dockerfile: Option<String>,
    url: String,
}

/// The variables of the steps, with what a run's parameters make of them.
fn env(source: &Path, image: &str, dockerfile: &str, build_base: &str) -> BTreeMap<String, String> {
    let task = documents("tekton/build-function.yaml").remove(0).value;
    let entries = task["spec"]["stepTemplate"]["env"].as_array().unwrap().clone();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let put_in = |value: String| {
        value
            .replace("$(workspaces.source.path)", source.to_str().unwrap())
            .replace("$(params.context)", "function")
            .replace("$(params.dockerfile)", dockerfile)
            .replace("$(params.build-base)", build_base)
            .replace("$(params.image)", image)
            .replace("$(results.IMAGE_URL.path)", source.join("url").to_str().unwrap())
    };
    let env: BTreeMap<_, _> =
        entries.iter().map(|entry| (text(&entry["name"]), put_in(text(&entry["value"])))).collect();
    let left = ["$(params.", "$(workspaces.", "$(results."];
    assert!(env.values().all(|value| !left.iter().any(|start| value.contains(start))), "{env:?}");
    env
}

fn build(source: &Path, image: &str, dockerfile: &str, build_base: &str) -> Built {
    let task = documents("tekton/build-function.yaml").remove(0).value;
    let script = task["spec"]["steps"][0]["script"].as_str().unwrap().to_owned();
    // Parameters in a script's text would be a way to run commands.
    assert!(!script.contains("$("), "{script}");
    let file = source.join("script");
    fs::write(&file, script).unwrap();
    let mut command = Command::new("sh");
    command.arg(&file).env_clear().env("PATH", std::env::var("PATH").unwrap());
    let done = command.envs(env(source, image, dockerfile, build_base)).output().unwrap();
    Built {
        good: done.status.success(),
        said: String::from_utf8([done.stdout, done.stderr].concat()).unwrap(),
        dockerfile: fs::read_to_string(source.join("function/Dockerfile")).ok(),
        url: fs::read_to_string(source.join("url")).unwrap_or_default(),
    }
}

fn source(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("function")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join("function").join(name), text).unwrap();
    }
    folder
}

const IMAGE: &str = "registry.example/my-function:1.0.0";

#[test]
fn a_source_without_a_dockerfile_gets_one() {
    let source = source(&[("function.py", "def handle(request): return 1\n")]);
    let built = build(source.path(), IMAGE, "Dockerfile", "");
    assert!(built.good, "{}", built.said);
    assert_eq!(built.dockerfile.as_deref(), Some("ARG BASE\nFROM ${BASE}\nCOPY . /home/app/\n"));
    assert_eq!(built.url, IMAGE);
    let left_out = fs::read_to_string(source.path().join("function/.dockerignore")).unwrap();
    assert_eq!(left_out, ".git\nDockerfile\n.dockerignore\n");
    // And again, on what it has written itself.
    assert!(build(source.path(), IMAGE, "Dockerfile", "").said.contains("of the source"));
}

#[test]
fn a_function_in_go_is_compiled_first() {
    let source = source(&[("handler.go", "package function\n")]);
    let built = build(source.path(), IMAGE, "Dockerfile", "registry.example/heeler-go-build:1");
    let text = built.dockerfile.unwrap();
    let lines: Vec<_> = text.lines().collect();
    let expected = [
        "ARG BASE",
        "ARG BUILD_BASE",
        "FROM ${BUILD_BASE} AS build",
        "COPY . /src",
        "RUN [\"heeler-go-build\", \"/src\"]",
        "FROM ${BASE}",
        "COPY --from=build /home/app/function /home/app/function",
    ];
    assert_eq!(lines, expected, "{}", built.said);
}

#[test]
fn a_dockerfile_of_the_sources_own_stays() {
    let own = "FROM scratch\n";
    let source = source(&[("Dockerfile", own), (".dockerignore", "x\n")]);
    let built = build(source.path(), IMAGE, "Dockerfile", "");
    assert!(built.good && built.said.contains("of the source"), "{}", built.said);
    assert_eq!(built.dockerfile.as_deref(), Some(own));
    assert_eq!(fs::read_to_string(source.path().join("function/.dockerignore")).unwrap(), "x\n");
}

#[test]
fn a_dockerfile_that_is_named_has_to_be_there() {
    let source = source(&[]);
    let built = build(source.path(), IMAGE, "Dockerfile.prod", "");
    assert!(!built.good && built.said.contains("there is no Dockerfile.prod"), "{}", built.said);
    assert_eq!(built.dockerfile, None);
}

#[test]
fn packages_that_nobody_installs_are_told_of() {
    let source = source(&[("function.py", ""), ("requirements.txt", "flask\n")]);
    let built = build(source.path(), IMAGE, "Dockerfile", "");
    assert!(built.good && built.said.contains("requirements.txt is there"), "{}", built.said);
}

/// Names come from whoever may start a run; none of them is a command.
#[test]
fn parameters_are_never_run() {
    let source = source(&[]);
    let image = "a$(touch gotcha)`touch gotcha`'; touch gotcha; '";
    let built = build(source.path(), image, "Dockerfile", "x; touch gotcha");
    assert!(built.good, "{}", built.said);
    assert_eq!(built.url, image);
    let found = [source.path().join("gotcha"), source.path().join("function/gotcha")];
    assert!(found.iter().all(|path| !path.exists()));
}

/// The Dockerfile that is written takes what the next step hands to kaniko.
#[test]
fn the_build_arguments_are_those_of_the_dockerfile() {
    let task = documents("tekton/build-function.yaml").remove(0).value;
    let args = task["spec"]["steps"][1]["args"].to_string();
    for name in ["BASE", "BUILD_BASE"] {
        let param = name.to_lowercase().replace('_', "-");
        assert!(args.contains(&format!("--build-arg={name}=$(params.{param})")), "{args}");
    }
    assert!(args.contains("$(results.IMAGE_DIGEST.path)"), "{args}");
}
