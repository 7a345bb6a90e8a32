//! HTTP/2 streams whose client gives no window: hyper then does not ask for more, and no timer of the socket rings,
//! since the connection's other streams may go on. So each long answer is watched on its own.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use crate::invoke::{Aborted, CallError, ReplyBody};
use crate::reason::Reason;

/// An answer below this may wait for its client for ever: it costs nothing but its own bytes.
const WATCHED: u64 = 64 * 1024;

/// A body that is given up when nobody asks for more of it.
pub(super) struct Watched(Arc<Mutex<Slot>>);

struct Slot {
    body: ReplyBody,
    /// Since when a piece is with hyper and it has not come back for the next one.
    handed: Option<Instant>,
    given_up: bool,
}

impl Watched {
    /// Whether a body is worth it.
    pub(super) fn is_due(body: &ReplyBody) -> bool {
        body.size_hint().exact().is_none_or(|length| length > WATCHED)
    }

    /// Inside a runtime.
    pub(super) fn new(body: ReplyBody, limit: Duration) -> Watched {
        let slot = Arc::new(Mutex::new(Slot { body, handed: None, given_up: false }));
        tokio::spawn(watch(Arc::downgrade(&slot), limit));
        Watched(slot)
    }

    pub(super) fn poll_frame(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        let mut slot = lock(&self.0);
        if slot.given_up {
            let error = CallError::new(Reason::ClientGone, "the client did not read on within write_timeout");
            return Poll::Ready(Some(Err(Aborted(error))));
        }
        let frame = Pin::new(&mut slot.body).poll_frame(cx);
        slot.handed = matches!(frame, Poll::Ready(Some(Ok(_)))).then(Instant::now);
        frame
    }

    pub(super) fn is_end_stream(&self) -> bool {
        lock(&self.0).body.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        lock(&self.0).body.size_hint()
    }
}

fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends with the body; wakes once in a limit while all goes well.
async fn watch(slot: Weak<Mutex<Slot>>, limit: Duration) {
    let mut next = Instant::now() + limit;
    loop {
        sleep_until(next).await;
        let Some(slot) = slot.upgrade() else { return };
        let mut slot = lock(&slot);
        next = slot.handed.unwrap_or_else(Instant::now) + limit;
        if slot.handed.is_some() && next <= Instant::now() {
            slot.given_up = true;
            slot.body = ReplyBody::empty(); // Dropping a body in flight ends its call.
            return;
        }
    }
}
