//! What http mode needs to know; filled by `config`.

use std::path::PathBuf;
use std::time::Duration;

use crate::process::Restart;

/// Where the upstream listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// On a free port of the loopback, chosen for each start and given to the handler as PORT.
    Free,
    /// `http://host:port/base`.
    Tcp {
        /// A name or an address, v6 without brackets.
        host: String,
        /// 80 where the URL names none.
        port: u16,
        /// Put before every call's path, as of-watchdog does; empty or `/…` without a slash at its end.
        base: String,
    },
    /// A Unix stream socket.
    Unix(PathBuf),
}

/// What the upstream speaks to callers of HTTP/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Found out at the first such call.
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 by prior knowledge, for all calls.
    H2c,
}

impl Config {
    /// What stands before every call's path.
    pub(super) fn base(&self) -> &str {
        match &self.address {
            Address::Tcp { base, .. } => base,
            Address::Free | Address::Unix(_) => "",
        }
    }
}

/// Settings of http mode.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the upstream listens.
    pub address: Address,
    /// What it speaks.
    pub protocol: Protocol,
    /// Hold a body until its end, so that the upstream gets a Content-Length.
    pub buffer_body: bool,
    /// Restart an upstream whose call ran out of time.
    pub kill_on_timeout: bool,
    /// heeler's own port, as HEELER_PORT to the handler; `None` where it listens on a Unix socket only.
    pub outer_port: Option<u16>,
    /// Ports that a free one must not be: heeler's own and Knative's.
    pub taken_ports: Vec<u16>,
    /// The upstream must come up within this.
    pub start_timeout: Duration,
    /// What happens when it dies.
    pub restart: Restart,
    /// Asked of the upstream before it counts as up.
    pub ready_path: Option<String>,
    /// How long a call may wait for an upstream that is down; `None` follows its deadline.
    pub queue_timeout: Option<Duration>,
}
