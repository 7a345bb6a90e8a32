//! Signals as a stream: all are blocked, and a signalfd hands them out one by one.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Size of the kernel's signalfd_siginfo (signalfd(2)); reads are of whole ones.
const INFO: usize = 128;

/// Every signal that reaches heeler.
pub struct Signals(AsyncFd<OwnedFd>);

impl Signals {
    /// Signals must be blocked already ([`super::inherited::take`]). Inside a runtime.
    pub fn new() -> io::Result<Signals> {
        let mut wanted = SigSet::all();
        // heeler's own writes to closed sockets raise it; blocked as it is, it would be read here for each of them.
        wanted.remove(Signal::SIGPIPE);
        let fd = SignalFd::with_flags(&wanted, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Signals(crate::fd::watch(fd.as_fd().try_clone_to_owned()?)?))
    }

    /// The number of the next signal, real-time ones too. Several SIGCHLD may have become one (signal(7)).
    pub async fn next(&self) -> io::Result<i32> {
        self.0.async_io(Interest::READABLE, read_number).await
    }
}

fn read_number(fd: &OwnedFd) -> io::Result<i32> {
    let mut info = [0; INFO];
    match nix::unistd::read(fd, &mut info) {
        // ssi_signo is the first field, 32 bits wide.
        Ok(INFO) => Ok(i32::from_ne_bytes([info[0], info[1], info[2], info[3]])),
        Ok(length) => Err(io::Error::other(format!("the kernel gave {length} bytes of a signal, not {INFO}"))),
        Err(Errno::EAGAIN) => Err(io::ErrorKind::WouldBlock.into()),
        Err(error) => Err(error.into()),
    }
}
