//! The workers that may have calls, and the calls that wait for a place at one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::seat::Seat;
use super::worker::Worker;
use crate::invoke::call::Deadline;
use crate::invoke::error::CallError;
use crate::invoke::line::Line;
use crate::reason::Reason;

/// All workers, cheap to clone.
#[derive(Clone, Debug)]
pub struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    workers: Mutex<Vec<Arc<Worker>>>,
    /// A place has become free.
    freed: Arc<Notify>,
    line: Line,
    /// No worker will join any more.
    closed: AtomicBool,
}

impl Pool {
    /// Calls for which there is no place wait in `line`.
    pub fn new(line: Line) -> Pool {
        Pool(Arc::new(Shared {
            workers: Mutex::default(),
            freed: Arc::default(),
            line,
            closed: AtomicBool::new(false),
        }))
    }

    /// Told when a place becomes free: for whoever greets a worker.
    pub fn freed(&self) -> Arc<Notify> {
        self.0.freed.clone()
    }

    /// The worker takes calls from now on.
    pub fn join(&self, worker: Arc<Worker>) {
        let places = worker.concurrency() as usize;
        self.workers().push(worker);
        for _ in 0..places.min(self.0.line.waiting()) {
            self.0.freed.notify_one();
        }
    }

    /// The worker gets no more calls.
    pub fn leave(&self, worker: &Arc<Worker>) {
        self.workers().retain(|other| !Arc::ptr_eq(other, worker));
        self.tell_if_over();
    }

    /// No worker will join any more: once those that are there have left, no call waits for one.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Relaxed);
        self.tell_if_over();
    }

    fn is_over(&self) -> bool {
        self.0.closed.load(Ordering::Relaxed) && self.is_empty()
    }

    fn tell_if_over(&self) {
        if self.is_over() {
            self.0.freed.notify_waiters();
        }
    }

    /// Whether any worker is there.
    pub fn is_empty(&self) -> bool {
        self.workers().is_empty()
    }

    /// A place at the worker with the fewest calls, at once or after a wait. A call whose time passes meanwhile never
    /// reaches one.
    pub(super) async fn seat(&self, deadline: Deadline) -> Result<Seat, CallError> {
        if let Some(seat) = self.seat_at_once() {
            return Ok(seat);
        }
        let _waiting = self.0.line.enter()?;
        self.until_free(self.0.line.until(deadline)).await
    }

    /// The same, however many wait already, and until the deadline alone.
    pub(super) async fn wait(&self, deadline: Deadline) -> Result<Seat, CallError> {
        if let Some(seat) = self.seat_at_once() {
            return Ok(seat);
        }
        let _waiting = self.0.line.enter_beyond();
        self.until_free(deadline).await
    }

    /// Nobody overtakes those who wait.
    fn seat_at_once(&self) -> Option<Seat> {
        if self.0.line.waiting() == 0 { self.free_seat() } else { None }
    }

    async fn until_free(&self, until: Deadline) -> Result<Seat, CallError> {
        let free = async {
            loop {
                let freed = self.0.freed.notified();
                let mut freed = std::pin::pin!(freed);
                freed.as_mut().enable();
                if let Some(seat) = self.free_seat() {
                    // One word may have told of several places: who comes next looks, too.
                    self.0.freed.notify_one();
                    return Ok(seat);
                }
                if self.is_over() {
                    return Err(CallError::new(Reason::Handler, "the workers have ended for good"));
                }
                freed.await;
            }
        };
        tokio::select! {
            biased;
            seat = free => seat,
            () = until.passed() => Err(self.too_long()),
        }
    }

    /// Says so at once to a call that would be refused, before anything is done for it.
    pub(super) fn refuse_if_full(&self) -> Result<(), CallError> {
        if self.is_full() { self.0.line.enter().map(drop) } else { Ok(()) }
    }

    /// Whether the next call would be refused.
    pub(super) fn is_full(&self) -> bool {
        self.0.line.is_full() && !self.workers().iter().any(|worker| worker.load().is_some())
    }

    /// The workers of which something holds.
    pub(super) fn all(&self, holds: impl Fn(&Worker) -> bool) -> Vec<Arc<Worker>> {
        self.workers().iter().filter(|worker| holds(worker)).cloned().collect()
    }

    fn free_seat(&self) -> Option<Seat> {
        let workers = self.workers();
        let (_, worker) =
            workers.iter().filter_map(|worker| Some((worker.load()?, worker))).min_by_key(|(load, _)| *load)?;
        worker.enter()
    }

    fn too_long(&self) -> CallError {
        match self.is_empty() {
            true => CallError::new(Reason::Handler, "no worker is up, and the call has waited for as long as it may"),
            false => CallError::new(Reason::QueueTimeout, "the call waited too long for a worker and never ran"),
        }
    }

    fn workers(&self) -> MutexGuard<'_, Vec<Arc<Worker>>> {
        self.0.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
