//! CloudEvents on their way through heeler, in every mode: how they arrive, what is refused, and what is answered.
#![allow(clippy::disallowed_methods, reason = "tests start programs from outside; the bans are for heeler's own code")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(unreachable_pub, dead_code, reason = "each module uses its own part of the others")]

#[path = "../warm/function.rs"]
mod function;
#[path = "../support/mod.rs"]
mod support;

mod arriving;
mod event;
mod failing;
mod hard;
mod outputs;
mod taker;

mod redelivery;
mod refused;
mod replies;
mod sink;
mod sink_again;
mod sink_many;
mod sink_settings;
mod workers;
