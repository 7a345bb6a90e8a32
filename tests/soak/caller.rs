//! Good calls on kept connections, many times a second: all connections of an instance are written to, then all are read.

use std::io::{self, Error, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::clock::{Clock, Pace};
use super::instance::Instance;
use super::support::{PATIENCE, Request};

/// Calls on one connection before another one takes its place.
const CALLS: usize = 500;
/// Heads and answers are small, but for a few.
const PIECE: usize = 16 * 1024;

/// A call whose answer is known.
pub struct Ask {
    bytes: Vec<u8>,
    status: u16,
    /// `None` for any.
    body: Option<Vec<u8>>,
}

impl Ask {
    pub fn new(request: &Request, status: u16, body: Option<&[u8]>) -> Ask {
        Ask { bytes: request.bytes(), status, body: body.map(<[u8]>::to_vec) }
    }
}

/// What came, `body` being what the connection holds of it.
struct Answer {
    status: u16,
    body: Vec<u8>,
    closes: bool,
}

struct Link {
    stream: TcpStream,
    /// Read and not yet used.
    buffer: Vec<u8>,
    piece: Vec<u8>,
    left: usize,
}

impl Link {
    fn open(address: SocketAddr, left: usize) -> io::Result<Link> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Link { stream, buffer: Vec::new(), piece: vec![0; PIECE], left })
    }

    /// Takes in what is there, at least one byte.
    fn fill(&mut self) -> io::Result<()> {
        match self.stream.read(&mut self.piece)? {
            0 => Err(Error::other(format!("closed after {} bytes of an answer", self.buffer.len()))),
            length => {
                self.buffer.extend_from_slice(&self.piece[..length]);
                Ok(())
            }
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.fill()?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    /// Up to and with this mark.
    fn take_to(&mut self, mark: &[u8]) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.windows(mark.len()).position(|window| window == mark) {
                return self.take(at + mark.len());
            }
            self.fill()?;
        }
    }

    fn read(&mut self) -> io::Result<Answer> {
        let head = self.take_to(b"\r\n\r\n")?;
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Response::new(&mut fields);
        parsed
            .parse(&head)
            .map_err(|error| Error::other(format!("{error} in {:?}", String::from_utf8_lossy(&head))))?;
        let field = |name: &str| {
            let found = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            found.map(|header| String::from_utf8_lossy(header.value).into_owned())
        };
        let (status, closes) = (parsed.code.unwrap_or(0), field("connection").is_some_and(|value| value == "close"));
        let body = match field("content-length").and_then(|length| length.parse().ok()) {
            Some(length) => self.take(length)?,
            None if field("transfer-encoding").is_some() => self.read_chunks()?,
            None => Vec::new(),
        };
        Ok(Answer { status, body, closes })
    }

    fn read_chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.take_to(b"\r\n")?;
            let size = std::str::from_utf8(&line).ok().and_then(|line| usize::from_str_radix(line.trim(), 16).ok());
            let size = size.ok_or_else(|| Error::other("no size before a chunk"))?;
            body.extend(self.take(size)?);
            self.take(2)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
}

/// Calls one instance until the part is over.
pub fn call_on(instance: &Instance, clock: &Clock) {
    let mut links: Vec<Option<Link>> = (0..instance.width).map(|_| None).collect();
    let (mut round, mut pace) = (0, Pace::new(instance.rounds));
    while clock.goes_on() {
        pace.wait();
        round += 1;
        // Not all connections come to their end at once.
        for (at, link) in links.iter_mut().enumerate() {
            if link.as_ref().is_none_or(|link| link.left == 0) {
                *link = instance.judged(Link::open(instance.heeler.address(), CALLS + at * 7));
            }
        }
        let ask = |at: usize| &instance.good[(round + at) % instance.good.len()];
        for (at, link) in links.iter_mut().enumerate() {
            if let Some(open) = link
                && let Err(error) = open.stream.write_all(&ask(at).bytes)
            {
                instance.unexpected(&format!("a call cannot be sent: {error}"));
                *link = None;
            }
        }
        for (at, link) in links.iter_mut().enumerate() {
            let Some(open) = link else { continue };
            clock.add(1);
            open.left -= 1;
            if judge(instance, ask(at), open.read()) {
                *link = None;
            }
        }
    }
}

/// Whether the connection is over.
fn judge(instance: &Instance, ask: &Ask, answer: io::Result<Answer>) -> bool {
    let Some(answer) = instance.judged(answer) else { return true };
    let same = ask.body.as_ref().is_none_or(|body| *body == answer.body);
    if answer.status == ask.status && same {
        instance.tally.good();
    } else if instance.tolerated.contains(&answer.status) {
        instance.tally.expected();
    } else {
        let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(200)]).into_owned();
        instance.unexpected(&format!("{} instead of {}: {text:?}", answer.status, ask.status));
    }
    answer.closes
}
