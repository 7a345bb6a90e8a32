//! `serve`: builds the parts, runs them, and drains them in order. And what looks at an instance
//! from outside: `check` and `health`.

mod check;
mod config;
mod health_probe;

use std::process::ExitCode;

pub use check::check;
pub use config::{Config, Restart};
pub use health_probe::{Unhealthy, probe};

use crate::config::Settings;

/// Serves until a signal ends it.
pub fn serve(_settings: Settings) -> ExitCode {
    ExitCode::FAILURE
}
