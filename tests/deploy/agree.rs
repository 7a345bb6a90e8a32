//! Numbers and names that have to fit each other do.

use std::time::Duration;

use serde_json::Value;

use crate::files::{Workload, objects, workloads};

/// For how long queue-proxy keeps TERM from the container while it drains.
const QUEUE_PROXY_DRAINS: Duration = Duration::from_secs(30);
/// The longest that a cluster allows if nobody has changed that.
const CLUSTER_MOST: u64 = 600;

fn seconds(value: &Value) -> Duration {
    Duration::from_secs(value.as_u64().unwrap_or_else(|| panic!("{value} is not a number of seconds")))
}

fn duration(workload: &Workload, name: &str) -> Option<Duration> {
    let value = workload.env().get(name)?.clone();
    Some(heeler::duration::parse(&value).unwrap_or_else(|wrong| panic!("{name}={value}: {wrong:?}")))
}

fn knative() -> impl Iterator<Item = Workload> {
    workloads().into_iter().filter(|workload| workload.document.is_knative())
}

#[test]
fn no_more_calls_come_than_have_a_place() {
    for workload in knative() {
        let (place, env) = (workload.document.place(), workload.env());
        let concurrency = workload.pod()["containerConcurrency"].as_u64().unwrap();
        assert_eq!(env["max_inflight"], concurrency.to_string(), "{place}");
        // Ready is 429 when no place to wait is left: there have to be some that queue-proxy cannot fill.
        assert!(env["queue_depth"].parse::<u64>().unwrap() >= concurrency, "{place}");
    }
}

#[test]
fn heelers_deadlines_come_before_the_platforms() {
    for workload in knative() {
        let place = workload.document.place();
        let exec = duration(&workload, "exec_timeout").unwrap();
        let longest = exec.max(duration(&workload, "stream_timeout").unwrap_or_default());
        let limit = seconds(&workload.pod()["timeoutSeconds"]);
        assert!(limit >= longest + QUEUE_PROXY_DRAINS, "{place}: {limit:?}, {longest:?}");
        assert!(limit.as_secs() <= CLUSTER_MOST, "{place}: {limit:?}");
        // The drain would otherwise cut a call that still has time.
        let drain = duration(&workload, "drain_timeout").unwrap_or(exec.max(Duration::from_secs(30)));
        assert!(drain >= longest, "{place}: {drain:?}, {longest:?}");
        let first_byte = &workload.pod()["responseStartTimeoutSeconds"];
        assert!(first_byte.is_null() || seconds(first_byte) > exec, "{place}: {first_byte}");
    }
}

#[test]
fn a_pod_has_time_for_its_whole_end() {
    let workload = workloads().into_iter().find(|workload| workload.document.kind() == "Deployment").unwrap();
    let kill_grace = duration(&workload, "kill_grace").unwrap_or(Duration::from_secs(2));
    let named = ["shutdown_delay", "drain_timeout"].map(|name| duration(&workload, name).unwrap());
    let needed: Duration = named.iter().sum::<Duration>() + kill_grace;
    let grace = seconds(&workload.pod()["terminationGracePeriodSeconds"]);
    assert!(grace > needed, "{grace:?} for {needed:?}");
    assert!(named[1] >= duration(&workload, "exec_timeout").unwrap(), "a call is cut by the drain");
}

/// The kubelet asks from the start on, so that something has to answer there before the function is loaded.
#[test]
fn liveness_does_not_end_a_start() {
    for workload in workloads() {
        let liveness = &workload.container()["livenessProbe"];
        assert_eq!(liveness["httpGet"]["path"], "/_/health", "{}", workload.document.place());
        let at_the_metrics_port = liveness["httpGet"]["port"] == "metrics";
        let early = workload.env().get("bind").is_some_and(|bind| bind == "early");
        assert!(at_the_metrics_port || early, "{}", workload.document.place());
        // A port that is open early says nothing: Knative's own probe would take it for readiness.
        assert!(!early || !workload.container()["readinessProbe"]["httpGet"].is_null());
    }
}

#[test]
fn containers_may_do_nothing_that_they_need_not() {
    for workload in workloads() {
        let place = workload.document.place();
        let own = &workload.container()["securityContext"];
        let said = |key: &str| if own[key].is_null() { &workload.pod()["securityContext"][key] } else { &own[key] };
        assert_eq!(said("runAsNonRoot"), true, "{place}");
        for id in ["runAsUser", "runAsGroup"] {
            assert_eq!(said(id), 65532, "{place}");
        }
        assert_eq!(own["allowPrivilegeEscalation"], false, "{place}");
        assert_eq!(own["readOnlyRootFilesystem"], true, "{place}");
        assert_eq!(own["capabilities"]["drop"], serde_json::json!(["ALL"]), "{place}");
        assert_eq!(own["capabilities"]["add"], Value::Null, "{place}");
        assert_eq!(said("seccompProfile")["type"], "RuntimeDefault", "{place}");
        assert_eq!(workload.pod()["automountServiceAccountToken"], false, "{place}");
        // The one place that can be written to.
        assert_eq!(workload.container()["volumeMounts"][0]["mountPath"], "/tmp", "{place}");
        let volumes = workload.pod()["volumes"].as_array().unwrap();
        assert_eq!(volumes[0]["name"], workload.container()["volumeMounts"][0]["name"], "{place}");
        assert!(volumes[0]["emptyDir"]["sizeLimit"].is_string(), "{place}");
        for kind in ["requests", "limits"] {
            for of in ["cpu", "memory"] {
                assert!(workload.container()["resources"][kind][of].is_string(), "{place}: no {kind} of {of}");
            }
        }
    }
}

/// What points at something by its name or its labels finds it.
#[test]
fn what_belongs_together_finds_each_other() {
    let all = objects();
    let there = |kind: &str, name: &Value| all.iter().any(|other| other.kind() == kind && other.name() == name);
    let deployment = workloads().into_iter().find(|workload| workload.document.kind() == "Deployment").unwrap();
    let labels = &deployment.template()["metadata"]["labels"];
    let matches = |selector: &Value| {
        let wanted = selector.as_object().unwrap();
        assert!(!wanted.is_empty());
        wanted.iter().all(|(key, value)| &labels[key] == value)
    };
    let mut checked = 0;
    for document in &all {
        let spec = &document.value["spec"];
        let finds = match document.kind() {
            "Service" if !document.is_knative() => matches(&spec["selector"]),
            "Deployment" | "PodDisruptionBudget" => matches(&spec["selector"]["matchLabels"]),
            "PodMonitor" if document.file.starts_with("kubernetes/") => matches(&spec["selector"]["matchLabels"]),
            "HorizontalPodAutoscaler" => there("Deployment", &spec["scaleTargetRef"]["name"]),
            "Trigger" => there("Service", &spec["subscriber"]["ref"]["name"]),
            "SinkBinding" => there("Service", &spec["subject"]["name"]),
            "TaskRun" => there("Task", &spec["taskRef"]["name"]),
            _ => continue,
        };
        assert!(finds, "{} points at nothing", document.place());
        checked += 1;
    }
    assert_eq!(checked, 8);
}

/// A function whose own events come back to it would never be done.
#[test]
fn a_function_is_not_fed_by_itself() {
    let trigger = objects().into_iter().find(|document| document.kind() == "Trigger").unwrap();
    let takes = trigger.value["spec"]["filter"]["attributes"]["type"].as_str().unwrap().to_owned();
    let event = workloads().into_iter().find(|workload| workload.env().contains_key("reply_type")).unwrap();
    assert_ne!(event.env()["reply_type"], takes);
    let timeout = trigger.value["spec"]["delivery"]["timeout"].as_str().unwrap();
    let timeout: u64 = timeout.strip_prefix("PT").unwrap().strip_suffix('S').unwrap().parse().unwrap();
    assert!(Duration::from_secs(timeout) > duration(&event, "exec_timeout").unwrap(), "delivered again while it runs");
}
