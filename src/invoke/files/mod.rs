//! Static mode: a folder, no handler process.

mod config;

pub use config::Config;
