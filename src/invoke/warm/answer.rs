//! A worker's answer on its way to the caller: each piece as it comes, cut where it is cut.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::Sleep;

use super::exchange::{Exchange, Upload};
use super::stream::Next;
use super::worker::WINDOW;
use crate::invoke::body::Aborted;
use crate::invoke::call::{Deadline, Place};
use crate::invoke::error::CallError;
use crate::reason::Reason;

/// An answer that is still coming.
pub struct Answer {
    exchange: Exchange,
    upload: Option<Upload>,
    /// Bytes that its head promised and that have not come.
    promised: Option<u64>,
    timer: Option<Pin<Box<Sleep>>>,
    over: bool,
    _place: Place,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("promised", &self.promised).finish_non_exhaustive()
    }
}

impl Answer {
    pub(super) fn new(
        exchange: Exchange,
        upload: Upload,
        promised: Option<u64>,
        deadline: Deadline,
        place: Place,
    ) -> Answer {
        let upload = Some(upload).filter(|upload| !upload.is_over());
        Answer { exchange, upload, promised, timer: deadline.timer().map(Box::pin), over: false, _place: place }
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
            Next::End(_) if self.promised.is_some_and(|left| left > 0) => {
                Poll::Ready(Some(Err(CallError::new(Reason::Worker, "the answer is shorter than its Content-Length"))))
            }
            Next::End(end) if end.trailers.is_empty() => Poll::Ready(None),
            Next::End(end) => Poll::Ready(Some(Ok(Frame::trailers(end.trailers)))),
        }
    }

    fn count(&mut self, piece: Bytes) -> Result<Frame<Bytes>, CallError> {
        if let Some(left) = &mut self.promised {
            *left = left
                .checked_sub(piece.len() as u64)
                .ok_or_else(|| CallError::new(Reason::Worker, "the answer is longer than its Content-Length"))?;
        }
        Ok(Frame::data(piece))
    }

    pub(in crate::invoke) fn is_end_stream(&self) -> bool {
        self.over
    }

    pub(in crate::invoke) fn size_hint(&self) -> SizeHint {
        self.promised.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
