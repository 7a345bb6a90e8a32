//! Calls: one way of running the handler each.
//!
//! An [`Invoker`] takes a [`Call`] and gives a [`Reply`], or a [`CallError`] that the front makes a status of. It knows
//! nothing of sockets and limits before it, nor of how its answer is written. A call is given up by dropping its
//! future or its reply's body; whatever still runs for it is then ended.

mod address;
mod body;
mod call;
pub mod chance;
mod config;
mod error;
pub(crate) mod escape;
pub mod files;
pub mod fork;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod hop;
mod line;
mod state;
pub mod upstream;
pub mod warm;

use std::pin::Pin;

pub use body::{Aborted, Pace, ReplyBody, RequestBody};
pub use call::{Call, Deadline, Interim, Place, Reply};
pub use config::{Config, ExitCodes, Mode};
pub use error::CallError;
pub use files::Files;
pub use fork::Fork;
pub use line::Line;
pub use state::{Over, State};
pub use upstream::{Raw, Upgraded, Upstream};
pub use warm::{Question, Seat, Warm};

pub use crate::process::{Backoff, Leaders, Leftovers, Life, Pauses, Restart};

/// A call that is running.
pub type Calling<'a> = Pin<Box<dyn Future<Output = Result<Reply, CallError>> + Send + 'a>>;

/// The ways of running a handler.
pub enum Invoker {
    /// A process per call: streaming, serializing, classic, cgi.
    Fork(Fork),
    /// A warm server behind HTTP: http.
    Upstream(Upstream),
    /// A folder of files: static.
    Files(Files),
    /// Workers that hold the function: warm.
    Warm(Warm),
}

impl Invoker {
    /// A seat at the handler where the mode has a number of them, at once or after a wait; a call whose time passes while
    /// it waits never runs. It waits for its own small body, too. Elsewhere whoever comes has a seat.
    pub async fn seat(&self, body: &mut RequestBody, deadline: Deadline) -> Result<Option<Seat>, CallError> {
        match self {
            Invoker::Warm(warm) => warm.seat(body, deadline).await.map(Some),
            Invoker::Fork(_) | Invoker::Upstream(_) | Invoker::Files(_) => Ok(None),
        }
    }

    /// The same, however long the line is, and for as long as the call has: for calls that came together and are to be
    /// refused together or not at all.
    pub async fn wait(&self, deadline: Deadline) -> Result<Option<Seat>, CallError> {
        match self {
            Invoker::Warm(warm) => warm.wait(deadline).await.map(Some),
            Invoker::Fork(_) | Invoker::Upstream(_) | Invoker::Files(_) => Ok(None),
        }
    }

    /// Whether all seats are taken, and all waiting places before them.
    pub fn is_full(&self) -> bool {
        matches!(self, Invoker::Warm(warm) if warm.is_full())
    }

    /// What the function says of itself; `None` where it has nothing to say.
    pub fn ask(&self, question: Question) -> Option<impl Future<Output = bool> + use<>> {
        match self {
            Invoker::Warm(warm) => warm.ask(question),
            Invoker::Fork(_) | Invoker::Upstream(_) | Invoker::Files(_) => None,
        }
    }

    /// Runs one call. The future is the call: drop it and the call is cancelled.
    pub fn call(&self, call: Call) -> Calling<'_> {
        // Each in a box of its own size, and the call in one: the future of a request would else be as large as the largest
        // of them, several kilobytes that are moved about, whatever the mode.
        let call = Box::new(call);
        match self {
            Invoker::Fork(fork) => Box::pin(fork.call(call)),
            Invoker::Upstream(upstream) => Box::pin(upstream.call(call)),
            Invoker::Files(files) => Box::pin(files.call(call)),
            Invoker::Warm(warm) => Box::pin(warm.call(call)),
        }
    }

    /// Whether the whole of a request's body is held in memory before the handler sees it. `length`: as its head says.
    pub fn holds_body(&self, length: Option<u64>) -> bool {
        match self {
            Invoker::Fork(fork) => fork.holds_bodies(),
            Invoker::Upstream(upstream) => upstream.holds_body(length),
            Invoker::Files(_) | Invoker::Warm(_) => false,
        }
    }

    /// Whether the handler gets the events of a batch one by one, as `warm::put_event` writes them, instead of an array.
    pub fn takes_events_apart(&self) -> bool {
        matches!(self, Invoker::Warm(_))
    }

    /// The methods that are taken, for `Allow`. A handler may know more of them than have a name here.
    pub fn methods(&self) -> &'static str {
        match self {
            Invoker::Fork(_) | Invoker::Upstream(_) | Invoker::Warm(_) => {
                "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
            }
            Invoker::Files(_) => files::METHODS,
        }
    }

    /// Whether answers to HEAD come without a body and with the headers that GET would have; else heeler makes them.
    pub fn answers_heads(&self) -> bool {
        match self {
            Invoker::Fork(_) | Invoker::Warm(_) => false,
            Invoker::Upstream(_) | Invoker::Files(_) => true,
        }
    }

    /// Waits until nothing of any call runs, at the end of a drain.
    pub async fn idle(&self) {
        match self {
            Invoker::Fork(fork) => fork.idle().await,
            // Their calls end with their connections; the server of http mode is ended apart.
            Invoker::Upstream(_) | Invoker::Files(_) | Invoker::Warm(_) => {}
        }
    }
}
