//! What the front needs to know; filled by `config`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use hyper::Uri;
use hyper::header::HeaderValue;

use crate::event::Attributes;
use crate::invoke::upstream::Target;

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP; without a host: all addresses, v4 and v6. Port 0 lets the kernel pick.
    Tcp {
        /// `None` is every address.
        host: Option<IpAddr>,
        /// 0 lets the kernel pick one.
        port: u16,
    },
    /// A Unix stream socket.
    Unix(PathBuf),
}

/// When the port starts to accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bind {
    /// Once the function can serve: on Knative an open port is readiness.
    Late,
    /// At once; ready says 503 meanwhile.
    Early,
}

/// The second listener: metrics, health and ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricsPort {
    /// 0 lets the kernel pick one (never "off": that is `None` in [`Config`]).
    pub port: u16,
    /// Set by hand: a taken port is then fatal, else a warning.
    pub by_hand: bool,
}

/// Settings of the front.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; never empty.
    pub listen: Vec<Address>,
    /// When to listen.
    pub bind: Bind,
    /// The metrics listener; `None` is off.
    pub metrics: Option<MetricsPort>,
    /// First byte to the end of the head, and whole bodies that are held in memory; `None` is off.
    pub read_timeout: Option<Duration>,
    /// How long a response write may stall; `None` is off.
    pub write_timeout: Option<Duration>,
    /// A connection without a request; `None` is off.
    pub idle_timeout: Option<Duration>,
    /// The call's deadline; `None` is off.
    pub exec_timeout: Option<Duration>,
    /// Instead of it once the answer is a stream without an end; `None` is off.
    pub stream_timeout: Option<Duration>,
    /// Calls at the handler at once; `None` is no limit.
    pub max_inflight: Option<usize>,
    /// Waiting places.
    pub queue_depth: usize,
    /// How long a call may wait; `None` follows its deadline.
    pub queue_timeout: Option<Duration>,
    /// Open client connections.
    pub max_connections: usize,
    /// Greatest request body in bytes; `None` is no limit.
    pub max_body: Option<u64>,
    /// Whether heeler answers `/healthz` and its kin.
    pub health_paths: bool,
    /// Asked of the handler for readiness.
    pub ready_path: Option<String>,
    /// What is done about CloudEvents.
    pub events: Events,
    /// Where results go; `None` is back to the caller.
    pub sink: Option<Sink>,
    /// One line per call.
    pub access_log: bool,
    /// The call id in that line.
    pub log_callid: bool,
    /// Log all request and response headers (`debug_headers`).
    pub debug_headers: bool,
    /// 408 instead of 504 at the deadline: classic-watchdog's answer.
    pub timeout_is_408: bool,
}

/// What is done about CloudEvents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// Whether they are looked for at all.
    pub on: bool,
    /// Whether anything else is refused.
    pub required: bool,
    /// What the handler gets.
    pub form: EventForm,
    /// The largest event in a format of its own, which has to be held in memory.
    pub most_bytes: u64,
    /// The most events of a batch.
    pub most_events: usize,
    /// A batch is one call, and not one for each of its events.
    pub whole: bool,
    /// How single events become calls of many; `None` is off.
    pub collecting: Option<Collecting>,
    /// Who may send them by webhook.
    pub origins: Origins,
    /// What they are answered.
    pub replies: Replies,
}

/// How single events become calls of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collecting {
    /// The most events of a call; 2 at least.
    pub most: usize,
    /// How long the first one waits for others.
    pub wait: Duration,
}

/// Whose webhook handshake is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Everybody's.
    Any,
    /// That of these; none if there is none.
    These(Vec<String>),
}

impl Origins {
    pub(super) fn allow(&self, origin: &[u8]) -> bool {
        match self {
            Origins::Any => true,
            // DNS names.
            Origins::These(origins) => origins.iter().any(|own| own.as_bytes().eq_ignore_ascii_case(origin)),
        }
    }
}

/// What a delivery of an event is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replies {
    /// When the answer must be an event or empty.
    pub rule: ReplyRule,
    /// Plain output becomes the data of such an event, whose id is to be made.
    pub wrap: Option<Attributes>,
    /// The largest event in a format of its own, which has to be held in memory.
    pub most_bytes: u64,
}

/// When an answer must be an event or empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyRule {
    /// When an event was delivered with the wish for a reply.
    Auto,
    /// Always.
    Event,
    /// Never.
    Raw,
    /// Always, and it goes to the sink.
    Sink,
}

impl ReplyRule {
    /// Whether answers to calls that bring no event are held to it, too.
    pub(super) const fn is_for_all(self) -> bool {
        matches!(self, ReplyRule::Event | ReplyRule::Sink)
    }
}

/// Where results go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sink {
    /// As it was set.
    pub url: String,
    /// Who is there.
    pub target: Target,
    /// What stands in the Host header.
    pub authority: HeaderValue,
    /// The path with its query.
    pub path: Uri,
    /// Set on each event, over what it had.
    pub extensions: Vec<(String, String)>,
}

/// The form of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventForm {
    /// As it came.
    AsIs,
    /// Its attributes apart, its data as the body.
    Binary,
    /// One JSON object.
    Structured,
}
