//! Calls: one way of running the handler each.

mod config;

pub use crate::process::Leftovers;
pub use config::{Config, ExitCodes, Mode};
