//! One process that lives long: a server that is kept, not a process per call. Both its streams are lines in the log.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::output::{Source, log_lines};
use super::pipe::FromChild;
use super::reaper::Processes;
use super::spawn::SpawnError;
use super::spec::{Leftovers, Program};
use super::sys::Exit;
use super::tree::{Child, Tree};
use crate::log::{HandlerLog, Stream};
use crate::metrics::{Ended, Metrics};

/// A dead leader's status is a moment behind its tree's end at the most; a survivor of KILL has none.
const STATUS_WAIT: Duration = Duration::from_millis(100);
/// The last lines of the dead wait so long for a log that is behind.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What a kept process has beside its two streams of lines.
#[derive(Clone, Copy)]
pub enum Inherits<'a> {
    /// Nothing: its standard input is empty.
    Nothing,
    /// A socket as its [`super::SOCKET`].
    Socket(BorrowedFd<'a>),
    /// A socket as its standard input.
    Stdin(BorrowedFd<'a>),
}

/// A started process with everything below it. To be brought to its end by [`Service::settle`] or [`Service::end`]:
/// only then nothing of it is left to hold its port.
pub struct Service {
    child: Child,
    exit: Option<Exit>,
    lines: [JoinHandle<()>; 2],
    metrics: Metrics,
}

impl Service {
    /// Starts it with its own additions to the environment. On a thread that lives as long as heeler, inside a runtime.
    pub fn start(
        processes: &Processes,
        program: &Program,
        env: &[CString],
        inherits: Inherits<'_>,
        log: &HandlerLog,
    ) -> Result<Service, SpawnError> {
        let null = File::open("/dev/null").map_err(SpawnError::of_resource)?;
        let stdout = FromChild::open().map_err(SpawnError::of_resource)?;
        let stderr = FromChild::open().map_err(SpawnError::of_resource)?;
        let (stdin, socket) = match inherits {
            Inherits::Nothing => (null.as_fd(), None),
            Inherits::Socket(socket) => (null.as_fd(), Some(socket)),
            Inherits::Stdin(socket) => (socket, None),
        };
        let stdio = [stdin, stdout.childs(), stderr.childs()];
        let child = processes.spawn_with(program, env, stdio, socket, Leftovers::Kill)?;
        let lines = [follow(stdout, Stream::Stdout, log), follow(stderr, Stream::Stderr, log)];
        Ok(Service { child, exit: None, lines, metrics: processes.metrics().clone() })
    }

    /// Resolves with the leader's status, again and again. The rest of the tree may live on.
    pub async fn exited(&mut self) -> Exit {
        match self.exit {
            Some(exit) => exit,
            None => *self.exit.insert(self.child.exited().await),
        }
    }

    /// Everything of it, to be signalled.
    pub fn tree(&self) -> Tree {
        self.child.tree()
    }

    /// After the leader's death: ends what it left behind, and waits for its last lines.
    pub async fn settle(mut self, grace: Duration) {
        self.child.tree().settle(grace).await;
        let exit = self.exited().await;
        self.count(exit.status.ended(), exit);
        self.last_lines().await;
    }

    /// Ends all of it: TERM; when `hold` is over `grace` begins, then KILL. Waits for its last lines.
    pub async fn end(mut self, hold: impl Future<Output = ()>, grace: Duration) {
        self.child.tree().end_after(hold, grace).await;
        if let Ok(exit) = timeout(STATUS_WAIT, self.exited()).await {
            self.count(Ended::Killed, exit);
        }
        self.last_lines().await;
    }

    fn count(&self, how: Ended, exit: Exit) {
        self.metrics.handler_ended(how, exit.cpu, exit.max_rss_bytes);
    }

    async fn last_lines(self) {
        for mut lines in self.lines {
            // A reader of the log that has stopped must not use up the descriptors of all starts to come.
            if timeout(LAST_LINES, &mut lines).await.is_err() {
                lines.abort();
                self.metrics.log_line_dropped();
            }
        }
    }
}

/// Logs one stream to its end.
fn follow(pipe: FromChild, stream: Stream, log: &HandlerLog) -> JoinHandle<()> {
    let source = Source { log: log.clone(), stream, call_id: None };
    let mut ours = pipe.into_ours();
    crate::task::spawn(async move { log_lines(&mut ours, &source, std::future::pending()).await })
}
