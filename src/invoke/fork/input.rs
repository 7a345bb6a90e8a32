//! The way of a request's body into a child's stdin.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe::Sender;
use tokio::time::timeout;

use crate::invoke::body::RequestBody;
use crate::invoke::error::CallError;
use crate::process::pipe;

/// A body that is known to be this small, a pipe's capacity, is waited for before the process is started: then it is
/// written without waiting, and a client that dribbles it costs no process.
const SMALL: u64 = 64 * 1024;
/// But not for long: a client may want to see output before it sends the rest.
const SMALL_WAIT: Duration = Duration::from_millis(5);

/// What is still to be written, and where. Dropping it closes the pipe, as if that were all.
pub(super) struct Input {
    /// Pieces that have come.
    chunks: VecDeque<Bytes>,
    /// Pieces that will come.
    body: RequestBody,
    /// The child's stdin; `None` once the child is known not to listen, or has all.
    pipe: Option<Sender>,
}

impl Input {
    /// A body that is all there.
    pub(super) fn whole(chunks: VecDeque<Bytes>) -> Input {
        Input { chunks, body: RequestBody::empty(), pipe: None }
    }

    /// A body that comes as it comes; a small one is waited for.
    pub(super) async fn streamed(body: RequestBody) -> Result<Input, CallError> {
        let mut input = Input { chunks: VecDeque::new(), body, pipe: None };
        if input.body.length().is_some_and(|length| length <= SMALL) {
            // Time is no failure: the rest is streamed.
            timeout(SMALL_WAIT, input.read_all()).await.unwrap_or(Ok(()))?;
        }
        Ok(input)
    }

    /// Can be dropped at any await without losing a piece.
    async fn read_all(&mut self) -> Result<(), CallError> {
        while let Some(chunk) = self.body.next().await {
            self.chunks.push_back(chunk?);
        }
        Ok(())
    }

    /// Makes the pipe and writes into it what fits without waiting. Gives the child's end, which is to be closed
    /// here once the child has it; `None` stands for /dev/null.
    pub(super) fn open(&mut self) -> io::Result<Option<OwnedFd>> {
        if self.is_all_written() {
            return Ok(None);
        }
        let (ours, childs) = pipe::to_child()?;
        self.fill(&ours)?;
        if !self.is_all_written() {
            self.pipe = Some(pipe::sender(ours)?);
        }
        Ok(Some(childs))
    }

    fn is_all_written(&self) -> bool {
        self.chunks.is_empty() && self.body.is_end()
    }

    fn fill(&mut self, pipe: &OwnedFd) -> io::Result<()> {
        while let Some(chunk) = self.chunks.front_mut() {
            match nix::unistd::write(pipe, chunk) {
                Ok(written) => chunk.advance(written),
                Err(nix::errno::Errno::EAGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            if chunk.is_empty() {
                self.chunks.pop_front();
            }
        }
        Ok(())
    }

    /// Writes everything and closes the pipe. Resolves only if the request's body fails; a child that closes its
    /// stdin is no failure, the rest is read and dropped.
    pub(super) async fn feed(&mut self) -> CallError {
        while let Some(mut chunk) = self.chunks.pop_front() {
            self.write(&mut chunk).await;
        }
        while let Some(chunk) = self.body.next().await {
            match chunk {
                Ok(mut chunk) => self.write(&mut chunk).await,
                Err(error) => return error,
            }
        }
        self.pipe = None;
        std::future::pending().await
    }

    /// Nobody will feed it any more: what the client still sends is read off. Whoever has what is given keeps the child's
    /// stdin open, whose end would say that the body was whole.
    pub(super) fn cut(self) -> Option<Sender> {
        self.pipe
    }

    async fn write(&mut self, chunk: &mut Bytes) {
        if let Some(pipe) = &mut self.pipe
            && pipe.write_all_buf(chunk).await.is_err()
        {
            self.pipe = None; // EPIPE: nobody will read it any more.
        }
    }
}
