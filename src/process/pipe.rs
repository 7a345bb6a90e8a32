//! Pipes to a child: our end never blocks, the child's end always does.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::resource::{Resource, getrlimit};
use tokio::net::unix::pipe::{Receiver, Sender};

/// Pipes that are kept at the most, for as many calls at once.
const MOST_PIPES: usize = 256;
/// One pipe is kept for so many descriptors that heeler may have: where those are few, clients need them.
const DESCRIPTORS_A_PIPE: u64 = 32;

/// A pipe that a child writes and we read. Our copy of the child's end stays open, so that the pipe can serve the next
/// child: then it has no end of file, and the child's own end must do.
#[derive(Debug)]
pub struct FromChild {
    /// Our end.
    pub ours: Receiver,
    childs: OwnedFd,
}

impl FromChild {
    pub(super) fn open() -> io::Result<FromChild> {
        let (read, write) = pair()?;
        set_nonblocking(&read)?;
        Ok(FromChild { ours: Receiver::from_owned_fd_unchecked(read)?, childs: write })
    }

    /// The end for the child.
    pub fn childs(&self) -> BorrowedFd<'_> {
        self.childs.as_fd()
    }

    /// How much it can hold.
    pub fn capacity(&self) -> usize {
        // Linux's default, where the kernel will not say.
        fcntl(&self.childs, FcntlArg::F_GETPIPE_SZ)
            .map_or(64 * 1024, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// Our end alone: it ends when the last of the children has closed the other one.
    pub fn into_ours(self) -> Receiver {
        self.ours
    }
}

/// Pipes that wait for their next child. Making one, watching it and closing it costs a dozen system calls and a
/// wake-up, a good part of what a call costs in all.
#[derive(Debug)]
pub struct Pool {
    free: Mutex<Vec<FromChild>>,
    most: usize,
}

impl Pool {
    /// Keeps a small share of the descriptors that heeler may have.
    pub fn new() -> Pool {
        let descriptors = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
        let most = usize::try_from(descriptors / DESCRIPTORS_A_PIPE).unwrap_or(MOST_PIPES).min(MOST_PIPES);
        Pool { free: Mutex::default(), most }
    }

    /// A pipe that is empty and as a new one is.
    pub fn take(&self) -> io::Result<FromChild> {
        let Some(pipe) = self.free().pop() else { return FromChild::open() };
        // The last child may have made its end non-blocking, and flags belong to the end, not to the child.
        fcntl(&pipe.childs, FcntlArg::F_SETFL(OFlag::empty()))?;
        Ok(pipe)
    }

    /// Takes a pipe back. It must be empty, and nobody else may hold it any more: what was written later would be read
    /// as the next child's.
    pub fn put(&self, pipe: FromChild) {
        let mut free = self.free();
        if free.len() < self.most {
            free.push(pipe);
        }
    }

    fn free(&self) -> MutexGuard<'_, Vec<FromChild>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Pool {
    fn default() -> Pool {
        Pool::new()
    }
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
