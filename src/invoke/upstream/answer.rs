//! An upstream's answer on its way to the caller: flushed as it comes, cut where it is cut.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::task::JoinHandle;
use tokio::time::Sleep;

use super::connection::Connection;
use super::decode::{BadBody, Decoder, Step};
use super::endpoint::Endpoint;
use super::forward;
use super::upload::UploadError;
use crate::invoke::body::Aborted;
use crate::invoke::call::{Deadline, Place};
use crate::invoke::error::CallError;
use crate::reason::Reason;

/// Room that is read into at once.
const ROOM: usize = 16 * 1024;
/// The same where much more is known to come.
const LARGE_ROOM: usize = 64 * 1024;

/// An answer that is still coming.
pub struct Answer {
    /// Read with the head.
    ready: VecDeque<Frame<Bytes>>,
    source: Source,
    timer: Option<Pin<Box<Sleep>>>,
    /// Who is told of a call that ran out of time, if the upstream is to be restarted then.
    condemned: Option<Arc<Endpoint>>,
    _place: Place,
}

enum Source {
    Http1(Box<Http1>),
    Http2(Incoming, Arc<Endpoint>),
    Over,
}

/// An answer's body on an HTTP/1 connection.
pub(super) struct Http1 {
    pub(super) connection: Connection,
    pub(super) decoder: Decoder,
    /// A request that is still being sent.
    pub(super) upload: Option<Uploading>,
    pub(super) keep_alive: bool,
    pub(super) endpoint: Arc<Endpoint>,
}

/// A task that sends the rest of a request; it ends with its answer.
pub(super) struct Uploading(pub(super) JoinHandle<Result<(), UploadError>>);

impl Drop for Uploading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("remaining", &self.size_hint().exact()).finish_non_exhaustive()
    }
}

impl Answer {
    /// `ready`: what was read of it already.
    pub(super) fn http1(
        http1: Http1,
        ready: VecDeque<Frame<Bytes>>,
        deadline: Deadline,
        condemned: Option<Arc<Endpoint>>,
        place: Place,
    ) -> Answer {
        let source = match http1.is_over() {
            false => Source::Http1(Box::new(http1)),
            true => {
                http1.finish();
                Source::Over
            }
        };
        Answer { ready, ..Answer::new(source, deadline, condemned, place) }
    }

    pub(super) fn http2(
        body: Incoming,
        endpoint: Arc<Endpoint>,
        deadline: Deadline,
        condemned: Option<Arc<Endpoint>>,
        place: Place,
    ) -> Answer {
        Answer::new(Source::Http2(body, endpoint), deadline, condemned, place)
    }

    fn new(source: Source, deadline: Deadline, condemned: Option<Arc<Endpoint>>, place: Place) -> Answer {
        Answer { ready: VecDeque::new(), source, timer: deadline.timer().map(Box::pin), condemned, _place: place }
    }

    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        if let Some(frame) = self.ready.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        match &mut self.source {
            Source::Over => Poll::Ready(None),
            Source::Http2(body, _) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                Poll::Ready(frame.map(|frame| frame.map(forward::passing).map_err(broken)))
            }
            Source::Http1(http1) => {
                let frame = ready!(http1.poll_frame(cx));
                if !http1.is_over() {
                    return Poll::Ready(frame);
                }
                // At once: the caller need not ask again to find that this was all.
                if let Source::Http1(http1) = std::mem::replace(&mut self.source, Source::Over) {
                    http1.finish();
                }
                Poll::Ready(frame)
            }
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<CallError> {
        let Some(timer) = &mut self.timer else { return Poll::Pending };
        ready!(timer.as_mut().poll(cx));
        self.timer = None;
        // An answer that is there and was not fetched in time is late by its caller's doing.
        let condemned = self.condemned.take();
        if let Some(endpoint) = condemned.filter(|_| self.poll_source(cx).is_pending()) {
            endpoint.condemn();
        }
        Poll::Ready(CallError::timeout())
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        let answer = self.get_mut();
        // First: an answer that never lets up is held to its time, too.
        let frame = match answer.poll_timer(cx) {
            Poll::Ready(error) => Some(Err(error)),
            Poll::Pending => ready!(answer.poll_source(cx)),
        };
        if let Some(Err(error)) = &frame {
            answer.source.note_failure(error);
            answer.source = Source::Over;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Aborted)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Over => self.ready.is_empty(),
            Source::Http1(_) => false,
            Source::Http2(body, _) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        // With a length, HTTP/1 has no place for trailers: they come behind the last chunk (RFC 9112 §7.1.2).
        if self.ready.iter().any(Frame::is_trailers) {
            return SizeHint::default();
        }
        let rest = match &self.source {
            Source::Over => Some(0),
            Source::Http1(http1) => http1.decoder.remaining(),
            Source::Http2(body, _) => body.size_hint().exact(),
        };
        let ready: u64 = self.ready.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum();
        rest.map_or_else(SizeHint::default, |rest| SizeHint::with_exact(ready + rest))
    }
}

impl Source {
    fn note_failure(&self, error: &CallError) {
        match self {
            Source::Http1(http1) => http1.endpoint.note_failure(error),
            Source::Http2(_, endpoint) => endpoint.note_failure(error),
            Source::Over => {}
        }
    }
}

impl Http1 {
    /// All of a short answer, as it often comes with its head.
    pub(super) fn take_whole(&mut self) -> Option<Bytes> {
        self.decoder.whole(&mut self.connection.buffer)
    }

    /// What has been read already.
    pub(super) fn take_ready(&mut self) -> Result<VecDeque<Frame<Bytes>>, CallError> {
        let mut ready = VecDeque::new();
        loop {
            match self.decoder.next(&mut self.connection.buffer).map_err(|error| bad(&error))? {
                Step::Data(data) => ready.push_back(Frame::data(data)),
                Step::Trailers(trailers) => ready.push_back(Frame::trailers(trailers)),
                Step::More | Step::End => return Ok(ready),
            }
        }
    }

    /// The next piece or the trailers. Whatever was read is given before more is asked for.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        if let Err(error) = self.poll_upload(cx) {
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            match self.decoder.next(&mut self.connection.buffer) {
                Ok(Step::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Step::Trailers(trailers)) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                Ok(Step::End) => return Poll::Ready(None),
                Ok(Step::More) => {}
                Err(error) => return Poll::Ready(Some(Err(bad(&error)))),
            }
            let room = if self.decoder.remaining() > Some(LARGE_ROOM as u64) { LARGE_ROOM } else { ROOM };
            let end = match ready!(self.connection.poll_fill(cx, room)) {
                Ok(0) => self.decoder.close().map_err(|error| bad(&error)),
                Ok(_) => continue,
                Err(error) => {
                    Err(CallError::new(Reason::Upstream, format!("the upstream's answer broke off: {error}")))
                }
            };
            return Poll::Ready(end.err().map(Err));
        }
    }

    /// A caller whose body fails has cut the call.
    fn poll_upload(&mut self, cx: &mut Context<'_>) -> Result<(), CallError> {
        let Some(Uploading(upload)) = &mut self.upload else { return Ok(()) };
        match Pin::new(upload).poll(cx) {
            Poll::Pending => return Ok(()),
            Poll::Ready(Ok(Err(UploadError::Body(error)))) => return Err(error),
            Poll::Ready(Ok(Ok(()))) => {}
            // It answers without reading: the answer counts, the connection is done with.
            Poll::Ready(Ok(Err(UploadError::Write(_))) | Err(_)) => self.keep_alive = false,
        }
        self.upload = None;
        Ok(())
    }

    pub(super) fn is_over(&self) -> bool {
        self.decoder == Decoder::Done
    }

    /// The answer is all read: the connection may serve another call if the request is all sent, too.
    pub(super) fn finish(self) {
        if self.keep_alive && self.upload.is_none() {
            self.endpoint.pool().put(self.connection);
        }
    }
}

fn bad(error: &BadBody) -> CallError {
    CallError::new(Reason::Upstream, format!("the upstream's answer {error}"))
}

#[expect(clippy::needless_pass_by_value, reason = "it is for map_err")]
fn broken(error: hyper::Error) -> CallError {
    CallError::new(Reason::Upstream, format!("the upstream's answer broke off: {error}"))
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;

    use super::*;

    #[test]
    fn an_answer_with_trailers_has_no_length() {
        let length = |ready: Vec<Frame<Bytes>>| {
            let answer = Answer::new(Source::Over, Deadline::NEVER, None, Place(None));
            Answer { ready: ready.into(), ..answer }.size_hint().exact()
        };
        let data = || Frame::data(Bytes::from_static(b"body"));
        assert_eq!(length(vec![data(), data()]), Some(8));
        assert_eq!(length(vec![data(), Frame::trailers(HeaderMap::new())]), None);
    }
}
