//! Bodies of HTTP/1 answers: bytes in, pieces out (RFC 9112 §6, §7).

use bytes::{Buf, Bytes, BytesMut};
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use super::forward::may_trail;
use super::head::Framing;

/// A chunk's size with its extensions, which nobody uses and which are dropped.
const LONGEST_SIZE_LINE: usize = 4 * 1024;
/// All trailers together.
const LARGEST_TRAILERS: usize = 16 * 1024;
const MOST_TRAILERS: usize = 64;

/// Where a body is being read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoder {
    /// So many bytes are still to come.
    Length(u64),
    /// Before a chunk's size.
    Size,
    /// Within a chunk: so many bytes are still to come.
    Chunk(u64),
    /// Before the line end that closes a chunk.
    ChunkEnd,
    /// Behind the last chunk.
    Trailers,
    /// Everything up to the connection's end belongs to it.
    UntilClose,
    /// Nothing more.
    Done,
}

/// What the bytes at hand gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    /// More bytes are needed.
    More,
    End,
}

/// The body is not what its head said; the text goes on behind whose answer it is.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadBody {
    #[error("has a chunk of a size that is none")]
    Size,
    #[error("has trailers that are none")]
    Trailers,
    #[error("ends in its middle: the connection was closed")]
    Cut,
}

impl Decoder {
    pub(super) fn new(framing: Framing) -> Decoder {
        match framing {
            Framing::Length(0) => Decoder::Done,
            Framing::Length(length) => Decoder::Length(length),
            Framing::Chunked => Decoder::Size,
            Framing::UntilClose => Decoder::UntilClose,
        }
    }

    /// How many bytes are still to come, where that is known.
    pub(super) fn remaining(&self) -> Option<u64> {
        match self {
            Decoder::Length(left) => Some(*left),
            Decoder::Done => Some(0),
            _ => None,
        }
    }

    /// Takes the next piece off the front of what was read.
    pub(super) fn next(&mut self, buffer: &mut BytesMut) -> Result<Step, BadBody> {
        loop {
            match self {
                Decoder::Done => return Ok(Step::End),
                _ if buffer.is_empty() => return Ok(Step::More),
                Decoder::UntilClose => return Ok(Step::Data(buffer.split().freeze())),
                Decoder::Length(left) => {
                    let (data, left) = take(buffer, *left);
                    *self = if left == 0 { Decoder::Done } else { Decoder::Length(left) };
                    return Ok(Step::Data(data));
                }
                Decoder::Chunk(left) => {
                    let (data, left) = take(buffer, *left);
                    *self = if left == 0 { Decoder::ChunkEnd } else { Decoder::Chunk(left) };
                    return Ok(Step::Data(data));
                }
                Decoder::ChunkEnd => match &buffer[..] {
                    [b'\r', b'\n', ..] => {
                        buffer.advance(2);
                        *self = Decoder::Size;
                    }
                    [b'\r'] => return Ok(Step::More),
                    _ => return Err(BadBody::Size),
                },
                Decoder::Size => match size(buffer)? {
                    None => return Ok(Step::More),
                    Some(0) => *self = Decoder::Trailers,
                    Some(size) => *self = Decoder::Chunk(size),
                },
                Decoder::Trailers => match trailers(buffer)? {
                    None => return Ok(Step::More),
                    Some(trailers) => {
                        *self = Decoder::Done;
                        return Ok(if trailers.is_empty() { Step::End } else { Step::Trailers(trailers) });
                    }
                },
            }
        }
    }

    /// All of a body whose length is known, if all of it is there.
    pub(super) fn whole(&mut self, buffer: &mut BytesMut) -> Option<Bytes> {
        let Decoder::Length(length) = *self else { return None };
        let length = usize::try_from(length).ok().filter(|length| *length <= buffer.len())?;
        *self = Decoder::Done;
        Some(buffer.split_to(length).freeze())
    }

    /// The connection has come to its end.
    pub(super) fn close(&mut self) -> Result<(), BadBody> {
        match self {
            Decoder::UntilClose | Decoder::Done => {
                *self = Decoder::Done;
                Ok(())
            }
            _ => Err(BadBody::Cut),
        }
    }
}

fn take(buffer: &mut BytesMut, left: u64) -> (Bytes, u64) {
    let length = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
    (buffer.split_to(length).freeze(), left - length as u64)
}

/// A size line, with its end; bare line feeds end nothing (RFC 9112 §7.1: two readers must see the same chunks).
fn size(buffer: &mut BytesMut) -> Result<Option<u64>, BadBody> {
    let line = match buffer.iter().position(|byte| *byte == b'\n') {
        Some(end) if end <= LONGEST_SIZE_LINE => buffer.split_to(end + 1),
        None if buffer.len() <= LONGEST_SIZE_LINE => return Ok(None),
        _ => return Err(BadBody::Size),
    };
    let line = line.strip_suffix(b"\r\n").ok_or(BadBody::Size)?;
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
    let text = std::str::from_utf8(digits).map_err(|_| BadBody::Size)?;
    // from_str_radix takes a sign.
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) || line.contains(&b'\r') {
        return Err(BadBody::Size);
    }
    u64::from_str_radix(text, 16).map(Some).map_err(|_| BadBody::Size)
}

fn trailers(buffer: &mut BytesMut) -> Result<Option<HeaderMap>, BadBody> {
    if buffer.starts_with(b"\r\n") {
        buffer.advance(2);
        return Ok(Some(HeaderMap::new()));
    }
    let mut slots = [httparse::EMPTY_HEADER; MOST_TRAILERS];
    let (length, found) = match httparse::parse_headers(buffer, &mut slots) {
        Ok(httparse::Status::Complete((length, found))) if length <= LARGEST_TRAILERS => (length, found),
        Ok(httparse::Status::Partial) if buffer.len() <= LARGEST_TRAILERS => return Ok(None),
        _ => return Err(BadBody::Trailers),
    };
    let mut trailers = HeaderMap::new();
    for header in found {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| BadBody::Trailers)?;
        let value = HeaderValue::from_bytes(header.value).map_err(|_| BadBody::Trailers)?;
        if may_trail(&name) {
            trailers.append(name, value);
        }
    }
    buffer.advance(length);
    Ok(Some(trailers))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `text` in pieces of `size`; what came out, joined, and the trailers.
    fn decode(framing: Framing, text: &[u8], size: usize) -> Result<(Vec<u8>, Option<HeaderMap>, bool), BadBody> {
        let (mut decoder, mut buffer) = (Decoder::new(framing), BytesMut::new());
        let (mut data, mut seen) = (Vec::new(), None);
        for piece in text.chunks(size) {
            buffer.extend_from_slice(piece);
            loop {
                match decoder.next(&mut buffer)? {
                    Step::Data(bytes) => data.extend_from_slice(&bytes),
                    Step::Trailers(trailers) => seen = Some(trailers),
                    Step::More => break,
                    Step::End => return Ok((data, seen, !buffer.is_empty())),
                }
            }
        }
        decoder.close()?;
        Ok((data, seen, false))
    }

    #[test]
    fn bodies_may_come_in_any_pieces() {
        let chunked = b"5\r\nhello\r\n6;name=value\r\n world\r\n0\r\n\r\n";
        let with_trailers = b"b\r\nhello world\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n";
        for size in 1..chunked.len() {
            assert_eq!(decode(Framing::Chunked, chunked, size), Ok((b"hello world".to_vec(), None, false)), "{size}");
            let (data, trailers, _) = decode(Framing::Chunked, with_trailers, size).unwrap();
            assert_eq!((data.as_slice(), trailers.unwrap()["x-b"].as_bytes()), (&b"hello world"[..], &b"2"[..]));
            assert_eq!(decode(Framing::Length(5), b"hello", size), Ok((b"hello".to_vec(), None, false)));
            assert_eq!(decode(Framing::UntilClose, b"hello", size), Ok((b"hello".to_vec(), None, false)));
        }
        assert_eq!(decode(Framing::Length(5), b"hello, more", 100).unwrap(), (b"hello".to_vec(), None, true));
    }

    #[test]
    fn a_body_that_is_cut_is_no_whole_one() {
        for (framing, text) in [
            (Framing::Length(6), &b"hello"[..]),
            (Framing::Chunked, b"5\r\nhello\r\n"),
            (Framing::Chunked, b"5\r\nhell"),
            (Framing::Chunked, b"5\r\nhello\r\n0\r\n"),
            (Framing::Chunked, b""),
        ] {
            assert_eq!(decode(framing, text, 3), Err(BadBody::Cut), "{text:?}");
        }
    }

    #[test]
    fn chunks_that_two_readers_could_read_differently_are_refused() {
        for text in [
            "x\r\n",
            "\r\n",
            "-1\r\n",
            "+5\r\nhello\r\n",
            "5\nhello\r\n",
            "5\r\nhelloX\r\n",
            "5\r\rhello\n",
            "0x5\r\nhello",
        ] {
            assert_eq!(decode(Framing::Chunked, text.as_bytes(), 100), Err(BadBody::Size), "{text:?}");
        }
        assert_eq!(decode(Framing::Chunked, b"11112222333344445\r\n", 100), Err(BadBody::Size));
        assert_eq!(decode(Framing::Chunked, "1".repeat(5000).as_bytes(), 100), Err(BadBody::Size));
        assert_eq!(decode(Framing::Chunked, b"0\r\nno colon\r\n\r\n", 100), Err(BadBody::Trailers));
    }
}
