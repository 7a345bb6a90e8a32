//! Writing to a descriptor that may be shared with others, past the queue or at its end.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::write;

/// Last words wait this long for a reader that is behind, then the exit goes on without them.
const PATIENCE_MS: u16 = 500;

/// A pipe that polls as writable takes this much without blocking (PIPE_BUF, pipe(7)).
const SURE: usize = 4096;

/// Blocks until all is written.
pub(super) fn write_all(out: BorrowedFd<'_>, mut bytes: &[u8]) -> nix::Result<()> {
    while !bytes.is_empty() {
        match write(out, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::EINTR) => {}
            // Another process with the same open file made it non-blocking.
            Err(Errno::EAGAIN) => drop(writable(out, PollTimeout::NONE)?),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes a line straight to standard error, for the last words before an exit, after the log was flushed,
/// and for the first ones, before there is a log. Never hangs: a reader that does not read misses it.
pub fn stderr_line(text: &str) {
    give(io::stderr().as_fd(), format!("{text}\n").as_bytes());
}

/// Writes as long as the reader takes it.
pub(super) fn give(out: BorrowedFd<'_>, bytes: &[u8]) {
    for piece in bytes.chunks(SURE) {
        if !matches!(writable(out, PollTimeout::from(PATIENCE_MS)), Ok(true)) || write_all(out, piece).is_err() {
            return;
        }
    }
}

fn writable(out: BorrowedFd<'_>, timeout: PollTimeout) -> nix::Result<bool> {
    let mut fds = [PollFd::new(out, PollFlags::POLLOUT)];
    loop {
        match poll(&mut fds, timeout) {
            Err(Errno::EINTR) => {}
            result => return result.map(|ready| ready > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, pipe};
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn last_words_arrive_whole() {
        let (mut reader, writer) = pipe().unwrap();
        let words = vec![b'x'; 3 * SURE + 1];
        give(writer.as_fd(), &words);
        drop(writer);
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert_eq!(read, words);
    }

    #[test]
    fn last_words_give_up_on_a_reader_that_does_not_read() {
        let (_reader, writer) = pipe().unwrap();
        let began = Instant::now();
        // More than any pipe holds by default.
        give(writer.as_fd(), &vec![b'x'; 1 << 20]);
        assert!(began.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn last_words_to_nobody_return() {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        give(writer.as_fd(), b"x\n");
    }
}
