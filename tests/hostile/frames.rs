//! HTTP/2 frames written and read byte by byte (RFC 9113), and heads in literals (RFC 7541).

use crate::support::{Conn, Failure};

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

/// END_STREAM, and ACK.
pub const END: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const PADDED: u8 = 8;
pub const WITH_PRIORITY: u8 = 32;
/// A whole head and no body.
pub const WHOLE: u8 = END | END_HEADERS;

/// A frame with its true length.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// SETTINGS with these values.
pub fn settings(values: &[(u16, u32)]) -> Vec<u8> {
    let pair = |(name, value): &(u16, u32)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat();
    frame(SETTINGS, 0, 0, &values.iter().flat_map(pair).collect::<Vec<u8>>())
}

pub fn window(stream: u32, more: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &more.to_be_bytes())
}

pub fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

/// A head and no body.
pub fn get(stream: u32) -> Vec<u8> {
    frame(HEADERS, WHOLE, stream, &head("GET", "/"))
}

/// A head whose body is to come.
pub fn post(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &head("POST", "/"))
}

/// The last piece of a body.
pub fn last(stream: u32, piece: &[u8]) -> Vec<u8> {
    frame(DATA, END, stream, piece)
}

pub fn head(method: &str, path: &str) -> Vec<u8> {
    fields(&[(":method", method), (":scheme", "http"), (":path", path), (":authority", "a")])
}

/// A head with more fields.
pub fn head_with(method: &str, more: &[(&str, &str)]) -> Vec<u8> {
    [head(method, "/"), fields(more)].concat()
}

/// Fields as literals that are not put into the table.
pub fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| literal(0x00, name.as_bytes(), value.as_bytes())).collect()
}

/// A literal with a new name; `kind` 0x40 puts it into the table.
pub fn literal(kind: u8, name: &[u8], value: &[u8]) -> Vec<u8> {
    [&[kind], &string(name)[..], &string(value)].concat()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&integer(0x00, 7, bytes.len()), bytes].concat()
}

/// RFC 7541 §5.1.
pub fn integer(first: u8, prefix: u32, mut value: usize) -> Vec<u8> {
    let most = (1_usize << prefix) - 1;
    if value < most {
        return vec![first | u8::try_from(value).unwrap()];
    }
    let mut bytes = vec![first | u8::try_from(most).unwrap()];
    value -= most;
    while value >= 128 {
        bytes.push(u8::try_from(value % 128).unwrap() | 128);
        value /= 128;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

/// What came.
#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// The first four bytes as a number, after so many others.
    pub fn number(&self, at: usize) -> u32 {
        self.payload.get(at..at + 4).map_or(u32::MAX, |bytes| u32::from_be_bytes(bytes.try_into().unwrap()))
    }

    /// The status of an answer's head, in the forms that heeler's first answers have.
    pub fn status(&self) -> u16 {
        match self.payload.as_slice() {
            [byte @ 0x88..=0x8e, ..] => [200, 204, 206, 304, 400, 404, 500][usize::from(byte - 0x88)],
            // A new value for the name :status, in Huffman's code or plain.
            [0x48 | 0x08, length, rest @ ..] if length & 0x80 != 0 => digits(&rest[..usize::from(length & 0x7f)]),
            [0x48 | 0x08, 3, rest @ ..] => std::str::from_utf8(&rest[..3]).unwrap().parse().unwrap(),
            other => panic!("no status: {other:02x?}"),
        }
    }
}

/// Three digits in Huffman's code: 0, 1 and 2 have five bits, the others six (RFC 7541, appendix B).
fn digits(bytes: &[u8]) -> u16 {
    let bits: Vec<u16> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| u16::from(byte >> at & 1))).collect();
    let mut rest = bits.as_slice();
    (0..3).fold(0, |number, _| {
        let value = |length: usize| rest[..length].iter().fold(0, |value, bit| value * 2 + bit);
        let (digit, length) = if value(5) <= 2 { (value(5), 5) } else { (value(6) - 0b01_1001 + 3, 6) };
        rest = &rest[length..];
        number * 10 + digit
    })
}

/// A client that sends what it is told.
pub struct Peer {
    pub conn: Conn,
    buffer: Vec<u8>,
}

impl Peer {
    pub fn new(conn: Conn) -> Peer {
        Peer { conn, buffer: Vec::new() }
    }

    /// One that has said the preface and its settings.
    pub fn greeted(conn: Conn) -> Peer {
        let mut peer = Peer::new(conn);
        peer.conn.send(&[PREFACE, &settings(&[])].concat());
        peer
    }

    /// The next frame; `None` is the end of the connection.
    pub fn read(&mut self) -> Result<Option<Frame>, Failure> {
        loop {
            if let Some(frame) = self.parse() {
                return Ok(Some(frame));
            }
            let more = self.conn.read_some(64 * 1024)?;
            if more.is_empty() {
                return Ok(None);
            }
            self.buffer.extend_from_slice(&more);
        }
    }

    fn parse(&mut self) -> Option<Frame> {
        let head: [u8; 9] = self.buffer.get(..9)?.try_into().unwrap();
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let payload = self.buffer.get(9..9 + length)?.to_vec();
        self.buffer.drain(..9 + length);
        let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
        Some(Frame { kind: head[3], stream, payload })
    }

    /// The next frame of a kind.
    pub fn wait_for(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.read().expect("a frame in time").expect("the connection goes on");
            if frame.kind == kind {
                return frame;
            }
        }
    }
}

#[test]
fn numbers_are_coded_by_the_rules() {
    // RFC 7541 §C.1.
    assert_eq!(integer(0, 5, 10), [0b0000_1010]);
    assert_eq!(integer(0, 5, 1337), [0b0001_1111, 0b1001_1010, 0b0000_1010]);
    let answer = |payload: &[u8]| Frame { kind: HEADERS, stream: 1, payload: payload.to_vec() }.status();
    assert_eq!(answer(&[0x88]), 200);
    // RFC 7541 §C.6.1: 302.
    assert_eq!(answer(&[0x48, 0x82, 0x64, 0x02]), 302);
    assert_eq!(answer(&[0x48, 3, b'4', b'3', b'1']), 431);
}
