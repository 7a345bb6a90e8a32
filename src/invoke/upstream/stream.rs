//! A connection to the upstream, of either kind, as calls read and write it.

use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, RawFd};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, Shutdown, recv, shutdown};
use tokio::net::{TcpStream, UnixStream};

/// Either kind of stream. Both directions are used at once, so everything takes `&self`.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Reads what is there, at least `room` bytes of it at once; 0 is the end.
    pub(super) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
        room: usize,
    ) -> Poll<io::Result<usize>> {
        loop {
            match self {
                Stream::Tcp(tcp) => ready!(tcp.poll_read_ready(cx))?,
                Stream::Unix(unix) => ready!(unix.poll_read_ready(cx))?,
            }
            buffer.reserve(room);
            let read = match self {
                Stream::Tcp(tcp) => tcp.try_read_buf(buffer),
                Stream::Unix(unix) => unix.try_read_buf(buffer),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
        }
    }

    /// Writes some of it.
    pub(super) fn poll_write(&self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        loop {
            match self {
                Stream::Tcp(tcp) => ready!(tcp.poll_write_ready(cx))?,
                Stream::Unix(unix) => ready!(unix.poll_write_ready(cx))?,
            }
            let written = match self {
                Stream::Tcp(tcp) => tcp.try_write_vectored(pieces),
                Stream::Unix(unix) => unix.try_write_vectored(pieces),
            };
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    /// Says that nothing more will be written.
    pub(super) fn end(&self) {
        // A peer that is gone already needs no goodbye.
        let _ = shutdown(self.fd(), Shutdown::Write);
    }

    /// Whether nothing has come since the last answer, not even an end. The kernel is asked: the runtime may not have
    /// heard yet.
    pub(super) fn is_quiet(&self) -> bool {
        let mut byte = [0];
        recv(self.fd(), &mut byte, MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT) == Err(Errno::EAGAIN)
    }

    fn fd(&self) -> RawFd {
        match self {
            Stream::Tcp(tcp) => tcp.as_raw_fd(),
            Stream::Unix(unix) => unix.as_raw_fd(),
        }
    }
}
