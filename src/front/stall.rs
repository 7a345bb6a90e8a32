//! HTTP/2 streams whose client gives no window: hyper then does not ask for more, and no timer of the socket rings,
//! since the connection's other streams may go on. So each long answer is watched on its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use super::answer::Accounted;
use crate::invoke::{Aborted, CallError};
use crate::reason::Reason;

/// An answer that is given up when nobody asks for more of it.
pub(super) struct Watched(Arc<Mutex<Slot>>);

struct Slot {
    /// `None` once it is given up.
    answer: Option<Accounted>,
    /// Since when hyper has not come back for the next piece; `None` while it waits for one.
    waiting: Option<Instant>,
}

impl Watched {
    /// Inside a runtime.
    pub(super) fn new(answer: Accounted, limit: Duration) -> Watched {
        let slot = Arc::new(Mutex::new(Slot { answer: Some(answer), waiting: Some(Instant::now()) }));
        crate::task::spawn(watch(Arc::downgrade(&slot), limit));
        Watched(slot)
    }

    pub(super) fn poll_frame(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        let mut slot = lock(&self.0);
        let Some(answer) = &mut slot.answer else { return Poll::Ready(Some(Err(Aborted(not_taken())))) };
        let frame = answer.poll_frame(cx);
        slot.waiting = matches!(frame, Poll::Ready(Some(Ok(_)))).then(Instant::now);
        frame
    }

    pub(super) fn is_end_stream(&self) -> bool {
        lock(&self.0).answer.as_ref().is_some_and(Accounted::is_end_stream)
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        lock(&self.0).answer.as_ref().map_or_else(SizeHint::default, Accounted::size_hint)
    }
}

fn not_taken() -> CallError {
    CallError::new(Reason::ClientGone, "the client did not read on within write_timeout")
}

fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends with the answer; wakes once in a limit while all goes well.
async fn watch(slot: Weak<Mutex<Slot>>, limit: Duration) {
    let mut next = Instant::now() + limit;
    loop {
        sleep_until(next).await;
        let Some(slot) = slot.upgrade() else { return };
        let mut slot = lock(&slot);
        next = slot.waiting.unwrap_or_else(Instant::now) + limit;
        if slot.waiting.is_some() && next <= Instant::now() {
            // hyper keeps the stream for as long as the client likes; the call and its account end here.
            let given_up = slot.answer.take();
            drop(slot);
            given_up.into_iter().for_each(|answer| answer.give_up(not_taken()));
            return;
        }
    }
}
