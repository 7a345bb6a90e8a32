//! The workers that may have calls, and the calls that wait for a place at one.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::seat::Seat;
use super::worker::Worker;
use crate::invoke::call::Deadline;
use crate::invoke::error::CallError;
use crate::metrics::Metrics;
use crate::reason::Reason;

/// All workers, cheap to clone.
#[derive(Clone, Debug)]
pub struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    workers: Mutex<Vec<Arc<Worker>>>,
    /// A place has become free.
    freed: Arc<Notify>,
    waiting: AtomicUsize,
    depth: usize,
    timeout: Option<Duration>,
    metrics: Metrics,
    /// No worker will join any more.
    closed: AtomicBool,
}

impl Pool {
    /// `depth` calls may wait, each for `timeout` at the most.
    pub fn new(depth: usize, timeout: Option<Duration>, metrics: Metrics) -> Pool {
        Pool(Arc::new(Shared {
            workers: Mutex::default(),
            freed: Arc::default(),
            waiting: AtomicUsize::new(0),
            depth,
            timeout,
            metrics,
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
        for _ in 0..places.min(self.0.waiting.load(Ordering::Relaxed)) {
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
        // Nobody overtakes those who wait.
        if self.0.waiting.load(Ordering::Relaxed) == 0
            && let Some(seat) = self.free_seat()
        {
            return Ok(seat);
        }
        let _waiting = self.wait_in_line()?;
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
            () = deadline.or_sooner(self.0.timeout).passed() => Err(self.too_long()),
        }
    }

    fn free_seat(&self) -> Option<Seat> {
        let workers = self.workers();
        let (_, worker) =
            workers.iter().filter_map(|worker| Some((worker.load()?, worker))).min_by_key(|(load, _)| *load)?;
        worker.enter()
    }

    fn wait_in_line(&self) -> Result<Waiting<'_>, CallError> {
        let seat = |waiting| (waiting < self.0.depth).then_some(waiting + 1);
        match self.0.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, seat) {
            Ok(_) => {
                self.0.metrics.queue_entered();
                Ok(Waiting { pool: &self.0, since: Instant::now() })
            }
            Err(_) => {
                let text =
                    format!("no worker has a place, and all {} waiting places (queue_depth) are taken", self.0.depth);
                Err(CallError::new(Reason::QueueFull, text))
            }
        }
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

/// A waiting place; given back however the wait ends.
struct Waiting<'a> {
    pool: &'a Shared,
    since: Instant,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.pool.waiting.fetch_sub(1, Ordering::Relaxed);
        self.pool.metrics.queue_left(self.since.elapsed());
    }
}
