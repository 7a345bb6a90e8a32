//! Bodies on their way in and out.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::error::CallError;
use super::files::Sending;
use super::fork::Streamed;
use super::upstream::Answer;
use super::warm;
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

/// One wait for the client; nothing is armed while pieces come at once.
#[derive(Default)]
struct Patience(Option<(Instant, Pin<Box<Sleep>>)>);

impl Patience {
    /// Ready when the client has been waited for long enough.
    fn poll(&mut self, pace: Pace, cx: &mut Context<'_>) -> Poll<()> {
        let until = || match pace {
            Pace::Free => None,
            Pace::By(deadline) => Some(deadline),
            Pace::Waiting(left) => Instant::now().checked_add(left),
        };
        if self.0.is_none() {
            self.0 = until().map(|until| (Instant::now(), Box::pin(sleep_until(until))));
        }
        match &mut self.0 {
            Some((_, sleep)) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    /// A piece came: what is left of the pace.
    fn end(&mut self, pace: Pace) -> Pace {
        match (self.0.take(), pace) {
            (Some((since, _)), Pace::Waiting(left)) => Pace::Waiting(left.saturating_sub(since.elapsed())),
            _ => pace,
        }
    }
}

fn too_slow() -> CallError {
    CallError::new(Reason::SlowRequest, "the request's body came too slowly")
}

/// A request's body, bounded in size and time.
pub struct RequestBody {
    /// `None` for calls that heeler makes itself, and for bodies that are held.
    inner: Option<Incoming>,
    /// Read already, to be given again.
    held: VecDeque<Bytes>,
    /// Bytes that may still come; `None` is no limit.
    left: Option<u64>,
    limit: u64,
    pace: Pace,
    patience: Patience,
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
        RequestBody {
            inner: Some(inner),
            held: VecDeque::new(),
            left: max,
            limit: max.unwrap_or(u64::MAX),
            pace,
            patience: Patience::default(),
            reading,
        }
    }

    /// No body.
    pub fn empty() -> RequestBody {
        RequestBody::held(VecDeque::new())
    }

    /// A body that was read already.
    pub fn held(held: VecDeque<Bytes>) -> RequestBody {
        let (pace, patience) = (Pace::Free, Patience::default());
        RequestBody { inner: None, held, left: None, limit: 0, pace, patience, reading: None }
    }

    /// No more than so many bytes, if that is less than what was said before.
    pub fn limit(&mut self, most: u64) {
        if self.left.is_none_or(|left| left > most) {
            (self.left, self.limit) = (Some(most), most);
        }
    }

    /// Nobody will ask for the rest, and nothing of it is read off: the client was told not to send it yet.
    pub(super) fn leave_unread(&mut self) {
        self.inner = None;
        self.reading = None;
    }

    /// Whether nothing (more) will come.
    pub fn is_end(&self) -> bool {
        self.held.is_empty() && self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    /// The bytes that nobody has taken yet, where the head told how many there are.
    pub fn length(&self) -> Option<u64> {
        let held: u64 = self.held.iter().map(|data| data.len() as u64).sum();
        self.to_come().map(|to_come| held + to_come)
    }

    fn to_come(&self) -> Option<u64> {
        self.inner.as_ref().map_or(Some(0), |inner| inner.size_hint().exact())
    }

    /// Ready when all of it is here, and held, if its head tells that it has no more than `most` bytes.
    pub(super) fn poll_arrival(&mut self, most: u64, cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        while self.to_come().is_some_and(|left| (1..=most).contains(&left)) {
            match ready!(self.poll_inner(cx)) {
                Some(frame) => self.held.extend(frame?.into_data().ok()),
                None => break,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The next piece; `None` at the end. Trailers are dropped: they must never pass for headers.
    pub async fn next(&mut self) -> Option<Result<Bytes, CallError>> {
        loop {
            let frame = match poll_fn(|cx| self.poll_next(cx)).await? {
                Ok(frame) => frame,
                Err(error) => return Some(Err(error)),
            };
            if let Ok(data) = frame.into_data() {
                return Some(Ok(data));
            }
        }
    }

    /// The next piece or the trailers.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        match self.held.pop_front() {
            Some(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
            None => self.poll_inner(cx),
        }
    }

    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let Poll::Ready(frame) = Pin::new(inner).poll_frame(cx) else {
            return self.patience.poll(self.pace, cx).map(|()| Some(Err(too_slow())));
        };
        self.pace = self.patience.end(self.pace);
        Poll::Ready(match frame {
            None => {
                self.reading = None;
                None
            }
            Some(Err(error)) => Some(Err(broken(error))),
            Some(Ok(frame)) => Some(self.count(frame)),
        })
    }

    fn count(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, CallError> {
        if let (Some(left), Some(data)) = (&mut self.left, frame.data_ref()) {
            *left = left.checked_sub(data.len() as u64).ok_or_else(|| {
                let message = format!("the request's body is larger than {} bytes (max_body)", self.limit);
                CallError::new(Reason::BodyTooLarge, message)
            })?;
        }
        Ok(frame)
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
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let reading = self.reading.take();
        crate::task::spawn(async move {
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
    /// An upstream's answer as it comes.
    Proxied(Box<Answer>),
    /// A worker's answer as it comes.
    Warm(Box<warm::Answer>),
    /// A first piece that somebody has looked at, and the rest.
    Begun(Option<Bytes>, Box<ReplyBody>),
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
            ReplyBody::Proxied(answer) => Pin::new(&mut **answer).poll_frame(cx),
            ReplyBody::Warm(answer) => answer.poll_frame(cx),
            ReplyBody::Begun(first, rest) => match first.take() {
                Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
                None => Pin::new(&mut **rest).poll_frame(cx),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            ReplyBody::Whole(chunks) => chunks.is_empty(),
            ReplyBody::Streamed(_) => false,
            ReplyBody::File(sending) => sending.left() == 0,
            ReplyBody::Proxied(answer) => answer.is_end_stream(),
            ReplyBody::Warm(answer) => answer.is_end_stream(),
            ReplyBody::Begun(first, rest) => first.is_none() && rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            ReplyBody::Whole(chunks) => SizeHint::with_exact(chunks.iter().map(|chunk| chunk.len() as u64).sum()),
            ReplyBody::Streamed(_) => SizeHint::default(),
            ReplyBody::File(sending) => SizeHint::with_exact(sending.left()),
            ReplyBody::Proxied(answer) => answer.size_hint(),
            ReplyBody::Warm(answer) => answer.size_hint(),
            ReplyBody::Begun(Some(_), _) => SizeHint::default(),
            ReplyBody::Begun(None, rest) => rest.size_hint(),
        }
    }
}
