//! A bounded queue of bytes before one descriptor, and the thread that writes them.
//!
//! The descriptors are shared with whoever started us, so they are never made non-blocking; a blocking write
//! needs a thread of its own. One queue and one thread per stream: a reader that stops reading stdout
//! must not hold up stderr. The thread starts with the first line and inherits the signal mask of its
//! starter; heeler blocks all signals before any thread starts, so none is ever delivered here.

use std::mem;
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::direct::write_all;

/// What may wait to be written: four times what a pipe holds.
pub(super) const ROOM: usize = 256 * 1024;

/// What heeler's own lines may take beyond that, so that a handler that floods its stderr does not silence heeler.
pub(super) const RESERVE: usize = 64 * 1024;

/// After a write the thread lets lines gather for this long and needs no waking: under load that saves a wake
/// for every line, and a lone line after a pause is still written at once.
const GATHER: Duration = Duration::from_millis(1);

/// Gathering ends when this much is there.
const ENOUGH: usize = 32 * 1024;

/// A burst's buffer is given back down to this when the thread goes to sleep.
const KEEP: usize = 8 * 1024;

/// The writer calls write(2) and nothing deep.
const STACK: usize = 64 * 1024;

/// The queue before one descriptor.
pub(super) struct Queue {
    out: Box<dyn AsFd + Send + Sync>,
    /// Permits are bytes. Fair: the line that waits longest goes first.
    room: Semaphore,
    reserve: Semaphore,
    state: Mutex<State>,
    /// The thread waits here for bytes.
    wake: Condvar,
    /// [`Queue::flush`] waits here for the thread.
    done: Condvar,
}

#[derive(Default)]
struct State {
    pending: Batch,
    writer: Writer,
    flushing: bool,
}

/// Bytes, and what to give back when they are written.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    room: usize,
    reserve: usize,
}

#[derive(Default, PartialEq, Eq)]
enum Writer {
    /// Not started yet, or there was no thread to be had.
    #[default]
    Absent,
    /// Sleeps until it is woken.
    Parked,
    /// Looks by itself within [`GATHER`].
    Gathering,
    /// Writes, or was just woken to.
    Busy,
}

impl Queue {
    pub(super) fn new(out: impl AsFd + Send + Sync + 'static) -> Arc<Queue> {
        Arc::new(Queue {
            out: Box::new(out),
            room: Semaphore::new(ROOM),
            reserve: Semaphore::new(RESERVE),
            state: Mutex::default(),
            wake: Condvar::new(),
            done: Condvar::new(),
        })
    }

    /// Queues a line, waiting for room.
    pub(super) async fn write(self: &Arc<Self>, line: &[u8]) {
        let cost = cost(line, ROOM);
        if let Ok(permit) = self.room.acquire_many(cost).await {
            permit.forget();
            self.push(line, cost as usize, 0);
        }
    }

    /// Queues a line if there is room now, else says false.
    pub(super) fn try_write(self: &Arc<Self>, line: &[u8]) -> bool {
        let cost = cost(line, RESERVE);
        if let Ok(permit) = self.room.try_acquire_many(cost) {
            permit.forget();
            self.push(line, cost as usize, 0);
        } else if let Ok(permit) = self.reserve.try_acquire_many(cost) {
            permit.forget();
            self.push(line, 0, cost as usize);
        } else {
            return false;
        }
        true
    }

    /// Waits until all is written, or until `deadline`; says whether it was.
    pub(super) fn flush(&self, deadline: Instant) -> bool {
        let mut state = self.lock();
        state.flushing = true;
        self.wake.notify_one();
        while !state.pending.bytes.is_empty() || state.writer == Writer::Busy {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.done.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.flushing = false;
        state.pending.bytes.is_empty() && state.writer != Writer::Busy
    }

    fn push(self: &Arc<Self>, line: &[u8], room: usize, reserve: usize) {
        let mut state = self.lock();
        state.pending.bytes.extend_from_slice(line);
        state.pending.room += room;
        state.pending.reserve += reserve;
        match state.writer {
            Writer::Absent => return self.start_writer(state),
            Writer::Parked => {}
            Writer::Gathering if state.pending.bytes.len() >= ENOUGH => {}
            Writer::Gathering | Writer::Busy => return,
        }
        state.writer = Writer::Busy;
        drop(state);
        self.wake.notify_one();
    }

    #[cold]
    fn start_writer(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        let queue = Arc::clone(self);
        let thread = std::thread::Builder::new().name("log".to_owned()).stack_size(STACK);
        if thread.spawn(move || queue.run()).is_ok() {
            state.writer = Writer::Busy;
            return;
        }
        // No thread to be had now: a line that blocks is better than a line that is lost. The next line tries again.
        let mut batch = mem::take(&mut state.pending);
        drop(state);
        self.write_out(&mut batch);
    }

    fn run(&self) {
        let mut batch = Batch::default();
        self.park_until_bytes(self.lock(), &mut batch);
        loop {
            self.write_out(&mut batch);
            let state = self.gather();
            self.park_until_bytes(state, &mut batch);
        }
    }

    /// Errors are not told: there is nowhere to tell them. With the reader gone the bytes are dropped,
    /// so that a handler never hangs on its log.
    fn write_out(&self, batch: &mut Batch) {
        let _ = write_all(self.out.as_fd(), &batch.bytes);
        batch.bytes.clear();
        self.room.add_permits(mem::take(&mut batch.room));
        self.reserve.add_permits(mem::take(&mut batch.reserve));
    }

    fn gather(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        if state.flushing || state.pending.bytes.len() >= ENOUGH {
            return state;
        }
        state.writer = Writer::Gathering;
        self.wake.wait_timeout(state, GATHER).unwrap_or_else(PoisonError::into_inner).0
    }

    fn park_until_bytes(&self, mut state: MutexGuard<'_, State>, batch: &mut Batch) {
        while state.pending.bytes.is_empty() {
            batch.bytes.shrink_to(KEEP);
            state.pending.bytes.shrink_to(KEEP);
            state.writer = Writer::Parked;
            if state.flushing {
                self.done.notify_all();
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.writer = Writer::Busy;
        mem::swap(&mut state.pending, batch);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under this lock but an allocation.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Permits for a line; one that is larger than the whole room takes all of it.
fn cost(line: &[u8], most: usize) -> u32 {
    u32::try_from(line.len().min(most)).unwrap_or(u32::MAX)
}
