//! Where the upstream is between its starts and its ends: one `watch` that calls, probes and `serve` look at.

use std::sync::Arc;

use tokio::time::Instant;

use super::endpoint::Endpoint;

/// The upstream's state.
#[derive(Clone, Debug)]
pub enum State {
    /// Started, and does not accept yet; it was never up.
    Starting,
    /// It accepts (and said so at `ready_path`, if that is set).
    Up(Arc<Endpoint>),
    /// It was up and is not now; it is being started again. Since when: a start after which it serves nobody and soon
    /// dies again ends no time of trouble.
    Down(Instant),
    /// It will not come again.
    Over(Over),
}

/// Why the upstream will not come again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    /// heeler's exit code.
    pub code: u8,
    /// heeler's last line; empty where it was asked to end.
    pub message: String,
}
