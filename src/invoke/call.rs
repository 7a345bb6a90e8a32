//! A call and its reply as every mode sees them.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode, Uri, Version};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until};

use super::body::{ReplyBody, RequestBody};
use super::error::CallError;
use super::upstream::Upgraded;
use super::warm::Seat;
use crate::event::Attributes;

/// Answers of these types have no end of their own: events, lines of JSON, gRPC.
const STREAMS: [&[u8]; 4] = [b"text/event-stream", b"application/x-ndjson", b"application/ndjson", b"application/grpc"];

/// One call, admitted and on its way to the handler.
#[derive(Debug)]
pub struct Call {
    /// Taken over from the caller or made here; goes to the handler, into its log lines and back.
    pub id: HeaderValue,
    /// As it came.
    pub method: Method,
    /// As it came: escapes and query untouched.
    pub target: Uri,
    /// As it came.
    pub version: Version,
    /// As they came.
    pub headers: HeaderMap,
    /// The request's body.
    pub body: RequestBody,
    /// Who is at the other end; `None` on a Unix socket.
    pub remote: Option<IpAddr>,
    /// The port the call came in by; `None` on a Unix socket.
    pub local_port: Option<u16>,
    /// When the answer must be out.
    pub deadline: Deadline,
    /// Instead of `deadline` once the answer turns out to be a stream without an end (an upgrade, events, gRPC).
    pub stream_deadline: Deadline,
    /// Where heads with a 1xx status go; `None` where the caller can be sent none.
    pub interim: Option<Interim>,
    /// Held until the call's last process is dead.
    pub place: Place,
    /// At a worker; `None` in modes without workers.
    pub seat: Option<Seat>,
    /// What is said of the event that it is; `None` if it is none.
    pub event: Option<Box<Attributes>>,
    /// How many events its body holds, if it is a batch that came to the handler whole; 0 if it is none.
    pub batch: u16,
}

impl Call {
    /// A request as its head tells it: from nobody in particular, without a place, and alone.
    pub fn new(id: HeaderValue, head: Parts, body: RequestBody, deadline: Deadline) -> Call {
        Call {
            id,
            method: head.method,
            target: head.uri,
            version: head.version,
            headers: head.headers,
            body,
            remote: None,
            local_port: None,
            deadline,
            stream_deadline: Deadline::NEVER,
            interim: None,
            place: Place::default(),
            seat: None,
            event: None,
            batch: 0,
        }
    }

    /// The whole body, if it comes before the deadline.
    pub(super) async fn whole_body(&mut self) -> Result<VecDeque<Bytes>, CallError> {
        self.deadline.bound(self.body.collect()).await
    }

    /// Until when the answer may come: a stream without an end has a limit of its own, told by the answer alone. What
    /// a caller says that it accepts must not lift its limit.
    pub(super) fn deadline_of(&self, answer: &HeaderMap) -> Deadline {
        let kind = answer.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let starts = |stream: &[u8]| kind.get(..stream.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(stream));
        if STREAMS.into_iter().any(starts) { self.stream_deadline } else { self.deadline }
    }

    /// The id as text; an id that is not UTF-8 has none.
    pub fn id_text(&self) -> Option<&str> {
        std::str::from_utf8(self.id.as_bytes()).ok()
    }
}

/// One of the `max_inflight` places, if those are counted.
#[derive(Debug, Default)]
pub struct Place(pub Option<OwnedSemaphorePermit>);

/// What a handler answered.
#[derive(Debug)]
pub struct Reply {
    /// The status line's number.
    pub status: StatusCode,
    /// Without hop-by-hop headers and without those that heeler adds.
    pub headers: HeaderMap,
    /// The body, known or still to come.
    pub body: ReplyBody,
    /// The headers are those of an event, and are known to be right: heeler has made them of its attributes.
    pub is_event: bool,
    /// With a 101: the upstream's side of what the connection becomes.
    pub upgraded: Option<Box<Upgraded>>,
}

impl Reply {
    /// An answer without an upgrade.
    pub fn new(status: StatusCode, headers: HeaderMap, body: ReplyBody) -> Reply {
        Reply { status, headers, body, is_event: false, upgraded: None }
    }

    /// The connection becomes something else.
    pub fn upgraded(headers: HeaderMap, upgraded: Upgraded) -> Reply {
        let (status, body) = (StatusCode::SWITCHING_PROTOCOLS, ReplyBody::empty());
        Reply { status, headers, body, is_event: false, upgraded: Some(Box::new(upgraded)) }
    }
}

/// Bytes of heads that a caller can leave unread, give or take one.
const MOST_INTERIM: usize = 64 * 1024;

/// Heads with a 1xx status on their way to the caller, as bytes of HTTP/1.
#[derive(Clone, Debug, Default)]
pub struct Interim(Arc<Mutex<BytesMut>>);

impl Interim {
    /// Queues one head.
    pub fn push(&self, status: StatusCode, headers: &HeaderMap) {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.len() > MOST_INTERIM {
            return; // The caller does not read; such heads are hints, and the last one is not due to it.
        }
        let reason = status.canonical_reason().unwrap_or_default();
        bytes.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).as_bytes());
        for (name, value) in headers {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                bytes.extend_from_slice(part);
            }
        }
        bytes.extend_from_slice(b"\r\n");
    }

    /// Everything that is queued.
    pub fn take(&self) -> BytesMut {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The moment at which the answer must be out; `None` is never.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Option<Instant>,
    /// Somebody asked for less time than the setting gives: that it passes says nothing against the handler.
    shortened: bool,
}

impl Deadline {
    /// Without an end.
    pub const NEVER: Deadline = Deadline { at: None, shortened: false };

    /// So long from now; `None` is never.
    pub fn after(time: Option<Duration>) -> Deadline {
        Deadline::since(Instant::now(), time)
    }

    /// So long from some moment; `None` is never.
    pub fn since(start: Instant, time: Option<Duration>) -> Deadline {
        // A time beyond the clock's range is as good as never.
        Deadline { at: time.and_then(|time| start.checked_add(time)), shortened: false }
    }

    /// Resolves at the deadline.
    pub async fn passed(self) {
        match self.at {
            Some(instant) => sleep_until(instant).await,
            None => std::future::pending().await,
        }
    }

    /// What is done before it; the call's own time holds for whoever reads an answer to its end, be it called a stream or not.
    pub async fn bound<T>(self, what: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
        tokio::select! {
            biased;
            done = what => done,
            () = self.passed() => Err(CallError::timeout()),
        }
    }

    /// Whether it never comes.
    pub fn is_never(self) -> bool {
        self.at.is_none()
    }

    /// Whether it has passed.
    pub fn is_past(self) -> bool {
        self.at.is_some_and(|at| at <= Instant::now())
    }

    /// A timer that rings at the deadline; `None` is never.
    pub(super) fn timer(self) -> Option<Sleep> {
        self.at.map(sleep_until)
    }

    /// The earlier of two: so long from that moment, if it is asked for.
    #[must_use]
    pub fn or_sooner(self, start: Instant, time: Option<Duration>) -> Deadline {
        let other = Deadline { shortened: true, ..Deadline::since(start, time) };
        match (self.at, other.at) {
            (_, None) => self,
            (Some(own), Some(asked)) if own <= asked => self,
            _ => other,
        }
    }

    /// The later of two.
    #[must_use]
    pub fn or_later(self, other: Deadline) -> Deadline {
        match (self.at, other.at) {
            (Some(own), Some(others)) if own < others => other,
            (Some(_), None) => other,
            _ => self,
        }
    }

    /// Whether somebody asked for less time than the setting gives.
    pub(super) fn is_shortened(self) -> bool {
        self.shortened
    }

    /// What is left of it; `None` is for ever.
    pub(super) fn left(self) -> Option<Duration> {
        Some(self.at?.saturating_duration_since(Instant::now()))
    }

    /// Milliseconds since 1970, as handlers get it.
    pub fn epoch_millis(self) -> Option<u128> {
        let left = self.at?.saturating_duration_since(Instant::now());
        Some((SystemTime::now() + left).duration_since(UNIX_EPOCH).ok()?.as_millis())
    }
}
