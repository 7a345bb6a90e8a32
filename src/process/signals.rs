//! Signals as a stream: all are blocked, and a signalfd hands them out one by one.

use std::io;

use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Every signal that reaches heeler.
pub struct Signals(AsyncFd<SignalFd>);

impl Signals {
    /// Signals must be blocked already ([`super::inherited::take`]). Inside a runtime.
    pub fn new() -> io::Result<Signals> {
        let fd = SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Signals(AsyncFd::with_interest(fd, Interest::READABLE)?))
    }

    /// The number of the next signal. Several SIGCHLD may have become one (signal(7)).
    pub async fn next(&self) -> io::Result<i32> {
        self.0
            .async_io(Interest::READABLE, |fd| match fd.read_signal()? {
                Some(info) => Ok(i32::try_from(info.ssi_signo).unwrap_or(0)),
                None => Err(io::ErrorKind::WouldBlock.into()),
            })
            .await
    }
}
