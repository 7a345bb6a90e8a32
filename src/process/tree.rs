//! A child with everything below it, and the one way that a tree ends.

use std::ffi::CString;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::marks::Mark;
use super::reaper::Processes;
use super::spawn::SpawnError;
use super::spec::{Leftovers, Program, Stdio};
use super::sys::Exit;

/// A tree that does not end under KILL is waited for this long: a process in an uninterruptible sleep, or forks
/// faster than we kill. The rest is counted as survivors.
pub(super) const LONGEST_KILL: Duration = Duration::from_secs(5);
/// Between two rounds of KILL when nobody was collected meanwhile.
pub(super) const KILL_ROUND: Duration = Duration::from_millis(5);

/// A started handler: the leader of its tree.
pub struct Child {
    tree: Tree,
    exit: oneshot::Receiver<Exit>,
}

/// Everything that descends from one leader.
#[derive(Clone)]
pub struct Tree {
    leader: i32,
    mark: Mark,
    processes: Processes,
}

impl Processes {
    /// Starts a program with its own additions to the environment. On a thread that lives as long as heeler, since
    /// the child dies with the thread that started it.
    pub fn spawn(
        &self,
        program: &Program,
        env: &[CString],
        stdio: Stdio<'_>,
        leftovers: Leftovers,
    ) -> Result<Child, SpawnError> {
        let started = self.start(program, env, stdio, leftovers)?;
        let tree = Tree { leader: started.pid, mark: started.mark, processes: self.clone() };
        Ok(Child { tree, exit: started.exit })
    }
}

impl Child {
    /// Resolves with the leader's status. The rest of the tree may live on.
    pub async fn exited(&mut self) -> Exit {
        match (&mut self.exit).await {
            Ok(exit) => exit,
            // The reaper keeps the sender until it has a status; it is gone only when all of heeler is.
            Err(_) => std::future::pending().await,
        }
    }

    /// The tree, to be ended or watched.
    pub fn tree(&self) -> Tree {
        self.tree.clone()
    }
}

impl Tree {
    /// Ends everything: TERM to the group, `grace`, then KILL to all, again until none is left.
    pub async fn end(&self, grace: Duration) {
        self.processes.metrics().tree_signalled(false);
        self.processes.signal_group(self.leader, libc::SIGTERM);
        self.settle(grace).await;
    }

    /// Ends what the leader left behind: TERM to what has left the group, whose rest heard it as the leader was
    /// collected; KILL after `grace`.
    pub async fn settle(&self, grace: Duration) {
        self.processes.signal_orphans(self.mark, libc::SIGTERM);
        if !self.gone_by(Instant::now() + grace).await {
            self.kill().await;
        }
    }

    /// Whether anything of it runs.
    pub fn alive(&self) -> bool {
        self.processes.alive(self.leader, self.mark)
    }

    /// Whether it is certain that nothing of it runs, once its leader has ended.
    pub fn is_gone(&self) -> bool {
        self.processes.leaders_only()
    }

    async fn kill(&self) {
        self.processes.metrics().tree_signalled(true);
        let give_up = Instant::now() + LONGEST_KILL;
        while self.alive() {
            self.processes.signal_group(self.leader, libc::SIGKILL);
            let left = self.processes.signal_orphans(self.mark, libc::SIGKILL);
            if self.gone_by(Instant::now() + KILL_ROUND).await {
                return;
            }
            if Instant::now() >= give_up {
                tracing::error!(pid = self.leader, left, "processes of a call survive KILL");
                self.processes.metrics().survivors(left.max(1));
                return;
            }
        }
    }

    async fn gone_by(&self, deadline: Instant) -> bool {
        self.processes.until(deadline, || !self.alive()).await
    }
}
