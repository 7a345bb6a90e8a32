//! One call on one worker: the request on its way there, up to the head of the answer.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hyper::HeaderMap;

use super::frame::{self, Kind};
use super::message::{self, Reply};
use super::seat::Seat;
use super::stream::Stream;
use super::worker::Worker;
use crate::invoke::body::RequestBody;
use crate::invoke::call::Call;
use crate::invoke::error::CallError;
use crate::reason::Reason;

/// The first piece of a body that goes with the head is no larger: the rest of the frame is for the head, whose size
/// the front has bounded.
pub(super) const LARGEST_PIECE: usize = 64 * 1024;

/// Nobody waits any more because the caller left, or because its time is up.
const CALLER_LEFT: u8 = 0;
const DEADLINE: u8 = 1;

/// A call that is open on a worker. Dropped, it is given up.
pub(super) struct Exchange {
    pub(super) worker: Arc<Worker>,
    pub(super) stream: Arc<Stream>,
    number: u32,
    why: u8,
}

impl Exchange {
    /// Why it is dropped, if it is: the deadline, and not the caller.
    pub(super) fn is_late(&mut self) {
        self.why = DEADLINE;
    }

    /// Allows the worker so many bytes more.
    pub(super) fn allow(&self, more: u32) {
        self.send(Kind::Window, false, &more.to_be_bytes());
    }

    fn send(&self, kind: Kind, last: bool, payload: &[u8]) {
        let mut out = BytesMut::new();
        frame::put(&mut out, kind, last, self.number, payload);
        self.worker.send(out);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.stream.is_over() {
            self.worker.give_up(self.number, self.why);
        }
    }
}

/// A request that is being sent.
pub(super) struct Upload {
    body: RequestBody,
    /// Read, and not sent for want of credit.
    rest: Bytes,
    over: bool,
}

/// Begins a call: its head and what is there of its body go in one frame.
pub(super) async fn begin(seat: Seat, call: &mut Call) -> Result<(Exchange, Upload), CallError> {
    let mut upload =
        Upload { body: std::mem::replace(&mut call.body, RequestBody::empty()), rest: Bytes::new(), over: false };
    let length = upload.body.length();
    let mut looks = 2;
    let first = poll_fn(|cx| upload.poll_first(&mut looks, cx)).await?;
    let frame = |number, stream: &Stream| {
        stream.use_credit(first.len());
        message::call(number, call, length, &first, upload.over)
    };
    let (worker, number, stream) = seat
        .open(call.id.clone(), frame)
        .ok_or_else(|| CallError::new(Reason::Worker, "the worker died before it got the call"))?;
    Ok((Exchange { worker, stream, number, why: CALLER_LEFT }, upload))
}

impl Upload {
    /// What is there of the body by now. hyper may hand it over only one turn later.
    fn poll_first(&mut self, looks: &mut u8, cx: &mut Context<'_>) -> Poll<Result<Bytes, CallError>> {
        if self.body.is_end() {
            self.over = true;
            return Poll::Ready(Ok(Bytes::new()));
        }
        loop {
            match self.body.poll_next(cx) {
                Poll::Pending => {
                    *looks -= 1;
                    if *looks == 0 {
                        return Poll::Ready(Ok(Bytes::new()));
                    }
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(None) => {
                    self.over = true;
                    return Poll::Ready(Ok(Bytes::new()));
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(mut data) = frame.into_data() else { continue };
                    if data.is_empty() {
                        continue;
                    }
                    self.rest = data.split_off(data.len().min(LARGEST_PIECE));
                    self.over = self.rest.is_empty() && self.body.is_end();
                    return Poll::Ready(Ok(data));
                }
            }
        }
    }

    /// Sends on, as far as the worker's window allows. Ready when all is sent.
    fn poll(&mut self, exchange: &Exchange, cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        while !self.over {
            if self.rest.is_empty() {
                match ready!(self.body.poll_next(cx)) {
                    None => return self.end(exchange, None),
                    Some(Err(error)) => return Poll::Ready(Err(error)),
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => self.rest = data,
                        Err(frame) => return self.end(exchange, frame.into_trailers().ok().as_ref()),
                    },
                }
                continue;
            }
            let credit = ready!(exchange.stream.poll_credit(self.rest.len().min(LARGEST_PIECE), cx));
            let piece = self.rest.split_to(credit);
            self.over = self.rest.is_empty() && self.body.is_end();
            exchange.send(Kind::Data, self.over, &piece);
        }
        Poll::Ready(Ok(()))
    }

    fn end(&mut self, exchange: &Exchange, trailers: Option<&HeaderMap>) -> Poll<Result<(), CallError>> {
        self.over = true;
        exchange.worker.send(message::end(exchange.number, trailers));
        Poll::Ready(Ok(()))
    }

    /// Whether all is sent.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Sends the rest. The worker's own end ends it, too: nobody would read it.
    pub(super) fn poll_rest(&mut self, exchange: &Exchange, cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        if exchange.stream.is_over() {
            return Poll::Ready(Ok(()));
        }
        self.poll(exchange, cx)
    }
}

/// The head of the answer, while the request is sent on.
pub(super) async fn head(exchange: &Exchange, upload: &mut Upload) -> Result<Reply, CallError> {
    poll_fn(|cx| {
        if let Poll::Ready(reply) = exchange.stream.poll_reply(cx) {
            return Poll::Ready(reply);
        }
        if !upload.is_over()
            && let Poll::Ready(Err(error)) = upload.poll(exchange, cx)
        {
            return Poll::Ready(Err(error));
        }
        Poll::Pending
    })
    .await
}
