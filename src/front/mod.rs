//! Accepts: sockets, routes, admission, statuses.

mod config;

pub use config::{Address, Bind, Config, MetricsPort};
