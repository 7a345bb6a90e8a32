//! A handler that is kept, whichever mode keeps it: what `serve` asks of its keeper.

use std::time::Duration;

use tokio::sync::watch;

use crate::invoke::{State, upstream, warm};
use crate::process::Leaders;

/// A keeper that has not started anything yet.
pub(super) enum Prepared {
    Upstream(Box<upstream::Prepared>),
    Warm(warm::keep::Prepared),
}

/// Keeps the handler until it is told to end it. Dropped, it starts nothing more.
pub(super) enum Keeper {
    Upstream(upstream::Keeper),
    Warm(warm::keep::Keeper),
}

/// Where the handler is, from now on.
pub(super) enum States {
    Upstream(watch::Receiver<upstream::State>),
    Warm(watch::Receiver<State>),
}

impl Prepared {
    /// Starts the handler. Inside a runtime whose threads live as long as heeler.
    pub(super) fn start(self) -> Keeper {
        match self {
            Prepared::Upstream(prepared) => Keeper::Upstream(prepared.start()),
            Prepared::Warm(prepared) => Keeper::Warm(prepared.start()),
        }
    }
}

impl Keeper {
    pub(super) fn states(&self) -> States {
        match self {
            Keeper::Upstream(keeper) => States::Upstream(keeper.states()),
            Keeper::Warm(keeper) => States::Warm(keeper.states()),
        }
    }

    /// Who hears the signals that are meant for the handler.
    pub(super) fn leaders(&self) -> Leaders {
        match self {
            Keeper::Upstream(keeper) => keeper.leaders(),
            Keeper::Warm(keeper) => keeper.leaders(),
        }
    }

    /// Ends the handler and starts it no more; `grace` begins when `hold` is over.
    pub(super) async fn end(self, hold: impl Future<Output = ()>, grace: Duration) {
        match self {
            Keeper::Upstream(keeper) => keeper.end(hold, grace).await,
            Keeper::Warm(keeper) => keeper.end(hold, grace).await,
        }
    }
}

impl States {
    /// The state now; [`States::changed`] resolves when it is another one.
    pub(super) fn now(&mut self) -> State {
        match self {
            States::Upstream(states) => states.borrow_and_update().outline(),
            States::Warm(states) => states.borrow_and_update().clone(),
        }
    }

    /// Resolves when the state has changed; an error when it never will again.
    pub(super) async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        match self {
            States::Upstream(states) => states.changed().await,
            States::Warm(states) => states.changed().await,
        }
    }
}
