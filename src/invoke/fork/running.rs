//! A started process as the reader of its output sees it.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::sync::oneshot;

use super::Shared;
use super::launch::follow;
use crate::invoke::error::CallError;
use crate::log::Stream;
use crate::process::output::{self, Source};
use crate::process::pipe::{FromChild, ReadNow, read_now};
use crate::process::{Exit, Leftovers};
use crate::reason::Reason;

/// Room for one read: what a pipe holds.
const CHUNK: usize = 64 * 1024;
/// Room for the first read: most answers are short.
const FIRST_CHUNK: usize = 4 * 1024;

/// The process's end as the supervisor tells it, or why the call failed.
pub(super) type End = Result<Ended, CallError>;

/// A process that ended by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) exit: Exit,
    /// Nothing of its tree is left that could still write.
    pub(super) alone: bool,
}

/// Dropping it gives the call up.
pub(super) struct Running {
    /// Given away when the call is over.
    stdout: Option<FromChild>,
    /// Nobody can write to it any more.
    closed: bool,
    /// Asked once.
    end: oneshot::Receiver<End>,
    ended: Option<Ended>,
    /// The supervisor sees it go.
    _alive: oneshot::Sender<()>,
    buffer: BytesMut,
    /// What may still be the leader's, once it has ended: whoever writes on behind it is not waited for.
    rest: Option<usize>,
    /// Bytes that may still come; `None` is no limit.
    left: Option<u64>,
    shared: Arc<Shared>,
    source: Source,
}

/// What was heard next.
#[derive(Debug)]
pub(super) enum Heard {
    /// A piece of output.
    Output(Bytes),
    /// There is nothing more, and the process ended like this.
    Ended(Exit),
}

impl Running {
    pub(super) fn new(
        stdout: FromChild,
        end: oneshot::Receiver<End>,
        alive: oneshot::Sender<()>,
        shared: Arc<Shared>,
        source: Source,
    ) -> Running {
        let (stdout, left) = (Some(stdout), shared.config.max_output);
        let buffer = BytesMut::with_capacity(FIRST_CHUNK);
        Running { stdout, closed: false, end, ended: None, _alive: alive, buffer, rest: None, left, shared, source }
    }

    /// The next piece of output, or the end. May be dropped at any await without losing anything.
    pub(super) async fn hear(&mut self) -> Result<Heard, CallError> {
        poll_fn(|cx| self.poll_hear(cx)).await
    }

    /// The leader's end is the end: what it wrote is then in the pipe and is read out, but whoever else still holds
    /// the pipe is not waited for. A closed pipe is not the end: the status is still to come.
    pub(super) fn poll_hear(&mut self, cx: &mut Context<'_>) -> Poll<Result<Heard, CallError>> {
        if self.ended.is_none() {
            // First, or a process that never stops writing would hide its own deadline.
            match self.poll_end(cx) {
                Poll::Ready(end) => self.ended = Some(end?),
                Poll::Pending if ready_bytes(self.poll_output(cx)) => return Poll::Ready(self.take()),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(self.hear_rest())
    }

    /// Ready with no bytes when nobody can write any more.
    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        let Some(stdout) = self.stdout.as_mut().filter(|_| !self.closed) else { return Poll::Ready(0) };
        if self.buffer.capacity() == 0 {
            self.buffer.reserve(CHUNK);
        }
        let read = ready!(pin!(stdout.ours.read_buf(&mut self.buffer)).poll(cx)).unwrap_or(0);
        self.closed = read == 0;
        Poll::Ready(read)
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let told = ready!(Pin::new(&mut self.end).poll(cx));
        Poll::Ready(told.unwrap_or_else(|_| Err(CallError::new(Reason::Internal, "the watch over a process was lost"))))
    }

    /// After the leader's end.
    fn hear_rest(&mut self) -> Result<Heard, CallError> {
        let ended = self.ended.ok_or_else(|| CallError::new(Reason::Internal, "a process ended without a status"))?;
        if let Some(stdout) = &self.stdout {
            let most = || if ended.alone { usize::MAX } else { stdout.capacity() };
            let rest = self.rest.get_or_insert_with(most);
            if *rest > 0
                && let Ok(ReadNow::Bytes(length)) = read_now(&stdout.ours, &mut self.buffer)
            {
                *rest = rest.saturating_sub(length);
                return self.take();
            }
        }
        self.give_back(ended);
        Ok(Heard::Ended(ended.exit))
    }

    /// A pipe that nobody holds any more is as good as new. Closing one that kept leftovers hold would kill them with
    /// SIGPIPE at their next word.
    fn give_back(&mut self, ended: Ended) {
        let Some(stdout) = self.stdout.take() else { return };
        if ended.alone {
            self.shared.pipes.put(stdout);
        } else if self.shared.config.leftovers == Leftovers::Keep {
            follow(stdout, Source { stream: Stream::Stdout, ..self.source.clone() });
        }
    }

    fn take(&mut self) -> Result<Heard, CallError> {
        let output = self.buffer.split().freeze();
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(output.len() as u64).ok_or_else(|| {
                let message = format!(
                    "the output is larger than {} bytes (max_output)",
                    self.shared.config.max_output.unwrap_or(u64::MAX)
                );
                CallError::new(Reason::OutputTooLarge, message)
            })?;
        }
        Ok(Heard::Output(output))
    }
}

/// A call that is given up: its processes have their grace yet, and a word of theirs must not be their end by SIGPIPE.
impl Drop for Running {
    fn drop(&mut self) {
        if let (Some(stdout), Ok(_)) = (self.stdout.take(), tokio::runtime::Handle::try_current()) {
            crate::task::spawn(output::discard(stdout.into_ours()));
        }
    }
}

fn ready_bytes(read: Poll<usize>) -> bool {
    matches!(read, Poll::Ready(1..))
}
