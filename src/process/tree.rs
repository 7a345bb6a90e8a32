//! A child with everything below it, and the one way that a tree ends.

use std::ffi::CString;
use std::os::fd::BorrowedFd;
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
/// So long as is as good as without end.
const LONG: Duration = Duration::from_secs(24 * 3600);
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
        self.spawn_with(program, env, stdio, None, leftovers)
    }

    /// The same with a descriptor of heeler's as the child's [`super::SOCKET`].
    pub(super) fn spawn_with(
        &self,
        program: &Program,
        env: &[CString],
        stdio: Stdio<'_>,
        socket: Option<BorrowedFd<'_>>,
        leftovers: Leftovers,
    ) -> Result<Child, SpawnError> {
        let started = self.start(program, env, stdio, socket, leftovers)?;
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

    /// The tree, to be ended, signalled or watched.
    pub fn tree(&self) -> Tree {
        self.tree.clone()
    }
}

impl Tree {
    /// The leader's pid.
    pub fn leader(&self) -> i32 {
        self.leader
    }

    /// Ends everything: TERM to the group, `grace`, then KILL to all, again until none is left.
    pub async fn end(&self, grace: Duration) {
        self.end_after(std::future::ready(()), grace).await;
    }

    /// As [`Tree::end`], but `grace` begins only when `hold` is over, unless all is gone before.
    pub async fn end_after(&self, hold: impl Future<Output = ()>, grace: Duration) {
        self.processes.metrics().tree_signalled(false);
        self.processes.signal_group(self.leader, libc::SIGTERM);
        self.processes.signal_orphans(self.mark, libc::SIGTERM);
        tokio::select! {
            biased;
            () = self.gone() => {}
            () = hold => self.kill_after(grace).await,
        }
    }

    /// Ends what the leader left behind: TERM to what has left the group, whose rest heard it as the leader was
    /// collected; KILL after `grace`.
    pub async fn settle(&self, grace: Duration) {
        self.processes.signal_orphans(self.mark, libc::SIGTERM);
        self.kill_after(grace).await;
    }

    /// Sends a signal to the leader alone, if it still runs.
    pub fn signal_leader(&self, signal: i32) {
        self.processes.signal_leader(self.leader, signal);
    }

    /// Whether anything of it runs.
    pub fn alive(&self) -> bool {
        self.processes.alive(self.leader, self.mark)
    }

    /// Whether it is certain that nothing of it runs, once its leader has ended.
    pub fn is_gone(&self) -> bool {
        self.processes.leaders_only()
    }

    async fn kill_after(&self, grace: Duration) {
        if !self.gone_by(Instant::now() + grace).await {
            self.kill().await;
        }
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

    async fn gone(&self) {
        while !self.gone_by(Instant::now() + LONG).await {}
    }
}
