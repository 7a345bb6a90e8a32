//! HTTP/2 streams whose client gives no window: hyper then does not ask for more, and no timer of the socket rings,
//! since the connection's other streams may go on. So each answer is watched on its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use super::answer::Accounted;
use crate::invoke::{Aborted, CallError};
use crate::reason::Reason;

/// The answers of one connection that are under way. One task looks after all of them, as long as there are any: one
/// for each answer would sleep on behind it, and thousands of them in a second of short calls.
pub(super) struct Stalls {
    limit: Duration,
    watched: Mutex<Watched>,
}

#[derive(Default)]
struct Watched {
    answers: Vec<Arc<Mutex<Slot>>>,
    /// The task is there.
    is_looked_after: bool,
}

struct Slot {
    /// `None` once it is given up.
    answer: Option<Accounted>,
    /// Since when hyper has not come back for the next piece; `None` while it waits for one.
    waiting: Option<Instant>,
}

impl Stalls {
    /// `limit`: how long a client may leave a piece unread.
    pub(super) fn new(limit: Duration) -> Stalls {
        Stalls { limit, watched: Mutex::default() }
    }

    /// Watches an answer from now on. Inside a runtime.
    pub(super) fn watch(self: &Arc<Self>, answer: Accounted) -> Stalling {
        let slot = Arc::new(Mutex::new(Slot { answer: Some(answer), waiting: Some(Instant::now()) }));
        let mut watched = lock(&self.watched);
        watched.answers.push(slot.clone());
        if !std::mem::replace(&mut watched.is_looked_after, true) {
            crate::task::spawn(self.clone().look_after());
        }
        Stalling { slot, stalls: self.clone() }
    }

    /// Wakes once in a limit while all goes well.
    async fn look_after(self: Arc<Self>) {
        let mut next = Some(Instant::now() + self.limit);
        while let Some(at) = next {
            sleep_until(at).await;
            next = self.look();
        }
    }

    /// Gives up what has waited for too long. When the next one may have; `None` if no answer is left.
    fn look(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut next = now + self.limit;
        let mut given_up = Vec::new();
        let mut watched = lock(&self.watched);
        for slot in &watched.answers {
            let mut slot = lock(slot);
            let Some(since) = slot.waiting else { continue };
            if since + self.limit > now {
                next = next.min(since + self.limit);
            } else {
                given_up.extend(slot.answer.take());
                slot.waiting = None;
            }
        }
        watched.is_looked_after = !watched.answers.is_empty();
        let goes_on = watched.is_looked_after;
        drop(watched);
        // hyper keeps the stream for as long as the client likes; the call and its account end here.
        given_up.into_iter().for_each(|answer| answer.give_up(not_taken()));
        goes_on.then_some(next)
    }
}

/// An answer that is given up when nobody asks for more of it.
pub(super) struct Stalling {
    slot: Arc<Mutex<Slot>>,
    stalls: Arc<Stalls>,
}

impl Drop for Stalling {
    fn drop(&mut self) {
        let answers = &mut lock(&self.stalls.watched).answers;
        if let Some(at) = answers.iter().position(|slot| Arc::ptr_eq(slot, &self.slot)) {
            answers.swap_remove(at);
        }
    }
}

impl Stalling {
    pub(super) fn poll_frame(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        let mut slot = lock(&self.slot);
        let Some(answer) = &mut slot.answer else { return Poll::Ready(Some(Err(Aborted(not_taken())))) };
        let frame = answer.poll_frame(cx);
        slot.waiting = matches!(frame, Poll::Ready(Some(Ok(_)))).then(Instant::now);
        frame
    }

    pub(super) fn is_end_stream(&self) -> bool {
        lock(&self.slot).answer.as_ref().is_some_and(Accounted::is_end_stream)
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        lock(&self.slot).answer.as_ref().map_or_else(SizeHint::default, Accounted::size_hint)
    }
}

fn not_taken() -> CallError {
    CallError::new(Reason::ClientGone, "the client did not read on within write_timeout")
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}
