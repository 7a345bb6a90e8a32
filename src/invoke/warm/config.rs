//! What warm mode needs to know; filled by `config`.

use std::time::Duration;

/// Settings of warm mode.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Calls that may wait for a worker.
    pub queue_depth: usize,
    /// How long each of them may.
    pub queue_timeout: Option<Duration>,
}
