//! Who may run now: places at the handler, and the queue before them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::Config;
use crate::invoke::{CallError, Deadline, Place};
use crate::metrics::Metrics;
use crate::reason::Reason;

/// The places, first come first served.
#[derive(Debug)]
pub(super) struct Admission {
    /// `None`: places are not counted.
    places: Option<Arc<Semaphore>>,
    limit: usize,
    waiting: AtomicUsize,
    queue_depth: usize,
    queue_timeout: Option<Duration>,
    metrics: Metrics,
}

impl Admission {
    pub(super) fn new(config: &Config, metrics: Metrics) -> Admission {
        let limit = config.max_inflight.unwrap_or(0).min(Semaphore::MAX_PERMITS);
        Admission {
            places: config.max_inflight.map(|_| Arc::new(Semaphore::new(limit))),
            limit,
            waiting: AtomicUsize::new(0),
            queue_depth: config.queue_depth,
            queue_timeout: config.queue_timeout,
            metrics,
        }
    }

    /// A place, at once or after a wait. A call whose time passes while it waits never runs.
    pub(super) async fn enter(&self, deadline: Deadline) -> Result<Place, CallError> {
        let Some(places) = &self.places else { return Ok(Place::default()) };
        if let Ok(permit) = places.clone().try_acquire_owned() {
            return Ok(Place(Some(permit)));
        }
        if self.queue_depth == 0 {
            return Err(CallError::new(Reason::Full, format!("all {} places (max_inflight) are taken", self.limit)));
        }
        let _waiting = self.wait_in_line()?;
        tokio::select! {
            biased;
            permit = places.clone().acquire_owned() => Ok(Place(permit.ok())),
            () = deadline.or_sooner(self.queue_timeout).passed() => {
                Err(CallError::new(Reason::QueueTimeout, "the call waited too long for a place and never ran"))
            }
        }
    }

    /// A place if one is free now.
    pub(super) fn try_enter(&self) -> Option<Place> {
        let permit = |places: &Arc<Semaphore>| places.clone().try_acquire_owned().ok();
        match &self.places {
            None => Some(Place::default()),
            Some(places) => permit(places).map(|permit: OwnedSemaphorePermit| Place(Some(permit))),
        }
    }

    /// Whether the next call would be refused.
    pub(super) fn full(&self) -> bool {
        let taken = self.places.as_ref().is_some_and(|places| places.available_permits() == 0);
        taken && self.waiting.load(Ordering::Relaxed) >= self.queue_depth
    }

    fn wait_in_line(&self) -> Result<Waiting<'_>, CallError> {
        let seat = |waiting| (waiting < self.queue_depth).then_some(waiting + 1);
        if self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, seat).is_err() {
            let message = format!("all {} waiting places (queue_depth) are taken", self.queue_depth);
            return Err(CallError::new(Reason::QueueFull, message));
        }
        self.metrics.queue_entered();
        Ok(Waiting { admission: self, since: Instant::now() })
    }
}

/// A waiting place; given back however the wait ends.
struct Waiting<'a> {
    admission: &'a Admission,
    since: Instant,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.admission.waiting.fetch_sub(1, Ordering::Relaxed);
        self.admission.metrics.queue_left(self.since.elapsed());
    }
}
