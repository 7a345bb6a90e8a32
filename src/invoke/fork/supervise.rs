//! From a process's start to the last one of its tree: one task for each call.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Shared;
use super::input::Input;
use super::running::End;
use crate::invoke::call::{Deadline, Place};
use crate::invoke::error::CallError;
use crate::metrics::Ended;
use crate::process::{Child, Exit, Leftovers, Status};

/// A dead leader's status is a moment behind its tree's end at the most; a survivor of KILL has none.
const STATUS_WAIT: Duration = Duration::from_millis(100);

/// One call's process, and all that must outlive it.
pub(super) struct Supervisor {
    pub(super) shared: Arc<Shared>,
    pub(super) child: Child,
    pub(super) input: Input,
    pub(super) deadline: Deadline,
    /// Resolves when nobody wants the answer any more.
    pub(super) given_up: oneshot::Receiver<()>,
    pub(super) tell: oneshot::Sender<End>,
    pub(super) place: Place,
}

impl Supervisor {
    /// Watches the leader, tells how it ended, and stays until its whole tree is dead. Only then the place is free.
    pub(super) async fn run(mut self) {
        self.shared.busy.send_modify(|busy| *busy += 1);
        let end = self.wait().await;
        let exit = end.as_ref().ok().copied();
        let Supervisor { shared, mut child, input, tell, place, .. } = self;
        // The reader may be gone; then nobody needs to know.
        let _ = tell.send(end);
        drop(input);
        match exit {
            Some(_) if shared.config.leftovers == Leftovers::Keep => {}
            Some(_) => child.tree().settle(shared.config.kill_grace).await,
            None => child.tree().end(shared.config.kill_grace).await,
        }
        count(&shared, &mut child, exit).await;
        drop(place);
        shared.busy.send_modify(|busy| *busy -= 1);
    }

    async fn wait(&mut self) -> End {
        tokio::select! {
            biased;
            exit = self.child.exited() => Ok(exit),
            _ = &mut self.given_up => Err(CallError::client_gone()),
            () = self.deadline.passed() => Err(CallError::timeout()),
            error = self.input.feed() => Err(error),
        }
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
    let how = match exit.status {
        _ if killed => Ended::Killed,
        Status::Code(0) => Ended::Zero,
        Status::Code(_) => Ended::NonZero,
        Status::Signal(_) => Ended::Signal,
    };
    shared.metrics.handler_ended(how, exit.cpu, exit.max_rss_bytes);
}
