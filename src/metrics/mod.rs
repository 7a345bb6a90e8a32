//! Every metric: name, help, labels, buckets, and its text rendering.
//!
//! `defs` is the table, `families` the live metrics made from it, and here is what the rest of heeler
//! reports: one method per event, each cheap enough for the way of a call.

mod defs;
mod docs;
mod families;
mod labels;
mod last;
mod own;
#[cfg(test)]
mod tests;
mod text;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::encode;

use self::families::Families;
use self::labels::{Code, CodeMethod, Method, MethodName};
use crate::reason::Reason;

pub use docs::docs;
pub use own::resident_bytes_of;
pub use worker::{WorkerCount, WorkerState};

/// All metrics; cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Families>);

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

impl Ended {
    const ALL: [Ended; 4] = [Ended::Zero, Ended::NonZero, Ended::Signal, Ended::Killed];

    const fn word(self) -> &'static str {
        match self {
            Ended::Zero => "zero",
            Ended::NonZero => "nonzero",
            Ended::Signal => "signal",
            Ended::Killed => "killed",
        }
    }
}

/// Why a long-lived handler was started again, for `heeler_restarts_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Restarted {
    /// It ended by itself.
    Exit,
    /// A signal that was not ours ended it.
    Signal,
    /// It did not come up.
    Start,
    /// heeler ended it, as a call ran out of time.
    Timeout,
}

impl Restarted {
    const ALL: [Restarted; 4] = [Restarted::Exit, Restarted::Signal, Restarted::Start, Restarted::Timeout];

    const fn word(self) -> &'static str {
        match self {
            Restarted::Exit => "exit",
            Restarted::Signal => "signal",
            Restarted::Start => "start",
            Restarted::Timeout => "timeout",
        }
    }
}

impl Metrics {
    /// `function_name` becomes the label of the Knative families.
    pub fn new(function_name: &str) -> Metrics {
        Metrics(Arc::new(Families::new(function_name)))
    }

    /// A request was taken over the wire (calls only, no probes): in-flight goes up until [`Metrics::request_ended`].
    pub fn request_started(&self) {
        self.0.http_in_flight.inc();
    }

    /// Requests that are neither answered nor given up.
    pub fn in_flight(&self) -> u64 {
        u64::try_from(self.0.http_in_flight.get()).unwrap_or(0)
    }

    /// A request was answered, or given up (`code` is then 499). `method` is any case; odd ones become `unknown`.
    pub fn request_ended(&self, method: &str, code: u16, took: Duration) {
        let labels = CodeMethod { code: Code::new(code), method: MethodName::of(method).lower };
        let all = &self.0;
        all.http_in_flight.dec();
        let find =
            |labels: &_| (all.http_requests.get_or_create_owned(labels), all.http_duration.get_or_create_owned(labels));
        all.last_request.with(labels, find, |(requests, duration)| {
            requests.inc();
            duration.observe(took.as_secs_f64());
        });
    }

    /// A call that was handed to the handler has ended, `failed` by the handler's or the deadline's fault.
    /// `took` is the time at the handler, `own` what heeler added to it.
    pub fn call_ended(&self, method: &str, failed: bool, took: Duration, own: Duration) {
        let took = took.as_secs_f64();
        let labels = Method { method: MethodName::of(method).upper };
        let all = &self.0;
        let find = |labels: &_| {
            (all.kubeless_calls.get_or_create_owned(labels), all.kubeless_duration.get_or_create_owned(labels))
        };
        all.last_call.with(labels, find, |(calls, duration)| {
            calls.inc();
            duration.observe(took);
        });
        self.0.knative_requests.inc();
        self.0.knative_duration.observe(took);
        self.0.handler_time.observe(took);
        self.0.overhead.observe(own.as_secs_f64());
        if failed {
            self.0.kubeless_failures.get_or_create(&labels).inc();
            self.0.knative_errors.inc();
        }
    }

    /// heeler answered by itself.
    pub fn refused(&self, reason: Reason) {
        self.0.refusals.get_or_create(&[("reason", reason.word())]).inc();
    }

    /// A call begins to wait for a place.
    pub fn queue_entered(&self) {
        self.0.queue_depth.inc();
    }

    /// A call stopped waiting, with a place or without.
    pub fn queue_left(&self, waited: Duration) {
        self.0.queue_depth.dec();
        self.0.queue_wait.observe(waited.as_secs_f64());
    }

    /// A client connection was opened.
    pub fn connection_opened(&self) {
        self.0.connections.inc();
    }

    /// A client connection is gone.
    pub fn connection_closed(&self) {
        self.0.connections.dec();
    }

    /// heeler became ready this long after its start. Only the first time counts.
    pub fn ready(&self, after: Duration) {
        if self.0.cold_starts.inner().swap(1, std::sync::atomic::Ordering::Relaxed) == 0 {
            self.0.time_to_ready.set(after.as_secs_f64());
        }
    }

    /// A handler process was started.
    pub fn handler_started(&self) {
        self.0.handler_starts.inc();
    }

    /// A long-lived handler is to be started again.
    pub fn handler_restarts(&self, cause: Restarted) {
        self.0.restarts.get_or_create(&[("cause", cause.word())]).inc();
    }

    /// A handler process was collected, with wait4's figures.
    pub fn handler_ended(&self, how: Ended, cpu: Duration, max_rss_bytes: u64) {
        self.0.handler_exits.get_or_create(&[("how", how.word())]).inc();
        self.0.handler_cpu.inc_by(cpu.as_secs_f64());
        // Exact to 2^53, far beyond any memory.
        self.0.handler_max_rss.observe(max_rss_bytes as f64);
    }

    /// A signal was sent to end a tree: `hard` is KILL, else TERM.
    pub fn tree_signalled(&self, hard: bool) {
        self.0.tree_signals.get_or_create(&[("signal", if hard { "kill" } else { "term" })]).inc();
    }

    /// Processes that were still there after a tree's end was given up.
    pub fn survivors(&self, count: u64) {
        self.0.survivors.inc_by(count);
    }

    /// A process that nobody here started was collected.
    pub fn orphan_reaped(&self) {
        self.0.orphans.inc();
    }

    /// A handler's line was longer than the limit.
    pub fn log_line_cut(&self) {
        self.0.lines_cut.inc();
    }

    /// A line of heeler's own was dropped since the log's reader is behind.
    pub fn log_line_dropped(&self) {
        self.0.lines_dropped.inc();
    }

    /// The page and its content type, in OpenMetrics if `accept` asks for it, else Prometheus text 0.0.4.
    pub fn render(&self, accept: Option<&str>) -> (&'static str, String) {
        let openmetrics = self.openmetrics();
        match accept.is_some_and(text::wants_openmetrics) {
            true => (text::OPENMETRICS, openmetrics),
            false => (text::PROMETHEUS, text::to_prometheus(&openmetrics)),
        }
    }

    fn openmetrics(&self) -> String {
        self.0.resident.set(own::resident_bytes());
        self.0.descriptors.set(own::open_descriptors());
        let mut page = String::with_capacity(16 * 1024);
        encode(&mut page, &self.0.registry).expect("a String takes all that is written");
        page
    }
}
