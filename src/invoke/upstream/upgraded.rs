//! The upstream's side of a connection that became something else than HTTP (101): a raw stream of bytes both ways.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stream::Stream;

/// Room that is read into at once.
const ROOM: usize = 8 * 1024;

/// A raw stream; what was read behind the head comes first.
#[derive(Debug)]
pub struct Upgraded {
    stream: std::sync::Arc<Stream>,
    ahead: BytesMut,
}

impl Upgraded {
    pub(super) fn new(stream: impl Into<std::sync::Arc<Stream>>, ahead: BytesMut) -> Upgraded {
        Upgraded { stream: stream.into(), ahead }
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            let Upgraded { stream, ahead } = &mut *self;
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

impl AsyncWrite for Upgraded {
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
