//! `serve`: builds the parts, runs them, and drains them in order.

mod config;

pub use config::{Config, Restart};
