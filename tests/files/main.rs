//! Static mode, through the real binary over sockets: what is served, what is not, and how much of it.
#![allow(unreachable_pub, reason = "each module uses its own part of the others")]

#[path = "../support/mod.rs"]
mod support;

mod conditions;
mod listing;
mod methods;
mod paths;
mod ranges;
mod sending;
mod site;
