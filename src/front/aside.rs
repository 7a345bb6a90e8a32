//! What is waited for beside a connection, looked at only when it may have moved.
//!
//! A connection is polled several times in each call, and nearly always for its own sake. The waits beside it (orders,
//! a hang-up, a timer) get a waker of their own, which notes that one of them has rung.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};

/// The waits beside one task.
pub(super) struct Aside {
    shared: Arc<Shared>,
    waker: Waker,
    /// Whom `shared` wakes, as far as is known here without its lock.
    task: Option<Waker>,
}

struct Shared {
    rung: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
        task.into_iter().for_each(Waker::wake);
    }
}

impl Aside {
    pub(super) fn new() -> Aside {
        // Rung: each wait is looked at once to begin with.
        let shared = Arc::new(Shared { rung: AtomicBool::new(true), task: Mutex::default() });
        Aside { waker: shared.clone().into(), shared, task: None }
    }

    /// Whether the waits have to be looked at now.
    pub(super) fn has_rung(&mut self, cx: &Context<'_>) -> bool {
        if !self.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            self.task = Some(cx.waker().clone());
            *self.shared.task.lock().unwrap_or_else(PoisonError::into_inner) = self.task.clone();
        }
        // Cleared before the look: what rings during it is seen by the next one.
        self.shared.rung.load(Ordering::Relaxed) && self.shared.rung.swap(false, Ordering::Acquire)
    }

    /// The next look is due, whatever rings.
    pub(super) fn ring(&self) {
        self.shared.rung.store(true, Ordering::Release);
    }

    /// For the waits.
    pub(super) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }
}
