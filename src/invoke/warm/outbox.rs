//! The way out to a worker: at once, as far as the kernel takes it, and the rest when it takes more.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Buf, BytesMut};
use tokio::net::UnixStream;
use tokio::sync::Notify;

/// What the kernel did not take yet.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<BytesMut>,
    more: Notify,
}

impl Outbox {
    /// Sends bytes behind all that was sent before.
    pub(super) fn send(&self, socket: &UnixStream, mut bytes: BytesMut) {
        let mut waiting = self.waiting();
        if waiting.is_empty() {
            match socket.try_write(&bytes) {
                Ok(written) => bytes.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Whoever reads from it will meet its end.
                Err(_) => return,
            }
        }
        if bytes.has_remaining() {
            waiting.extend_from_slice(&bytes);
            self.more.notify_one();
        }
    }

    /// Gives the kernel what it did not take at once, until the socket breaks.
    pub(super) async fn empty(&self, socket: &UnixStream) -> io::Result<()> {
        loop {
            self.more.notified().await;
            loop {
                socket.writable().await?;
                let mut waiting = self.waiting();
                match socket.try_write(&waiting) {
                    Ok(written) => waiting.advance(written),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
                if waiting.is_empty() {
                    *waiting = BytesMut::new();
                    break;
                }
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BytesMut> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
