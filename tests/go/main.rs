//! Functions in Go, compiled by heeler-go-build and called through heeler.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests start programs from outside; the bans are for heeler's own code"
)]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(unreachable_pub, reason = "each module uses its own part of the others")]

mod beside;
mod building;
mod calls;
mod function;
mod shapes;
mod streams;
#[path = "../support/mod.rs"]
mod support;
