//! An answer on its way out, and the account that is kept of it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::HeaderValue;
use hyper::{Method, Uri};
use tokio::time::Instant;

use super::Shared;
use super::clock::Clock;
use super::grpc;
use super::respond::CLIENT_GONE;
use super::stall::{Stalling, Stalls};
use crate::invoke::{Aborted, CallError, ReplyBody};
use crate::log;
use crate::reason::Reason;

/// A call is going on; the connection's clock hears when it is over.
pub(super) struct Busy(pub(super) Arc<Clock>);

impl Busy {
    pub(super) fn new(clock: &Arc<Clock>) -> Busy {
        clock.call_started();
        Busy(clock.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.call_ended();
    }
}

/// A request's body is being read.
pub(super) struct Reading(Arc<Clock>);

impl Reading {
    pub(super) fn new(clock: &Arc<Clock>) -> Reading {
        clock.body_started();
        Reading(clock.clone())
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.body_ended();
    }
}

/// What is known of a call, told to log and metrics when it is dropped: after the last byte, or when the client left. In a
/// box from its beginning, since it goes through many hands.
pub(super) struct Record {
    pub(super) shared: Arc<Shared>,
    pub(super) method: Method,
    pub(super) target: Uri,
    pub(super) id: HeaderValue,
    pub(super) started: Instant,
    /// When it was handed to the handler, if it was.
    pub(super) handed: Option<Instant>,
    pub(super) status: Option<u16>,
    pub(super) reason: Option<Reason>,
    pub(super) bytes: u64,
    /// Its caller reads failures in trailers.
    pub(super) grpc: bool,
    pub(super) whole: bool,
}

impl Record {
    /// Ids that are no text are not taken over.
    pub(super) fn id_text(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    fn end(&mut self) {
        if !self.whole && self.reason.is_none() {
            let cut = self.shared.cutting();
            self.reason = Some(if cut { Reason::Draining } else { Reason::ClientGone });
        }
        let took = self.started.elapsed();
        let code = self.status.unwrap_or(CLIENT_GONE);
        let metrics = &self.shared.metrics;
        metrics.request_ended(self.method.as_str(), code, took);
        if let Some(handed) = self.handed {
            let own = handed - self.started;
            metrics.call_ended(self.method.as_str(), self.failed(), took.saturating_sub(own), own);
        }
        if let Some(reason) = self.reason {
            metrics.refused(reason);
        }
        if self.shared.config.access_log {
            self.write_line(code, took);
        }
    }

    /// The caller's own mistakes are not the function's.
    fn failed(&self) -> bool {
        match self.reason {
            Some(reason) => reason.is_trouble(),
            None => self.status.is_some_and(|code| code >= 500),
        }
    }

    fn write_line(&self, status: u16, took: Duration) {
        let path = self.target.path_and_query().map_or("/", |target| target.as_str());
        let call_id = Some(self.id_text()).filter(|_| self.shared.config.log_callid);
        let (method, bytes, reason) = (self.method.as_str(), self.bytes, self.reason);
        log::access(&log::Access { method, path, status, bytes, took, call_id, reason });
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.end();
    }
}

/// What ends with an answer: its account, and the connection's call.
pub(super) struct Account {
    /// `None` for probes.
    record: Option<Box<Record>>,
    _busy: Busy,
}

impl Account {
    pub(super) fn new(record: Option<Box<Record>>, busy: Busy) -> Account {
        Account { record, _busy: busy }
    }

    fn is_grpc(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.grpc)
    }

    fn note(&mut self, frame: Option<&Result<Frame<Bytes>, Aborted>>, whole: bool) {
        let Some(record) = &mut self.record else { return };
        match frame {
            None => record.whole = true,
            Some(Ok(frame)) => {
                record.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                record.whole = whole;
            }
            Some(Err(Aborted(error))) => {
                record.reason = Some(error.reason);
                tracing::warn!(call_id = record.id_text(), "answer cut short: {error}");
            }
        }
    }
}

/// A reply's body with its account.
pub(super) struct Accounted {
    body: ReplyBody,
    account: Account,
    /// How it failed, while what came before is on its way out.
    failed: Option<Aborted>,
}

impl Accounted {
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        if let Some(failed) = self.failed.take() {
            return Poll::Ready(Some(Err(failed)));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.account.note(frame.as_ref(), self.body.is_end_stream());
        match frame {
            Some(Err(Aborted(error))) if self.account.is_grpc() => {
                self.body = ReplyBody::empty();
                Poll::Ready(Some(Ok(Frame::trailers(grpc::trailers(&error)))))
            }
            Some(Err(failed)) => {
                // hyper drops what it has not written yet when a body fails. One turn later it has: the caller then
                // sees an answer that is cut, and not a connection that closed before its call was heard.
                self.failed = Some(failed);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            frame => Poll::Ready(frame),
        }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.failed.is_none() && self.body.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    /// Closes the account of an answer that the client does not take.
    pub(super) fn give_up(mut self, error: CallError) {
        self.account.note(Some(&Err(Aborted(error))), false);
    }
}

/// A reply's body on its way to hyper.
pub(super) enum Answer {
    Plain(Box<Accounted>),
    /// Given up if the client does not take it.
    Stalling(Stalling),
}

impl Answer {
    /// `stalls`: who watches it, where the socket's own timer cannot tell.
    pub(super) fn new(body: ReplyBody, mut account: Account, stalls: Option<&Arc<Stalls>>) -> Answer {
        if let Some(record) = &mut account.record {
            record.whole = body.is_end_stream();
        }
        let answer = Accounted { body, account, failed: None };
        match stalls {
            Some(stalls) if !answer.is_end_stream() => Answer::Stalling(stalls.watch(answer)),
            _ => Answer::Plain(Box::new(answer)),
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        match self.get_mut() {
            Answer::Plain(answer) => answer.poll_frame(cx),
            Answer::Stalling(answer) => answer.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Answer::Plain(answer) => answer.is_end_stream(),
            Answer::Stalling(answer) => answer.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Answer::Plain(answer) => answer.size_hint(),
            Answer::Stalling(answer) => answer.size_hint(),
        }
    }
}
