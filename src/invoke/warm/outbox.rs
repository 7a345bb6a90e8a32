//! The way out to a worker: the first word of a turn at once, what others say in the same turn in one piece behind it.
//!
//! The runtime wakes all calls whose bytes have come and then runs them one after the other. A write for each would wake
//! the worker as often; one for all of them leaves it with many frames to read at once.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Buf, BytesMut};
use tokio::net::unix::OwnedWriteHalf;
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
}

impl Outbox {
    /// Sends bytes behind all that was sent before.
    pub(super) fn send(&self, socket: &OwnedWriteHalf, mut bytes: BytesMut) {
        let mut waiting = self.waiting();
        let first = !std::mem::replace(&mut waiting.said, true);
        if first && waiting.bytes.is_empty() {
            match socket.try_write(&bytes) {
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

    /// Sends what waits, once all who are ready in the same turn have spoken: the task is woken behind them. Until the
    /// socket breaks.
    pub(super) async fn empty(&self, socket: &OwnedWriteHalf) -> io::Result<()> {
        loop {
            self.more.notified().await;
            while self.send_some(socket)? {
                socket.writable().await?;
            }
        }
    }

    /// Whether anything is left that the kernel did not take.
    fn send_some(&self, socket: &OwnedWriteHalf) -> io::Result<bool> {
        let mut waiting = self.waiting();
        waiting.said = false;
        if !waiting.bytes.is_empty() {
            match socket.try_write(&waiting.bytes) {
                Ok(written) => waiting.bytes.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        if waiting.bytes.is_empty() {
            // Idle workers hold no memory.
            waiting.bytes = BytesMut::new();
        }
        Ok(!waiting.bytes.is_empty())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
