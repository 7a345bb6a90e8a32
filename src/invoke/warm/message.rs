//! What frames say: heeler's messages into bytes, the worker's out of them (docs/wire.md). Nothing of a worker's is
//! trusted: what is not as the table says is a [`BadMessage`], never a panic.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode, Version};

use super::fields::{self, Fields, Pair, Pairs};
use super::frame::{self, Kind};
use crate::event::{self, BadEvent};
use crate::invoke::address;
use crate::invoke::call::Call;
use crate::invoke::hop::MOST_HEADERS;

/// The protocol's version.
pub const VERSION: u16 = 1;
/// Windows are at least this and at most that.
pub const WINDOWS: std::ops::RangeInclusive<u32> = 64 * 1024..=16 * 1024 * 1024;
/// The length of a body that is not known.
const UNKNOWN: u64 = u64::MAX;
/// The fixed parts before the fields.
const CALL_HEAD: usize = 20;
/// What stands before the fields of a CALL.
const FIXED: usize = frame::HEADER + CALL_HEAD;
const REPLY_HEAD: usize = 12;

/// A message that is not as it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// Shorter than its fixed part.
    #[error("a frame that is too short for what it is")]
    Short,
    /// Fields without an end, or a name without a value.
    #[error("fields that do not come out even")]
    Fields,
    /// A number that no such message has.
    #[error("{0}, which is out of its range")]
    Range(&'static str),
}

/// What is wrong with an answer in a frame that is well made: the function's doing, which costs its call and no other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// It is to be an event.
    #[error("is no valid CloudEvent: {0}")]
    Event(BadEvent),
    /// A status that is no answer's.
    #[error("has the status {0} (try 200 to 599)")]
    Status(u16),
    /// A name that HTTP does not allow; its first characters.
    #[error("has a header called {0:?}, which HTTP does not allow")]
    Name(String),
    /// More of them than any answer may have.
    #[error("has more headers than can be passed on")]
    TooMany,
    /// A value that HTTP does not allow, which may hold what others should not see.
    #[error("has a header {0} with a value that HTTP does not allow")]
    Value(HeaderName),
}

/// heeler's HELLO.
pub fn hello(window: u32, concurrency: u32, settings: &[(&str, &str)]) -> BytesMut {
    let mut payload = BytesMut::new();
    payload.put_u16(VERSION);
    payload.put_u16(0);
    payload.put_u32(window);
    payload.put_u32(concurrency);
    for (name, value) in settings {
        fields::put_pair(&mut payload, name, value.as_bytes());
    }
    let mut out = BytesMut::new();
    frame::put(&mut out, Kind::Hello, false, 0, &payload);
    out
}

/// What a worker says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Body bytes that it takes on each stream.
    pub window: u32,
    /// Calls at once; at least 1.
    pub concurrency: u32,
    /// Language, function, style …
    pub about: Vec<(String, String)>,
}

impl Hello {
    /// Reads a worker's HELLO.
    pub fn read(mut payload: Bytes) -> Result<Hello, BadMessage> {
        let version = payload.try_get_u16().map_err(short)?;
        let _ = payload.try_get_u16().map_err(short)?;
        let window = payload.try_get_u32().map_err(short)?;
        let concurrency = payload.try_get_u32().map_err(short)?;
        if version != VERSION {
            return Err(BadMessage::Range("the version in HELLO"));
        }
        if !WINDOWS.contains(&window) {
            return Err(BadMessage::Range("the window in HELLO"));
        }
        if concurrency == 0 {
            return Err(BadMessage::Range("the number of calls at once in HELLO"));
        }
        let text = |field: Bytes| String::from_utf8_lossy(&field).into_owned();
        let about = pairs(payload)?.map(|(name, value)| (text(name), text(value))).collect();
        Ok(Hello { window, concurrency, about })
    }
}

/// CALL with the first piece of the body. `length`: of all of it, where that is known.
pub fn call(stream: u32, call: &Call, length: Option<u64>, piece: &[u8], last: bool) -> BytesMut {
    let mut out = BytesMut::with_capacity(FIXED + 256 + call.headers.len() * 48 + piece.len());
    // How long the fields are is known behind them.
    out.put_bytes(0, FIXED);
    put_head(&mut out, call);
    let fields = out.len() - FIXED;
    out.put_slice(piece);
    let payload = out.len() - frame::HEADER;
    let mut fixed = &mut out[..FIXED];
    frame::put_header(&mut fixed, Kind::Call, last, stream, payload);
    let (kind, number) = what(call);
    fixed.put_u8(kind);
    fixed.put_u8(match call.version {
        Version::HTTP_10 => 10,
        Version::HTTP_2 => 20,
        _ => 11,
    });
    fixed.put_u16(number);
    fixed.put_u32(u32::try_from(fields).unwrap_or(u32::MAX));
    fixed.put_u32(call.deadline.left().map_or(0, millis));
    fixed.put_u64(if last { piece.len() as u64 } else { length.unwrap_or(UNKNOWN) });
    out
}

/// The kind of CALL, and the number that goes with it.
fn what(call: &Call) -> (u8, u16) {
    match &call.event {
        // HTTP servers take fewer headers than that, and the codec fewer attributes.
        Some(event) => (1, u16::try_from(event.iter().len()).unwrap_or(u16::MAX)),
        None if call.batch > 0 => (2, call.batch),
        None => (0, 0),
    }
}

fn put_head(head: &mut BytesMut, call: &Call) {
    fields::put(head, call.method.as_str().as_bytes());
    fields::put(head, call.target.path().as_bytes());
    fields::put(head, call.target.query().unwrap_or_default().as_bytes());
    fields::put(head, call.target.scheme_str().unwrap_or("http").as_bytes());
    if let Some(remote) = call.remote {
        address::put(head, remote);
    }
    fields::put(head, b"");
    fields::put(head, call.id.as_bytes());
    for attribute in call.event.iter().flat_map(|event| event.iter()) {
        fields::put_pair(head, attribute.name(), attribute.value().as_bytes());
    }
    for (name, value) in &call.headers {
        fields::put_pair(head, name.as_str(), value.as_bytes());
    }
}

/// 0 would be no deadline at all.
fn millis(left: Duration) -> u32 {
    u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1)
}

/// Trailers behind a body, or its end without any.
pub fn end(stream: u32, trailers: Option<&HeaderMap>) -> BytesMut {
    let mut payload = BytesMut::new();
    for (name, value) in trailers.into_iter().flatten() {
        fields::put_pair(&mut payload, name.as_str(), value.as_bytes());
    }
    let mut out = BytesMut::new();
    frame::put(&mut out, Kind::End, true, stream, &payload);
    out
}

/// An answer's head as it comes from a worker.
#[derive(Debug)]
pub struct Reply {
    /// Its status, 200 to 599, and its headers as the worker gave them, with those of the event that it is.
    pub head: Result<(StatusCode, HeaderMap), BadAnswer>,
    /// Whether it is one.
    pub is_event: bool,
    /// How long the function took, with the frame's LAST.
    pub took: Duration,
    /// The first piece of the body.
    pub piece: Bytes,
}

impl Reply {
    /// Reads a REPLY.
    pub fn read(mut payload: Bytes) -> Result<Reply, BadMessage> {
        if payload.len() < REPLY_HEAD {
            return Err(BadMessage::Short);
        }
        let (kind, attributes, status) = (payload.get_u8(), payload.get_u8(), payload.get_u16());
        let (length, micros) = (payload.get_u32() as usize, payload.get_u32());
        if !matches!((kind, attributes), (0, 0) | (1, _)) {
            return Err(BadMessage::Range("the kind of REPLY"));
        }
        if length > payload.len() {
            return Err(BadMessage::Short);
        }
        let mut pairs = pairs(payload.split_to(length))?;
        if pairs.left() < usize::from(attributes) {
            return Err(BadMessage::Fields);
        }
        let is_event = kind == 1;
        let event = is_event.then(|| pairs.by_ref().take(attributes.into()).collect());
        let head = head(status, pairs, event);
        Ok(Reply { head, is_event, took: Duration::from_micros(micros.into()), piece: payload })
    }
}

fn head(status: u16, others: Pairs, event: Option<Vec<Pair>>) -> Result<(StatusCode, HeaderMap), BadAnswer> {
    let known = Some(status).filter(|status| (200..600).contains(status));
    let known = known.and_then(|status| StatusCode::from_u16(status).ok()).ok_or(BadAnswer::Status(status))?;
    let mut headers = headers_of(others)?;
    if let Some(attributes) = event {
        event::binary::put(attributes, &mut headers).map_err(BadAnswer::Event)?;
    }
    Ok((known, headers))
}

/// The worker's END: how long the function took, and the trailers.
pub fn read_end(mut payload: Bytes) -> Result<(Duration, Result<HeaderMap, BadAnswer>), BadMessage> {
    let micros = payload.try_get_u32().map_err(short)?;
    Ok((Duration::from_micros(micros.into()), headers_of(pairs(payload)?)))
}

/// What a function's failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It raised an error.
    Raised,
    /// It crashed.
    Crashed,
    /// It took too long.
    Late,
    /// It could not be loaded.
    NotLoaded,
}

/// A worker's ERROR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Which kind it is.
    pub fault: Fault,
    /// The same call may succeed later.
    pub retry: bool,
    /// The status that the function's style wants.
    pub status: Option<StatusCode>,
    /// How long the function took.
    pub took: Duration,
    /// The error's type, for caller and log.
    pub kind: String,
    /// For the log.
    pub message: String,
    /// For the log.
    pub stack: String,
}

impl Failed {
    /// Reads an ERROR.
    pub fn read(mut payload: Bytes) -> Result<Failed, BadMessage> {
        let fault = payload.try_get_u8().map_err(short)?;
        let retry = payload.try_get_u8().map_err(short)?;
        let status = payload.try_get_u16().map_err(short)?;
        let micros = payload.try_get_u32().map_err(short)?;
        let fault = match fault {
            0 => Fault::Raised,
            1 => Fault::Crashed,
            2 => Fault::Late,
            3 => Fault::NotLoaded,
            _ => return Err(BadMessage::Range("the kind of ERROR")),
        };
        if retry > 1 {
            return Err(BadMessage::Range("whether ERROR may be tried again"));
        }
        let status = match status {
            0 => None,
            200..600 => StatusCode::from_u16(status).ok(),
            _ => return Err(BadMessage::Range("the status of ERROR")),
        };
        let mut fields = Fields::new(payload).ok_or(BadMessage::Fields)?;
        let mut text = || String::from_utf8_lossy(&fields.next().unwrap_or_default()).into_owned();
        let (kind, message, stack) = (text(), text(), text());
        let took = Duration::from_micros(micros.into());
        Ok(Failed { fault, retry: retry == 1, status, took, kind, message, stack })
    }
}

fn pairs(payload: Bytes) -> Result<Pairs, BadMessage> {
    Pairs::new(payload).ok_or(BadMessage::Fields)
}

fn headers_of(pairs: Pairs) -> Result<HeaderMap, BadAnswer> {
    if pairs.left() > MOST_HEADERS {
        return Err(BadAnswer::TooMany);
    }
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(&name).map_err(|_| BadAnswer::Name(shown(&name)))?;
        let Ok(value) = HeaderValue::from_maybe_shared(value) else { return Err(BadAnswer::Value(name)) };
        headers.append(name, value);
    }
    Ok(headers)
}

/// As much of a name as tells which one it is.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(40)]).into_owned()
}

fn short(_: bytes::TryGetError) -> BadMessage {
    BadMessage::Short
}
