//! One call on a worker's connection: what the worker has said of it, and how much either side may still send.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::HeaderValue;

use super::lost::Lost;
use super::message::Reply;
use crate::invoke::error::CallError;

/// A call, shared by whoever serves it and the connection's reader.
#[derive(Debug)]
pub(super) struct Stream {
    call_id: HeaderValue,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    reply: Option<Reply>,
    replied: bool,
    pieces: VecDeque<Bytes>,
    end: Option<Result<End, CallError>>,
    /// Body bytes that the worker may still send.
    room: u32,
    /// Bytes that were taken from `pieces` and of which the worker was not told yet.
    taken: u32,
    /// Body bytes that heeler may still send.
    credit: u32,
    /// Who waits for the worker's next word, and who for credit.
    reader: Option<Waker>,
    sender: Option<Waker>,
    cancel: Cancel,
    held: bool,
}

/// How the worker ended its side.
#[derive(Clone, Debug, Default)]
pub(super) struct End {
    pub(super) took: Duration,
    pub(super) trailers: HeaderMap,
}

/// What has become of a call that nobody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cancel {
    /// Somebody waits for it.
    No,
    /// The worker was told.
    Told,
    /// The worker has heard it, and its code runs on.
    Abandoned,
}

/// What comes next of an answer's body.
#[derive(Debug)]
pub(super) enum Next {
    /// A piece; and so many bytes more that the worker may be told to send, if it is time.
    Piece(Bytes, Option<u32>),
    /// The end.
    End(End),
    /// The call failed.
    Failed(CallError),
}

impl Stream {
    pub(super) fn new(call_id: HeaderValue, room: u32, credit: u32) -> Stream {
        let inner = Inner {
            reply: None,
            replied: false,
            pieces: VecDeque::new(),
            end: None,
            room,
            taken: 0,
            credit,
            reader: None,
            sender: None,
            cancel: Cancel::No,
            held: false,
        };
        Stream { call_id, inner: Mutex::new(inner) }
    }

    /// For lines of its output.
    pub(super) fn call_id(&self) -> Option<&str> {
        self.call_id.to_str().ok()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // What the worker says.

    pub(super) fn reply(&self, mut reply: Reply) -> Result<(), Lost> {
        let piece = std::mem::take(&mut reply.piece);
        let mut inner = self.inner();
        if std::mem::replace(&mut inner.replied, true) {
            return Err(Lost::protocol("a second REPLY to one call"));
        }
        inner.reply = Some(reply);
        inner.push(piece)
    }

    pub(super) fn data(&self, piece: Bytes) -> Result<(), Lost> {
        let mut inner = self.inner();
        if !inner.replied {
            return Err(Lost::protocol("DATA before REPLY"));
        }
        inner.push(piece)
    }

    pub(super) fn end(&self, end: End) -> Result<(), Lost> {
        let mut inner = self.inner();
        if !inner.replied && inner.cancel == Cancel::No {
            return Err(Lost::protocol("the end of an answer before REPLY"));
        }
        inner.finish(Ok(end));
        Ok(())
    }

    /// The call failed, by the worker's word or with the worker.
    pub(super) fn fail(&self, error: CallError) {
        self.inner().finish(Err(error));
    }

    pub(super) fn window(&self, more: u32) -> Result<(), Lost> {
        let mut inner = self.inner();
        inner.credit = inner.credit.checked_add(more).ok_or_else(|| Lost::protocol("WINDOW beyond all bounds"))?;
        wake(&mut inner.sender);
        Ok(())
    }

    // What the call asks.

    /// The head of the answer.
    pub(super) fn poll_reply(&self, cx: &mut Context<'_>) -> Poll<Result<Reply, CallError>> {
        let mut inner = self.inner();
        if let Some(reply) = inner.reply.take() {
            return Poll::Ready(Ok(reply));
        }
        match &mut inner.end {
            Some(Err(_)) => match inner.end.replace(Ok(End::default())) {
                Some(Err(error)) => Poll::Ready(Err(error)),
                _ => Poll::Pending,
            },
            _ => {
                set(&mut inner.reader, cx);
                Poll::Pending
            }
        }
    }

    /// The next of the body. `window`: the size of heeler's window.
    pub(super) fn poll_next(&self, window: u32, cx: &mut Context<'_>) -> Poll<Next> {
        let mut inner = self.inner();
        if let Some(piece) = inner.pieces.pop_front() {
            inner.taken += u32::try_from(piece.len()).unwrap_or(u32::MAX);
            // Half of it at a time: the worker never stands still, and is not told of each piece.
            let more = (inner.taken >= window / 2 && inner.end.is_none()).then(|| std::mem::take(&mut inner.taken));
            inner.room += more.unwrap_or(0);
            return Poll::Ready(Next::Piece(piece, more));
        }
        match inner.end.as_mut().map(|end| std::mem::replace(end, Ok(End::default()))) {
            Some(Ok(end)) => Poll::Ready(Next::End(end)),
            Some(Err(error)) => Poll::Ready(Next::Failed(error)),
            None => {
                set(&mut inner.reader, cx);
                Poll::Pending
            }
        }
    }

    /// All of the body, if the worker has said all and no trailers come behind it; how long the function took.
    pub(super) fn whole(&self) -> Option<(VecDeque<Bytes>, Duration)> {
        let mut inner = self.inner();
        match &inner.end {
            Some(Ok(End { took, trailers })) if trailers.is_empty() => {
                let took = *took;
                Some((std::mem::take(&mut inner.pieces), took))
            }
            _ => None,
        }
    }

    /// How much of `wanted` bytes may be sent now; that much is used up.
    pub(super) fn poll_credit(&self, wanted: usize, cx: &mut Context<'_>) -> Poll<usize> {
        let mut inner = self.inner();
        if inner.credit == 0 {
            set(&mut inner.sender, cx);
            return Poll::Pending;
        }
        let some = inner.credit.min(u32::try_from(wanted).unwrap_or(u32::MAX));
        inner.credit -= some;
        Poll::Ready(some as usize)
    }

    /// The same for a first piece, which is sent as far as it may be.
    pub(super) fn use_credit(&self, bytes: usize) {
        let mut inner = self.inner();
        inner.credit = inner.credit.saturating_sub(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    /// Whether the worker has said all.
    pub(super) fn is_over(&self) -> bool {
        self.inner().end.is_some()
    }

    pub(super) fn cancel(&self) -> Cancel {
        self.inner().cancel
    }

    pub(super) fn set_cancel(&self, cancel: Cancel) {
        self.inner().cancel = cancel;
    }

    /// It was given up, and is not let go of in time.
    pub(super) fn hold(&self) {
        self.inner().held = true;
    }

    pub(super) fn is_held(&self) -> bool {
        self.inner().held
    }
}

impl Inner {
    fn push(&mut self, piece: Bytes) -> Result<(), Lost> {
        let length = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        let room = self.room.checked_sub(length);
        self.room = room.ok_or_else(|| Lost::protocol("more of a body than the window allows"))?;
        // Nobody reads what a cancelled call still says.
        if self.cancel == Cancel::No && !piece.is_empty() {
            self.pieces.push_back(piece);
        }
        wake(&mut self.reader);
        Ok(())
    }

    fn finish(&mut self, end: Result<End, CallError>) {
        if self.end.is_none() {
            self.end = Some(end);
        }
        wake(&mut self.reader);
        wake(&mut self.sender);
    }
}

fn set(waker: &mut Option<Waker>, cx: &Context<'_>) {
    match waker {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *waker = Some(cx.waker().clone()),
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
