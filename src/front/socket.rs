//! A client's socket under hyper: it tells the clock what happens, and gives back what was read to tell the protocol.

use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use nix::sys::socket::{MsgFlags, recv};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::clock::Clock;
use crate::invoke::Interim;

/// What an HTTP/2 client with prior knowledge says first (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Either kind of stream.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Stream::Unix(unix) => Pin::new(unix).poll_write(cx, bytes),
        }
    }

    /// Who is at the other end.
    pub(super) fn peer(&self) -> Option<IpAddr> {
        match self {
            Stream::Tcp(tcp) => tcp.peer_addr().ok().map(|address| address.ip().to_canonical()),
            Stream::Unix(_) => None,
        }
    }

    /// The port that it came in by.
    pub(super) fn local_port(&self) -> Option<u16> {
        match self {
            Stream::Tcp(tcp) => tcp.local_addr().ok().map(|address| address.port()),
            Stream::Unix(_) => None,
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Stream::Tcp(tcp) => tcp.as_fd(),
            Stream::Unix(unix) => unix.as_fd(),
        }
    }
}

/// Which HTTP a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
    /// It left without a word: a TCP probe.
    Nothing,
}

/// A stream with a clock, and with bytes that were read ahead.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Stream,
    clock: Arc<Clock>,
    ahead: BytesMut,
    interim: Interim,
    /// A 1xx head that is being written.
    early: BytesMut,
    /// Everything that hyper has given is with the kernel: something else may be written here.
    between: bool,
}

impl Socket {
    pub(super) fn new(stream: Stream, clock: Arc<Clock>) -> Socket {
        Socket {
            stream,
            clock,
            ahead: BytesMut::new(),
            interim: Interim::default(),
            early: BytesMut::new(),
            between: true,
        }
    }

    /// Where 1xx heads are queued; hyper cannot send them.
    pub(super) fn interim(&self) -> Interim {
        self.interim.clone()
    }

    /// Writes the 1xx heads that are queued, where one answer has ended and the next has not begun.
    fn poll_interim(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.between && self.early.is_empty() {
            self.early = self.interim.take();
        }
        while !self.early.is_empty() {
            let written = ready!(self.stream.poll_write(cx, &self.early))?;
            self.early.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Ends the connection so that nobody takes it for an answer's end.
    pub(super) fn reset(self) {
        // Fails on a connection that is over already.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    /// Reads until the protocol is known: at the first byte that is not the preface's, or at its end.
    pub(super) async fn protocol(&mut self) -> io::Result<Protocol> {
        loop {
            if !PREFACE.starts_with(&self.ahead) && !self.ahead.starts_with(PREFACE) {
                return Ok(Protocol::Http1);
            }
            if self.ahead.len() >= PREFACE.len() {
                return Ok(Protocol::Http2);
            }
            let mut chunk = [0; 1024];
            let length = match &mut self.stream {
                Stream::Tcp(tcp) => tcp.read(&mut chunk).await?,
                Stream::Unix(unix) => unix.read(&mut chunk).await?,
            };
            match length {
                0 if self.ahead.is_empty() => return Ok(Protocol::Nothing),
                0 => return Ok(Protocol::Http1),
                _ => self.ahead.extend_from_slice(&chunk[..length]),
            }
            self.clock.read();
        }
    }
}

/// Whether the kernel holds bytes of the client that nobody has read, or its end. Asked before an idle connection is
/// closed: the runtime may not have heard of them yet.
pub(super) fn has_unread(fd: RawFd) -> bool {
    let mut byte = [0];
    recv(fd, &mut byte, MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT).is_ok_and(|length| length > 0)
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let length = self.ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.ahead[..length]);
            self.ahead.advance(length);
            if self.ahead.is_empty() {
                self.ahead = BytesMut::new(); // Gives its memory back: connections idle for hours.
            }
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = match &mut self.stream {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Stream::Unix(unix) => Pin::new(unix).poll_read(cx, buffer),
        };
        if buffer.filled().len() > before {
            self.clock.read();
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_interim(cx))?;
        self.between = false;
        let written = self.stream.poll_write(cx, bytes);
        self.clock.write_waits(written.is_pending());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_interim(cx))?;
        self.between = false;
        let written = match &mut self.stream {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_write_vectored(cx, bytes),
            Stream::Unix(unix) => Pin::new(unix).poll_write_vectored(cx, bytes),
        };
        self.clock.write_waits(written.is_pending());
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// hyper flushes when all that it had is written. The kernel's sockets have nothing to flush.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.between = true;
        self.poll_interim(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Stream::Unix(unix) => Pin::new(unix).poll_shutdown(cx),
        }
    }
}
