//! Every metric: name, help, labels, buckets, and its text rendering.

use std::sync::Arc;
use std::time::Duration;

use crate::reason::Reason;

/// All metrics; cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<()>);

/// How a handler process ended, for `heeler_handler_exits_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ended {
    /// Exit code 0.
    Zero,
    /// Another exit code.
    NonZero,
    /// A signal that was not ours.
    Signal,
    /// heeler ended it.
    Killed,
}

impl Metrics {
    /// `function_name` becomes the label of the Knative families.
    pub fn new(_function_name: &str) -> Metrics {
        Metrics(Arc::new(()))
    }

    /// A request was taken over the wire (calls only, no probes): in-flight goes up until [`Metrics::request_ended`].
    pub fn request_started(&self) {}

    /// A request was answered, or given up (`code` is then 499). `method` is any case; odd ones become `unknown`.
    pub fn request_ended(&self, _method: &str, _code: u16, _took: Duration) {}

    /// A call that was handed to the handler has ended, `failed` by the handler's or the deadline's fault.
    /// `took` is the time at the handler, `own` what heeler added to it.
    pub fn call_ended(&self, _method: &str, _failed: bool, _took: Duration, _own: Duration) {}

    /// heeler answered by itself.
    pub fn refused(&self, _reason: Reason) {}

    /// A call begins to wait for a place.
    pub fn queue_entered(&self) {}

    /// A call stopped waiting, with a place or without.
    pub fn queue_left(&self, _waited: Duration) {}

    /// A client connection was opened.
    pub fn connection_opened(&self) {}

    /// A client connection is gone.
    pub fn connection_closed(&self) {}

    /// heeler became ready this long after its start.
    pub fn ready(&self, _after: Duration) {}

    /// A handler process was started.
    pub fn handler_started(&self) {}

    /// A handler process was collected, with wait4's figures.
    pub fn handler_ended(&self, _how: Ended, _cpu: Duration, _max_rss_bytes: u64) {}

    /// A signal was sent to end a tree: `hard` is KILL, else TERM.
    pub fn tree_signalled(&self, _hard: bool) {}

    /// Processes that were still there after a tree's end was given up.
    pub fn survivors(&self, _count: u64) {}

    /// A process that nobody here started was collected.
    pub fn orphan_reaped(&self) {}

    /// A handler's line was longer than the limit.
    pub fn log_line_cut(&self) {}

    /// A line of heeler's own was dropped since the log's reader is behind.
    pub fn log_line_dropped(&self) {}

    /// The page and its content type, in OpenMetrics if `accept` asks for it, else Prometheus text 0.0.4.
    pub fn render(&self, _accept: Option<&str>) -> (&'static str, String) {
        ("text/plain; version=0.0.4; charset=utf-8", String::new())
    }
}
