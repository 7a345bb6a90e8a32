//! Bodies on their way in and out.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, timeout, timeout_at};

use super::error::CallError;
use super::files::Sending;
use super::fork::Streamed;
use crate::reason::Reason;

/// After an early answer the rest of the request is read and dropped for so long, so that the status arrives instead
/// of a reset (a socket closed with unread bytes resets the connection). Then hyper closes it.
const LONGEST_REST: Duration = Duration::from_secs(5);

/// The slowest upload of known length that is still taken for honest, in bytes a second.
const SLOWEST: u64 = 1024;

/// How long the client may take over its body.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// The call's deadline is bound enough.
    Free,
    /// All of it by then: bodies that are held in memory.
    By(Instant),
    /// So long in all, counted only while heeler waits for more.
    Waiting(Duration),
}

impl Pace {
    /// The fair rule for bodies that are passed on as they come: `read_timeout` and the length at 1 KiB/s.
    pub fn streamed(read_timeout: Option<Duration>, length: Option<u64>) -> Pace {
        match (read_timeout, length) {
            (Some(timeout), Some(length)) => Pace::Waiting(timeout + Duration::from_secs(length / SLOWEST)),
            _ => Pace::Free,
        }
    }

    /// For bodies that are held in memory.
    pub fn whole(read_timeout: Option<Duration>) -> Pace {
        read_timeout.and_then(|timeout| Instant::now().checked_add(timeout)).map_or(Pace::Free, Pace::By)
    }
}

/// A request's body, bounded in size and time.
pub struct RequestBody {
    /// `None` for calls that heeler makes itself.
    inner: Option<Incoming>,
    /// Bytes that may still come; `None` is no limit.
    left: Option<u64>,
    limit: u64,
    pace: Pace,
    /// Dropped when the last byte is read, or nobody will read any more.
    reading: Option<Box<dyn Send>>,
}

impl std::fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestBody").field("left", &self.left).field("pace", &self.pace).finish_non_exhaustive()
    }
}

impl RequestBody {
    /// `max`: greatest size in bytes. `reading` is dropped when the last byte is read, or nobody will read any more.
    pub fn new(inner: Incoming, max: Option<u64>, pace: Pace, reading: impl Send + 'static) -> RequestBody {
        let reading: Option<Box<dyn Send>> = if inner.is_end_stream() { None } else { Some(Box::new(reading)) };
        RequestBody { inner: Some(inner), left: max, limit: max.unwrap_or(u64::MAX), pace, reading }
    }

    /// No body.
    pub fn empty() -> RequestBody {
        RequestBody { inner: None, left: None, limit: 0, pace: Pace::Free, reading: None }
    }

    /// Whether nothing (more) will come.
    pub fn is_end(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    /// The length, where the head told it.
    pub fn length(&self) -> Option<u64> {
        self.inner.as_ref().map_or(Some(0), |inner| inner.size_hint().exact())
    }

    /// The next piece; `None` at the end. Trailers are dropped: they must never pass for headers.
    pub async fn next(&mut self) -> Option<Result<Bytes, CallError>> {
        loop {
            let frame = match self.frame().await? {
                Ok(frame) => frame,
                Err(error) => return Some(Err(error)),
            };
            if let Ok(data) = frame.into_data() {
                return Some(self.count(data));
            }
        }
    }

    async fn frame(&mut self) -> Option<Result<Frame<Bytes>, CallError>> {
        let inner = self.inner.as_mut()?;
        let waiting_since = Instant::now();
        let frame = match self.pace {
            Pace::Free => Ok(inner.frame().await),
            Pace::By(deadline) => timeout_at(deadline, inner.frame()).await,
            Pace::Waiting(left) => timeout(left, inner.frame()).await,
        };
        if let Pace::Waiting(left) = &mut self.pace {
            *left = left.saturating_sub(waiting_since.elapsed());
        }
        match frame {
            Err(_) => Some(Err(CallError::new(Reason::SlowRequest, "the request's body came too slowly"))),
            Ok(None) => {
                self.reading = None;
                None
            }
            Ok(Some(frame)) => Some(frame.map_err(broken)),
        }
    }

    fn count(&mut self, data: Bytes) -> Result<Bytes, CallError> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(data.len() as u64).ok_or_else(|| {
                let message = format!("the request's body is larger than {} bytes (max_body)", self.limit);
                CallError::new(Reason::BodyTooLarge, message)
            })?;
        }
        Ok(data)
    }

    /// All of it, in the pieces that came.
    pub async fn collect(&mut self) -> Result<VecDeque<Bytes>, CallError> {
        let mut chunks = VecDeque::new();
        while let Some(chunk) = self.next().await {
            chunks.push_back(chunk?);
        }
        Ok(chunks)
    }
}

/// A reset is a client that has left; anything else, an end before the body's own included, is a broken request.
fn broken(error: hyper::Error) -> CallError {
    use std::error::Error as _;
    let kind = error.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
    match kind {
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => CallError::client_gone(),
        _ => CallError::new(Reason::BadRequest, format!("the request's body is broken: {error}")),
    }
}

/// Whoever lets go of a body early, for an answer that needs none of it: the rest is read off for a while.
impl Drop for RequestBody {
    fn drop(&mut self) {
        let Some(mut inner) = self.inner.take().filter(|inner| !inner.is_end_stream()) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let reading = self.reading.take();
        runtime.spawn(async move {
            let rest = async { while let Some(Ok(_)) = inner.frame().await {} };
            let _ = timeout(LONGEST_REST, rest).await;
            drop(reading);
        });
    }
}

/// A reply's body.
#[derive(Debug)]
pub enum ReplyBody {
    /// All there is.
    Whole(VecDeque<Bytes>),
    /// A handler's output as it comes.
    Streamed(Box<Streamed>),
    /// A file as it is read.
    File(Box<Sending>),
}

/// The handler failed when the head of its answer was already out.
#[derive(Debug, thiserror::Error)]
#[error("the answer was cut short: {0}")]
pub struct Aborted(pub CallError);

impl ReplyBody {
    /// Nothing.
    pub fn empty() -> ReplyBody {
        ReplyBody::Whole(VecDeque::new())
    }

    /// One piece.
    pub fn of(bytes: impl Into<Bytes>) -> ReplyBody {
        ReplyBody::Whole([bytes.into()].into())
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        match self.get_mut() {
            ReplyBody::Whole(chunks) => Poll::Ready(chunks.pop_front().map(|chunk| Ok(Frame::data(chunk)))),
            ReplyBody::Streamed(streamed) => streamed.poll_chunk(cx).map(|chunk| Some(chunk?.map(Frame::data))),
            ReplyBody::File(sending) => sending.poll_chunk(cx).map(|chunk| Some(chunk?.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            ReplyBody::Whole(chunks) => chunks.is_empty(),
            ReplyBody::Streamed(_) => false,
            ReplyBody::File(sending) => sending.left() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            ReplyBody::Whole(chunks) => SizeHint::with_exact(chunks.iter().map(|chunk| chunk.len() as u64).sum()),
            ReplyBody::Streamed(_) => SizeHint::default(),
            ReplyBody::File(sending) => SizeHint::with_exact(sending.left()),
        }
    }
}
