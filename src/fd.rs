//! Descriptors that the runtime watches.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Has the runtime watch a descriptor for reading. It must be non-blocking.
pub(crate) fn watch(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd names the same open descriptor all its life, and AsyncFd deregisters it before it is closed.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE)? })
}
