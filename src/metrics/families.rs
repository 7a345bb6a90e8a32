//! The live metrics: one field per family, made and registered from its definition.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

use super::defs::{self, Def};
use super::labels::{Build, Code, CodeMethod, Function, Method, MethodName, Word};
use super::last::Last;
use super::{Ended, Restarted, WorkerState};
use crate::reason::Reason;

/// Makes a family's histograms with its own buckets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

/// All families and the registry that prints them.
#[derive(Debug)]
pub(super) struct Families {
    pub(super) registry: Registry,

    pub(super) http_requests: Family<CodeMethod, Counter>,
    pub(super) http_duration: Family<CodeMethod, Histogram, Buckets>,
    pub(super) http_in_flight: Gauge,

    // The label never changes: the one series is kept at hand.
    pub(super) knative_requests: Counter,
    pub(super) knative_errors: Counter,
    pub(super) knative_duration: Histogram,

    pub(super) kubeless_duration: Family<Method, Histogram, Buckets>,
    pub(super) kubeless_calls: Family<Method, Counter>,
    pub(super) kubeless_failures: Family<Method, Counter>,

    pub(super) last_request: Last<CodeMethod, (Counter, Histogram)>,
    pub(super) last_call: Last<Method, (Counter, Histogram)>,

    pub(super) refusals: Family<Word, Counter>,
    pub(super) queue_depth: Gauge,
    pub(super) queue_wait: Histogram,
    pub(super) handler_time: Histogram,
    pub(super) overhead: Histogram,
    pub(super) connections: Gauge,

    pub(super) time_to_ready: Gauge<f64, AtomicU64>,
    pub(super) cold_starts: Counter,
    pub(super) handler_starts: Counter,
    pub(super) handler_exits: Family<Word, Counter>,
    pub(super) workers: Family<Word, Gauge>,
    pub(super) restarts: Family<Word, Counter>,
    pub(super) handler_cpu: Counter<f64, AtomicU64>,
    pub(super) handler_max_rss: Histogram,
    pub(super) tree_signals: Family<Word, Counter>,
    pub(super) survivors: Counter,
    pub(super) orphans: Counter,

    pub(super) lines_cut: Counter,
    pub(super) lines_dropped: Counter,

    pub(super) resident: Gauge,
    pub(super) descriptors: Gauge,
}

impl Families {
    pub(super) fn new(function_name: &str) -> Families {
        let mut page = Page(Registry::default());
        let name = Function { function_name: function_name.to_owned() };
        let families = Families {
            http_requests: page.add(&defs::HTTP_REQUESTS, Family::default()),
            http_duration: page.histograms(&defs::HTTP_DURATION),
            http_in_flight: page.add(&defs::HTTP_IN_FLIGHT, Gauge::default()),

            knative_requests: page.only::<_, Counter>(&defs::KNATIVE_REQUESTS, &name),
            knative_errors: page.only::<_, Counter>(&defs::KNATIVE_ERRORS, &name),
            knative_duration: page.histograms(&defs::KNATIVE_DURATION).get_or_create_owned(&name),

            kubeless_duration: page.histograms(&defs::KUBELESS_DURATION),
            kubeless_calls: page.add(&defs::KUBELESS_CALLS, Family::default()),
            kubeless_failures: page.add(&defs::KUBELESS_FAILURES, Family::default()),

            last_request: Last::default(),
            last_call: Last::default(),

            refusals: page.add(&defs::REFUSALS, Family::default()),
            queue_depth: page.add(&defs::QUEUE_DEPTH, Gauge::default()),
            queue_wait: page.histogram(&defs::QUEUE_WAIT),
            handler_time: page.histogram(&defs::HANDLER_TIME),
            overhead: page.histogram(&defs::OVERHEAD),
            connections: page.add(&defs::CONNECTIONS, Gauge::default()),

            time_to_ready: page.add(&defs::TIME_TO_READY, Gauge::default()),
            cold_starts: page.add(&defs::COLD_STARTS, Counter::default()),
            handler_starts: page.add(&defs::HANDLER_STARTS, Counter::default()),
            handler_exits: page.add(&defs::HANDLER_EXITS, Family::default()),
            workers: page.add(&defs::WORKERS, Family::default()),
            restarts: page.add(&defs::RESTARTS, Family::default()),
            handler_cpu: page.add(&defs::HANDLER_CPU, Counter::default()),
            handler_max_rss: page.histogram(&defs::HANDLER_MAX_RSS),
            tree_signals: page.add(&defs::TREE_SIGNALS, Family::default()),
            survivors: page.add(&defs::SURVIVORS, Counter::default()),
            orphans: page.add(&defs::ORPHANS, Counter::default()),

            lines_cut: page.add(&defs::LINES_CUT, Counter::default()),
            lines_dropped: page.add(&defs::LINES_DROPPED, Counter::default()),

            resident: page.add(&defs::RESIDENT, Gauge::default()),
            descriptors: page.add(&defs::DESCRIPTORS, Gauge::default()),
            registry: page.finish(),
        };
        families.show_zeros();
        families
    }

    /// Makes the usual series: a rate over one appears with its first event misses that event.
    fn show_zeros(&self) {
        for method in [MethodName::of("GET"), MethodName::of("POST")] {
            let labels = CodeMethod { code: Code::new(200), method: method.lower };
            drop(self.http_requests.get_or_create(&labels));
            drop(self.http_duration.get_or_create(&labels));
            let method = Method { method: method.upper };
            drop(self.kubeless_duration.get_or_create(&method));
            drop(self.kubeless_calls.get_or_create(&method));
            drop(self.kubeless_failures.get_or_create(&method));
        }
        for reason in Reason::ALL {
            drop(self.refusals.get_or_create(&[("reason", reason.word())]));
        }
        for how in Ended::ALL {
            drop(self.handler_exits.get_or_create(&[("how", how.word())]));
        }
        for state in WorkerState::ALL {
            drop(self.workers.get_or_create(&[("state", state.word())]));
        }
        for cause in Restarted::ALL {
            drop(self.restarts.get_or_create(&[("cause", cause.word())]));
        }
        for signal in ["term", "kill"] {
            drop(self.tree_signals.get_or_create(&[("signal", signal)]));
        }
    }
}

/// The registry while it is filled, in the order of the page.
struct Page(Registry);

impl Page {
    /// Registers a metric under its definition and gives it back.
    fn add<M: Metric + Clone>(&mut self, def: &Def, metric: M) -> M {
        // The library appends these two by itself.
        let name = def.name.strip_suffix("_total").or_else(|| def.name.strip_suffix("_info")).unwrap_or(def.name);
        self.0.register(name, def.help, metric.clone());
        metric
    }

    fn histogram(&mut self, def: &Def) -> Histogram {
        self.add(def, Buckets(def.buckets).new_metric())
    }

    fn histograms<L>(&mut self, def: &Def) -> Family<L, Histogram, Buckets>
    where
        Family<L, Histogram, Buckets>: Metric,
        L: Clone + std::hash::Hash + Eq,
    {
        self.add(def, Family::new_with_constructor(Buckets(def.buckets)))
    }

    /// A family with a single series.
    fn only<L, M>(&mut self, def: &Def, labels: &L) -> M
    where
        Family<L, M>: Metric,
        L: Clone + std::hash::Hash + Eq,
        M: Clone + Default,
    {
        self.add(def, Family::<L, M>::default()).get_or_create_owned(labels)
    }

    fn finish(mut self) -> Registry {
        let build = Info::new(Build { version: env!("CARGO_PKG_VERSION") });
        self.0.register(defs::BUILD.name.trim_end_matches("_info"), defs::BUILD.help, build);
        self.0
    }
}
