//! `reply=sink`: what a SinkBinding says, and mistakes in it.

use crate::support::HEELER;
use std::process::Command;

use crate::event::{binary, printing, shell};
use crate::taker::{REPLY, Taker};

/// The exit code and what was said, on which stream ever.
fn check(vars: &[(&str, &str)]) -> (i32, String) {
    let mut command = Command::new(HEELER);
    command.args(["check", "cat"]).env_clear().env("PATH", "/usr/bin:/bin").envs(vars.iter().copied());
    let output = command.output().expect("heeler runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[test]
fn mistakes_stop_the_start() {
    let url = ("K_SINK", "http://broker/x");
    for (vars, said) in [
        (&[][..], "reply: \"sink\" needs K_SINK, which is not set (bind the function to a sink with a SinkBinding"),
        (&[("K_SINK", " ")], "reply: \"sink\" needs K_SINK, which is not set"),
        (&[("K_SINK", "https://broker/x")], "K_SINK: \"https://broker/x\" asks for TLS, which heeler does not speak"),
        (&[("K_SINK", "broker/x")], "K_SINK: \"broker/x\" has no scheme (try http://broker/x)"),
        (&[("K_SINK", "unix:/tmp/x")], "K_SINK: \"unix:/tmp/x\" is not an http URL"),
        (&[url, ("K_CE_OVERRIDES", "{")], "K_CE_OVERRIDES: \"{\" is not JSON (at byte 1)"),
        (&[url, ("K_CE_OVERRIDES", r#"{"extensions":{"A":"b"}}"#)], "A: a name has only a to z and 0 to 9"),
        (&[url, ("K_CE_OVERRIDES", r#"{"extensions":{"id":"b"}}"#)], "would set id of each event"),
        (&[url, ("K_CE_OVERRIDES", r#"{"extensions":{"a":"\u0000"}}"#)], "a: has a control character"),
    ] {
        let (code, text) = check(&[&[("reply", "sink")], vars].concat());
        assert_eq!(code, 64, "{vars:?}: {text}");
        assert!(text.contains(said), "{vars:?}: {text}");
    }
    let mut heeler = printing("streaming", "true").env("reply", "sink").spawn();
    assert_eq!(heeler.exit_code(), 64);
    let (_, text) = check(&[("reply", "sink"), ("port", "x"), ("K_SINK", "x y"), ("K_CE_OVERRIDES", "x")]);
    for name in ["port: ", "K_SINK: ", "K_CE_OVERRIDES: "] {
        assert!(text.contains(name), "all at once: {text}");
    }
}

#[test]
fn check_shows_where_results_go() {
    let overrides = r#"{"extensions":{"b":"x","a":"y"},"else":1}"#;
    let vars = [("reply", "sink"), ("K_SINK", "http://broker:80/a/b?c"), ("K_CE_OVERRIDES", overrides)];
    let (code, text) = check(&vars);
    assert_eq!(code, 0, "{text}");
    for line in ["sink: http://broker:80/a/b?c (K_SINK)", "set on each event: a=\"y\", b=\"x\" (K_CE_OVERRIDES)"] {
        assert!(text.lines().any(|seen| seen == line), "{text}");
    }
    let (_, text) = check(&vars[..2]);
    assert!(text.contains("sink: ") && !text.contains("K_CE_OVERRIDES"), "{text}");
}

/// A function that sends its events itself has these variables, too.
#[test]
fn a_binding_alone_changes_nothing() {
    let vars = [("K_SINK", "https://broker/x"), ("K_CE_OVERRIDES", "{")];
    let (code, text) = check(&vars);
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("K_SINK") && !text.contains("warning"), "{text}");
    let sink = Taker::new();
    let heeler = shell("streaming", "printf '%s' \"$K_SINK\"").env("K_SINK", sink.server.url()).start();
    assert_eq!(heeler.call(&binary()).assert_ok().text(), sink.server.url());
    for reply in ["event", "raw"] {
        let heeler = shell("streaming", &format!("printf '%s' '{REPLY}'")).env("K_SINK", sink.server.url());
        assert_eq!(heeler.env("reply", reply).start().call(&binary()).assert_ok().text(), REPLY);
    }
    assert_eq!(sink.all().len(), 0);
}
