//! An HTTP/1 client that shows what came over the wire, cut answers included.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use super::PATIENCE;
use super::message::{Request, Response};
use super::queues::{self, Queues};

/// Why there is no whole answer.
#[derive(Debug)]
pub enum Failure {
    /// The connection ended before the first byte of one.
    Nothing,
    /// It ended within one; what came until then.
    Cut(Response),
    /// Nothing came for as long as the client waits.
    TimedOut,
    /// What came is not HTTP.
    Nonsense(String),
}

impl Failure {
    /// The part that came of an answer that was cut.
    #[track_caller]
    pub fn cut(self) -> Response {
        match self {
            Failure::Cut(response) => response,
            other => panic!("not a cut answer: {other:?}"),
        }
    }
}

/// One connection.
pub struct Conn {
    stream: TcpStream,
    /// Read and not yet used.
    buffer: Vec<u8>,
}

impl Conn {
    #[track_caller]
    pub fn open(address: SocketAddr) -> Conn {
        Conn::try_open(address).expect("heeler takes a connection")
    }

    pub fn try_open(address: SocketAddr) -> std::io::Result<Conn> {
        Conn::try_open_within(address, PATIENCE)
    }

    pub fn try_open_within(address: SocketAddr, time: Duration) -> std::io::Result<Conn> {
        Conn::over(TcpStream::connect_timeout(&address, time)?)
    }

    pub fn over(stream: TcpStream) -> std::io::Result<Conn> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Conn { stream, buffer: Vec::new() })
    }

    /// A connection that holds little of what it is sent, so that a client who does not read is soon felt.
    pub fn open_narrow(address: SocketAddr) -> Conn {
        let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None);
        let socket = socket.expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        socket.connect(&address.into()).expect("heeler takes a connection");
        Conn::over(socket.into()).expect("a connection")
    }

    /// What the kernel holds at heeler's end.
    pub fn heelers_queues(&self) -> Option<Queues> {
        let port = |address: std::io::Result<SocketAddr>| address.expect("an address").port();
        queues::of(port(self.stream.peer_addr()), port(self.stream.local_addr()))
    }

    pub fn set_patience(&mut self, time: Duration) {
        self.stream.set_read_timeout(Some(time)).expect("a read timeout");
    }

    pub fn set_write_patience(&mut self, time: Duration) {
        self.stream.set_write_timeout(Some(time)).expect("a write timeout");
    }

    /// Sends bytes; says whether the other side took them.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// A second handle on the same socket, to read with while this one writes.
    pub fn twin(&self) -> Conn {
        Conn { stream: self.stream.try_clone().expect("a second handle"), buffer: Vec::new() }
    }

    /// Bytes that the other side's kernel has not taken.
    pub fn unsent(&self) -> i32 {
        let mut unsent = 0;
        // SAFETY: asks for a number, into a number of ours.
        let asked = unsafe { libc::ioctl(self.stream.as_raw_fd(), libc::TIOCOUTQ, &raw mut unsent) };
        assert_eq!(asked, 0, "{}", std::io::Error::last_os_error());
        unsent
    }

    pub fn half_close(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Whether the other side has closed, and all that it sent is read.
    pub fn is_closed(&self) -> bool {
        let mut byte = 0_u8;
        let (flags, at) = (libc::MSG_PEEK | libc::MSG_DONTWAIT, (&raw mut byte).cast());
        // SAFETY: looks at one byte at the most, into one of ours.
        let found = unsafe { libc::recv(self.stream.as_raw_fd(), at, 1, flags) };
        self.buffer.is_empty()
            && (found == 0 || found < 0 && std::io::Error::last_os_error().kind() != ErrorKind::WouldBlock)
    }

    /// Closes with a reset instead of an orderly end.
    pub fn reset(self) {
        let socket = socket2::Socket::from(self.stream);
        socket.set_linger(Some(Duration::ZERO)).expect("linger");
    }

    /// A call with a whole answer.
    #[track_caller]
    pub fn call(&mut self, request: &Request) -> Response {
        match self.try_call(request) {
            Ok(response) => response,
            Err(failure) => panic!("no whole answer to {} {}: {failure:?}", request.method, request.target),
        }
    }

    /// Sends and reads at once, so that neither side ever waits for the other.
    pub fn try_call(&mut self, request: &Request) -> Result<Response, Failure> {
        let bytes = request.bytes();
        if bytes.len() <= 16 * 1024 {
            self.send(&bytes);
            return self.read_response(&request.method);
        }
        let mut writer = self.stream.try_clone().expect("a second handle");
        std::thread::scope(|scope| {
            // A server that answers early may close while we send: the answer decides.
            scope.spawn(move || drop(writer.write_all(&bytes)));
            let answer = self.read_response(&request.method);
            if answer.is_err() {
                // Nobody reads any more, and the writer must not wait for that.
                let _ = self.stream.shutdown(Shutdown::Both);
            }
            answer
        })
    }

    /// The next answer that is not an interim one.
    pub fn read_response(&mut self, method: &str) -> Result<Response, Failure> {
        loop {
            let mut response = self.read_head()?;
            if response.status >= 200 {
                self.read_body(&mut response, method)?;
                return Ok(response);
            }
        }
    }

    /// The next head, interim ones (1xx) too; `body` is empty.
    pub fn read_head(&mut self) -> Result<Response, Failure> {
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end;
            }
            if self.fill()? == 0 {
                return Err(match self.buffer.is_empty() {
                    true => Failure::Nothing,
                    false => Failure::Cut(Response::default()),
                });
            }
        };
        let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
        parse_head(&head[..end]).ok_or_else(|| Failure::Nonsense(String::from_utf8_lossy(&head).into_owned()))
    }

    /// The body that belongs to a head, as its framing says.
    pub fn read_body(&mut self, response: &mut Response, method: &str) -> Result<(), Failure> {
        if method == "HEAD" || matches!(response.status, 204 | 304) {
            return Ok(());
        }
        if response.is_chunked() {
            while let Some(chunk) = self.read_data(response)? {
                response.body.extend_from_slice(&chunk);
            }
            response.trailers = self.read_trailers(response)?;
            return Ok(());
        }
        if let Some(length) = response.header("content-length") {
            let length: usize = length.parse().map_err(|_| Failure::Nonsense(length.to_owned()))?;
            while self.buffer.len() < length {
                if self.fill()? == 0 {
                    response.body.append(&mut self.buffer);
                    return Err(Failure::Cut(std::mem::take(response)));
                }
            }
            response.body = self.buffer.drain(..length).collect();
            return Ok(());
        }
        while self.fill()? > 0 {}
        response.body.append(&mut self.buffer);
        Ok(())
    }

    /// The next piece of a chunked body; `None` is its proper end.
    pub fn read_chunk(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let chunk = self.read_data(&Response::default())?;
        if chunk.is_none() {
            self.read_trailers(&Response::default())?;
        }
        Ok(chunk)
    }

    /// The next chunk with something in it; `None` when only trailers are left.
    fn read_data(&mut self, response: &Response) -> Result<Option<Vec<u8>>, Failure> {
        let line = self.read_line(response)?;
        let size = usize::from_str_radix(&line, 16).map_err(|_| Failure::Nonsense(line.clone()))?;
        if size == 0 {
            return Ok(None);
        }
        while self.buffer.len() < size + 2 {
            if self.fill()? == 0 {
                let mut cut = response.clone();
                cut.body.extend_from_slice(&self.buffer[..self.buffer.len().min(size)]);
                return Err(Failure::Cut(cut));
            }
        }
        let chunk = self.buffer.drain(..size).collect();
        match self.buffer.drain(..2).collect::<Vec<_>>() == b"\r\n" {
            true => Ok(Some(chunk)),
            false => Err(Failure::Nonsense("no line end after a chunk".to_owned())),
        }
    }

    fn read_trailers(&mut self, response: &Response) -> Result<Vec<(String, String)>, Failure> {
        let mut trailers = Vec::new();
        loop {
            let line = self.read_line(response)?;
            match parse_header(&line) {
                Some(trailer) => trailers.push(trailer),
                None if line.is_empty() => return Ok(trailers),
                None => return Err(Failure::Nonsense(line)),
            }
        }
    }

    fn read_line(&mut self, response: &Response) -> Result<String, Failure> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                let line = self.buffer.drain(..end + 2).take(end).collect();
                return String::from_utf8(line).map_err(|line| Failure::Nonsense(line.to_string()));
            }
            if self.fill()? == 0 {
                return Err(Failure::Cut(response.clone()));
            }
        }
    }

    /// Everything until the other side closes.
    pub fn read_to_end(&mut self) -> Result<Vec<u8>, Failure> {
        while self.fill()? > 0 {}
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Some bytes of whatever comes, at most so many; empty at the end.
    pub fn read_some(&mut self, most: usize) -> Result<Vec<u8>, Failure> {
        if self.buffer.is_empty() {
            self.fill_up_to(most)?;
        }
        let length = self.buffer.len().min(most);
        Ok(self.buffer.drain(..length).collect())
    }

    /// Reads what is there; 0 is the end, a reset too.
    fn fill(&mut self) -> Result<usize, Failure> {
        self.fill_up_to(256 * 1024)
    }

    fn fill_up_to(&mut self, most: usize) -> Result<usize, Failure> {
        let old = self.buffer.len();
        self.buffer.resize(old + most, 0);
        let read = loop {
            match self.stream.read(&mut self.buffer[old..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(old + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(length) => Ok(length),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Err(Failure::TimedOut),
            Err(_) => Ok(0),
        }
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn parse_head(head: &[u8]) -> Option<Response> {
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.splitn(3, ' ');
    first.next().filter(|version| matches!(*version, "HTTP/1.1" | "HTTP/1.0"))?;
    let status = first.next()?.parse().ok()?;
    Some(Response { status, headers: lines.map(parse_header).collect::<Option<_>>()?, ..Response::default() })
}

fn parse_header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_owned(), value.trim().to_owned()))
}
