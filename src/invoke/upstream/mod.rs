//! A warm server behind HTTP: the upstream is started once, kept alive, and calls are passed on to it.
//!
//! `pass` takes a call to the upstream: over `http1`'s parts (`request`, `upload`, `exchange`, `head`, `decode`,
//! `answer`, with connections from the `pool`) or over `http2`. An `endpoint` is one start of the upstream; the
//! state tells which one is up.

mod answer;
mod config;
mod connect;
mod connection;
mod decode;
mod endpoint;
mod exchange;
pub mod forward;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzed;
mod head;
mod http1;
mod http2;
mod http2_call;
mod keep;
mod names;
mod outbound;
mod pass;
mod patience;
mod pool;
pub mod request;
mod sender;
mod single;
mod stream;
mod upgraded;
mod upload;
mod wait;

use std::sync::Arc;

use tokio::sync::watch;

pub use answer::Answer;
pub use config::{Address, Config, Protocol};
pub use endpoint::{Endpoint, Target};
pub use keep::{Keeper, Parts, Prepared};
pub use sender::Sender;
pub use single::{Lost, Single};
pub use upgraded::{Raw, Upgraded};

use super::call::{Call, Deadline, Reply};
use super::error::CallError;
use pass::Running;

/// Where the server is.
pub type State = super::State<Arc<Endpoint>>;

/// Passes calls on to a warm server.
#[derive(Clone, Debug)]
pub struct Upstream(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: Config,
    states: watch::Receiver<State>,
}

impl Upstream {
    /// `states` tells where the server is, and whether it is up.
    pub fn new(config: Config, states: watch::Receiver<State>) -> Upstream {
        Upstream(Arc::new(Shared { config, states }))
    }

    /// Runs one call up to the head of its answer.
    pub(super) fn call(&self, call: Box<Call>) -> impl Future<Output = Result<Reply, CallError>> {
        let (deadline, running) = (call.deadline, Running::default());
        async move {
            tokio::select! {
                biased;
                reply = pass::call(&self.0, call, &running) => reply,
                () = deadline.passed() => Err(self.late(&running, deadline)),
            }
        }
    }

    /// 504 says that the call ran, 503 that it never did.
    fn late(&self, running: &Running, deadline: Deadline) -> CallError {
        let Some(endpoint) = running.endpoint() else { return wait::down(&self.0) };
        if self.0.config.kill_on_timeout && !deadline.is_shortened() && running.is_sent() {
            endpoint.condemn();
        }
        match running.is_connected() {
            true => CallError::timeout(),
            false => wait::not_taken(&endpoint),
        }
    }

    /// A body whose length is known is passed on as it comes.
    pub(super) fn holds_body(&self, length: Option<u64>) -> bool {
        self.0.config.buffer_body && length.is_none()
    }
}
