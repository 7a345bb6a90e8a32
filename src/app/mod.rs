//! `serve`: builds the parts, runs them, and drains them in order. And what looks at an instance from outside: `check`
//! and `health`.

mod check;
mod config;
mod doors;
mod drain;
mod handler;
mod kept;
mod phase;
mod signals;
mod start;

pub use check::check;
pub use config::Config;
pub use start::serve;
