//! A started process as the reader of its output sees it.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::oneshot;

use super::launch::CallLog;
use crate::invoke::error::CallError;
use crate::log::Stream;
use crate::process::Exit;
use crate::process::pipe::{ReadNow, read_now};
use crate::reason::Reason;

/// Room for one read: what a pipe holds.
const CHUNK: usize = 64 * 1024;
/// Room for the first read: most answers are short.
const FIRST_CHUNK: usize = 4 * 1024;

/// The process's end as the supervisor tells it: its status, or why the call failed.
pub(super) type End = Result<Exit, CallError>;

/// Dropping it gives the call up.
#[derive(Debug)]
pub(super) struct Running {
    /// Taken when the call is over and leftovers may go on writing.
    stdout: Option<Receiver>,
    /// Nobody can write to it any more.
    closed: bool,
    /// Asked once.
    end: oneshot::Receiver<End>,
    exit: Option<Exit>,
    /// The supervisor sees it go.
    _alive: oneshot::Sender<()>,
    buffer: BytesMut,
    /// Bytes that may still come; `None` is no limit.
    left: Option<u64>,
    max_output: u64,
    /// Where output goes that comes after the end, if leftovers are kept.
    keep: Option<CallLog>,
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
        stdout: Receiver,
        end: oneshot::Receiver<End>,
        alive: oneshot::Sender<()>,
        max_output: Option<u64>,
        keep: Option<CallLog>,
    ) -> Running {
        let buffer = BytesMut::with_capacity(FIRST_CHUNK);
        let limit = max_output.unwrap_or(u64::MAX);
        Running {
            stdout: Some(stdout),
            closed: false,
            end,
            exit: None,
            _alive: alive,
            buffer,
            left: max_output,
            max_output: limit,
            keep,
        }
    }

    /// The next piece of output, or the end. May be dropped at any await without losing anything.
    pub(super) async fn hear(&mut self) -> Result<Heard, CallError> {
        poll_fn(|cx| self.poll_hear(cx)).await
    }

    /// The leader's end is the end: what it wrote is then in the pipe and is read out, but whoever else still holds
    /// the pipe is not waited for. A closed pipe is not the end: the status is still to come.
    pub(super) fn poll_hear(&mut self, cx: &mut Context<'_>) -> Poll<Result<Heard, CallError>> {
        if self.exit.is_none() {
            if ready_bytes(self.poll_output(cx)) {
                return Poll::Ready(self.take());
            }
            self.exit = Some(ready!(self.poll_end(cx))?);
        }
        Poll::Ready(self.hear_rest())
    }

    /// Ready with no bytes when nobody can write any more.
    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        let Some(stdout) = self.stdout.as_mut().filter(|_| !self.closed) else { return Poll::Ready(0) };
        if self.buffer.capacity() == 0 {
            self.buffer.reserve(CHUNK);
        }
        let read = ready!(pin!(stdout.read_buf(&mut self.buffer)).poll(cx)).unwrap_or(0);
        self.closed = read == 0;
        Poll::Ready(read)
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let told = ready!(Pin::new(&mut self.end).poll(cx));
        Poll::Ready(told.unwrap_or_else(|_| Err(CallError::new(Reason::Internal, "the watch over a process was lost"))))
    }

    /// After the leader's end.
    fn hear_rest(&mut self) -> Result<Heard, CallError> {
        let exit = self.exit.ok_or_else(|| CallError::new(Reason::Internal, "a process ended without a status"))?;
        let Some(stdout) = self.stdout.take() else { return Ok(Heard::Ended(exit)) };
        match read_now(&stdout, &mut self.buffer) {
            Ok(ReadNow::Bytes(_)) => {
                self.stdout = Some(stdout);
                self.take()
            }
            Ok(ReadNow::Empty) => {
                // Closing it would kill with SIGPIPE what was to be kept.
                if let Some(log) = self.keep.take() {
                    log.follow(stdout, Stream::Stdout);
                }
                Ok(Heard::Ended(exit))
            }
            Ok(ReadNow::End) | Err(_) => Ok(Heard::Ended(exit)),
        }
    }

    fn take(&mut self) -> Result<Heard, CallError> {
        let output = self.buffer.split().freeze();
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(output.len() as u64).ok_or_else(|| {
                let message = format!("the output is larger than {} bytes (max_output)", self.max_output);
                CallError::new(Reason::OutputTooLarge, message)
            })?;
        }
        Ok(Heard::Output(output))
    }
}

fn ready_bytes(read: Poll<usize>) -> bool {
    matches!(read, Poll::Ready(1..))
}
