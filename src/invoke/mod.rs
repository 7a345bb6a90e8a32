//! Calls: one way of running the handler each.

mod config;

pub use config::{Config, ExitCodes, Leftovers, Mode};
