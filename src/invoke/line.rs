//! The waiting line before a handler: so many places, each for so long, both told in metrics.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::call::Deadline;
use super::error::CallError;
use crate::metrics::Metrics;
use crate::reason::Reason;

/// Calls that wait for a place at the handler.
#[derive(Debug)]
pub struct Line {
    waiting: AtomicUsize,
    depth: usize,
    timeout: Option<Duration>,
    metrics: Metrics,
}

impl Line {
    /// `depth` calls may wait, each for `timeout` at the most.
    pub fn new(depth: usize, timeout: Option<Duration>, metrics: Metrics) -> Line {
        Line { waiting: AtomicUsize::new(0), depth, timeout, metrics }
    }

    /// Calls that may wait.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Calls that wait now.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether the next call would be refused.
    pub fn is_full(&self) -> bool {
        self.waiting() >= self.depth
    }

    /// Takes a waiting place, or refuses the call.
    pub fn enter(&self) -> Result<Waiting<'_>, CallError> {
        let place = |waiting| (waiting < self.depth).then_some(waiting + 1);
        if self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, place).is_err() {
            let message = format!("all {} waiting places (queue_depth) are taken", self.depth);
            return Err(CallError::new(Reason::QueueFull, message));
        }
        Ok(self.entered())
    }

    /// Waits in it beyond its depth.
    pub fn enter_beyond(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.entered()
    }

    fn entered(&self) -> Waiting<'_> {
        self.metrics.queue_entered();
        Waiting { line: self, since: Instant::now() }
    }

    /// Until when a call of that deadline may wait.
    #[must_use]
    pub fn until(&self, deadline: Deadline) -> Deadline {
        deadline.or_sooner(Instant::now(), self.timeout)
    }
}

/// A waiting place; given back however the wait ends.
#[derive(Debug)]
pub struct Waiting<'a> {
    line: &'a Line,
    since: Instant,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.line.waiting.fetch_sub(1, Ordering::Relaxed);
        self.line.metrics.queue_left(self.since.elapsed());
    }
}
