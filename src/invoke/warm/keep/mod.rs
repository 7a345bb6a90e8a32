//! Keeps the workers alive: starts them, greets them, replaces those that have done enough or died, and ends them.
//!
//! Each of the `workers` places is a `slot` with a task of its own, and each process is a `life` with another. What all
//! of them come to together is their `standing`, one `watch` for probes and `serve`.

mod command;
mod life;
mod over;
mod recycle;
mod runtime;
mod slot;
mod standing;

use std::ffi::OsString;
use std::os::fd::RawFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::config::Config;
use super::pool::Pool;
use crate::invoke::state::{Over, State};
use crate::log::HandlerLog;
use crate::metrics::Metrics;
use crate::process::{Leaders, NulByte, Processes, Program, SOCKET};
pub use command::command;
pub use runtime::{Runtime, RuntimeError};
use slot::Slot;
use standing::Standing;

/// The variable that tells a worker which descriptor is its socket.
const HEELER_FD: &str = "HEELER_FD";
const STDIN: RawFd = 0;

/// What the keeper works with.
pub struct Parts<'a> {
    /// The settings of warm mode.
    pub config: Config,
    /// The executable that was found.
    pub path: &'a Path,
    /// The command line, `argv[0]` as the user wrote it.
    pub command: &'a [String],
    /// What heeler itself was started with.
    pub environment: &'a [(OsString, OsString)],
    /// From TERM to KILL.
    pub kill_grace: Duration,
    /// How long calls of a worker that was replaced may take; `None` is without end.
    pub patience: Option<Duration>,
    /// Where workers are started.
    pub processes: Processes,
    /// Where their lines go.
    pub log: HandlerLog,
    /// Where their starts and ends are counted.
    pub metrics: Metrics,
    /// What calls choose from.
    pub pool: Pool,
}

/// What all slots and lives share.
struct Shared {
    config: Config,
    program: Program,
    takes_stdin: bool,
    grace: Duration,
    patience: Option<Duration>,
    processes: Processes,
    log: HandlerLog,
    metrics: Metrics,
    pool: Pool,
    standing: Standing,
    leaders: Leaders,
}

/// A keeper that has not started anything yet.
pub struct Prepared(Arc<Shared>);

/// Keeps the workers until it is told to end them. Dropped, it starts nothing more, and what runs is somebody else's
/// to end.
pub struct Keeper {
    shared: Arc<Shared>,
    slots: Vec<JoinHandle<()>>,
    end: watch::Sender<Option<Duration>>,
}

impl Prepared {
    /// Looks at everything once that stays the same for every start.
    pub fn new(parts: Parts<'_>) -> Result<Prepared, NulByte> {
        let argv: Vec<OsString> = parts.command.iter().map(OsString::from).collect();
        let kept = parts.environment.iter().filter(|(name, _)| name != HEELER_FD).cloned();
        let takes_stdin = command::takes_stdin(parts.command);
        let socket = if takes_stdin { STDIN } else { SOCKET };
        let environment: Vec<_> = kept.chain([(HEELER_FD.into(), socket.to_string().into())]).collect();
        Ok(Prepared(Arc::new(Shared {
            program: Program::new(parts.path, &argv, &environment)?,
            takes_stdin,
            config: parts.config,
            grace: parts.kill_grace,
            patience: parts.patience,
            processes: parts.processes,
            log: parts.log,
            metrics: parts.metrics,
            pool: parts.pool,
            standing: Standing::new(),
            leaders: Leaders::default(),
        })))
    }

    /// Starts the workers, all at once. Inside a runtime whose threads live as long as heeler.
    pub fn start(self) -> Keeper {
        let (end, ordered) = watch::channel(None);
        let slot = |_| crate::task::spawn(Slot::new(self.0.clone(), ordered.clone()).run());
        let slots = (0..self.0.config.workers).map(slot).collect();
        Keeper { shared: self.0, slots, end }
    }
}

impl Keeper {
    /// Where the workers are, from now on.
    pub fn states(&self) -> watch::Receiver<State> {
        self.shared.standing.states()
    }

    /// Who hears the signals that are meant for the handler.
    pub fn leaders(&self) -> Leaders {
        self.shared.leaders.clone()
    }

    /// Ends the workers and starts no more. Each is told so, and has `grace` to end by itself; then TERM, `grace`, and
    /// KILL. Returns when nothing of them is left. Given up, it is as if the keeper were dropped.
    pub async fn end(mut self, hold: impl Future<Output = ()>, grace: Duration) {
        // What holds a worker up is a call to it, and those end first.
        hold.await;
        self.end.send_replace(Some(grace));
        for slot in &mut self.slots {
            let _ = slot.await;
        }
        self.shared.standing.over(Over::asked());
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.slots.iter().for_each(JoinHandle::abort);
    }
}
