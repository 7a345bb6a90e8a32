//! Workers, counted by what they are at.

use super::Metrics;

/// Where a worker is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerState {
    /// Its process runs, and it has not said hello.
    Starting,
    /// It takes calls.
    Up,
    /// It takes no more calls.
    Leaving,
}

impl WorkerState {
    pub(super) const ALL: [WorkerState; 3] = [WorkerState::Starting, WorkerState::Up, WorkerState::Leaving];

    pub(super) const fn word(self) -> &'static str {
        match self {
            WorkerState::Starting => "starting",
            WorkerState::Up => "up",
            WorkerState::Leaving => "leaving",
        }
    }
}

/// One worker in `heeler_workers`, for as long as this is there.
#[derive(Debug)]
pub struct WorkerCount {
    metrics: Metrics,
    state: WorkerState,
}

impl Metrics {
    /// A worker's process was started.
    pub fn worker(&self) -> WorkerCount {
        let count = WorkerCount { metrics: self.clone(), state: WorkerState::Starting };
        count.add(1);
        count
    }
}

impl WorkerCount {
    /// The worker is at something else now.
    pub fn enter(&mut self, state: WorkerState) {
        self.add(-1);
        self.state = state;
        self.add(1);
    }

    fn add(&self, number: i64) {
        self.metrics.0.workers.get_or_create(&[("state", self.state.word())]).inc_by(number);
    }
}

impl Drop for WorkerCount {
    fn drop(&mut self) {
        self.add(-1);
    }
}
