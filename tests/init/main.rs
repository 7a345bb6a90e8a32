//! `heeler init` through the real binary.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests start heeler itself, look at kernel state until a deadline, and may panic"
)]

mod codes;
mod reaping;
mod signals;
mod support;
mod terminal;
