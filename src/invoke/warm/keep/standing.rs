//! How all workers stand together: up while one of them is.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::invoke::state::{Over, State, Trouble};

/// What the slots tell, and everybody else sees.
#[derive(Debug)]
pub(super) struct Standing {
    states: watch::Sender<State>,
    /// Workers that take calls. It changes under the lock of `states` only.
    up: AtomicUsize,
    was_up: AtomicBool,
    trouble: Mutex<Trouble>,
}

impl Standing {
    pub(super) fn new() -> Standing {
        Standing {
            states: watch::Sender::new(State::Starting),
            up: AtomicUsize::new(0),
            was_up: AtomicBool::new(false),
            trouble: Mutex::default(),
        }
    }

    pub(super) fn states(&self) -> watch::Receiver<State> {
        self.states.subscribe()
    }

    /// Whether any worker ever was up: only then a death is worth another start.
    pub(super) fn was_up(&self) -> bool {
        self.was_up.load(Relaxed)
    }

    /// One more takes calls.
    pub(super) fn joined(&self) {
        self.was_up.store(true, Relaxed);
        self.change(Instant::now(), || self.up.fetch_add(1, Relaxed) + 1);
    }

    /// One less; `good` if its life was none that failed.
    pub(super) fn left(&self, good: bool) {
        let since = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).after(good);
        self.change(since, || self.up.fetch_sub(1, Relaxed) - 1);
    }

    /// Whether there will be no more.
    pub(super) fn is_over(&self) -> bool {
        matches!(*self.states.borrow(), State::Over(_))
    }

    /// There will be no more. The first reason is the one that is told.
    pub(super) fn over(&self, over: Over) {
        self.states.send_if_modified(|state| {
            let news = !matches!(state, State::Over(_));
            if news {
                *state = State::Over(over);
            }
            news
        });
    }

    fn change(&self, since: Instant, count: impl FnOnce() -> usize) {
        self.states.send_if_modified(|state| {
            let next = if count() == 0 { State::Down(since) } else { State::Up(()) };
            let news = !matches!(state, State::Over(_)) && *state != next;
            if news {
                *state = next;
            }
            news
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn up_while_one_is() {
        let standing = Standing::new();
        let states = standing.states();
        let now = || states.borrow().clone();
        assert_eq!((now(), standing.was_up()), (State::Starting, false));
        standing.joined();
        standing.joined();
        standing.left(true);
        assert_eq!((now(), standing.was_up()), (State::Up(()), true));
        standing.left(true);
        assert_eq!(now(), State::Down(Instant::now()));
        standing.joined();
        assert_eq!(now(), State::Up(()));
        let over = |code| Over { code, message: String::new() };
        standing.over(over(3));
        standing.over(over(4));
        standing.left(true);
        assert_eq!(now(), State::Over(over(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_life_that_failed_ends_no_trouble() {
        let standing = Standing::new();
        let down = |good| {
            standing.joined();
            standing.left(good);
            standing.states().borrow().clone()
        };
        let began = Instant::now();
        assert_eq!(down(true), State::Down(began));
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        assert_eq!(down(false), State::Down(began));
        assert_eq!(down(true), State::Down(Instant::now()));
    }
}
