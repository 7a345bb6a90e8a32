//! How long a connection may stay as it is: the timers that hyper lacks.
//!
//! The socket and the calls note what happens; the connection's task asks when the next limit is reached. Nothing is
//! armed for each request: one timer per connection wakes, and usually finds that things have moved on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// At drain, connections without a request are closed this long after the listener: a client that has just been
/// answered may be about to send.
const IDLE_AT_DRAIN: Duration = Duration::from_millis(300);

/// The limits; `None` is off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) idle: Option<Duration>,
    pub(super) head: Option<Duration>,
    pub(super) write: Option<Duration>,
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    /// No request began.
    Idle,
    /// A request's head began and did not end.
    Head,
    /// The client does not read.
    Write,
}

#[derive(Debug)]
pub(super) struct Clock {
    limits: Limits,
    state: Mutex<State>,
    changed: Notify,
    /// The connection is being polled, and looks at its limits behind that.
    polled: AtomicBool,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Answers that are not out yet, and requests that are still being read.
    calls: usize,
    /// Of those, requests that are still being read.
    bodies: usize,
    /// Bytes of a next request came while a call was going on.
    ahead: bool,
    /// Since when a write has been waiting.
    stalled: Option<Instant>,
    /// Since when the listener is closed.
    draining: Option<Instant>,
    /// HTTP/2 frames say nothing about where a head begins; its own codec bounds those.
    http2: bool,
}

impl State {
    fn touch(&mut self) {
        if let Phase::Idle(since) = &mut self.phase {
            *since = Instant::now();
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Idle(Instant),
    /// Its time begins when somebody asks for the limit: most heads are whole before that, and no clock is read for them.
    Begun,
    Head(Instant),
    Busy,
}

impl Clock {
    pub(super) fn new(limits: Limits) -> Clock {
        let phase = Phase::Idle(Instant::now());
        let state = State { phase, calls: 0, bodies: 0, ahead: false, stalled: None, draining: None, http2: false };
        Clock { limits, state: Mutex::new(state), changed: Notify::new(), polled: AtomicBool::new(false) }
    }

    /// Polls the connection. What changes meanwhile is seen behind it, and needs to wake nobody.
    pub(super) fn polling<T>(&self, poll: impl FnOnce() -> T) -> T {
        self.polled.store(true, Ordering::Relaxed);
        let polled = poll();
        self.polled.store(false, Ordering::Relaxed);
        polled
    }

    /// Bytes came in: the first ones of a request, if none is going on.
    pub(super) fn read(&self) {
        let mut state = self.state();
        match state.phase {
            _ if state.http2 => {}
            Phase::Idle(_) => state.phase = Phase::Begun,
            Phase::Busy => state.ahead |= state.bodies == 0,
            Phase::Begun | Phase::Head(_) => {}
        }
    }

    /// The connection speaks HTTP/2 from here on.
    pub(super) fn http2(&self) {
        let mut state = self.state();
        state.http2 = true;
        state.phase = Phase::Idle(Instant::now());
    }

    /// A head is complete.
    pub(super) fn call_started(&self) {
        let mut state = self.state();
        state.calls += 1;
        state.phase = Phase::Busy;
        state.ahead = false;
    }

    /// An answer is with the socket, or given up.
    pub(super) fn call_ended(&self) {
        let mut state = self.state();
        state.calls -= 1;
        if state.calls == 0 {
            state.phase = if std::mem::take(&mut state.ahead) { Phase::Begun } else { Phase::Idle(Instant::now()) };
        }
        drop(state);
        // HTTP/2 calls end in tasks of their own, and the connection's is asleep. If it is not, it takes the lock after
        // the store of false, so whoever had the lock before it and still reads true is seen by it.
        if !self.polled.load(Ordering::Relaxed) {
            self.changed.notify_one();
        }
    }

    /// A request's body is being read: its bytes begin no next request.
    pub(super) fn body_started(&self) {
        self.call_started();
        self.state().bodies += 1;
    }

    /// It is at its end, or given up.
    pub(super) fn body_ended(&self) {
        self.state().bodies -= 1;
        self.call_ended();
    }

    /// Resolves when a call has ended.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// A write could go on (`None`) or has to wait.
    pub(super) fn write_waits(&self, waits: bool) {
        let mut state = self.state();
        match (waits, state.stalled) {
            (false, None) => {}
            (false, Some(_)) => {
                state.stalled = None;
                // Idleness begins when the last byte is with the kernel.
                state.touch();
            }
            (true, None) => state.stalled = Some(Instant::now()),
            (true, Some(_)) => {}
        }
    }

    /// Idleness begins anew.
    pub(super) fn touch(&self) {
        self.state().touch();
    }

    /// The listener is closed, or this connection is to end.
    pub(super) fn drain(&self) {
        self.state().draining.get_or_insert_with(Instant::now);
    }

    /// Whether a call is going on.
    pub(super) fn busy(&self) -> bool {
        matches!(self.state().phase, Phase::Busy)
    }

    /// The next limit and when it is reached, if nothing happens before.
    pub(super) fn next(&self) -> Option<(Instant, Expired)> {
        let mut state = self.state();
        if let Some(since) = state.stalled {
            // Something is still to be written, whatever the calls are doing.
            return at(since, self.limits.write, Expired::Write);
        }
        if let Phase::Begun = state.phase {
            state.phase = Phase::Head(Instant::now());
        }
        match state.phase {
            Phase::Idle(since) => {
                let drained = state.draining.map(|closed| since.max(closed) + IDLE_AT_DRAIN);
                let idle = self.limits.idle.and_then(|limit| since.checked_add(limit));
                drained.into_iter().chain(idle).min().map(|at| (at, Expired::Idle))
            }
            Phase::Head(since) => at(since, self.limits.head, Expired::Head),
            Phase::Begun | Phase::Busy => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn at(since: Instant, limit: Option<Duration>, expired: Expired) -> Option<(Instant, Expired)> {
    Some((since.checked_add(limit?)?, expired))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn clock() -> (Clock, Instant) {
        let limits = Limits { idle: Some(SECOND * 120), head: Some(SECOND * 30), write: Some(SECOND * 20) };
        (Clock::new(limits), Instant::now())
    }

    fn next(clock: &Clock, start: Instant) -> Option<(u128, Expired)> {
        clock.next().map(|(at, expired)| ((at - start).as_millis(), expired))
    }

    #[tokio::test(start_paused = true)]
    async fn limits_follow_the_phase() {
        let (clock, start) = clock();
        assert_eq!(next(&clock, start), Some((120_000, Expired::Idle)));
        tokio::time::advance(SECOND).await;
        clock.read();
        clock.read();
        assert_eq!(next(&clock, start), Some((31_000, Expired::Head)));
        clock.call_started();
        assert_eq!(next(&clock, start), None);
        clock.write_waits(true);
        assert_eq!(next(&clock, start), Some((21_000, Expired::Write)));
        clock.write_waits(false);
        clock.call_ended();
        assert_eq!(next(&clock, start), Some((121_000, Expired::Idle)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_shortens_idleness_only() {
        let (clock, start) = clock();
        clock.call_started();
        clock.drain();
        assert_eq!(next(&clock, start), None);
        tokio::time::advance(SECOND).await;
        clock.call_ended();
        assert_eq!(next(&clock, start), Some((1_300, Expired::Idle)));
        clock.read();
        assert_eq!(next(&clock, start), Some((31_000, Expired::Head)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_read_off_is_no_next_request() {
        let (clock, start) = clock();
        clock.call_started();
        clock.body_started();
        clock.call_ended();
        clock.read();
        assert_eq!(next(&clock, start), None);
        clock.body_ended();
        assert_eq!(next(&clock, start), Some((120_000, Expired::Idle)));
        clock.call_started();
        clock.read();
        clock.call_ended();
        assert_eq!(next(&clock, start), Some((30_000, Expired::Head)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_written_is_not_idle() {
        let (clock, start) = clock();
        clock.call_started();
        clock.write_waits(true);
        clock.call_ended();
        clock.drain();
        assert_eq!(next(&clock, start), Some((20_000, Expired::Write)));
        tokio::time::advance(SECOND).await;
        clock.write_waits(false);
        assert_eq!(next(&clock, start), Some((1_300, Expired::Idle)));
    }

    #[tokio::test(start_paused = true)]
    async fn http2_frames_begin_no_head() {
        let (clock, start) = clock();
        clock.http2();
        clock.read();
        assert_eq!(next(&clock, start), Some((120_000, Expired::Idle)));
    }
}
