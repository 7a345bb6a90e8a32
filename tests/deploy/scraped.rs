//! Where Prometheus asks for metrics, by its own relabelling.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::admitted::promtool;
use crate::files::documents;

/// What discovery says of a function's pod, by both ways to find it.
fn found(address: &str) -> Value {
    let pod = |name: &str| format!("__meta_kubernetes_pod_{name}");
    let labels: BTreeMap<String, &str> = [
        (pod("annotation_prometheus_io_scrape"), "true"),
        (pod("annotation_prometheus_io_port"), "8081"),
        (pod("annotation_prometheus_io_path"), "/metrics"),
        (pod("container_port_number"), "8080"),
        (pod("label_app_kubernetes_io_name"), "my-function"),
        (pod("label_serving_knative_dev_service"), "my-function"),
        (pod("ip"), address.trim_matches(['[', ']'])),
    ]
    .into();
    json!([{ "targets": [format!("{address}:8080")], "labels": labels }])
}

/// A PodMonitor's relabelings as a configuration of Prometheus has them.
fn relabelings_of_the_pod_monitor() -> Value {
    let monitor = documents("knative/pod-monitor.yaml").remove(0).value;
    let text = monitor["spec"]["podMetricsEndpoints"][0]["relabelings"].to_string();
    let text = text.replace("sourceLabels", "source_labels").replace("targetLabel", "target_label");
    serde_json::from_str(&text).unwrap()
}

fn relabelings_of_the_scrape() -> Value {
    documents("prometheus/scrape.yaml").remove(0).value["scrape_configs"][0]["relabel_configs"].clone()
}

#[test]
fn metrics_are_asked_for_at_addresses_of_both_kinds() {
    for rules in [relabelings_of_the_pod_monitor(), relabelings_of_the_scrape()] {
        for address in ["10.1.2.3", "[fd00::1]"] {
            let job = json!({ "job_name": "heeler", "static_configs": found(address), "relabel_configs": rules });
            let there = tempfile::tempdir().unwrap();
            // JSON is YAML too.
            fs::write(there.path().join("job.yaml"), json!({ "scrape_configs": [job] }).to_string()).unwrap();
            let args = ["check", "service-discovery", "--timeout=1s", "job.yaml", "heeler"];
            let Some((good, said)) = promtool(&args, there.path()) else { return };
            assert!(good, "{said}");
            let targets: Value = serde_json::from_str(&said).unwrap_or_else(|problem| panic!("{problem}: {said}"));
            let labels = &targets[0]["labels"];
            assert_eq!(labels["__address__"], format!("{address}:8081"), "{said}");
            assert_eq!(labels["function"], "my-function", "{said}");
        }
    }
}
