//! heeler: a small static PID 1 that turns any program into an HTTP function.
//!
//! The map, in the order a call meets it:
//!
//! | module | what it is |
//! | --- | --- |
//! | [`cli`] | arguments → which command |
//! | [`client`] | `heeler invoke` and `heeler health`: calls to a running function |
//! | [`config`] | the one table of settings; fills every module's own `Config` |
//! | [`app`] | `serve`: builds the parts, runs them, drains them in order |
//! | [`front`] | accepts: sockets, routes, admission, statuses |
//! | [`invoke`] | calls: one mode of running the handler each |
//! | [`process`] | lives and dies: spawn, reap, end a tree |
//! | [`init`] | `heeler init`, the plain init |
//! | [`event`] | CloudEvents: headers and bytes in, values out; a leaf as the next ones are |
//! | [`health`], [`metrics`], [`log`], [`reason`], [`duration`], [`program`], `task` | leaves that everybody may use |
//!
//! Imports go down this table and never up; `tests/tidy.rs` holds that.
//! Unsafe code is denied but for the modules that allow it by name: `process::spawn`, `process::sys`,
//! `process::inherited` and `fd`.
#![deny(unsafe_code)]

pub mod allocator;
pub mod app;
pub mod cli;
pub mod client;
pub mod config;
pub mod duration;
pub mod event;
mod fd;
pub mod front;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
pub mod health;
pub mod init;
#[cfg(any(test, fuzzing))]
mod input;
pub mod invoke;
pub mod log;
pub mod metrics;
pub mod process;
pub mod program;
pub mod reason;
mod task;
