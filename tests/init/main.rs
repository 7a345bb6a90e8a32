//! `heeler init` through the real binary.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests start heeler itself, look at kernel state until a deadline, and may panic"
)]

mod codes;
#[allow(unreachable_pub, reason = "other tests use it from a folder")]
#[path = "../support/dispositions.rs"]
mod dispositions;
mod reaping;
mod signals;
#[allow(dead_code, unreachable_pub, reason = "one of its two functions is used here")]
#[path = "../support/skip.rs"]
mod skip;
mod support;
mod terminal;
