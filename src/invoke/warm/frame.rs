//! Frames of the worker protocol: a header of 12 bytes and a payload (docs/wire.md). Pure: bytes in, frames out.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The header's size.
pub const HEADER: usize = 12;
/// The largest payload.
pub const LARGEST: usize = 256 * 1024;
/// The sender sends nothing more on the stream.
const LAST: u8 = 1;
/// Types from here on may be passed over by whoever does not know them.
const OPTIONAL: u8 = 128;
/// The largest number of a stream.
pub const LAST_STREAM: u32 = (1 << 31) - 1;

/// What a frame is, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Who I am.
    Hello = 1,
    /// A call begins.
    Call,
    /// A piece of a body.
    Data,
    /// A body's end that did not come with its last piece.
    End,
    /// An answer begins.
    Reply,
    /// The call failed, or the function could not be loaded.
    Error,
    /// Nobody waits any more.
    Cancel,
    /// That was heard.
    Cancelled,
    /// More may be sent.
    Window,
    /// Are you well?
    Ping,
    /// Yes or no.
    Pong,
    /// A line of output.
    Log,
    /// No more calls.
    Bye,
}

const KINDS: [Kind; 13] = [
    Kind::Hello,
    Kind::Call,
    Kind::Data,
    Kind::End,
    Kind::Reply,
    Kind::Error,
    Kind::Cancel,
    Kind::Cancelled,
    Kind::Window,
    Kind::Ping,
    Kind::Pong,
    Kind::Log,
    Kind::Bye,
];

impl Kind {
    fn of(number: u8) -> Option<Kind> {
        KINDS.get(usize::from(number).checked_sub(1)?).copied()
    }

    fn number(self) -> u8 {
        self as u8
    }
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: Kind,
    /// Nothing more comes from the sender on this stream.
    pub last: bool,
    /// Which call; 0 is the connection.
    pub stream: u32,
    /// What it says.
    pub payload: Bytes,
}

/// Bytes that are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// Longer than any may be.
    #[error("a frame of {0} bytes, and {LARGEST} is the most")]
    TooLong(u32),
    /// No type that has to be known.
    #[error("a frame of the unknown type {0}")]
    Kind(u8),
    /// A flag or a byte that has to be 0.
    #[error("a frame header with bits that are always 0")]
    Reserved,
    /// A stream beyond the largest.
    #[error("a frame on stream {0}, which is beyond the last one")]
    Stream(u32),
}

/// Takes the next frame off the front of what was read; `None` while it is not all there.
pub fn take(buffer: &mut BytesMut) -> Result<Option<Frame>, BadFrame> {
    loop {
        let Some((header, _)) = buffer.split_first_chunk::<HEADER>() else { return Ok(None) };
        let mut fields = &header[..];
        let length = fields.get_u32();
        let (number, flags, zero, stream) = (fields.get_u8(), fields.get_u8(), fields.get_u16(), fields.get_u32());
        if length as usize > LARGEST {
            return Err(BadFrame::TooLong(length));
        }
        let kind = Kind::of(number);
        if kind.is_none() && number < OPTIONAL {
            return Err(BadFrame::Kind(number));
        }
        if kind.is_some() && (flags & !LAST != 0 || zero != 0) {
            return Err(BadFrame::Reserved);
        }
        if stream > LAST_STREAM {
            return Err(BadFrame::Stream(stream));
        }
        let whole = HEADER + length as usize;
        if buffer.len() < whole {
            buffer.reserve(whole - buffer.len());
            return Ok(None);
        }
        let mut frame = buffer.split_to(whole);
        frame.advance(HEADER);
        if let Some(kind) = kind {
            return Ok(Some(Frame { kind, last: flags & LAST != 0, stream, payload: frame.freeze() }));
        }
    }
}

/// Puts a header in front of a payload that the caller puts behind it. A payload beyond [`LARGEST`] is the caller's
/// fault.
pub fn put_header(out: &mut impl BufMut, kind: Kind, last: bool, stream: u32, length: usize) {
    debug_assert!(length <= LARGEST, "a payload of {length} bytes");
    out.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    out.put_u8(kind.number());
    out.put_u8(if last { LAST } else { 0 });
    out.put_u16(0);
    out.put_u32(stream);
}

/// Puts a whole frame.
pub fn put(out: &mut BytesMut, kind: Kind, last: bool, stream: u32, payload: &[u8]) {
    out.reserve(HEADER + payload.len());
    put_header(out, kind, last, stream, payload.len());
    out.put_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_table() {
        assert_eq!(
            (Kind::of(0), Kind::of(1), Kind::of(13), Kind::of(14)),
            (None, Some(Kind::Hello), Some(Kind::Bye), None)
        );
        for kind in KINDS {
            assert_eq!(Kind::of(kind.number()), Some(kind));
        }
    }

    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut() {
        let mut all = BytesMut::new();
        put(&mut all, Kind::Data, false, 7, b"hello");
        put(&mut all, Kind::End, true, LAST_STREAM, b"");
        // Unknown, and to be passed over with whatever its flags are.
        all.extend_from_slice(&[0, 0, 0, 2, 200, 255, 1, 1, 0, 0, 0, 9, 1, 2]);
        put(&mut all, Kind::Bye, false, 0, &[b'x'; LARGEST]);
        for size in [1, 2, 3, 11, 12, 13, 1000, all.len()] {
            let (mut buffer, mut seen) = (BytesMut::new(), Vec::new());
            for part in all.chunks(size) {
                buffer.extend_from_slice(part);
                while let Some(frame) = take(&mut buffer).unwrap() {
                    seen.push((frame.kind, frame.last, frame.stream, frame.payload.len()));
                }
            }
            let bye = (Kind::Bye, false, 0, LARGEST);
            assert_eq!(seen, [(Kind::Data, false, 7, 5), (Kind::End, true, LAST_STREAM, 0), bye], "{size}");
            assert!(buffer.is_empty());
        }
    }

    #[test]
    fn what_is_no_frame_is_refused_at_its_header() {
        for (header, expected) in [
            ([0, 4, 0, 1, 3, 0, 0, 0, 0, 0, 0, 1], BadFrame::TooLong(262_145)),
            ([255; 12], BadFrame::TooLong(u32::MAX)),
            ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], BadFrame::Kind(0)),
            ([0, 0, 0, 0, 127, 0, 0, 0, 0, 0, 0, 1], BadFrame::Kind(127)),
            ([0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 0, 1], BadFrame::Reserved),
            ([0, 0, 0, 0, 3, 0, 0, 1, 0, 0, 0, 1], BadFrame::Reserved),
            ([0, 0, 0, 0, 3, 0, 0, 0, 128, 0, 0, 0], BadFrame::Stream(1 << 31)),
        ] {
            assert_eq!(take(&mut BytesMut::from(&header[..])), Err(expected));
        }
    }
}
