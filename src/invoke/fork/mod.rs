//! A process per call: streaming, serializing, classic, cgi.
//!
//! `launch` starts the process, `supervise` watches it to its end, `whole` and `stream` read what it says.

mod cgi;
pub mod env;
mod exit;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzed;
mod input;
mod launch;
mod marshal;
mod running;
mod sniff;
mod stream;
mod supervise;
mod whole;

use std::ffi::OsString;
use std::sync::Arc;

use tokio::sync::watch;

use super::call::{Call, Reply};
use super::config::{Config, Mode};
use super::error::CallError;
use crate::log::HandlerLog;
use crate::metrics::Metrics;
use crate::process::pipe::Pool;
use crate::process::{NulByte, Processes, Program};

pub(in crate::invoke) use stream::Streamed;

/// Runs a process per call.
#[derive(Clone)]
pub struct Fork(Arc<Shared>);

/// What all calls share.
struct Shared {
    config: Config,
    program: Program,
    processes: Processes,
    log: HandlerLog,
    metrics: Metrics,
    null: std::os::fd::OwnedFd,
    /// For stdout and stderr.
    pipes: Pool,
    /// Calls of which something still runs.
    busy: watch::Sender<usize>,
}

/// The invoker could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An argument or variable that no process can be given.
    #[error(transparent)]
    Nul(#[from] NulByte),
    /// /dev/null could not be opened.
    #[error("cannot open /dev/null: {0}")]
    Null(std::io::Error),
}

impl Fork {
    /// `path` is the executable that was found for `config.command`, `environment` what every process gets.
    pub fn new(
        config: Config,
        path: &std::path::Path,
        environment: &[(OsString, OsString)],
        processes: Processes,
        log: HandlerLog,
        metrics: Metrics,
    ) -> Result<Fork, StartError> {
        let argv: Vec<OsString> = config.command.iter().map(OsString::from).collect();
        let environment: Vec<_> =
            environment.iter().filter(|(name, _)| !env::is_set_by_calls(name, config.mode)).cloned().collect();
        let program = Program::new(path, &argv, &environment)?;
        let null = std::fs::File::options().read(true).write(true).open("/dev/null").map_err(StartError::Null)?;
        let busy = watch::Sender::new(0);
        Ok(Fork(Arc::new(Shared {
            config,
            program,
            processes,
            log,
            metrics,
            null: null.into(),
            pipes: Pool::new(),
            busy,
        })))
    }

    /// Runs one call.
    pub(super) async fn call(&self, call: Box<Call>) -> Result<Reply, CallError> {
        if self.0.config.write_debug {
            tracing::info!(call_id = call.id_text(), path = call.target.path(), query = call.target.query(), "request");
        }
        match self.0.config.mode {
            Mode::Streaming => stream::call(&self.0, call).await,
            _ => whole::call(&self.0, call).await,
        }
    }

    pub(super) fn holds_bodies(&self) -> bool {
        self.0.config.mode.holds_bodies() || self.0.config.marshal_request
    }

    pub(super) async fn idle(&self) {
        // An error would mean that the sender is gone, and it is in `self`.
        let _ = self.0.busy.subscribe().wait_for(|busy| *busy == 0).await;
    }
}
