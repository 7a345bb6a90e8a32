//! Clients and handlers that mean harm: raw bytes and frames on real sockets, against the real binary. After each of them
//! somebody else's call is answered.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::disallowed_methods, reason = "tests start programs from outside; the bans are for heeler's own code")]
#![allow(clippy::disallowed_types, reason = "as for the methods")]
#![allow(unreachable_pub, reason = "each module uses its own part of the others")]

#[path = "../support/mod.rs"]
mod support;

mod cases;
mod frames;
mod h2_floods;
mod h2_frames;
mod h2_heads;
mod h2_play;
mod manners;
mod raw;
mod slowhttptest;
mod splitting;
mod witness;
