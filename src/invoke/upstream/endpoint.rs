//! One started upstream as calls see it: its address, and the connections to it.

use std::io;
use std::path::PathBuf;

use hyper::StatusCode;
use tokio::sync::Notify;

/// Where one start of the upstream listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Loopback names are tried as 127.0.0.1, then ::1; others are resolved.
    Tcp {
        /// A name or an address.
        host: String,
        /// Never 0.
        port: u16,
    },
    /// A Unix stream socket.
    Unix(PathBuf),
}

/// One started upstream. Each start has one of its own, so no connection to a dead one is ever used for the next.
#[derive(Debug)]
pub struct Endpoint {
    target: Target,
    condemned: Notify,
}

impl Endpoint {
    /// Nothing is connected yet.
    pub(super) fn new(target: Target) -> Endpoint {
        Endpoint { target, condemned: Notify::new() }
    }

    /// Whether it accepts: one connection, made and closed.
    pub(super) async fn accepts(&self) -> io::Result<()> {
        let _ = &self.target;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The status of a GET, as a readiness probe asks it.
    pub(super) async fn status_of(&self, _path: &str) -> io::Result<StatusCode> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Asks for this upstream's end and restart (`kill_on_timeout`).
    pub(super) fn condemn(&self) {
        self.condemned.notify_one();
    }

    /// Resolves when somebody has asked for its end.
    pub(super) async fn condemned(&self) {
        self.condemned.notified().await;
    }
}
