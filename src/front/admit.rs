//! Who may run now: places at the handler, and the queue before them.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Config;
use crate::invoke::{CallError, Deadline, Line, Place};
use crate::metrics::Metrics;
use crate::reason::Reason;

/// The places, first come first served.
#[derive(Debug)]
pub(super) struct Admission {
    /// `None`: places are not counted.
    places: Option<Arc<Semaphore>>,
    limit: usize,
    line: Line,
}

impl Admission {
    pub(super) fn new(config: &Config, metrics: Metrics) -> Admission {
        let limit = config.max_inflight.unwrap_or(0).min(Semaphore::MAX_PERMITS);
        Admission {
            places: config.max_inflight.map(|_| Arc::new(Semaphore::new(limit))),
            limit,
            line: Line::new(config.queue_depth, config.queue_timeout, metrics),
        }
    }

    /// A place, at once or after a wait. A call whose time passes while it waits never runs.
    pub(super) async fn enter(&self, deadline: Deadline) -> Result<Place, CallError> {
        let Some(places) = &self.places else { return Ok(Place::default()) };
        if let Ok(permit) = places.clone().try_acquire_owned() {
            return Ok(Place(Some(permit)));
        }
        if self.line.depth() == 0 {
            return Err(CallError::new(Reason::Full, format!("all {} places (max_inflight) are taken", self.limit)));
        }
        let _waiting = self.line.enter()?;
        tokio::select! {
            biased;
            permit = places.clone().acquire_owned() => Ok(Place(permit.ok())),
            () = self.line.until(deadline).passed() => {
                Err(CallError::new(Reason::QueueTimeout, "the call waited too long for a place and never ran"))
            }
        }
    }

    /// A place, however long the wait: for calls that came together and are to be refused together or not at all.
    pub(super) async fn wait(&self, deadline: Deadline) -> Result<Place, CallError> {
        let Some(places) = &self.places else { return Ok(Place::default()) };
        tokio::select! {
            biased;
            permit = places.clone().acquire_owned() => Ok(Place(permit.ok())),
            () = deadline.passed() => {
                Err(CallError::new(Reason::QueueTimeout, "the event waited too long for a place and never ran"))
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
        taken && self.line.is_full()
    }
}
