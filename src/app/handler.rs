//! What runs the calls: a process for each, or a server that is kept.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::start::Failure;
use crate::config::{Settings, value};
use crate::front::Address;
use crate::invoke::upstream::{Config, Parts, Prepared};
use crate::invoke::{Fork, Invoker, Mode, Upstream};
use crate::log::HandlerLog;
use crate::metrics::Metrics;
use crate::process::Processes;
use crate::program::{DEFAULT_PATH, find_program};

/// The handler before its first start.
pub(super) struct Handler {
    pub(super) invoker: Invoker,
    /// Where it is a server that is kept.
    pub(super) keep: Option<Prepared>,
}

/// The file that the command starts.
pub(super) fn find(command: &[String], environment: &[(OsString, OsString)]) -> Result<PathBuf, Failure> {
    let program = command.first().map(String::as_str).unwrap_or_default();
    let path = environment.iter().find(|(name, _)| name == "PATH").map_or(OsStr::new(DEFAULT_PATH), |(_, path)| path);
    find_program(program, path)
        .map_err(|error| Failure { message: format!("cannot run the handler: {error}"), code: error.exit_code() })
}

/// Makes the handler of the mode. `doors` are heeler's own addresses, with the ports that the kernel chose.
pub(super) fn prepare(
    settings: &Settings,
    path: &Path,
    environment: &[(OsString, OsString)],
    doors: &[String],
    processes: Processes,
    log: HandlerLog,
    metrics: Metrics,
) -> Result<Handler, Failure> {
    let invoke = &settings.invoke;
    if invoke.mode != Mode::Http {
        let fork = Fork::new(invoke.clone(), path, environment, processes, log, metrics)?;
        return Ok(Handler { invoker: Invoker::Fork(fork), keep: None });
    }
    let config = with_own_ports(invoke.upstream.clone(), doors);
    let (command, kill_grace) = (&invoke.command, invoke.kill_grace);
    let parts = Parts { config: config.clone(), path, command, environment, kill_grace, processes, log, metrics };
    let keep = Prepared::new(parts)?;
    Ok(Handler { invoker: Invoker::Upstream(Upstream::new(config, keep.states())), keep: Some(keep) })
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
