//! A warm worker as lean as docs/wire.md allows: one thread; everything that is there is read at once, and all answers to
//! it are written at once. It answers with the request's body, or with 100 bytes where there is none; it keeps bodies
//! whole, so it is for small ones. Told `event` or `headers`, it answers with an event, or with as many headers. It starts
//! no process that could inherit its socket.
#![allow(clippy::disallowed_methods, reason = "a stand-in for a user's program, which knows nothing of heeler's rules")]

use std::collections::HashMap;
use std::error::Error;
use std::io::{Read, Write};
use std::os::fd::FromRawFd;
use std::os::unix::net::UnixStream;

const HELLO: u8 = 1;
const CALL: u8 = 2;
const DATA: u8 = 3;
const END: u8 = 4;
const REPLY: u8 = 5;
const CANCEL: u8 = 7;
const CANCELLED: u8 = 8;
const WINDOW: u8 = 9;
const PING: u8 = 10;
const PONG: u8 = 11;
const BYE: u8 = 13;
const LAST: u8 = 1;

/// Bytes of a frame before its payload.
const HEAD: usize = 12;
/// What fits into one frame, twice.
const ROOM: usize = 2 * (HEAD + 262_144);
/// Calls at once where the settings name no number.
const PLACES: u32 = 100;

/// The heads of answers: an event's attributes, and headers of no meaning that are as long as theirs will be.
const EVENT: &[u8] =
    b"specversion\x001.0\0id\x00r-1\0source\0/echo\0type\0echo.answer\0datacontenttype\0application/json\0";
const HEADERS: &[u8] =
    b"xx-specversion\x001.0\0xx-id\x00r-1\0xx-source\0/echo\0xx-type\0echo.answer\0content-type\0application/json\0";
const PAIRS: u8 = 5;

type Failed = Box<dyn Error>;

fn main() -> Result<(), Failed> {
    let fd = std::env::var("HEELER_FD")?.parse()?;
    // SAFETY: heeler gives this process a socket under that number, and nobody else here uses it.
    let mut socket = unsafe { UnixStream::from_raw_fd(fd) };
    let mut room = vec![0; ROOM];
    let (event, head) = match std::env::args().nth(1).as_deref() {
        Some("event") => (Some(PAIRS), EVENT),
        Some("headers") => (None, HEADERS),
        _ => (None, &b""[..]),
    };
    let mut worker = Worker { answers: Vec::with_capacity(ROOM), begun: HashMap::new(), event, head };
    let mut filled = 0;
    loop {
        let read = socket.read(&mut room[filled..])?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        let mut rest = &room[..filled];
        while let Some((head, payload)) = next(&mut rest) {
            if head[4] == BYE {
                return Ok(());
            }
            worker.take(head, payload)?;
        }
        socket.write_all(&worker.answers)?;
        worker.answers.clear();
        let unread = rest.len();
        room.copy_within(filled - unread..filled, 0);
        filled = unread;
    }
}

/// The next whole frame.
fn next<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8; HEAD], &'a [u8])> {
    let (head, after) = rest.split_first_chunk::<HEAD>()?;
    let (payload, after) = after.split_at_checked(number(head, 0) as usize)?;
    *rest = after;
    Some((head, payload))
}

struct Worker {
    /// Frames for the next write.
    answers: Vec<u8>,
    /// Bodies that came in part.
    begun: HashMap<u32, Vec<u8>>,
    /// How many attributes answers begin with, if those are events.
    event: Option<u8>,
    /// The fields of all answers.
    head: &'static [u8],
}

impl Worker {
    fn take(&mut self, head: &[u8; HEAD], payload: &[u8]) -> Result<(), Failed> {
        let (last, stream) = (head[5] == LAST, number(head, 8));
        match head[4] {
            HELLO => self.hello(number(payload, 8)),
            CALL => {
                let body = &payload[20 + number(payload, 4) as usize..];
                if last {
                    return self.reply(stream, body);
                }
                self.begun.insert(stream, body.to_vec());
                Ok(())
            }
            DATA => self.more(stream, payload, last),
            END => self.more(stream, &[], last),
            // One that crossed its answer gets none.
            CANCEL => match self.begun.remove(&stream) {
                Some(_) => self.put(CANCELLED, LAST, stream, &[]),
                None => Ok(()),
            },
            PING => self.put(PONG, 0, 0, &[&payload[..1], &[1]]),
            _ => Ok(()),
        }
    }

    fn hello(&mut self, allowed: u32) -> Result<(), Failed> {
        let places = if allowed == 0 { PLACES } else { allowed };
        self.put(HELLO, 0, 0, &[&[0, 1, 0, 0], &65_536_u32.to_be_bytes(), &places.to_be_bytes(), b"language\0rust\0"])
    }

    fn more(&mut self, stream: u32, piece: &[u8], last: bool) -> Result<(), Failed> {
        let Some(mut body) = self.begun.remove(&stream) else { return Ok(()) };
        body.extend(piece);
        if last {
            return self.reply(stream, &body);
        }
        self.begun.insert(stream, body);
        self.put(WINDOW, 0, stream, &[&u32::try_from(piece.len())?.to_be_bytes()])
    }

    /// 200, and no time.
    fn reply(&mut self, stream: u32, body: &[u8]) -> Result<(), Failed> {
        let body = if body.is_empty() { &[b'x'; 100] } else { body };
        let kind = [u8::from(self.event.is_some()), self.event.unwrap_or_default(), 0, 200];
        let length = u32::try_from(self.head.len())?.to_be_bytes();
        self.put(REPLY, LAST, stream, &[&kind, &length, &[0; 4], self.head, body])
    }

    fn put(&mut self, kind: u8, flags: u8, stream: u32, parts: &[&[u8]]) -> Result<(), Failed> {
        let length = u32::try_from(parts.iter().map(|part| part.len()).sum::<usize>())?;
        self.answers.extend(length.to_be_bytes());
        self.answers.extend([kind, flags, 0, 0]);
        self.answers.extend(stream.to_be_bytes());
        parts.iter().for_each(|part| self.answers.extend(*part));
        Ok(())
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
