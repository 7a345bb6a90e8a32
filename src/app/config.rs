//! What `serve` itself needs to know; filled by `config`.

use std::path::PathBuf;
use std::time::Duration;

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
    /// A handler that is down for longer is no longer healthy.
    pub start_timeout: Duration,
    /// Label of the metrics.
    pub function_name: String,
}
