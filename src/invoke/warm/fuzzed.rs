//! What has to hold for any bytes of a worker's: frames are the same however they are cut, and what a reader takes is
//! within what docs/wire.md allows.
#![allow(clippy::unwrap_used, reason = "a panic is how a check fails")]

use bytes::{BufMut, Bytes, BytesMut};
use hyper::HeaderMap;

use super::ask::Pongs;
use super::fields;
use super::frame::{self, BadFrame, Frame, Kind};
use super::message::{self, Failed, Hello, Reply, VERSION, WINDOWS};
use crate::event::binary;
use crate::input;

/// Any bytes as what comes over a worker's socket.
pub fn frames(bytes: &[u8]) {
    let (sizes, bytes) = input::choices::<4>(bytes);
    let whole = taken([bytes]);
    assert_eq!(whole, taken(input::pieces(&sizes, bytes)), "frames hang on how they are cut");
    let mut again = BytesMut::new();
    for frame in &whole.0 {
        assert!(frame.payload.len() <= frame::LARGEST && frame.stream <= frame::LAST_STREAM);
        frame::put(&mut again, frame.kind, frame.last, frame.stream, &frame.payload);
        payload(frame.kind, frame.payload.clone());
    }
    let (frames, end, rest) = taken([&again[..]]);
    assert_eq!((frames, end, rest.len()), (whole.0, Ok(()), 0), "what is written is read");
}

/// Frames, how it ended, and what was left.
fn taken<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Frame>, Result<(), BadFrame>, Bytes) {
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match frame::take(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                // Nothing behind a broken frame is looked at.
                Err(bad) => return (frames, Err(bad), Bytes::new()),
            }
        }
    }
    (frames, Ok(()), buffer.freeze())
}

/// Any bytes as the payload of one of the worker's frames.
pub fn messages(bytes: &[u8]) {
    const KINDS: [Kind; 5] = [Kind::Hello, Kind::Reply, Kind::End, Kind::Error, Kind::Pong];
    let ([choice], bytes) = input::choices(bytes);
    payload(KINDS[usize::from(choice) % KINDS.len()], Bytes::copy_from_slice(bytes));
}

fn payload(kind: Kind, payload: Bytes) {
    match kind {
        Kind::Hello => hello(payload),
        Kind::Reply => reply(payload),
        Kind::End => end(payload),
        Kind::Error => failed(payload),
        Kind::Pong => pong(payload),
        _ => {}
    }
}

fn hello(payload: Bytes) {
    let Ok(hello) = Hello::read(payload) else { return };
    assert!(WINDOWS.contains(&hello.window) && hello.concurrency > 0, "{hello:?}");
    let mut again = BytesMut::new();
    again.put_u16(VERSION);
    again.put_u16(0);
    again.put_u32(hello.window);
    again.put_u32(hello.concurrency);
    for (name, value) in &hello.about {
        fields::put_pair(&mut again, name, value.as_bytes());
    }
    assert_eq!(Hello::read(again.freeze()).unwrap(), hello);
}

fn reply(payload: Bytes) {
    let Ok(reply) = Reply::read(payload.clone()) else { return };
    assert!(payload.ends_with(&reply.piece));
    assert_eq!(reply.is_event, payload[0] == 1);
    assert!(payload.len() >= 12 && reply.took.as_micros() <= u128::from(u32::MAX));
    let (status, headers) = match reply.head {
        Ok(head) => head,
        Err(bad) => return assert!(bad.to_string().len() < 64 * 1024 + 200),
    };
    assert!((200..600).contains(&status.as_u16()), "{status}");
    assert_eq!(u16::from_be_bytes([payload[2], payload[3]]), status.as_u16());
    if reply.is_event {
        // The front does not look at them again.
        let read = binary::attributes(&headers);
        assert!(read.is_ok(), "an event that heeler has made is none: {read:?} {headers:?}");
    }
    fit_in_http(&headers);
}

fn end(payload: Bytes) {
    if let Ok((took, Ok(trailers))) = message::read_end(payload) {
        assert!(took.as_micros() <= u128::from(u32::MAX));
        fit_in_http(&trailers);
        let again = message::end(1, Some(&trailers));
        let (frames, ..) = taken([&again[..]]);
        let payload = [&[0; 4], &frames[0].payload[..]].concat();
        assert_eq!(message::read_end(payload.into()).unwrap().1.unwrap(), trailers);
    }
}

fn failed(payload: Bytes) {
    let Ok(failed) = Failed::read(payload) else { return };
    assert!(failed.status.is_none_or(|status| (200..600).contains(&status.as_u16())));
    assert!([&failed.kind, &failed.message, &failed.stack].iter().all(|text| !text.contains('\0')));
}

fn pong(payload: Bytes) {
    let pongs = Pongs::new(&Hello { window: *WINDOWS.start(), concurrency: 1, about: Vec::new() });
    let is_one = payload.len() >= 2 && payload[0] < 2 && payload[1] < 2;
    assert_eq!(pongs.hear(payload).is_ok(), is_one);
}

/// Nothing in them could end a header and begin another.
fn fit_in_http(headers: &HeaderMap) {
    for (name, value) in headers {
        let fits = |byte: &u8| *byte == b'\t' || *byte >= b' ' && *byte != 0x7F;
        assert!(value.as_bytes().iter().all(fits) && !name.as_str().is_empty(), "{name}: {value:?}");
    }
}
