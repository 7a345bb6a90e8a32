//! Warm mode as its users meet it: functions in their own languages behind the real binary, over sockets.
#![allow(clippy::disallowed_methods, reason = "tests start programs from outside; the bans are for heeler's own code")]
#![allow(unreachable_pub, reason = "each module uses its own part of the others")]

#[path = "../support/mod.rs"]
mod support;

mod arriving;
mod batches;
mod function;
mod harm;
mod hostile;
mod http;
mod loading;
mod node_events;
mod node_styles;
mod pool;
mod printing;
mod probes;
mod python_apps;
mod python_events;
mod python_styles;
mod raising;
mod streams;
mod waiting;
