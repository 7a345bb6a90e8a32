//! From a process's start to the last one of its tree: one task for each call.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::unix::pipe::Receiver;
use tokio::sync::{oneshot, watch};

use super::Shared;
use super::input::Input;
use super::launch::follow;
use super::running::{End, Ended};
use crate::invoke::call::{Deadline, Place};
use crate::invoke::error::CallError;
use crate::metrics;
use crate::process::output::{self, Source};
use crate::process::pipe::FromChild;
use crate::process::{Child, Exit, Leftovers};

/// A dead leader's status is a moment behind its tree's end at the most; a survivor of KILL has none.
const STATUS_WAIT: Duration = Duration::from_millis(100);

/// After its call a handler's last lines wait so long for a log that is behind.
const LAST_LINES: Duration = Duration::from_secs(1);

/// One call's process, and all that must outlive it.
pub(super) struct Supervisor {
    pub(super) shared: Arc<Shared>,
    pub(super) child: Child,
    pub(super) input: Input,
    /// Whose lines stderr's are.
    pub(super) source: Source,
    pub(super) deadline: Deadline,
    /// Resolves when nobody wants the answer any more.
    pub(super) given_up: oneshot::Receiver<()>,
    pub(super) tell: oneshot::Sender<End>,
    pub(super) place: Place,
    pub(super) busy: Busy,
}

/// A call of which something still runs.
pub(super) struct Busy(watch::Sender<usize>);

impl Busy {
    pub(super) fn new(count: &watch::Sender<usize>) -> Busy {
        count.send_modify(|busy| *busy += 1);
        Busy(count.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.send_modify(|busy| *busy -= 1);
    }
}

impl Supervisor {
    /// Watches the process to the end of its tree, and logs its stderr all the while.
    pub(super) async fn run(self, stderr: Option<FromChild>) {
        let (shared, source) = (self.shared.clone(), self.source.clone());
        let Some(mut stderr) = stderr else {
            self.watch().await;
            return;
        };
        let (over, is_over) = oneshot::channel::<()>();
        let watch = async {
            let alone = self.watch().await;
            drop(over);
            alone
        };
        let (alone, all_logged) = tokio::join!(watch, log(&mut stderr.ours, &source, is_over));
        if !all_logged {
            // A reader of the log that has stopped must not use up the descriptors of all calls to come.
            shared.metrics.log_line_dropped();
        } else if alone {
            shared.pipes.put(stderr);
        } else if shared.config.leftovers == Leftovers::Keep {
            follow(stderr, source);
        }
    }

    /// Tells how the leader ended, and stays until its whole tree is dead: only then the place is free. Gives whether
    /// nobody is left who could write.
    async fn watch(mut self) -> bool {
        let end = self.wait().await;
        let exit = end.as_ref().ok().copied();
        let Supervisor { shared, mut child, input, tell, place, busy, .. } = self;
        let tree = child.tree();
        let mut alone = exit.is_some() && tree.is_gone();
        // The reader may be gone; then nobody needs to know.
        let _ = tell.send(end.map(|exit| Ended { exit, alone }));
        // Until the tree is dead: a handler that catches TERM could take the part that came for all there is.
        let stdin = input.cut();
        match exit {
            Some(_) if alone || shared.config.leftovers == Leftovers::Keep => {}
            Some(_) => tree.settle(shared.config.kill_grace).await,
            None => tree.end(shared.config.kill_grace).await,
        }
        drop(stdin);
        alone = alone || tree.is_gone();
        count(&shared, &mut child, exit).await;
        drop(place);
        drop(busy);
        alone
    }

    async fn wait(&mut self) -> Result<Exit, CallError> {
        tokio::select! {
            biased;
            exit = self.child.exited() => Ok(exit),
            _ = &mut self.given_up => Err(CallError::client_gone()),
            () = self.deadline.passed() => Err(CallError::timeout()),
            error = self.input.feed() => Err(error),
        }
    }
}

/// Logs lines until the call is over, and then for a bounded time what was written by then; whether that was all.
async fn log(stderr: &mut Receiver, source: &Source, is_over: oneshot::Receiver<()>) -> bool {
    let (tell_end, is_end) = oneshot::channel::<()>();
    let too_late = async {
        drop(is_over.await);
        drop(tell_end);
        tokio::time::sleep(LAST_LINES).await;
    };
    tokio::select! {
        biased;
        () = output::log_lines(stderr, source, async { drop(is_end.await) }) => true,
        () = too_late => false,
    }
}

async fn count(shared: &Shared, child: &mut Child, exit: Option<Exit>) {
    let (exit, killed) = match exit {
        Some(exit) => (exit, false),
        None => match tokio::time::timeout(STATUS_WAIT, child.exited()).await {
            Ok(exit) => (exit, true),
            Err(_) => return,
        },
    };
    let how = if killed { metrics::Ended::Killed } else { exit.status.ended() };
    shared.metrics.handler_ended(how, exit.cpu, exit.max_rss_bytes);
}
