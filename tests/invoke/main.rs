//! `heeler invoke` through the real binary: against heeler itself, and against a peer that sees every byte.
#![allow(unreachable_pub, reason = "each module uses its own part of the others")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests start heeler themselves, and may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod calls;
mod events;
mod failures;
mod returned;
mod run;
