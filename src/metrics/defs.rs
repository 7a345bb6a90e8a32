//! The one table of metrics: name, type, labels, meaning. Registration and `docs/metrics.md` both read it.

/// What Prometheus calls the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
}

/// One family. `name` is the name a query uses, with `_total` or `_info`.
#[derive(Debug)]
pub(super) struct Def {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) labels: &'static [&'static str],
    /// One clause without a final stop, backslash, quote or line feed: the library adds the stop and escapes nothing.
    pub(super) help: &'static str,
    /// Upper bounds; empty but for histograms.
    pub(super) buckets: &'static [f64],
}

/// Go's default buckets, which of-watchdog uses.
const GO_BUCKETS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The Python client's default buckets, which Kubeless uses; Go's are among them.
const PYTHON_BUCKETS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// From well below one process start to a very long call. 20 and 45 are there for alerts on calls that come close to a deadline
/// of 30 or 60 seconds: between two bounds nothing can be told.
const HANDLER_BUCKETS: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0,
    45.0, 60.0,
];

/// What heeler adds is counted in microseconds; a second of it would be a fault worth seeing.
const OVERHEAD_BUCKETS: &[f64] =
    &[0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0];

/// 1 MiB to 4 GiB in doublings.
const MEMORY_BUCKETS: &[f64] = &[
    1_048_576.0,
    2_097_152.0,
    4_194_304.0,
    8_388_608.0,
    16_777_216.0,
    33_554_432.0,
    67_108_864.0,
    134_217_728.0,
    268_435_456.0,
    536_870_912.0,
    1_073_741_824.0,
    2_147_483_648.0,
    4_294_967_296.0,
];

const fn def(name: &'static str, kind: Kind, labels: &'static [&'static str], help: &'static str) -> Def {
    Def { name, kind, labels, help, buckets: &[] }
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Def {
    def(name, Kind::Counter, labels, help)
}

const fn gauge(name: &'static str, help: &'static str) -> Def {
    def(name, Kind::Gauge, &[], help)
}

const fn histogram(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    buckets: &'static [f64],
) -> Def {
    Def { name, kind: Kind::Histogram, labels, help, buckets }
}

/// Declares each family as a constant and lists all of them, so that none can be left out of the list.
macro_rules! families {
    ($($ident:ident = $def:expr;)*) => {
        $(pub(super) const $ident: Def = $def;)*
        /// Every family, in the order of the page.
        pub(super) const ALL: &[Def] = &[$($ident),*];
    };
}

families! {
    HTTP_REQUESTS = counter("http_requests_total", &["code", "method"],
        "Calls answered, heeler's own refusals included, probes not; code is 499 when the client went away first");
    HTTP_DURATION = histogram("http_request_duration_seconds", &["code", "method"],
        "Seconds from a request's head to the end of its answer", GO_BUCKETS);
    HTTP_IN_FLIGHT = gauge("http_requests_in_flight", "Calls that are not answered yet, waiting ones included");

    KNATIVE_REQUESTS = counter("knative_function_requests_total", &["function_name"],
        "Calls that were handed to the handler");
    KNATIVE_ERRORS = counter("knative_function_errors_total", &["function_name"],
        "Calls that failed by the handler's or the deadline's fault");
    KNATIVE_DURATION = histogram("knative_function_duration_seconds", &["function_name"],
        "Seconds a call spent at the handler", GO_BUCKETS);

    KUBELESS_DURATION = histogram("function_duration_seconds", &["method"],
        "Seconds a call spent at the handler, by method in upper case", PYTHON_BUCKETS);
    KUBELESS_CALLS = counter("function_calls_total", &["method"],
        "Calls that were handed to the handler, by method in upper case");
    KUBELESS_FAILURES = counter("function_failures_total", &["method"],
        "Calls that failed by the handler's or the deadline's fault, by method in upper case");

    REFUSALS = counter("heeler_refusals_total", &["reason"],
        "Calls that heeler answered by itself, by the word in X-Heeler-Reason");
    QUEUE_DEPTH = gauge("heeler_queue_depth", "Calls that wait for a place at the handler");
    QUEUE_WAIT = histogram("heeler_queue_wait_seconds", &[],
        "Seconds a call waited for a place, whether it got one or not", HANDLER_BUCKETS);
    HANDLER_TIME = histogram("heeler_handler_duration_seconds", &[],
        "Seconds a call spent at the handler", HANDLER_BUCKETS);
    OVERHEAD = histogram("heeler_overhead_seconds", &[],
        "Seconds heeler added to a call, waiting left out", OVERHEAD_BUCKETS);
    CONNECTIONS = gauge("heeler_connections", "Open client connections");

    TIME_TO_READY = gauge("heeler_time_to_ready_seconds",
        "Seconds from heeler's start until it could serve; 0 until then");
    COLD_STARTS = counter("heeler_cold_starts_total", &[],
        "Starts of this instance that became ready: 1 from then on, so that a sum over instances counts cold starts");
    HANDLER_STARTS = counter("heeler_handler_starts_total", &[], "Handler processes started");
    HANDLER_EXITS = counter("heeler_handler_exits_total", &["how"],
        "Handler processes that ended: zero and nonzero are exit codes, signal is one that was not ours, \
         killed is by heeler");
    WORKERS = def("heeler_workers", Kind::Gauge, &["state"],
        "Worker processes: starting until their hello, up while they take calls, leaving from then on");
    RESTARTS = counter("heeler_restarts_total", &["cause"],
        "Restarts of a long-lived handler: exit and signal are how it died, start is one that did not come up again, \
         timeout is a call that ran out of time");
    HANDLER_CPU = counter("heeler_handler_cpu_seconds_total", &[],
        "CPU seconds, user and system, of handler processes that ended, their waited-for children included");
    HANDLER_MAX_RSS = histogram("heeler_handler_max_rss_bytes", &[],
        "Largest resident size of each handler process that ended", MEMORY_BUCKETS);
    TREE_SIGNALS = counter("heeler_tree_signals_total", &["signal"],
        "Signals sent to end a handler with all its children: term asks, kill forces");
    SURVIVORS = counter("heeler_survivors_total", &[],
        "Processes that were still there when ending their tree was given up");
    ORPHANS = counter("heeler_orphans_reaped_total", &[],
        "Processes collected that heeler did not start itself");

    LINES_CUT = counter("heeler_log_lines_cut_total", &[], "Handler lines that were longer than log_buffer_size");
    LINES_DROPPED = counter("heeler_log_lines_dropped_total", &[],
        "Lines of heeler's own that were dropped because the log's reader was behind");

    RESIDENT = gauge("heeler_resident_bytes", "Resident size of heeler itself");
    DESCRIPTORS = gauge("heeler_open_descriptors", "Open file descriptors of heeler itself");
    BUILD = def("heeler_build_info", Kind::Info, &["version"], "The version of heeler; always 1");
}
