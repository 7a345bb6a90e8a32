//! A warm server behind HTTP: the upstream is started once, kept alive, and calls are passed on to it.

mod config;
mod endpoint;
mod state;
mod upgraded;

pub use config::{Address, Config, Protocol};
pub use endpoint::{Endpoint, Target};
pub use state::{Over, State};
pub use upgraded::Upgraded;
