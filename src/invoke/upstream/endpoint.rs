//! One started upstream as calls see it: its address, and the connections to it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::header::{CONNECTION, HOST, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method, StatusCode, Uri};
use tokio::sync::Notify;

use super::config::{Config, Protocol};
use super::connect::connect;
use super::connection::Connection;
use super::exchange::{Exchange, Failure};
use super::http2::{Http2, Outgoing};
use super::http2_call;
use super::pool::Pool;
use super::request::{self, Length};
use super::stream::Stream;
use super::upload::Upload;
use crate::invoke::body::RequestBody;
use crate::invoke::error::CallError;
use crate::process::is_ending;
use crate::reason::Reason;

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
    leader: i32,
    pool: Pool,
    http2: Http2,
    condemned: Notify,
    /// It has answered a call.
    answered: AtomicBool,
    /// Its process is at its end, though the status is still to come.
    ending: AtomicBool,
}

impl Endpoint {
    /// Nothing is connected yet. `leader`: the pid of the process that was started.
    pub(super) fn new(target: Target, leader: i32) -> Endpoint {
        Endpoint {
            target,
            leader,
            pool: Pool::default(),
            http2: Http2::default(),
            condemned: Notify::new(),
            answered: AtomicBool::new(false),
            ending: AtomicBool::new(false),
        }
    }

    /// Where it listens.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) async fn connect(&self) -> io::Result<Stream> {
        connect(&self.target).await
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(super) fn http2(&self) -> &Http2 {
        &self.http2
    }

    /// Whether it accepts: one connection, made and closed.
    pub(super) async fn accepts(&self) -> io::Result<()> {
        self.connect().await.map(drop)
    }

    /// The status of a GET, asked as a call would be: below the base, in the protocol that was set.
    pub(super) async fn status_of(&self, config: &Config, path: &str) -> io::Result<StatusCode> {
        let mut headers: HeaderMap = [
            (HOST, HeaderValue::from_static("localhost")),
            (USER_AGENT, HeaderValue::from_static("kube-probe/heeler")),
        ]
        .into_iter()
        .collect();
        let target: Uri = path.parse().map_err(io::Error::other)?;
        if config.protocol == Protocol::H2c {
            return self.status_over_http2(config.base(), &target, headers).await;
        }
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let head = request::encode(&Method::GET, config.base(), &target, &headers, Length::AsGiven, None);
        let connection = Connection::new(self.connect().await?);
        let upload = Upload::new(connection.stream.clone(), head, RequestBody::empty(), false, false, false);
        let mut exchange = Exchange::new(connection, upload);
        match exchange.head().await {
            Ok((head, _)) => Ok(head.status),
            Err(Failure::Silent(text)) => Err(io::Error::other(text)),
            Err(Failure::Final(error)) => Err(io::Error::other(error)),
        }
    }

    /// Over the connection that calls will share.
    async fn status_over_http2(&self, base: &str, target: &Uri, headers: HeaderMap) -> io::Result<StatusCode> {
        let body = Outgoing::new(RequestBody::empty(), Arc::default());
        let request = http2_call::request(base, target, headers, body).map_err(io::Error::other)?;
        Ok(self.http2.send(self, request).await.map_err(io::Error::other)?.status())
    }

    /// What to tell of a connection that could not be had.
    pub(super) fn unreachable(&self, error: &io::Error) -> CallError {
        let reason = match error.raw_os_error() {
            // The last one: no port is left for our end of the connection.
            Some(libc::EMFILE | libc::ENFILE | libc::EADDRNOTAVAIL) => Reason::NoDescriptor,
            _ => Reason::Upstream,
        };
        CallError::new(reason, format!("cannot connect to the upstream at {}: {error}", self.target))
    }

    /// Notes that it has answered a call.
    pub(super) fn note_answer(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// Whether it has answered any call: then its end is no failed start.
    pub(super) fn has_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// A call has failed. If it is the end of the process that broke its connection, no other call may go there: the
    /// kernel closes one file after the other, and connections are taken for the dead as long as its listener is there.
    pub(super) fn note_failure(&self, error: &CallError) {
        if error.reason == Reason::Upstream {
            self.look();
        }
    }

    /// Notes where its process is at its end, after a connection to it ended that should not have.
    pub(super) fn look(&self) {
        if is_ending(self.leader) {
            self.ending.store(true, Ordering::Relaxed);
        }
    }

    /// Whether calls had better wait for the next start.
    pub(super) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
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
