//! Pipes to a child: our end never blocks, the child's end always does.

use std::io;
use std::os::fd::OwnedFd;

use bytes::BytesMut;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use tokio::net::unix::pipe::{Receiver, Sender};

/// A pipe that the child writes and we read: (ours, the child's).
pub fn from_child() -> io::Result<(Receiver, OwnedFd)> {
    let (read, write) = pair()?;
    set_nonblocking(&read)?;
    Ok((Receiver::from_owned_fd_unchecked(read)?, write))
}

/// A pipe that we write and the child reads: (ours, the child's). Ours is not yet known to the runtime: a small
/// body fits into the pipe before the child exists, and then costs no registration.
pub fn to_child() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pair()?;
    set_nonblocking(&write)?;
    Ok((write, read))
}

/// Makes the writing end of [`to_child`] known to the runtime.
pub fn sender(write: OwnedFd) -> io::Result<Sender> {
    Sender::from_owned_fd_unchecked(write)
}

fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(nix::unistd::pipe2(OFlag::O_CLOEXEC)?)
}

/// O_NONBLOCK belongs to the open end, not to the pipe: the child's end stays as programs expect it.
fn set_nonblocking(fd: &OwnedFd) -> io::Result<()> {
    fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}

/// What a read that does not wait found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadNow {
    /// This many bytes, more than none.
    Bytes(usize),
    /// Nothing at the moment, but somebody may still write.
    Empty,
    /// Nobody can write any more.
    End,
}

/// Reads what is in the pipe right now. It asks the kernel and not the runtime, whose idea of readiness may be older
/// than the child's last words: after a child's end this finds all that it wrote.
pub fn read_now(pipe: &Receiver, buffer: &mut BytesMut) -> io::Result<ReadNow> {
    let mut chunk = [0; 8 * 1024];
    loop {
        return match nix::unistd::read(pipe, &mut chunk) {
            Ok(0) => Ok(ReadNow::End),
            Ok(length) => {
                buffer.extend_from_slice(&chunk[..length]);
                Ok(ReadNow::Bytes(length))
            }
            Err(nix::errno::Errno::EAGAIN) => Ok(ReadNow::Empty),
            Err(nix::errno::Errno::EINTR) => continue,
            Err(error) => Err(error.into()),
        };
    }
}
