//! Lives and dies: starting processes, collecting them, ending a tree. The only folder that starts processes.
//!
//! heeler has one reaper and one way to begin a process. The standard library's and tokio's are banned (clippy.toml):
//! a second waiter loses statuses. What this folder does not do: it knows nothing of calls, HTTP or modes.

mod all;
mod children;
pub mod inherited;
mod leaders;
mod marks;
pub mod output;
pub mod pipe;
pub(crate) mod plain;
mod reaper;
mod restart;
mod service;
mod signals;
mod spawn;
mod spec;
mod stat;
mod sys;
mod tree;

pub use leaders::Leaders;
pub use reaper::Processes;
pub use restart::{Backoff, GOOD_LIFE, Life, Pauses, Restart};
pub use service::{Inherits, Service};
pub use signals::Signals;
pub use spawn::{SOCKET, SpawnError};
pub use spec::{Leftovers, NulByte, Program, Stdio, variable};
pub use stat::{is_ending, is_runnable, processor_time};
pub use sys::{Exit, Status, kill};
pub use tree::{Child, Tree};
