//! heeler with the Java runtime, as scripts/java.sh builds it, and the functions that scripts/servers.sh compiles.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::support::{Builder, Heeler, Request, skipped};

/// Where everything is, or why it is not.
static BUILT: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    for (skipped, what, script) in [
        ("runtimes/java.skipped", "runtimes/java/heeler.jar", "scripts/java.sh"),
        ("servers/functions_java.skipped", "servers/functions_java/function.jar", "scripts/servers.sh"),
    ] {
        if let Ok(why) = fs::read_to_string(target.join(skipped)) {
            return Err(why.trim_end().to_owned());
        }
        assert!(target.join(what).exists(), "target/{what} is missing: run {script}");
    }
    Ok(target)
});

/// What is below target/, or a line that says why these tests do not run.
pub(crate) fn target() -> Option<&'static Path> {
    if let Err(why) = &*BUILT {
        skipped(&format!("functions in Java: {why}"));
    }
    BUILT.as_deref().ok()
}

/// The jar of all functions, with what they bring: Lambda's interfaces and builders of events.
pub(crate) fn class_path(target: &Path) -> String {
    let set = target.join("servers/functions_java");
    let jars =
        ["function", "jars/aws-lambda-java-core-1.2.3", "jars/cloudevents-core-4.0.1", "jars/cloudevents-api-4.0.1"];
    jars.map(|jar| format!("{}.jar", set.join(jar).display())).join(":")
}

pub(crate) fn builder(env: &[(&str, &str)]) -> Option<Builder> {
    let target = target()?;
    let runtimes = target.join("runtimes");
    let own = [
        ("mode", "warm"),
        ("runtimes", runtimes.to_str().unwrap()),
        ("FUNCTION_CLASSPATH", &class_path(target)),
        ("kill_grace", "2s"),
    ];
    Some(Heeler::builder().metrics().envs(&own).envs(env))
}

pub(crate) fn start(env: &[(&str, &str)]) -> Option<Heeler> {
    Some(builder(env)?.start())
}

/// A function of the functions framework, by its class.
pub(crate) fn framework(class: &str) -> Option<Heeler> {
    start(&[("FUNCTION_TARGET", &format!("functions.{class}"))])
}

/// What a worker said of itself.
pub(crate) fn about(heeler: &Heeler, key: &str) -> String {
    let line = heeler.stderr.wait_for_json("a worker's hello", |line| line["msg"] == "worker is up");
    let pairs = line["about"].as_str().unwrap_or_default();
    pairs.split(' ').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default().to_owned()
}

/// A request, and the status, type and text of its answer.
pub(crate) type Row<'a> = (Request, u16, &'a str, &'a str);

pub(crate) fn ask(heeler: &Heeler, rows: &[Row<'_>]) {
    for (request, status, kind, body) in rows {
        let answer = heeler.call(request);
        let seen = (answer.status, answer.header("content-type").unwrap_or_default(), answer.text());
        assert_eq!(seen, (*status, *kind, (*body).to_owned()), "{}", String::from_utf8_lossy(&request.bytes()));
    }
}
