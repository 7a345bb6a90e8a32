//! The upstream's side of a connection that became something else than HTTP (101).

/// A raw stream of bytes both ways.
#[derive(Debug)]
pub struct Upgraded {}
