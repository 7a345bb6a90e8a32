//! The script of the Tekton Task, run as its step runs it, but for the shell's place.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::documents;

struct Built {
    good: bool,
    said: String,
    dockerfile: Option<String>,
    /// What kaniko leaves out by, where it is not the source's own list.
    left_out: Option<String>,
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
            // The volume that the steps share, empty in each run.
            .replace("/kaniko/recipe", source.join("recipe").to_str().unwrap())
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
    let recipe = source.join("recipe");
    _ = fs::remove_dir_all(&recipe);
    fs::create_dir(&recipe).unwrap();
    let before = contents(&source.join("function"));
    let mut command = Command::new("sh");
    command.arg(&file).env_clear().env("PATH", std::env::var("PATH").unwrap());
    let done = command.envs(env(source, image, dockerfile, build_base)).output().unwrap();
    assert_eq!(contents(&source.join("function")), before, "the source is another one");
    Built {
        good: done.status.success(),
        said: String::from_utf8([done.stdout, done.stderr].concat()).unwrap(),
        dockerfile: fs::read_to_string(recipe.join("Dockerfile")).ok(),
        left_out: fs::read_to_string(recipe.join("Dockerfile.dockerignore")).ok(),
        url: fs::read_to_string(source.join("url")).unwrap_or_default(),
    }
}

/// Every file of a folder, with its text.
fn contents(folder: &Path) -> BTreeMap<PathBuf, String> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
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
    assert_eq!(built.left_out.as_deref(), Some(".git\n"));
    // A second run on the same volume goes by its own parameters.
    let again = build(source.path(), IMAGE, "Dockerfile", "registry.example/heeler-go-build:1");
    assert!(again.dockerfile.unwrap().contains("heeler-go-build"), "{}", again.said);
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
    assert_eq!(built.left_out, None, "the source's own list would not count");
}

#[test]
fn a_dockerfile_of_another_name_brings_its_list_along() {
    let source = source(&[("Dockerfile.prod", "FROM scratch\n"), ("Dockerfile.prod.dockerignore", "y\n")]);
    let built = build(source.path(), IMAGE, "Dockerfile.prod", "");
    assert_eq!(built.dockerfile.as_deref(), Some("FROM scratch\n"), "{}", built.said);
    assert_eq!(built.left_out.as_deref(), Some("y\n"));
}

#[test]
fn a_list_of_the_sources_own_counts_for_a_written_dockerfile() {
    let source = source(&[("function.py", ""), (".dockerignore", "x\n")]);
    let built = build(source.path(), IMAGE, "Dockerfile", "");
    assert!(built.dockerfile.is_some(), "{}", built.said);
    assert_eq!(built.left_out, None);
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

/// Kaniko reads what the first step has put into the volume.
#[test]
fn the_dockerfile_is_where_kaniko_looks() {
    let task = documents("tekton/build-function.yaml").remove(0).value;
    let spec = &task["spec"];
    let mount = &spec["stepTemplate"]["volumeMounts"][0];
    assert_eq!(mount["name"], spec["volumes"][0]["name"]);
    assert!(spec["volumes"][0]["emptyDir"].is_object(), "it would be there in the next run");
    let at = mount["mountPath"].as_str().unwrap();
    let env = spec["stepTemplate"]["env"].as_array().unwrap();
    assert!(env.iter().any(|entry| entry["name"] == "RECIPE" && entry["value"] == at), "{env:?}");
    let args = spec["steps"][1]["args"].to_string();
    assert!(args.contains(&format!("--dockerfile={at}/Dockerfile\"")), "{args}");
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
