//! The metrics page: all there from the start, and it counts what happened.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::float_cmp, reason = "counts are whole numbers")]

mod support;

use std::collections::BTreeSet;

use nix::sys::signal::Signal;
use support::{Builder, Gate, Heeler, Request, eventually, tree};

fn start(env: &[(&str, &str)]) -> Heeler {
    builder(env).start()
}

fn builder(env: &[(&str, &str)]) -> Builder {
    Heeler::builder().role("streaming", "do").env("kill_grace", "100ms").envs(env).metrics()
}

const REQUESTS: &str = "http_requests_total";
const FUNCTION: &str = "knative_function_requests_total";
const ERRORS: &str = "knative_function_errors_total";

/// Counts are made after an answer's last byte: wait for them.
#[track_caller]
fn assert_becomes(heeler: &Heeler, name: &str, labels: &[(&str, &str)], expected: f64) {
    eventually(&format!("{name} {labels:?} is {expected}"), || heeler.scrape().sum(name, labels) == expected);
}

#[test]
fn every_family_is_there_from_the_start() {
    let page = start(&[]).scrape();
    for (family, kind) in [
        ("http_requests_total", "counter"),
        ("http_request_duration_seconds", "histogram"),
        ("http_requests_in_flight", "gauge"),
        ("knative_function_requests_total", "counter"),
        ("knative_function_errors_total", "counter"),
        ("knative_function_duration_seconds", "histogram"),
        ("function_duration_seconds", "histogram"),
        ("function_calls_total", "counter"),
        ("function_failures_total", "counter"),
        ("heeler_refusals_total", "counter"),
        ("heeler_queue_depth", "gauge"),
        ("heeler_queue_wait_seconds", "histogram"),
        ("heeler_handler_duration_seconds", "histogram"),
        ("heeler_overhead_seconds", "histogram"),
        ("heeler_connections", "gauge"),
        ("heeler_time_to_ready_seconds", "gauge"),
        ("heeler_cold_starts_total", "counter"),
        ("heeler_handler_starts_total", "counter"),
        ("heeler_handler_exits_total", "counter"),
        ("heeler_restarts_total", "counter"),
        ("heeler_handler_cpu_seconds_total", "counter"),
        ("heeler_handler_max_rss_bytes", "histogram"),
        ("heeler_tree_signals_total", "counter"),
        ("heeler_survivors_total", "counter"),
        ("heeler_orphans_reaped_total", "counter"),
        ("heeler_log_lines_cut_total", "counter"),
        ("heeler_log_lines_dropped_total", "counter"),
        ("heeler_resident_bytes", "gauge"),
        ("heeler_open_descriptors", "gauge"),
    ] {
        assert_eq!(page.kind(family), Some(kind), "{family}");
        let sample = if kind == "histogram" { format!("{family}_count") } else { family.to_owned() };
        assert!(!page.samples(&sample, &[]).is_empty(), "{family} has no sample");
        let grows = ["heeler_time_to", "heeler_cold", "heeler_resident", "heeler_open", "heeler_connections"];
        if !grows.iter().any(|start| family.starts_with(start)) {
            assert_eq!(page.sum(&sample, &[]), 0.0, "{family} is not zero");
        }
    }
    for reason in heeler::reason::Reason::ALL {
        assert_eq!(page.value("heeler_refusals_total", &[("reason", reason.word())]), 0.0);
    }
    assert!(page.value("heeler_time_to_ready_seconds", &[]) > 0.0);
    assert_eq!(page.value("heeler_cold_starts_total", &[]), 1.0);
    assert!(page.value("heeler_resident_bytes", &[]) > 100_000.0);
}

#[test]
fn calls_are_counted_by_code_and_method() {
    let heeler = start(&[("exec_timeout", "500ms")]);
    heeler.call(&Request::role("say hi")).assert_ok();
    heeler.call(&Request::role("say hi")).assert_ok();
    heeler.call(&Request::role("say hi").method("POST")).assert_ok();
    heeler.call(&Request::role("say hi").method("PROPFIND")).assert_ok();
    assert_eq!(heeler.call(&Request::role("exit 3")).status, 500);
    assert_eq!(heeler.call(&Request::role("signal 9")).status, 502);
    assert_eq!(heeler.call(&Request::role("hang")).status, 504);
    for (code, method, count) in [
        ("200", "get", 2.0),
        ("200", "post", 1.0),
        ("200", "unknown", 1.0),
        ("500", "get", 1.0),
        ("502", "get", 1.0),
        ("504", "get", 1.0),
    ] {
        let labels = [("code", code), ("method", method)];
        assert_becomes(&heeler, REQUESTS, &labels, count);
        assert_becomes(&heeler, "http_request_duration_seconds_count", &labels, count);
    }
    heeler.wait_childless();
    assert_becomes(&heeler, FUNCTION, &[], 7.0);
    assert_becomes(&heeler, ERRORS, &[], 3.0);
    let page = heeler.scrape();
    assert_eq!(page.sum("function_calls_total", &[("method", "GET")]), 5.0);
    assert_eq!(page.sum("function_failures_total", &[("method", "GET")]), 3.0);
    assert_eq!(page.sum("heeler_handler_starts_total", &[]), 7.0);
    for (how, count) in [("zero", 4.0), ("nonzero", 1.0), ("signal", 1.0), ("killed", 1.0)] {
        assert_becomes(&heeler, "heeler_handler_exits_total", &[("how", how)], count);
    }
    for reason in ["exit", "signal", "timeout"] {
        assert_eq!(page.value("heeler_refusals_total", &[("reason", reason)]), 1.0, "{reason}");
    }
    assert!(page.sum("heeler_tree_signals_total", &[("signal", "term")]) >= 1.0);
    assert_eq!(page.sum("heeler_survivors_total", &[]), 0.0);
    assert_eq!(page.value("http_requests_in_flight", &[]), 0.0);
}

#[test]
fn refused_calls_are_requests_but_not_the_functions() {
    let heeler = start(&[("max_inflight", "1"), ("max_body", "10")]);
    let gate = Gate::new();
    let mut held = heeler.conn();
    held.send(&Request::role("gate").gate(&gate).bytes());
    gate.wait_started(1);
    assert_eq!(heeler.scrape().value("http_requests_in_flight", &[]), 1.0);
    assert_eq!(heeler.call(&Request::role("say hi")).status, 429);
    assert_eq!(heeler.post("/", vec![0; 11]).status, 413);
    gate.open();
    held.read_response("GET").unwrap().assert_ok();
    assert_becomes(&heeler, REQUESTS, &[("code", "429")], 1.0);
    assert_becomes(&heeler, REQUESTS, &[("code", "413")], 1.0);
    assert_becomes(&heeler, "http_requests_in_flight", &[], 0.0);
    let page = heeler.scrape();
    assert_eq!(page.value("heeler_refusals_total", &[("reason", "full")]), 1.0);
    assert_eq!(page.value("heeler_refusals_total", &[("reason", "body_too_large")]), 1.0);
    assert_becomes(&heeler, FUNCTION, &[], 1.0);
    assert_eq!(page.sum(ERRORS, &[]), 0.0);
}

#[test]
fn a_client_that_went_away_is_a_499() {
    let heeler = start(&[("exec_timeout", "100s")]);
    let gate = Gate::new();
    let mut conn = heeler.conn();
    conn.send(&Request::role("hang").gate(&gate).bytes());
    gate.wait_started(1);
    drop(conn);
    assert_becomes(&heeler, REQUESTS, &[("code", "499")], 1.0);
    assert_becomes(&heeler, "heeler_handler_exits_total", &[("how", "killed")], 1.0);
    assert_becomes(&heeler, "heeler_connections", &[], 0.0);
}

/// Its request and its end are there before heeler reads the first of them: heeler is stopped meanwhile.
#[test]
fn a_client_that_left_before_its_call_began_is_a_499_too() {
    let heeler = start(&[]);
    let mut kept: Vec<_> = (0..8).map(|_| heeler.conn()).collect();
    kept.iter_mut().for_each(|conn| drop(conn.call(&Request::role("say hi")).assert_ok().text()));
    heeler.signal(Signal::SIGSTOP);
    kept.into_iter().for_each(|mut conn| assert!(conn.send(&Request::role("say hi").bytes())));
    heeler.signal(Signal::SIGCONT);
    assert_becomes(&heeler, REQUESTS, &[("code", "499")], 8.0);
    assert_becomes(&heeler, "http_requests_in_flight", &[], 0.0);
}

#[test]
fn labels_and_buckets_are_of_watchdogs() {
    let heeler = start(&[]);
    heeler.call(&Request::role("say hi")).assert_ok();
    assert_becomes(&heeler, REQUESTS, &[("code", "200"), ("method", "get")], 1.0);
    let page = heeler.scrape();
    for (labels, _) in page.samples(REQUESTS, &[]) {
        assert_eq!(labels.keys().collect::<Vec<_>>(), ["code", "method"]);
    }
    let labels = [("code", "200"), ("method", "get")];
    let buckets = page.samples("http_request_duration_seconds_bucket", &labels);
    let bounds: Vec<f64> = buckets.iter().map(|(labels, _)| labels["le"].parse().unwrap()).collect();
    assert_eq!(bounds, [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, f64::INFINITY]);
    assert_eq!(buckets.last().unwrap().1, 1.0);
    assert!(page.samples("http_requests_in_flight", &[])[0].0.is_empty());
}

#[test]
fn the_function_has_its_platforms_name() {
    for name in ["K_SERVICE", "OPENFAAS_NAME", "FUNCTION_NAME"] {
        let heeler = start(&[(name, "my-function")]);
        heeler.call(&Request::role("say hi")).assert_ok();
        assert_becomes(&heeler, FUNCTION, &[("function_name", "my-function")], 1.0);
    }
}

#[test]
fn probes_and_scrapes_are_not_counted() {
    let heeler = start(&[]);
    for path in ["/_/health", "/_/ready", "/healthz", "/health/liveness", "/health/readiness"] {
        heeler.get(path).assert_ok();
        heeler.ask_metrics(&Request::get(path)).assert_ok();
    }
    heeler.scrape();
    heeler.call(&Request::role("say hi")).assert_ok();
    assert_becomes(&heeler, REQUESTS, &[], 1.0);
    assert_eq!(heeler.scrape().sum("http_request_duration_seconds_count", &[]), 1.0);
}

#[test]
fn the_format_follows_accept() {
    let heeler = start(&[]);
    let ask = |accept: Option<&str>| {
        let request = Request::get("/metrics");
        let answer =
            heeler.ask_metrics(&accept.into_iter().fold(request, |request, accept| request.header("Accept", accept)));
        (answer.assert_ok().header("content-type").unwrap().to_owned(), answer.text())
    };
    for accept in [None, Some("*/*"), Some("text/plain"), Some("text/html")] {
        let (kind, text) = ask(accept);
        assert!(kind.starts_with("text/plain") && kind.contains("version=0.0.4"), "{accept:?}: {kind}");
        assert!(!text.contains("# EOF"));
    }
    let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
    for accept in ["application/openmetrics-text; version=1.0.0", prometheus] {
        let (kind, text) = ask(Some(accept));
        assert!(kind.starts_with("application/openmetrics-text"), "{accept}: {kind}");
        assert!(text.ends_with("# EOF\n"));
    }
}

#[test]
fn processor_time_and_memory_of_handlers_are_seen() {
    let heeler = start(&[]);
    let before = heeler.scrape().value("heeler_handler_cpu_seconds_total", &[]);
    heeler.call(&Request::role("cpu 300")).assert_ok();
    eventually("the time is counted", || {
        heeler.scrape().value("heeler_handler_cpu_seconds_total", &[]) - before >= 0.29
    });
    assert!(heeler.scrape().value("heeler_handler_cpu_seconds_total", &[]) - before < 3.0);
    heeler.call(&Request::role("rss 70")).assert_ok();
    assert_becomes(&heeler, "heeler_handler_max_rss_bytes_count", &[], 2.0);
    let page = heeler.scrape();
    let up_to = |bytes: f64| {
        let buckets = page.samples("heeler_handler_max_rss_bytes_bucket", &[]);
        buckets.iter().find(|(labels, _)| labels["le"].parse::<f64>().unwrap() == bytes).unwrap().1
    };
    assert_eq!(up_to(67_108_864.0), 1.0, "the small one");
    assert_eq!(up_to(268_435_456.0), 2.0, "and the one with 70 MiB");
}

#[test]
fn orphans_and_kills_are_seen() {
    let heeler = start(&[]);
    let gate = Gate::new();
    heeler.call(&Request::role("escape exit").gate(&gate)).assert_ok();
    tree::wait_until_gone(&gate.pids());
    heeler.wait_childless();
    let killed = || heeler.scrape().sum("heeler_tree_signals_total", &[("signal", "kill")]) >= 1.0;
    eventually("the kill is counted", killed);
    eventually("the orphan is counted", || heeler.scrape().sum("heeler_orphans_reaped_total", &[]) >= 1.0);
}

#[test]
fn series_have_a_bound() {
    let heeler = start(&[]);
    for n in 0..50 {
        heeler
            .call(
                &Request::role("say hi")
                    .method(&format!("ODD{n}"))
                    .target(&format!("/path/{n}"))
                    .header("X-Call-Id", &format!("id-{n}")),
            )
            .assert_ok();
    }
    assert_becomes(&heeler, REQUESTS, &[("method", "unknown")], 50.0);
    let page = heeler.scrape();
    let methods: BTreeSet<&str> =
        page.samples(REQUESTS, &[]).iter().map(|(labels, _)| labels["method"].as_str()).collect();
    assert!(methods.len() <= 3, "{methods:?}");
    assert!(!page.text.contains("id-1") && !page.text.contains("/path/"));
}
