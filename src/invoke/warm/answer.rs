//! A worker's answer on its way to the caller: each piece as it comes, cut where it is cut.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::Sleep;

use super::exchange::{Exchange, Upload};
use super::stream::Next;
use super::too_large;
use super::worker::WINDOW;
use crate::invoke::body::Aborted;
use crate::invoke::call::{Deadline, Place};
use crate::invoke::error::CallError;
use crate::reason::Reason;

/// An answer that is still coming.
pub struct Answer {
    exchange: Exchange,
    upload: Option<Upload>,
    sizes: Sizes,
    /// Bytes that have come.
    came: u64,
    timer: Option<Pin<Box<Sleep>>>,
    over: bool,
    _place: Place,
}

/// How long an answer is and may be.
#[derive(Debug)]
pub(super) struct Sizes {
    /// What its head promised.
    pub(super) promised: Option<u64>,
    /// By the settings.
    pub(super) most: Option<u64>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("sizes", &self.sizes).field("came", &self.came).finish_non_exhaustive()
    }
}

impl Answer {
    pub(super) fn new(exchange: Exchange, upload: Upload, sizes: Sizes, deadline: Deadline, place: Place) -> Answer {
        let upload = Some(upload).filter(|upload| !upload.is_over());
        Answer { exchange, upload, sizes, came: 0, timer: deadline.timer().map(Box::pin), over: false, _place: place }
    }

    pub(in crate::invoke) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let next = ready!(self.poll(cx));
        if !matches!(next, Some(Ok(_))) {
            self.over = true;
        }
        Poll::Ready(next.map(|next| next.map_err(Aborted)))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        if self.timer.as_mut().is_some_and(|timer| timer.as_mut().poll(cx).is_ready()) {
            self.exchange.is_late();
            return Poll::Ready(Some(Err(CallError::timeout())));
        }
        if let Some(upload) = &mut self.upload
            && let Poll::Ready(sent) = upload.poll_rest(&self.exchange, cx)
        {
            self.upload = None;
            if let Err(error) = sent {
                return Poll::Ready(Some(Err(error)));
            }
        }
        match ready!(self.exchange.stream.poll_next(WINDOW, cx)) {
            Next::Piece(piece, more) => {
                more.into_iter().for_each(|more| self.exchange.allow(more));
                Poll::Ready(Some(self.count(piece)))
            }
            Next::Failed(error) => Poll::Ready(Some(Err(error))),
            Next::End(_) if self.sizes.promised.is_some_and(|promised| self.came < promised) => {
                Poll::Ready(Some(Err(CallError::new(Reason::Worker, "the answer is shorter than its Content-Length"))))
            }
            Next::End(end) if end.trailers.is_empty() => Poll::Ready(None),
            Next::End(end) => Poll::Ready(Some(Ok(Frame::trailers(end.trailers)))),
        }
    }

    fn count(&mut self, piece: Bytes) -> Result<Frame<Bytes>, CallError> {
        self.came += piece.len() as u64;
        let beyond = |limit: Option<u64>| limit.filter(|limit| self.came > *limit);
        if beyond(self.sizes.promised).is_some() {
            return Err(CallError::new(Reason::Worker, "the answer is longer than its Content-Length"));
        }
        match beyond(self.sizes.most) {
            Some(most) => Err(too_large(most)),
            None => Ok(Frame::data(piece)),
        }
    }

    pub(in crate::invoke) fn is_end_stream(&self) -> bool {
        self.over
    }

    pub(in crate::invoke) fn size_hint(&self) -> SizeHint {
        self.sizes
            .promised
            .map_or_else(SizeHint::default, |promised| SizeHint::with_exact(promised.saturating_sub(self.came)))
    }
}
