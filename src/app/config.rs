//! What `serve` itself needs to know; filled by `config`.

use std::path::PathBuf;
use std::time::Duration;

/// What happens when a long-lived handler dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// It is started again.
    Always,
    /// The container ends with the handler's code.
    Never,
}

/// Settings of the instance as a whole.
#[derive(Clone, Debug)]
pub struct Config {
    /// Runtime threads; 1 is the current-thread runtime.
    pub threads: usize,
    /// Between TERM and closing the listener.
    pub shutdown_delay: Duration,
    /// In-flight calls may take this long after that; `None` is unlimited.
    pub drain_timeout: Option<Duration>,
    /// Pid and address are written here when ready; `None` is off.
    pub lock_file: Option<PathBuf>,
    /// The handler must come up within this.
    pub start_timeout: Duration,
    /// What happens when a long-lived handler dies.
    pub restart: Restart,
    /// Label of the metrics.
    pub function_name: String,
}
