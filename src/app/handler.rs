//! What runs the calls: a process for each, a server that is kept, or a folder of files.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::kept;
use super::start::Failure;
use crate::config::{Settings, value};
use crate::front::Address;
use crate::invoke::upstream::{Config, Parts, Prepared};
use crate::invoke::{Files, Fork, Invoker, Mode, Upstream};
use crate::log::HandlerLog;
use crate::metrics::Metrics;
use crate::process::Processes;
use crate::program::{DEFAULT_PATH, find_program};

/// The handler before its first start.
pub(super) struct Handler {
    pub(super) invoker: Invoker,
    /// Where it is a server that is kept.
    pub(super) keep: Option<kept::Prepared>,
}

/// The file that the command starts; nothing where static mode needs no command.
pub(super) fn find(settings: &Settings, environment: &[(OsString, OsString)]) -> Result<PathBuf, Failure> {
    if settings.invoke.mode == Mode::Static {
        return Ok(PathBuf::new());
    }
    let program = settings.invoke.command.first().map(String::as_str).unwrap_or_default();
    let path = environment.iter().find(|(name, _)| name == "PATH").map_or(OsStr::new(DEFAULT_PATH), |(_, path)| path);
    find_program(program, path)
        .map_err(|error| Failure { message: format!("cannot run the handler: {error}"), code: error.exit_code() })
}

/// What a handler is made of.
pub(super) struct Given<'a> {
    pub(super) settings: &'a Settings,
    /// What [`find`] found.
    pub(super) path: &'a Path,
    pub(super) environment: &'a [(OsString, OsString)],
    /// heeler's own addresses, with the ports that the kernel chose.
    pub(super) doors: &'a [String],
    pub(super) processes: Processes,
    pub(super) log: HandlerLog,
    pub(super) metrics: Metrics,
}

impl Given<'_> {
    /// Makes the handler of the mode.
    pub(super) fn prepare(self) -> Result<Handler, Failure> {
        let invoke = &self.settings.invoke;
        let invoker = match invoke.mode {
            Mode::Http => return self.keep(),
            Mode::Static => Invoker::Files(Files::new(&invoke.files)),
            _ => {
                let Given { path, environment, processes, log, metrics, .. } = self;
                Invoker::Fork(Fork::new(invoke.clone(), path, environment, processes, log, metrics)?)
            }
        };
        Ok(Handler { invoker, keep: None })
    }

    fn keep(self) -> Result<Handler, Failure> {
        let Given { settings, path, environment, doors, processes, log, metrics } = self;
        let invoke = &settings.invoke;
        let config = with_own_ports(invoke.upstream.clone(), doors);
        let (command, kill_grace) = (&invoke.command, invoke.kill_grace);
        let parts = Parts { config: config.clone(), path, command, environment, kill_grace, processes, log, metrics };
        let keep = Prepared::new(parts)?;
        let invoker = Invoker::Upstream(Upstream::new(config, keep.states()));
        Ok(Handler { invoker, keep: Some(kept::Prepared::Upstream(keep)) })
    }
}

/// The settings know port 0 where the kernel chooses.
fn with_own_ports(mut config: Config, doors: &[String]) -> Config {
    let addresses = doors.iter().filter_map(|door| value::addresses(door).ok()).flatten();
    let ports: Vec<u16> = addresses
        .filter_map(|address| match address {
            Address::Tcp { port, .. } => Some(port),
            Address::Unix(_) => None,
        })
        .collect();
    config.outer_port = ports.first().copied();
    config.taken_ports.extend(ports);
    config
}
