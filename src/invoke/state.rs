//! Where a handler that is kept is between its starts and its ends: one `watch` that calls, probes and `serve` look at.

use tokio::time::Instant;

/// The state of what is kept; `T` is what calls need of it while it is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State<T = ()> {
    /// Started, and not up yet; it was never up.
    Starting,
    /// It takes calls.
    Up(T),
    /// It was up and is not now; it is being started again. Since when: a start after which it serves nobody and soon
    /// dies again ends no time of trouble.
    Down(Instant),
    /// It will not come again.
    Over(Over),
}

/// Since when a handler has been dying without having served.
#[derive(Debug, Default)]
pub(super) struct Trouble(Option<Instant>);

impl Trouble {
    /// A life is over: a good one ends the trouble before it. Gives since when there is trouble now.
    pub(super) fn after(&mut self, good: bool) -> Instant {
        let since = self.0.filter(|_| !good).unwrap_or_else(Instant::now);
        *self.0.insert(since)
    }
}

/// Why a handler will not come again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    /// heeler's exit code.
    pub code: u8,
    /// heeler's last line; empty where it was asked to end.
    pub message: String,
}

impl<T> State<T> {
    /// The state as those see it who make no calls.
    pub fn outline(&self) -> State {
        match self {
            State::Starting => State::Starting,
            State::Up(_) => State::Up(()),
            State::Down(since) => State::Down(*since),
            State::Over(over) => State::Over(over.clone()),
        }
    }
}

impl Over {
    /// It was asked to end.
    pub(super) fn asked() -> Over {
        Over { code: 0, message: String::new() }
    }
}
