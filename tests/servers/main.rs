//! Servers of others behind heeler in http mode, as they are: no word of heeler in them, nothing changed for it.
//!
//! The programs lie beside this file, one folder per language; scripts/servers.sh installs what they need.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests start heeler and its clients from outside, and may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod app;
mod common;
mod events;
mod grpc;
mod protocols;
mod script;
mod server;
mod uploads;
mod websocket;
