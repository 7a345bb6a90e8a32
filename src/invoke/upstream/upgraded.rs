//! The upstream's side of a connection that became something else than HTTP (101): a raw stream of bytes both ways.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stream::Stream;
use crate::invoke::call::{Deadline, Place};

/// Room that is read into at once.
const ROOM: usize = 8 * 1024;

/// The upstream's side of an upgraded connection, and what of its call lasts as long.
#[derive(Debug)]
pub struct Upgraded {
    /// The stream.
    pub io: Raw,
    /// When it has to end.
    pub deadline: Deadline,
    /// Held as long as it is open.
    pub place: Place,
}

/// A raw stream; what was read behind the head comes first.
#[derive(Debug)]
pub struct Raw {
    stream: Arc<Stream>,
    ahead: BytesMut,
}

impl Raw {
    pub(super) fn new(stream: impl Into<Arc<Stream>>, ahead: BytesMut) -> Raw {
        Raw { stream: stream.into(), ahead }
    }
}

impl AsyncRead for Raw {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            let Raw { stream, ahead } = &mut *self;
            ready!(stream.poll_read(cx, ahead, ROOM))?;
        }
        let length = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead[..length]);
        self.ahead.advance(length);
        if self.ahead.is_empty() {
            self.ahead = BytesMut::new(); // Idle sessions hold no memory.
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Raw {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.poll_write(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.poll_write(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(())) // The kernel's sockets have nothing to flush.
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.end();
        Poll::Ready(Ok(()))
    }
}
