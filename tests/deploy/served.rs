//! The real heeler under each manifest's settings: `check` is content with them, and it answers the manifest's probes as a
//! cluster needs them to be answered.

use std::collections::BTreeMap;
use std::fs::File;

use serde_json::Value;

use crate::files::{Workload, workloads};
use crate::support::{Builder, Conn, Gate, Heeler, Request, Response, eventually, free_port, testfn};

/// heeler as the workload's container starts it. What its image would say, and where its ports are, is said here.
fn container(workload: &Workload, gate: &Gate) -> Builder {
    let mut env: BTreeMap<String, String> = workload.env_there();
    let is_server = env.get("mode").is_some_and(|mode| mode == "http");
    let role = if is_server { "serve gate echo" } else { "worker gate echo" };
    env.entry("mode".into()).or_insert("warm".into());
    env.insert("fprocess".into(), testfn(role));
    env.insert("TESTFN_GATE".into(), gate.path().into());
    env.insert("TMPDIR".into(), gate.path().into());
    env.into_iter()
        .fold(Heeler::builder().without("suppress_lock"), |builder, (name, value)| builder.env(&name, &value))
}

/// Started, with ports that are known before it is ready.
fn start(workload: &Workload, gate: &Gate) -> Heeler {
    let (port, metrics) = (free_port(), free_port());
    let builder = container(workload, gate).env("metrics_port", &metrics.to_string());
    // Knative says the port; elsewhere heeler's own default has to be put aside for the test.
    let name = if workload.document.is_knative() { "PORT" } else { "port" };
    let mut heeler = builder.without("port").env(name, &port.to_string()).spawn();
    (heeler.port, heeler.metrics_port) = (port, Some(metrics));
    heeler
}

/// Asks as a kubelet or queue-proxy does; `None` while nobody listens.
fn ask(heeler: &Heeler, probe: &Value) -> Option<Response> {
    let http = &probe["httpGet"];
    let address = if http["port"] == "metrics" { heeler.metrics_address() } else { heeler.address() };
    let request = Request::get(http["path"].as_str().unwrap());
    Conn::try_open(address)
        .ok()?
        .try_call(&request.header("User-Agent", "kube-probe/1.32").header("Connection", "close"))
        .ok()
}

fn status(heeler: &Heeler, probe: &Value) -> Option<u16> {
    ask(heeler, probe).map(|answer| answer.status)
}

fn open(gate: &Gate) {
    File::create(gate.file("open")).unwrap();
}

#[test]
fn check_is_content_with_every_manifest() {
    for workload in workloads() {
        let (place, gate) = (workload.document.place(), Gate::new());
        let port = workload.port().to_string();
        let mut heeler = container(&workload, &gate)
            .without("port")
            .without("metrics_port")
            .env("PORT", &port)
            .args(["check"])
            .spawn();
        let code = heeler.exit_code();
        let (report, said) = (heeler.stdout.rest(), heeler.stderr.rest());
        assert_eq!(code, 0, "{place}: {report}{said}");
        // A warning means that a setting does nothing here, or is a slip.
        assert_eq!(said, "", "{place}");
        for (name, value) in workload.env() {
            let row = report.lines().find(|line| line.split_whitespace().next() == Some(&name));
            let row = row.unwrap_or_else(|| panic!("{place}: check does not show {name}"));
            assert!(row.trim_end().ends_with(&name), "{place}: {name}={value} is not what holds: {row}");
        }
        let from: Vec<_> = report.lines().filter(|line| line.starts_with("port ")).collect();
        assert!(from[0].contains("8080") && from[0].ends_with("PORT"), "{place}: {from:?}");
    }
}

#[test]
fn probes_are_answered_from_the_start_to_the_end() {
    for workload in workloads() {
        let (place, gate) = (workload.document.place(), Gate::new());
        let mut heeler = start(&workload, &gate);
        let probe = |kind: &str| workload.container()[kind].clone();
        let (ready, live) = (probe("readinessProbe"), probe("livenessProbe"));
        // While the function loads, heeler is alive and not ready.
        eventually("the function is being loaded", || !gate.pids().is_empty());
        eventually("liveness is answered", || status(&heeler, &live).is_some());
        assert_eq!(status(&heeler, &live), Some(200), "{place}");
        assert_eq!(ask(&heeler, &ready).unwrap().reason(), "starting", "{place}");
        open(&gate);
        heeler.wait_ready();
        for (name, probe) in workload.probes() {
            assert_eq!(status(&heeler, probe), Some(200), "{place}: {name}");
        }
        // From TERM on the instance gets no more calls.
        heeler.signal(nix::sys::signal::Signal::SIGTERM);
        eventually("ready says no", || status(&heeler, &ready) != Some(200));
        drop(heeler);
    }
}

/// Metrics are where the annotations say, with the name that the platform gives the function.
#[test]
fn metrics_are_where_the_annotations_say() {
    for workload in workloads() {
        let gate = Gate::new();
        open(&gate);
        let mut heeler = start(&workload, &gate);
        heeler.wait_ready();
        let path = workload.template()["metadata"]["annotations"]["prometheus.io/path"].as_str().unwrap();
        let page = heeler.ask_metrics(&Request::get(path)).assert_ok().text();
        assert!(page.contains("heeler_time_to_ready_seconds"), "{page}");
        if workload.document.is_knative() {
            let name = format!("function_name=\"{}\"", workload.document.name());
            assert!(page.contains(&name), "{}: {page}", workload.document.place());
        }
    }
}

/// While queue-proxy lets in as many as it may, an instance that is busy stays ready.
#[test]
fn a_busy_instance_stays_ready() {
    for workload in workloads().into_iter().filter(|workload| workload.document.is_knative()) {
        let (place, gate) = (workload.document.place(), Gate::new());
        let concurrency = workload.pod()["containerConcurrency"].as_u64().unwrap();
        // A worker of few places, as a function in Python is one.
        let role = if workload.env().contains_key("mode") { "serve" } else { "worker places=2" };
        // The fixture takes calls without an event and speaks HTTP/1 only.
        let plain =
            [("fprocess", &*testfn(role)), ("events", "auto"), ("reply", "auto"), ("upstream_protocol", "auto")];
        let builder = container(&workload, &gate).envs(&plain);
        let heeler = builder.metrics().start();
        let mut held: Vec<Conn> = (0..concurrency).map(|_| heeler.conn()).collect();
        for conn in &mut held {
            conn.send(&Request::get("/gate").bytes());
        }
        eventually("all calls are in", || in_flight(&heeler) >= concurrency as f64);
        assert_eq!(ask(&heeler, &workload.container()["readinessProbe"]).unwrap().status, 200, "{place}");
        open(&gate);
        held.iter_mut().for_each(|conn| _ = conn.read_response("GET").unwrap().assert_ok());
    }
}

/// Told by the page of metrics, where it has one.
fn in_flight(heeler: &Heeler) -> f64 {
    heeler.scrape().value("http_requests_in_flight", &[])
}

/// A caller without an event is none of a function of events.
#[test]
fn a_function_of_events_takes_nothing_else() {
    let workload = workloads().into_iter().find(|workload| workload.env().contains_key("reply_type")).unwrap();
    let gate = Gate::new();
    open(&gate);
    let mut heeler = start(&workload, &gate);
    heeler.wait_ready();
    assert_eq!(heeler.post("/", "plain").status, 415);
}
