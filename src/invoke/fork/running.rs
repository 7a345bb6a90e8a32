//! A started process as the reader of its output sees it.

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
    /// Taken once it has resolved.
    end: Option<oneshot::Receiver<End>>,
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
        let (stdout, end) = (Some(stdout), Some(end));
        let limit = max_output.unwrap_or(u64::MAX);
        Running { stdout, end, exit: None, _alive: alive, buffer, left: max_output, max_output: limit, keep }
    }

    /// The next piece of output, or the end. May be dropped at any await without losing anything.
    ///
    /// The leader's end is the end: what it wrote is then in the pipe and is read out, but whoever else still holds
    /// the pipe is not waited for.
    pub(super) async fn hear(&mut self) -> Result<Heard, CallError> {
        if let (None, Some(stdout)) = (self.exit, &mut self.stdout) {
            if self.buffer.capacity() == 0 {
                self.buffer.reserve(CHUNK);
            }
            tokio::select! {
                biased;
                read = stdout.read_buf(&mut self.buffer) => {
                    if read.is_ok_and(|length| length > 0) {
                        return self.take();
                    }
                    self.exit = Some(end_of(&mut self.end).await?);
                }
                end = end_of(&mut self.end) => self.exit = Some(end?),
            }
        }
        self.hear_rest()
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

async fn end_of(end: &mut Option<oneshot::Receiver<End>>) -> End {
    let Some(receiver) = end else { return std::future::pending().await };
    let told = receiver.await;
    *end = None;
    told.unwrap_or_else(|_| Err(CallError::new(Reason::Internal, "the watch over a process was lost")))
}
