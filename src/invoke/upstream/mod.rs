//! A warm server behind HTTP: the upstream is started once, kept alive, and calls are passed on to it.

mod config;
mod connect;
mod endpoint;
mod keep;
mod names;
mod state;
mod stream;
mod upgraded;

use std::sync::Arc;

use tokio::sync::watch;

pub use config::{Address, Config, Protocol};
pub use endpoint::{Endpoint, Target};
pub use keep::{Keeper, Leader, Parts, Prepared};
pub use state::{Over, State};
pub use upgraded::Upgraded;

use super::call::{Call, Reply};
use super::error::CallError;
use crate::reason::Reason;

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

    /// Runs one call.
    pub(super) async fn call(&self, _call: Call) -> Result<Reply, CallError> {
        let _ = (&self.0.config, &self.0.states);
        Err(CallError::new(Reason::Internal, "http mode is not built yet"))
    }

    pub(super) fn holds_bodies(&self) -> bool {
        self.0.config.buffer_body
    }
}
