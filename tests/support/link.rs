//! One connection from heeler to an upstream that the test plays.

use std::io::{ErrorKind, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use socket2::{SockAddr, Socket};

use super::PATIENCE;
use super::asked::{Asked, field};
use super::queues;

pub struct Link {
    socket: Socket,
    /// Read and not yet used.
    buffer: Vec<u8>,
    /// The first connection on which something came is 1.
    pub number: usize,
}

impl Link {
    /// Waits for the first byte; `None` if there is none.
    pub(super) fn once_it_speaks(socket: Socket, counter: &AtomicUsize) -> Option<Link> {
        socket.set_read_timeout(Some(PATIENCE)).ok()?;
        socket.set_write_timeout(Some(PATIENCE)).ok()?;
        if socket.local_addr().is_ok_and(|address| address.is_ipv4() || address.is_ipv6()) {
            socket.set_tcp_nodelay(true).ok()?;
        }
        let spoke = socket.peek(&mut [MaybeUninit::uninit()]).is_ok_and(|length| length > 0);
        spoke.then(|| Link { socket, buffer: Vec::new(), number: counter.fetch_add(1, Ordering::SeqCst) + 1 })
    }

    pub fn set_patience(&self, time: Duration) {
        self.socket.set_read_timeout(Some(time)).expect("a read timeout");
    }

    pub fn set_write_patience(&self, time: Duration) {
        self.socket.set_write_timeout(Some(time)).expect("a write timeout");
    }

    /// Sends bytes; says whether heeler's kernel took them.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.socket.write_all(bytes).is_ok()
    }

    /// Whether heeler has read all that was sent.
    pub fn is_read(&self) -> bool {
        let port = |address: SockAddr| address.as_socket().expect("a TCP connection").port();
        let own = port(self.socket.local_addr().expect("an address"));
        let heelers = port(self.socket.peer_addr().expect("an address"));
        queues::of(heelers, own).is_some_and(|queues| queues.unread == 0)
    }

    /// Sends what is taken at once, and says how much that was.
    pub fn send_some(&mut self, bytes: &[u8]) -> usize {
        self.socket.write(bytes).unwrap_or(0)
    }

    /// Sends a 200 with a length.
    pub fn ok(&mut self, body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        // In one piece, so that the client's answer and the end of the call come together.
        self.send(&[head.as_bytes(), body].concat());
    }

    /// Sends one piece of a chunked body; an empty one is its end.
    pub fn send_chunk(&mut self, piece: &[u8]) -> bool {
        self.send(&[format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat())
    }

    pub fn half_close(&self) {
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Closes with a reset instead of an orderly end.
    pub fn reset(self) {
        self.socket.set_linger(Some(Duration::ZERO)).expect("linger");
    }

    /// A second handle on the same socket, to write with while this one reads.
    pub fn twin(&self) -> Link {
        let socket = self.socket.try_clone().expect("a second handle");
        Link { socket, buffer: Vec::new(), number: self.number }
    }

    /// The next request's head; `None` if the connection ends instead.
    #[track_caller]
    pub fn try_head(&mut self) -> Option<Asked> {
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end;
            }
            if self.fill() == 0 {
                return None;
            }
        };
        let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
        Some(Asked::parse(&head[..end]))
    }

    #[track_caller]
    pub fn read_head(&mut self) -> Asked {
        self.try_head().expect("a request")
    }

    /// The next request with its body; `None` if the connection ends before it is whole.
    #[track_caller]
    pub fn try_request(&mut self) -> Option<Asked> {
        let mut asked = self.try_head()?;
        self.try_body(&mut asked).then_some(asked)
    }

    #[track_caller]
    pub fn read_request(&mut self) -> Asked {
        self.try_request().expect("a whole request")
    }

    /// The body that belongs to a head; says whether it came whole.
    #[track_caller]
    pub fn try_body(&mut self, asked: &mut Asked) -> bool {
        if asked.is_chunked() {
            while let Some(chunk) = self.try_chunk() {
                if chunk.is_empty() {
                    return self.read_trailers(asked);
                }
                asked.body.extend_from_slice(&chunk);
            }
            return false;
        }
        let length = asked.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        while self.buffer.len() < length {
            if self.fill() == 0 {
                return false;
            }
        }
        asked.body = self.buffer.drain(..length).collect();
        true
    }

    /// The next piece of a chunked body, empty at the end (trailers are still to come); `None` if the connection ends.
    #[track_caller]
    pub fn try_chunk(&mut self) -> Option<Vec<u8>> {
        let line = self.read_line()?;
        let line = String::from_utf8(line).expect("a chunk's size");
        let size = usize::from_str_radix(&line, 16).unwrap_or_else(|_| panic!("not a chunk's size: {line:?}"));
        if size == 0 {
            return Some(Vec::new());
        }
        while self.buffer.len() < size + 2 {
            if self.fill() == 0 {
                return None;
            }
        }
        let chunk = self.buffer.drain(..size).collect();
        assert_eq!(self.buffer.drain(..2).collect::<Vec<_>>(), b"\r\n", "the end of a chunk");
        Some(chunk)
    }

    #[track_caller]
    fn read_trailers(&mut self, asked: &mut Asked) -> bool {
        while let Some(line) = self.read_line() {
            if line.is_empty() {
                return true;
            }
            asked.trailers.push(field(&line));
        }
        false
    }

    fn read_line(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                return Some(self.buffer.drain(..end + 2).take(end).collect());
            }
            if self.fill() == 0 {
                return None;
            }
        }
    }

    /// Waits, without a read, until heeler has closed.
    pub fn wait_hung_up(&self) {
        // What it has sent before may be in the way of a read.
        let mut asked = libc::pollfd { fd: self.socket.as_raw_fd(), events: libc::POLLRDHUP, revents: 0 };
        // SAFETY: one entry, and it is ours.
        unsafe { libc::poll(&raw mut asked, 1, PATIENCE.as_millis() as i32) };
    }

    /// Whether something comes within this time; an end does not count.
    pub fn waits_for_more(&mut self, time: Duration) -> bool {
        self.set_patience(time);
        let more = !self.buffer.is_empty() || self.socket.peek(&mut [MaybeUninit::uninit()]).is_ok_and(|n| n > 0);
        self.set_patience(PATIENCE);
        more
    }

    /// Bytes of whatever comes, at most so many; empty at the end.
    #[track_caller]
    pub fn read_some(&mut self, most: usize) -> Vec<u8> {
        if self.buffer.is_empty() {
            self.fill();
        }
        let length = self.buffer.len().min(most);
        self.buffer.drain(..length).collect()
    }

    /// Exactly so many bytes.
    #[track_caller]
    pub fn read_exact(&mut self, length: usize) -> Vec<u8> {
        while self.buffer.len() < length {
            assert!(self.fill() > 0, "only {} bytes of {length} came", self.buffer.len());
        }
        self.buffer.drain(..length).collect()
    }

    /// Everything until heeler closes.
    #[track_caller]
    pub fn read_to_end(&mut self) -> Vec<u8> {
        while self.fill() > 0 {}
        std::mem::take(&mut self.buffer)
    }

    /// Waits until heeler closes, and asserts that nothing comes before.
    #[track_caller]
    pub fn wait_closed(&mut self) {
        let rest = self.read_to_end();
        assert!(rest.is_empty(), "more came: {:?}", String::from_utf8_lossy(&rest));
    }

    /// Reads what is there; 0 is the end, a reset too.
    #[track_caller]
    fn fill(&mut self) -> usize {
        let old = self.buffer.len();
        self.buffer.resize(old + 64 * 1024, 0);
        let read = loop {
            match self.socket.read(&mut self.buffer[old..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(old + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                let seen = String::from_utf8_lossy(&self.buffer[..old.min(200)]).into_owned();
                panic!("heeler neither sends nor closes; {old} bytes came, beginning with {seen:?}")
            }
            Err(_) => 0,
        }
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
