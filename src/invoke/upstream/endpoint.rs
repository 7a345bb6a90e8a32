//! One started upstream as calls see it: its address, and the connections to it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::StatusCode;
use tokio::sync::Notify;

use super::connect::connect;

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

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Target::Tcp { host, port } => write!(f, "{host}:{port}"),
            Target::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// One started upstream. Each start has one of its own, so no connection to a dead one is ever used for the next.
#[derive(Debug)]
pub struct Endpoint {
    target: Target,
    condemned: Notify,
    has_answered: AtomicBool,
}

impl Endpoint {
    /// Nothing is connected yet.
    pub(super) fn new(target: Target) -> Endpoint {
        Endpoint { target, condemned: Notify::new(), has_answered: AtomicBool::new(false) }
    }

    /// Where it listens.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Whether it accepts: one connection, made and closed.
    pub(super) async fn accepts(&self) -> io::Result<()> {
        connect(&self.target).await.map(drop)
    }

    /// The status of a GET, as a readiness probe asks it.
    pub(super) async fn status_of(&self, _path: &str) -> io::Result<StatusCode> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Takes note that it has answered a call: should it die, that was no failed start.
    pub fn answered(&self) {
        self.has_answered.store(true, Ordering::Relaxed);
    }

    /// Whether it has answered any.
    pub(super) fn has_answered(&self) -> bool {
        self.has_answered.load(Ordering::Relaxed)
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
