//! The one table of settings; fills every module's own `Config`.
//!
//! The way of a setting: a row in [`vars`] → a pure parser in [`value`] → a field in the `Config`
//! of the module that needs it. Everything here is a pure function of [`Vars`] and [`Host`], but
//! for the edge in `place`, the only code that reads the environment. Nothing falls back in
//! silence: all mistakes are collected and reported at once.

mod command;
mod fill;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod kind;
mod listen;
mod lookalike;
mod memory;
mod mode;
mod own;
mod page;
mod place;
mod read;
mod source;
mod upstream;
pub mod value;
mod var;
pub mod vars;

use std::path::PathBuf;
use std::time::Duration;

pub use kind::{Kind, Value};
pub use page::{help, page};
pub use place::{Host, Vars, environment};
pub use var::{Group, Preset, Var};

use crate::front::{Address, MetricsPort};
use crate::invoke::Mode;
use crate::{app, front, invoke, log};
use read::Reader;

/// Everything that `serve` needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// For the front.
    pub front: front::Config,
    /// For the invoker.
    pub invoke: invoke::Config,
    /// For the log.
    pub log: log::Config,
    /// For the instance as a whole.
    pub app: app::Config,
    /// Why the mode is this one.
    pub mode_reason: String,
    /// What is odd but no mistake; to be logged once the log is up.
    pub warnings: Vec<Warning>,
}

/// A setting that cannot stand. Shown as `exec_timeout: "10x" is not a duration (try …)`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {text}")]
pub struct Mistake {
    /// The name as it was set.
    pub name: String,
    /// What is wrong, and what works.
    pub text: String,
}

/// A setting that is odd. Shown as a [`Mistake`] is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {text}")]
pub struct Warning {
    /// The name as it was set.
    pub name: String,
    /// What is odd.
    pub text: String,
}

/// How one setting came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The name in the table.
    pub name: &'static str,
    /// The value, as one would set it.
    pub value: String,
    /// The variable that it came from, or why the default is what it is.
    pub from: String,
}

/// Settings that cannot stand: every mistake, and what was odd besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Never empty.
    pub mistakes: Vec<Mistake>,
    /// Often the reason of a mistake, such as a name with a slip in it.
    pub warnings: Vec<Warning>,
}

impl Settings {
    /// Reads all settings. `args` is the command that was given on heeler's own command line.
    pub fn from_vars(args: &[String], vars: &Vars, host: &Host) -> Result<(Settings, Vec<Origin>), Rejected> {
        let mut reader = Reader::new(vars);
        let command = command::command(&mut reader, args, vars, host);
        let source = if command.is_none() { Some(source::find(&mut reader, host)) } else { None };
        let chosen = mode::choose(&mut reader, command.is_some(), source.as_ref());
        // A mode that cannot be told is a mistake already; the rest is still checked.
        let mode = chosen.as_ref().map_or(Mode::Streaming, |chosen| chosen.mode);
        reader.check_use(chosen.as_ref().map(|chosen| chosen.mode));
        if chosen.is_some() {
            command::check(&mut reader, command.as_deref(), mode);
        }
        if let (Mode::Warm, Some(Err(miss))) = (mode, &source) {
            reader.mistakes.push(miss.mistake.clone());
        }
        fill::check_peers(&mut reader);
        reader.warnings.extend(lookalike::warnings(vars));

        let front = fill::front(&mut reader, mode, host);
        let handler = fill::Handler { command: command.unwrap_or_default(), source: source.and_then(Result::ok) };
        let settings = Settings {
            invoke: fill::invoke(&mut reader, mode, handler, &front, host),
            log: fill::log(&reader),
            app: fill::app(&mut reader, mode, &front),
            front,
            mode_reason: chosen.map(|chosen| chosen.reason).unwrap_or_default(),
            warnings: std::mem::take(&mut reader.warnings),
        };
        if reader.mistakes.is_empty() {
            Ok((settings, reader.origins()))
        } else {
            Err(Rejected { mistakes: reader.mistakes, warnings: settings.warnings })
        }
    }
}

/// Where an instance in this container answers, as far as the settings tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Written by an instance that is ready; `None` is off.
    pub lock_file: Option<PathBuf>,
    /// The addresses of calls.
    pub listen: Vec<Address>,
    /// The second listener; `None` is off.
    pub metrics: Option<MetricsPort>,
}

impl Instance {
    /// Reads only what a probe needs: its environment may lack the command, and a mistake
    /// elsewhere is not the probe's business.
    pub fn from_vars(vars: &Vars) -> Result<Instance, Rejected> {
        const NEEDED: [&str; 8] =
            ["listen", "port", "LISTEN_ADDRESS", "ADDRESS", "PORT", "metrics_port", "lock_file", "suppress_lock"];
        let mut reader = Reader::new(vars);
        let listen = listen::listen(&mut reader);
        let metrics = listen::metrics(&mut reader, &listen);
        let lock_file = fill::lock_file(&mut reader);
        reader.mistakes.retain(|mistake| NEEDED.contains(&mistake.name.as_str()));
        if reader.mistakes.is_empty() {
            Ok(Instance { lock_file, listen, metrics })
        } else {
            Err(Rejected { mistakes: reader.mistakes, warnings: reader.warnings })
        }
    }
}

/// A whole number of seconds.
const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs<'a> = &'a [(&'a str, &'a str)];

    fn read(pairs: Pairs<'_>) -> Result<(Settings, Vec<Origin>), Rejected> {
        let vars: Vars = pairs.iter().copied().collect();
        Settings::from_vars(&[], &vars, &Host::default())
    }

    /// The mistakes and warnings that settings make beside a command.
    fn notes(pairs: Pairs<'_>) -> (Vec<String>, Vec<String>) {
        let all: Vec<_> = [("fprocess", "cat")].iter().chain(pairs).copied().collect();
        match read(&all) {
            Ok((settings, _)) => (vec![], settings.warnings.iter().map(ToString::to_string).collect()),
            Err(rejected) => (
                rejected.mistakes.iter().map(ToString::to_string).collect(),
                rejected.warnings.iter().map(ToString::to_string).collect(),
            ),
        }
    }

    #[test]
    fn all_mistakes_come_at_once() {
        let rejected =
            read(&[("exec_timeout", "10x"), ("port", "http"), ("mode", "fast"), ("prot", "1"), ("prefork", "2")])
                .unwrap_err();
        let mistakes: Vec<_> = rejected.mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(
            mistakes,
            [
                "mode: \"fast\" is not a mode (try streaming, serializing, classic, cgi, http, warm, lambda, static)",
                "port: \"http\" is not a port (try 8080, at most 65535)",
                "exec_timeout: \"10x\" is not a duration (try 10s, 500ms, or whole seconds)",
                "prefork: \"2\" is not built yet (leave it unset, or at 0)",
            ]
        );
        assert_eq!(rejected.warnings[0].to_string(), "prot: is not a setting (did you mean port?)");
    }

    #[test]
    fn a_mistake_is_named_by_the_alias_that_was_set() {
        assert_eq!(
            notes(&[("healthcheck_interval", "-5s")]).0,
            ["healthcheck_interval: \"-5s\" is negative (try 10s, 500ms, or whole seconds; 0 where it may be off)"]
        );
    }

    #[test]
    fn names_that_contradict_each_other_are_a_warning() {
        let both = |second| notes(&[("shutdown_delay", "1s"), ("healthcheck_interval", second)]);
        assert_eq!(both("1s"), (vec![], vec![]));
        assert_eq!(both("2s").1, ["healthcheck_interval: has no effect, since shutdown_delay is set too"]);
    }

    #[test]
    fn what_is_not_built_is_refused_only_when_it_is_used() {
        for (name, default, other) in [("prefork", "0", "2"), ("isolation", "none", "call")] {
            assert_eq!(notes(&[(name, default)]), (vec![], vec![]), "{name}");
            let mistakes = notes(&[(name, other)]).0;
            assert!(mistakes[0].contains("is not built yet ("), "{mistakes:?}");
        }
        let lambda = "mode: \"lambda\" is not built yet (what works: streaming, serializing, classic, cgi, http, warm, \
                      static)";
        assert_eq!(notes(&[("mode", "lambda")]).0, [lambda]);
    }

    #[test]
    fn events_are_gathered_where_that_can_work() {
        let of = |pairs: Pairs<'_>| {
            let all: Vec<_> = [("fprocess", "cat")].iter().chain(pairs).copied().collect();
            read(&all).unwrap().0.front.events.collecting.map(|collecting| (collecting.most, collecting.wait))
        };
        assert_eq!(of(&[("batch_size", "2")]), Some((2, Duration::from_millis(100))));
        assert_eq!(of(&[("batch_size", "65535"), ("batch_max_wait", "0")]), Some((65_535, Duration::ZERO)));
        assert_eq!((of(&[]), of(&[("batch_size", "1")])), (None, None));
        let alone = "batch_max_wait: has no effect without batch_size (2 at least)";
        for size in ["0", "1"] {
            assert_eq!(notes(&[("batch_size", size), ("batch_max_wait", "1s")]), (vec![], vec![alone.to_owned()]));
        }
        let off = "batch_size: has no effect beside events=off";
        assert_eq!(notes(&[("batch_size", "9"), ("events", "off")]), (vec![], vec![off.to_owned()]));
        assert_eq!(notes(&[("batch_size", "9"), ("mode", "http")]).1, [off], "off is the default there");
        assert_eq!(notes(&[("batch_size", "9"), ("mode", "http"), ("events", "auto")]), (vec![], vec![]));
        for name in ["batch_size", "batch_max_events"] {
            let most = format!("{name}: \"65536\" is more than one call can bring (try 65535 at most)");
            assert_eq!(notes(&[(name, "65536")]).0, [most]);
        }
    }

    #[test]
    fn events_are_gathered_for_less_time_than_they_have() {
        let late = "is not below exec_timeout, 2s: an event would be late before its call begins";
        for wait in ["2s", "3s"] {
            let vars = [("batch_size", "9"), ("batch_max_wait", wait), ("exec_timeout", "2s")];
            assert_eq!(notes(&vars).0, [format!("batch_max_wait: {wait} {late}")]);
        }
        let default = notes(&[("batch_size", "9"), ("exec_timeout", "100ms")]).0;
        assert!(default[0].starts_with("batch_max_wait: 100ms is not below exec_timeout, 100ms: "), "{default:?}");
        for limit in ["0", "2001ms"] {
            let vars = [("batch_size", "9"), ("batch_max_wait", "2s"), ("exec_timeout", limit)];
            assert_eq!(notes(&vars), (vec![], vec![]));
        }
    }

    #[test]
    fn plain_output_is_wrapped_by_a_type_and_a_source_together() {
        let half = "is set, and reply_type is not: an event needs both";
        assert_eq!(notes(&[("reply_source", "/s")]).0, [format!("reply_source: {half}")]);
        let half = "is set, and reply_source is not: an event needs both";
        assert_eq!(notes(&[("reply_type", "t")]).0, [format!("reply_type: {half}")]);
        assert_eq!(notes(&[("reply_type", "t"), ("reply_source", "/s")]), (vec![], vec![]));
        let mistakes = notes(&[("reply_type", "t"), ("reply_source", "a b")]).0;
        assert!(mistakes.len() == 1 && mistakes[0].contains("source"), "{mistakes:?}");
    }

    #[test]
    fn settings_of_events_do_nothing_where_events_are_off() {
        let server = [("mode", "http"), ("event_mode", "binary"), ("batch", "whole"), ("batch_max_events", "5")];
        let warned = notes(&server).1;
        let expected =
            ["event_mode", "batch", "batch_max_events"].map(|name| format!("{name}: has no effect beside events=off"));
        assert!(expected.iter().all(|warning| warned.contains(warning)), "{warned:?}");
        assert_eq!(notes(&[&server[..], &[("events", "auto")]].concat()).1, Vec::<String>::new());
        let none = notes(&[("batch_max_events", "0")]).0;
        assert_eq!(none, ["batch_max_events: \"0\" would refuse every batch (try 1000, at most 65535)"]);
    }

    #[test]
    fn a_worker_gets_attributes_and_data_apart() {
        assert_eq!(
            notes(&[("mode", "warm"), ("event_mode", "structured")]),
            (
                vec![],
                vec![
                    "event_mode: has no effect in warm mode (only in streaming, serializing, classic, cgi, http)"
                        .to_owned()
                ]
            )
        );
    }

    #[test]
    fn a_handler_without_a_file_is_a_mistake_where_no_command_is_set() {
        for vars in [&[("handler", "main.handle")][..], &[("handler", "main.handle"), ("mode", "warm")]] {
            let mistakes = read(vars).unwrap_err().mistakes;
            let text = "\"main.handle\" names no file that is there (looked for main in ., /kubeless; ";
            assert!(mistakes.len() == 1 && mistakes[0].name == "handler", "{mistakes:?}");
            assert!(mistakes[0].text.starts_with(text), "{mistakes:?}");
        }
        assert_eq!(notes(&[("mode", "warm"), ("handler", "main.handle")]), (vec![], vec![]));
    }

    #[test]
    fn settings_of_other_modes_are_a_warning_each() {
        let (mistakes, warnings) =
            notes(&[("upstream_url", "http://127.0.0.1:80"), ("workers", "4"), ("events", "auto")]);
        assert_eq!(mistakes, [""; 0]);
        assert_eq!(
            warnings,
            [
                "upstream_url: has no effect in streaming mode (only in http)",
                "workers: has no effect in streaming mode (only in warm, lambda)",
            ]
        );
        assert_eq!(notes(&[("workers", "none")]).0.len(), 1, "a wrong value is a mistake in every mode");
    }

    #[test]
    fn what_changes_who_may_call_is_refused() {
        assert!(notes(&[("jwt_auth", "true")]).0[0].starts_with("jwt_auth: \"true\" asks for a check of callers"));
        assert_eq!(notes(&[("jwt_auth", "false"), ("jwt_auth_debug", "1")]), (vec![], vec![]));
    }

    #[test]
    fn every_row_has_an_origin() {
        let (_, origins) = read(&[("fprocess", "cat"), ("log_call_id", "0"), ("PORT", "90")]).unwrap();
        assert_eq!(origins.len(), vars::VARS.len());
        let of = |name| {
            let origin = origins.iter().find(|origin| origin.name == name).unwrap();
            (origin.value.as_str(), origin.from.as_str())
        };
        assert_eq!(of("log_callid"), ("false", "log_call_id"));
        assert_eq!(of("port"), ("90", "PORT"));
        assert_eq!(of("kill_grace"), ("2s", "default"));
        assert_eq!(of("workers"), ("1", "default"));
        assert_eq!(of("runtimes"), ("-", "default: the copy inside the binary"));
    }

    #[test]
    fn a_probe_needs_no_command() {
        let of = |pairs: Pairs<'_>| Instance::from_vars(&pairs.iter().copied().collect());
        let instance = of(&[("exec_timeout", "junk"), ("PORT", "90"), ("TMPDIR", "/t")]).unwrap();
        assert_eq!(instance.listen, [Address::Tcp { host: None, port: 90 }]);
        assert_eq!(instance.lock_file, Some("/t/.lock".into()));
        assert_eq!(instance.metrics.unwrap().port, 8081);
        assert_eq!(of(&[("suppress_lock", "1")]).unwrap().lock_file, None);
        assert!(of(&[("port", "junk")]).is_err());
    }
}
