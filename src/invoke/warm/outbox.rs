//! The way out to a worker: the first word of a turn at once, what others say in the same turn in one piece behind it.
//!
//! The runtime wakes all calls whose bytes have come and then runs them one after the other. A write for each would wake
//! the worker as often; one for all of them leaves it with many frames to read at once.

use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Buf, BytesMut};
use tokio::net::unix::pipe::Sender;
use tokio::sync::Notify;

/// What was not sent yet.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: BytesMut,
    /// Somebody has spoken in this turn.
    said: bool,
    /// Nobody is there any more.
    closed: bool,
}

impl Outbox {
    /// Sends bytes behind all that was sent before.
    pub(super) fn send(&self, mut socket: &UnixStream, mut bytes: BytesMut) {
        let mut waiting = self.waiting();
        if waiting.closed {
            return;
        }
        let first = !std::mem::replace(&mut waiting.said, true);
        if first && waiting.bytes.is_empty() {
            match socket.write(&bytes) {
                Ok(written) => bytes.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Whoever reads from it will meet its end.
                Err(_) => return,
            }
        }
        waiting.bytes.unsplit(bytes);
        if first {
            self.more.notify_one();
        }
    }

    /// What is sent from here on goes nowhere.
    pub(super) fn close(&self) {
        *self.waiting() = Waiting { closed: true, ..Waiting::default() };
        self.more.notify_one();
    }

    /// Sends what waits, once all who are ready in the same turn have spoken: the task is woken behind them. Until the
    /// socket breaks, or it is closed, which `over` tells one who waits for room.
    pub(super) async fn empty<T: Future>(&self, socket: &UnixStream, over: impl Fn() -> T) -> io::Result<()> {
        loop {
            self.more.notified().await;
            if self.waiting().closed {
                return Ok(());
            }
            if !self.send_waiting(|bytes| (&*socket).write(bytes))? {
                tokio::select! {
                    _ = over() => return Ok(()),
                    sent = self.send_when_there_is_room(socket) => sent?,
                }
            }
        }
    }

    /// epoll is asked about room only while there is none: it would tell of each time that the worker reads. A pipe's end
    /// is a descriptor that it is asked about writing for, and about nothing else.
    async fn send_when_there_is_room(&self, socket: &UnixStream) -> io::Result<()> {
        let room = Sender::from_owned_fd_unchecked(socket.try_clone()?.into())?;
        loop {
            room.writable().await?;
            if self.send_waiting(|bytes| room.try_write(bytes))? {
                return Ok(());
            }
        }
    }

    /// Sends all that waits; whether the kernel has taken it.
    fn send_waiting(&self, mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<bool> {
        let mut waiting = self.waiting();
        waiting.said = false;
        while !waiting.bytes.is_empty() {
            match write(&waiting.bytes) {
                Ok(written) => waiting.bytes.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        // Idle workers hold no memory.
        waiting.bytes = BytesMut::new();
        Ok(true)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
