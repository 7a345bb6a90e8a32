//! What deploy/ says of heeler is true of heeler, and a cluster would take it.
//!
//! The first half needs nothing but this repository. The second asks the platforms' own code and Prometheus' own tool, which
//! scripts/servers.sh installs.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests start heeler and other programs from outside, and may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod admitted;
mod agree;
mod builds;
mod files;
mod kustomized;
mod names;
mod queries;
mod scraped;
mod served;
mod watched;
