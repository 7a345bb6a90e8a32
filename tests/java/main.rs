//! Functions in Java behind the real binary, in every style, and beside the real invoker of the functions framework.
#![allow(clippy::disallowed_methods, reason = "tests start programs from outside; the bans are for heeler's own code")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../support/mod.rs"]
mod support;

mod beside;
mod http;
mod styles;
mod worker;
