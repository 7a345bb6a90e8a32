//! Keeps the upstream alive: starts it, learns when it is up, starts it again when it dies, and ends it.
//!
//! One task lives as long as heeler serves; `life` is one round of it. Its state is one `watch`, and all that can be
//! asked of it is a signal to the handler, and the end. It knows nothing of calls but whether one was answered.

mod env;
mod life;
mod over;
mod port;
mod rise;
mod start;

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::State;
use super::config::Config;
use crate::invoke::state::Trouble;
use crate::log::HandlerLog;
use crate::metrics::Metrics;
use crate::process::{Backoff, Leaders, NulByte, Pauses, Processes, Program};
use life::Task;

/// What the keeper works with.
pub struct Parts<'a> {
    /// The settings of http mode, with the ports that heeler itself was given.
    pub config: Config,
    /// The executable that was found.
    pub path: &'a Path,
    /// The command line, `argv[0]` as the user wrote it.
    pub command: &'a [String],
    /// What heeler itself was started with.
    pub environment: &'a [(OsString, OsString)],
    /// From TERM to KILL.
    pub kill_grace: Duration,
    /// Where the handler is started.
    pub processes: Processes,
    /// Where its lines go.
    pub log: HandlerLog,
    /// Where its starts and ends are counted.
    pub metrics: Metrics,
}

/// A keeper that has not started anything yet.
pub struct Prepared {
    task: Task,
    end: oneshot::Sender<End>,
    states: watch::Receiver<State>,
}

/// Keeps the upstream until it is told to end it. Dropped, it starts nothing more, and what runs is somebody else's
/// to end.
pub struct Keeper {
    task: JoinHandle<()>,
    end: Option<oneshot::Sender<End>>,
    states: watch::Receiver<State>,
    leaders: Leaders,
}

/// The order to end.
struct End {
    /// Dropped when nothing holds the handler up any more.
    hold: oneshot::Receiver<()>,
    /// From then to KILL.
    grace: Duration,
}

impl Prepared {
    /// Looks at everything once that stays the same for every start.
    pub fn new(parts: Parts<'_>) -> Result<Prepared, NulByte> {
        let argv: Vec<OsString> = parts.command.iter().map(OsString::from).collect();
        let program = Program::new(parts.path, &argv, &env::kept(parts.environment))?;
        let (tell, states) = watch::channel(State::Starting);
        let (end, ordered) = oneshot::channel();
        let task = Task {
            config: parts.config,
            program,
            grace: parts.kill_grace,
            processes: parts.processes,
            log: parts.log,
            metrics: parts.metrics,
            states: tell,
            ordered,
            leaders: Leaders::default(),
            backoff: Backoff::new(Pauses::KEPT),
            was_up: false,
            trouble: Trouble::default(),
            stranger: false,
            warned: false,
        };
        Ok(Prepared { task, end, states })
    }

    /// Where the upstream is, from now on.
    pub fn states(&self) -> watch::Receiver<State> {
        self.states.clone()
    }

    /// Starts the handler. Inside a runtime whose threads live as long as heeler.
    pub fn start(self) -> Keeper {
        let Prepared { task, end, states } = self;
        let leaders = task.leaders.clone();
        Keeper { task: crate::task::spawn(task.run()), end: Some(end), states, leaders }
    }
}

impl Keeper {
    /// Where the upstream is, from now on.
    pub fn states(&self) -> watch::Receiver<State> {
        self.states.clone()
    }

    /// Who hears the signals that are meant for the handler.
    pub fn leaders(&self) -> Leaders {
        self.leaders.clone()
    }

    /// Ends the handler and starts it no more: TERM to all of it; when `hold` is over too `grace` begins, then KILL.
    /// Returns when nothing of it is left. Given up, it is as if the keeper were dropped.
    pub async fn end(mut self, hold: impl Future<Output = ()>, grace: Duration) {
        let (release, held) = oneshot::channel();
        if let Some(end) = self.end.take() {
            // Nobody hears it where the upstream is over already.
            let _ = end.send(End { hold: held, grace });
        }
        hold.await;
        drop(release);
        let _ = (&mut self.task).await;
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}
