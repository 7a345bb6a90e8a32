//! What has to hold for any bytes at all, of every parser of heeler's own: for the fuzzer (`fuzz/`), and for the unit
//! tests over what the fuzzer found worth keeping (`tests/corpus/`). In no other build.
//!
//! Each check stands in a `fuzzed.rs` beside the parsers that it is for, so that none of them has to be public for it.
//! The checks of the event decoders are in `tests/events/checks.rs`, since they need nothing private.
#![allow(clippy::unwrap_used, reason = "a panic is how a check fails")]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::sync::OnceLock;

pub use crate::config::fuzzed::{environment, settings};
pub use crate::event::fuzzed::values;
pub use crate::front::fuzzed::{collected, requests, websocket};
pub use crate::invoke::fuzzed::{answers, cgi, files, forwarded, frames, messages};

use crate::config::{Host, Settings, Vars};
use crate::{cli, client, init, input, invoke};

/// Any bytes as arguments, one a line, of each command.
pub fn words(bytes: &[u8]) {
    let ([choice], bytes) = input::choices(bytes);
    let args: Vec<OsString> =
        bytes.split(|byte| *byte == b'\n').map(|word| OsString::from_vec(word.to_vec())).collect();
    match choice % 3 {
        0 => init::fuzzed::options(args),
        1 => client::fuzzed::invocation(args),
        _ => command(&args),
    }
}

/// Behind `--` everything is the command's.
fn command(args: &[OsString]) {
    match cli::parse(args.iter().cloned()) {
        Ok(cli::Command::Serve { args: command }) => {
            assert!(args.ends_with(&command.iter().map(OsString::from).collect::<Vec<_>>()));
        }
        Ok(_) => {}
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let behind = [OsString::from("--")].into_iter().chain(args.iter().cloned());
    let texts: Option<Vec<_>> = args.iter().map(|arg| arg.to_str().map(str::to_owned)).collect();
    assert_eq!(cli::parse(behind).ok(), texts.map(|args| cli::Command::Serve { args }));
}

/// Any bytes as a request to a handler that gets it in its environment.
pub fn env(bytes: &[u8]) {
    static CONFIGS: OnceLock<[invoke::Config; 3]> = OnceLock::new();
    let configs = CONFIGS.get_or_init(|| ["streaming", "classic", "cgi"].map(config));
    let ([choice], bytes) = input::choices(bytes);
    invoke::fuzzed::env(&configs[usize::from(choice) % configs.len()], bytes);
}

fn config(mode: &str) -> invoke::Config {
    let vars: Vars = [("mode", mode), ("fprocess", "cat")].into_iter().collect();
    Settings::from_vars(&[], &vars, &Host::default()).unwrap().0.invoke
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    /// Their checks and their test are in `tests/`.
    const EVENTS: [&str; 3] = ["batch", "binary", "structured"];

    /// One test for each target, of its own name.
    macro_rules! kept {
        ($($target:ident)*) => {
            const TARGETS: &[&str] = &[$(stringify!($target)),*];
            $(
                #[test]
                fn $target() {
                    every(stringify!($target), super::$target);
                }
            )*
        };
    }

    kept! {
        answers cgi collected env environment files forwarded frames messages requests settings values websocket words
    }

    fn read(path: &str) -> String {
        let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn every(target: &str, check: fn(&[u8])) {
        let text = read(&format!("tests/corpus/{target}.base64"));
        assert!(text.lines().count() > 20, "{target}: too little is kept");
        for line in text.lines() {
            let bytes = STANDARD.decode(line).unwrap();
            let broken = std::panic::catch_unwind(|| check(&bytes)).is_err();
            assert!(!broken, "{target}: {line}");
        }
    }

    #[test]
    fn every_target_has_its_corpus_and_its_test() {
        let manifest = read("fuzz/Cargo.toml");
        let names = manifest.split("[[bin]]").skip(1).filter_map(|bin| bin.split('"').nth(1));
        let targets: BTreeSet<_> = names.collect();
        let tested: BTreeSet<_> = TARGETS.iter().chain(&EVENTS).copied().collect();
        assert_eq!(targets, tested);
        let survives = read("tests/event_survives.rs");
        for target in targets {
            assert!(!EVENTS.contains(&target) || survives.contains(&format!("(\"{target}\", ")), "{target}");
            assert!(read(&format!("fuzz/fuzz_targets/{target}.rs")).contains(&format!("{target}(bytes)")), "{target}");
            let kept = read(&format!("tests/corpus/{target}.base64"));
            assert!(kept.len() <= 60_000, "{target}: {} bytes are kept, and 60 kB are enough", kept.len());
        }
    }
}
