//! The one table of settings; fills every module's own `Config`.
//!
//! The way of a setting: a row in [`vars`] → a pure parser in [`value`] → a field in the `Config`
//! of the module that needs it. Everything here is a pure function of [`Vars`] and [`Host`], but
//! for the edge in `place`, the only code that reads the environment. Nothing falls back in
//! silence: all mistakes are collected and reported at once.

mod command;
mod fill;
mod kind;
mod listen;
mod lookalike;
mod memory;
mod mode;
mod own;
mod page;
mod place;
mod read;
pub mod value;
pub mod vars;

use std::path::PathBuf;
use std::time::Duration;

pub use kind::{Kind, Value};
pub use page::{help, page};
pub use place::{Host, Vars, environment};

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
        let command = command::command(&mut reader, args, host);
        let chosen = mode::choose(&mut reader, command.is_some());
        // A mode that cannot be told is a mistake already; the rest is still checked.
        let mode = chosen.as_ref().map_or(Mode::Streaming, |chosen| chosen.mode);
        if chosen.is_some() {
            reader.check_use(mode);
            command::check(&mut reader, command.as_deref(), mode);
        }
        fill::check_peers(&mut reader);
        reader.warnings.extend(lookalike::warnings(vars));

        let front = fill::front(&mut reader, mode, host);
        let settings = Settings {
            invoke: fill::invoke(&mut reader, mode, command.unwrap_or_default(), host),
            log: fill::log(&reader),
            app: fill::app(&mut reader, &front),
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
mod tests;
