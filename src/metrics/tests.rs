//! The page as a scraper reads it, through a strict little parser.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::defs::{ALL, Kind};
use super::*;

/// A page of text format 0.0.4 as a scraper sees it; anything odd is a panic.
#[derive(Default)]
struct Parsed {
    types: BTreeMap<String, String>,
    help: BTreeMap<String, String>,
    samples: BTreeMap<String, f64>,
}

fn parse(page: &str) -> Parsed {
    assert!(page.ends_with('\n'), "the last line must end");
    let mut parsed = Parsed::default();
    let mut family = String::new();
    for line in page.strip_suffix('\n').unwrap().split('\n') {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, text) = rest.split_once(' ').unwrap();
            assert!(parsed.help.insert(name.into(), text.into()).is_none(), "second HELP of {name}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(matches!(kind, "counter" | "gauge" | "histogram" | "untyped"), "{line}");
            assert!(parsed.types.insert(name.into(), kind.into()).is_none(), "second TYPE of {name}");
            family = name.into();
        } else {
            parse_sample(line, &family, &mut parsed);
        }
    }
    parsed
}

fn parse_sample(line: &str, family: &str, parsed: &mut Parsed) {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value: {line}"));
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}').unwrap_or_else(|| panic!("open brace: {line}"))),
        None => (series, ""),
    };
    assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':'), "{line}");
    let suffix = name.strip_prefix(family).unwrap_or_else(|| panic!("{name} stands below {family}"));
    match parsed.types[family].as_str() {
        "histogram" => assert!(matches!(suffix, "_sum" | "_count" | "_bucket"), "{line}"),
        _ => assert_eq!(suffix, "", "{line}"),
    }
    for (key, value) in parse_labels(labels) {
        assert!(key.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{line}");
        if key == "le" {
            assert!(value == "+Inf" || value.parse::<f64>().is_ok(), "{line}");
        }
    }
    let value = value.parse().unwrap_or_else(|_| panic!("not a number: {line}"));
    assert!(parsed.samples.insert(series.into(), value).is_none(), "twice: {series}");
}

fn parse_labels(mut text: &str) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    while !text.is_empty() {
        let (key, rest) = text.split_once("=\"").expect("key and quote");
        let mut value = String::new();
        let mut chars = rest.char_indices();
        let end = loop {
            match chars.next().expect("a closing quote") {
                (at, '"') => break at,
                (_, '\\') => match chars.next().expect("an escape").1 {
                    'n' => value.push('\n'),
                    c @ ('\\' | '"') => value.push(c),
                    other => panic!("escape of {other}"),
                },
                (_, c) => value.push(c),
            }
        };
        labels.push((key.to_owned(), value));
        text = &rest[end + 1..];
        text = text.strip_prefix(',').unwrap_or_else(|| {
            assert!(text.is_empty(), "no comma before {text}");
            text
        });
    }
    labels
}

fn page(metrics: &Metrics) -> Parsed {
    let (content_type, page) = metrics.render(None);
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    parse(&page)
}

#[track_caller]
fn sample(page: &Parsed, series: &str, value: f64) {
    assert_eq!(page.samples.get(series), Some(&value), "{series}");
}

#[test]
fn all_families_are_there_at_zero_and_as_defined() {
    let page = page(&Metrics::new("greeter"));
    let names: BTreeSet<&str> = ALL.iter().map(|def| def.name).collect();
    assert_eq!(page.types.keys().map(String::as_str).collect::<BTreeSet<_>>(), names);
    for def in ALL {
        let kind = match def.kind {
            Kind::Counter => "counter",
            Kind::Gauge | Kind::Info => "gauge",
            Kind::Histogram => "histogram",
        };
        assert_eq!(page.types[def.name], kind, "{}", def.name);
        assert_eq!(page.help[def.name], format!("{}.", def.help));
        assert!(!def.help.contains(['\\', '"', '\n']), "{}: the library escapes nothing", def.name);
        assert!(page.samples.keys().any(|series| series.starts_with(def.name)), "{} has no sample", def.name);
    }
    let not_zero = ["heeler_build_info", "heeler_resident_bytes", "heeler_open_descriptors"];
    for (series, value) in &page.samples {
        assert_eq!(*value != 0.0, not_zero.iter().any(|name| series.starts_with(name)), "{series}");
    }
}

#[test]
fn labels_are_those_of_the_definitions() {
    let page = page(&Metrics::new("greeter"));
    for def in ALL {
        for series in page.samples.keys() {
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let name = match def.kind {
                Kind::Histogram => ["_sum", "_count", "_bucket"].iter().find_map(|s| name.strip_suffix(s)),
                _ => Some(name),
            };
            if name != Some(def.name) {
                continue;
            }
            let mut keys: Vec<String> =
                parse_labels(labels.trim_end_matches('}')).into_iter().map(|label| label.0).collect();
            keys.retain(|key| key != "le");
            assert_eq!(keys, def.labels, "{series}");
        }
    }
}

#[test]
fn of_watchdogs_families_look_as_its_own() {
    let metrics = Metrics::new("f");
    metrics.request_started();
    metrics.request_started();
    metrics.request_ended("GET", 200, Duration::from_millis(20));
    metrics.request_started();
    metrics.request_ended("BREW", 418, Duration::from_secs(11));
    metrics.request_started();
    metrics.request_ended("post", 999, Duration::ZERO);
    let page = page(&metrics);
    sample(&page, "http_requests_total{code=\"200\",method=\"get\"}", 1.0);
    sample(&page, "http_requests_total{code=\"418\",method=\"unknown\"}", 1.0);
    sample(&page, "http_requests_total{code=\"unknown\",method=\"post\"}", 1.0);
    sample(&page, "http_requests_in_flight", 1.0);
    sample(&page, "http_request_duration_seconds_bucket{le=\"0.01\",code=\"200\",method=\"get\"}", 0.0);
    sample(&page, "http_request_duration_seconds_bucket{le=\"0.025\",code=\"200\",method=\"get\"}", 1.0);
    sample(&page, "http_request_duration_seconds_bucket{le=\"10\",code=\"418\",method=\"unknown\"}", 0.0);
    sample(&page, "http_request_duration_seconds_bucket{le=\"+Inf\",code=\"418\",method=\"unknown\"}", 1.0);
    sample(&page, "http_request_duration_seconds_sum{code=\"418\",method=\"unknown\"}", 11.0);
    let bounds = page.samples.keys().filter(|s| s.contains("duration_seconds_bucket") && s.starts_with("http"));
    let bounds: BTreeSet<String> = bounds.map(|s| s.split('"').nth(1).unwrap().to_owned()).collect();
    let expected =
        ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"].map(String::from);
    assert_eq!(bounds, BTreeSet::from(expected));
}

#[test]
fn calls_show_in_knatives_kubeless_and_our_families() {
    let metrics = Metrics::new("greeter");
    metrics.call_ended("get", false, Duration::from_millis(3), Duration::from_micros(30));
    metrics.call_ended("GET", true, Duration::from_millis(3), Duration::from_micros(30));
    let page = page(&metrics);
    sample(&page, "knative_function_requests_total{function_name=\"greeter\"}", 2.0);
    sample(&page, "knative_function_errors_total{function_name=\"greeter\"}", 1.0);
    sample(&page, "knative_function_duration_seconds_count{function_name=\"greeter\"}", 2.0);
    sample(&page, "function_calls_total{method=\"GET\"}", 2.0);
    sample(&page, "function_failures_total{method=\"GET\"}", 1.0);
    sample(&page, "function_duration_seconds_bucket{le=\"0.005\",method=\"GET\"}", 2.0);
    sample(&page, "heeler_handler_duration_seconds_bucket{le=\"0.0025\"}", 0.0);
    sample(&page, "heeler_handler_duration_seconds_bucket{le=\"0.005\"}", 2.0);
    sample(&page, "heeler_overhead_seconds_count", 2.0);
}

#[test]
fn every_event_has_its_series() {
    let metrics = Metrics::new("f");
    metrics.refused(Reason::QueueFull);
    metrics.queue_entered();
    metrics.queue_entered();
    metrics.queue_left(Duration::from_millis(1));
    metrics.connection_opened();
    metrics.connection_opened();
    metrics.connection_closed();
    metrics.ready(Duration::from_millis(250));
    metrics.ready(Duration::from_millis(900));
    metrics.handler_started();
    metrics.handler_ended(Ended::Signal, Duration::from_millis(1500), 3 << 20);
    metrics.handler_restarts(Restarted::Start);
    let mut worker = metrics.worker();
    worker.enter(WorkerState::Up);
    drop(metrics.worker());
    metrics.tree_signalled(false);
    metrics.tree_signalled(true);
    metrics.survivors(2);
    metrics.orphan_reaped();
    metrics.log_line_cut();
    metrics.log_line_dropped();
    let page = page(&metrics);
    sample(&page, "heeler_refusals_total{reason=\"queue_full\"}", 1.0);
    sample(&page, "heeler_queue_depth", 1.0);
    sample(&page, "heeler_queue_wait_seconds_count", 1.0);
    sample(&page, "heeler_connections", 1.0);
    sample(&page, "heeler_time_to_ready_seconds", 0.25);
    sample(&page, "heeler_cold_starts_total", 1.0);
    sample(&page, "heeler_handler_starts_total", 1.0);
    sample(&page, "heeler_handler_exits_total{how=\"signal\"}", 1.0);
    sample(&page, "heeler_workers{state=\"up\"}", 1.0);
    sample(&page, "heeler_workers{state=\"starting\"}", 0.0);
    sample(&page, "heeler_restarts_total{cause=\"start\"}", 1.0);
    sample(&page, "heeler_handler_cpu_seconds_total", 1.5);
    sample(&page, "heeler_handler_max_rss_bytes_bucket{le=\"2097152\"}", 0.0);
    sample(&page, "heeler_handler_max_rss_bytes_bucket{le=\"4194304\"}", 1.0);
    sample(&page, "heeler_tree_signals_total{signal=\"term\"}", 1.0);
    sample(&page, "heeler_tree_signals_total{signal=\"kill\"}", 1.0);
    sample(&page, "heeler_survivors_total", 2.0);
    sample(&page, "heeler_orphans_reaped_total", 1.0);
    sample(&page, "heeler_log_lines_cut_total", 1.0);
    sample(&page, "heeler_log_lines_dropped_total", 1.0);
}

#[test]
fn openmetrics_on_request() {
    let (content_type, page) = Metrics::new("f").render(Some("application/openmetrics-text; version=1.0.0"));
    assert_eq!(content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(page.ends_with("# EOF\n"));
    assert!(page.contains("# TYPE http_requests counter\n"));
    assert!(page.contains("le=\"1.0\""));
}

#[test]
fn a_hostile_function_name_stays_one_label() {
    let name = "a\"} 1\nb_bucket{le=\"1.0\\";
    let page = page(&Metrics::new(name));
    let series = page.samples.keys().find(|series| series.starts_with("knative_function_requests")).unwrap();
    let labels = series.split_once('{').unwrap().1.strip_suffix('}').unwrap();
    assert_eq!(parse_labels(labels), [("function_name".to_owned(), name.to_owned())]);
}

/// A loose bound, unoptimised builds included: it catches a clone of the page, not a nanosecond.
#[test]
fn a_call_costs_little() {
    let metrics = Metrics::new("f");
    let calls = 2000;
    let began = Instant::now();
    for _ in 0..calls {
        metrics.request_started();
        metrics.call_ended("POST", false, Duration::from_millis(1), Duration::from_micros(20));
        metrics.request_ended("POST", 200, Duration::from_millis(1));
    }
    let each = began.elapsed() / calls;
    assert!(each < Duration::from_micros(50), "{each:?} per call");
}
