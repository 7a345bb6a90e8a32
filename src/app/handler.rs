//! What runs the calls: a process for each, a server or workers that are kept, or a folder of files.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::kept;
use super::start::Failure;
use crate::config::{Settings, value};
use crate::front::Address;
use crate::invoke::upstream::{Config, Parts, Prepared};
use crate::invoke::warm::{Pool, keep};
use crate::invoke::{Files, Fork, Invoker, Line, Mode, Upstream, Warm};
use crate::log::HandlerLog;
use crate::metrics::Metrics;
use crate::process::Processes;
use crate::program::{DEFAULT_PATH, find_program};

/// The handler before its first start.
pub(super) struct Handler {
    pub(super) invoker: Invoker,
    /// Where it is kept.
    pub(super) keep: Option<kept::Prepared>,
}

/// The command that is run, and the file that it starts.
pub(super) struct Found {
    pub(super) command: Vec<String>,
    pub(super) path: PathBuf,
}

/// Looks for the handler; nothing is found where static mode needs none. In warm mode the language's runtime is a part
/// of it.
pub(super) fn find(settings: &Settings, environment: &[(OsString, OsString)]) -> Result<Found, Failure> {
    let invoke = &settings.invoke;
    let command = match invoke.mode {
        Mode::Static => return Ok(Found { command: Vec::new(), path: PathBuf::new() }),
        Mode::Warm => keep::command(&invoke.warm, &invoke.command)?,
        _ => invoke.command.clone(),
    };
    let program = command.first().map(String::as_str).unwrap_or_default();
    let path = environment.iter().find(|(name, _)| name == "PATH").map_or(OsStr::new(DEFAULT_PATH), |(_, path)| path);
    let path = find_program(program, path)
        .map_err(|error| Failure { message: format!("cannot run the handler: {error}"), code: error.exit_code() })?;
    Ok(Found { command, path })
}

/// What a handler is made of.
pub(super) struct Given<'a> {
    pub(super) settings: &'a Settings,
    pub(super) found: &'a Found,
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
            Mode::Warm => return self.keep_warm(),
            Mode::Static => Invoker::Files(Files::new(&invoke.files)),
            _ => {
                let Given { found, environment, processes, log, metrics, .. } = self;
                Invoker::Fork(Fork::new(invoke.clone(), &found.path, environment, processes, log, metrics)?)
            }
        };
        Ok(Handler { invoker, keep: None })
    }

    fn keep(self) -> Result<Handler, Failure> {
        let Given { settings, found: Found { command, path }, environment, doors, processes, log, metrics } = self;
        let invoke = &settings.invoke;
        let config = with_own_ports(invoke.upstream.clone(), doors);
        let kill_grace = invoke.kill_grace;
        let parts = Parts { config: config.clone(), path, command, environment, kill_grace, processes, log, metrics };
        let keep = Prepared::new(parts)?;
        let invoker = Invoker::Upstream(Upstream::new(config, keep.states()));
        Ok(Handler { invoker, keep: Some(kept::Prepared::Upstream(Box::new(keep))) })
    }

    fn keep_warm(self) -> Result<Handler, Failure> {
        let Given { settings, found, environment, processes, log, metrics, .. } = self;
        let config = settings.invoke.warm.clone();
        let pool = Pool::new(Line::new(config.queue_depth, config.queue_timeout, metrics.clone()));
        let invoker = Invoker::Warm(Warm::new(pool.clone(), settings.invoke.max_output));
        let parts = keep::Parts {
            config,
            path: &found.path,
            command: &found.command,
            environment,
            kill_grace: settings.invoke.kill_grace,
            patience: settings.app.drain_timeout,
            processes,
            log,
            metrics,
            pool,
        };
        Ok(Handler { invoker, keep: Some(kept::Prepared::Warm(keep::Prepared::new(parts)?)) })
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
