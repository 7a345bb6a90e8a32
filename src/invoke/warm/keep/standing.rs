//! How all workers stand together: up while one of them is.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use tokio::sync::watch;

use crate::invoke::state::{Over, State};

/// What the slots tell, and everybody else sees.
#[derive(Debug)]
pub(super) struct Standing {
    states: watch::Sender<State>,
    /// Workers that take calls. It changes under the lock of `states` only.
    up: AtomicUsize,
    was_up: AtomicBool,
}

impl Standing {
    pub(super) fn new() -> Standing {
        Standing {
            states: watch::Sender::new(State::Starting),
            up: AtomicUsize::new(0),
            was_up: AtomicBool::new(false),
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
        self.change(|| self.up.fetch_add(1, Relaxed) + 1);
    }

    /// One less.
    pub(super) fn left(&self) {
        self.change(|| self.up.fetch_sub(1, Relaxed) - 1);
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

    fn change(&self, count: impl FnOnce() -> usize) {
        self.states.send_if_modified(|state| {
            let next = if count() == 0 { State::Down } else { State::Up(()) };
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

    #[test]
    fn up_while_one_is() {
        let standing = Standing::new();
        let states = standing.states();
        let now = || states.borrow().clone();
        assert_eq!((now(), standing.was_up()), (State::Starting, false));
        standing.joined();
        standing.joined();
        standing.left();
        assert_eq!((now(), standing.was_up()), (State::Up(()), true));
        standing.left();
        assert_eq!((now(), standing.was_up()), (State::Down, true));
        standing.joined();
        assert_eq!(now(), State::Up(()));
        let over = |code| Over { code, message: String::new() };
        standing.over(over(3));
        standing.over(over(4));
        standing.left();
        assert_eq!(now(), State::Over(over(3)));
    }
}
