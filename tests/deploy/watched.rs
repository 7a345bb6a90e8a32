//! What Prometheus and Grafana are told to look at is there: families, labels, and the values of labels.

use std::collections::{BTreeMap, BTreeSet};

use heeler::reason::Reason;
use serde_json::Value;

use crate::files::{Document, documents, function_with_calls_in_flight, objects, parse, text};
use crate::queries::names;

/// Labels that the scrape sets.
const SCRAPED: [&str; 3] = ["namespace", "function", "pod"];

/// What others expose, and its labels.
const OTHERS: [(&str, &[&str]); 3] = [
    ("container_cpu_usage_seconds_total", &["namespace", "pod", "container"]),
    ("container_memory_working_set_bytes", &["namespace", "pod", "container"]),
    ("ALERTS", &["alertname", "alertstate", "namespace", "function"]),
];

/// A family of docs/metrics.md.
struct Family {
    labels: BTreeSet<String>,
    meaning: String,
}

/// By the names of samples: a histogram has three.
fn families() -> BTreeMap<String, Family> {
    let page = heeler::metrics::docs();
    let mut found = BTreeMap::new();
    for row in page.lines().filter(|line| line.starts_with("| `") && line.matches('|').count() == 5) {
        let cells: Vec<_> = row.split('|').map(|cell| cell.trim().replace('`', "")).collect();
        let (name, kind, meaning) = (&cells[1], &cells[2], &cells[4]);
        let labels = cells[3].split(',').map(|label| label.trim().to_owned()).filter(|label| !label.is_empty());
        let labels: BTreeSet<String> = labels.collect();
        let mut add = |suffix: &str, more: &[&str]| {
            let labels = labels.iter().cloned().chain(more.iter().map(|&label| label.to_owned())).collect();
            found.insert(format!("{name}{suffix}"), Family { labels, meaning: meaning.clone() });
        };
        if kind == "histogram" {
            add("_bucket", &["le"]);
            add("_sum", &[]);
            add("_count", &[]);
        } else {
            add("", &[]);
        }
    }
    assert!(found.len() > 40, "docs/metrics.md was not understood");
    found
}

/// Rules as (name, the rule), recordings and alerts alike.
fn rules() -> Vec<(String, Value)> {
    let groups = documents("prometheus/rules.yaml").remove(0).value["groups"].as_array().unwrap().clone();
    let all = groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone());
    all.map(|rule| {
        let name = rule["alert"].as_str().or(rule["record"].as_str()).unwrap().to_owned();
        (name, rule)
    })
    .collect()
}

fn alerts() -> Vec<(String, Value)> {
    rules().into_iter().filter(|(_, rule)| !rule["alert"].is_null()).collect()
}

pub(crate) fn dashboard() -> Value {
    serde_json::from_str(&text("grafana/heeler.json")).unwrap()
}

fn panels() -> Vec<Value> {
    dashboard()["panels"].as_array().unwrap().clone()
}

/// All queries of the dashboard, with where they stand.
pub(crate) fn queries() -> Vec<(String, String)> {
    let dashboard = dashboard();
    let annotations = dashboard["annotations"]["list"].as_array().unwrap();
    let mut found: Vec<_> = annotations.iter().map(|one| (one["name"].clone(), one["expr"].clone())).collect();
    for panel in panels() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            found.push((panel["title"].clone(), target["expr"].clone()));
        }
    }
    let text = |value: Value| value.as_str().unwrap().to_owned();
    found.into_iter().map(|(place, expression)| (text(place), text(expression))).collect()
}

/// Whether a histogram counts up to there; OpenMetrics writes whole bounds with a `.0`.
fn has_bound(bucket: &str, bound: &str) -> bool {
    let row = format!("| `{}` | ", bucket.trim_end_matches("_bucket"));
    let page = heeler::metrics::docs();
    let bounds = page.split("## Buckets").nth(1).unwrap().lines().find_map(|line| line.strip_prefix(&row));
    let bounds = bounds.unwrap_or_else(|| panic!("{bucket} is no histogram's"));
    bounds.trim_end_matches(" |").split(", ").any(|one| one == bound.trim_end_matches(".0"))
}

fn check(place: &str, expression: &str) {
    let families = families();
    let recorded: BTreeSet<String> =
        rules().into_iter().map(|(name, _)| name).filter(|name| name.contains(':')).collect();
    let seen = names(expression);
    let mut allowed: BTreeSet<String> = SCRAPED.iter().map(|&label| label.to_owned()).collect();
    assert!(!seen.metrics.is_empty(), "{place}: {expression} looks at nothing");
    for metric in &seen.metrics {
        if let Some(family) = families.get(metric) {
            allowed.extend(family.labels.iter().cloned());
        } else if let Some((_, labels)) = OTHERS.iter().find(|(name, _)| name == metric) {
            allowed.extend(labels.iter().map(|&label| label.to_owned()));
        } else {
            assert!(recorded.contains(metric), "{place}: there is no {metric}");
        }
    }
    for label in seen.grouped.iter().chain(seen.matched.iter().map(|(label, _)| label)) {
        assert!(allowed.contains(label), "{place}: none of {:?} has a label {label}", seen.metrics);
    }
    for (label, value) in &seen.matched {
        let told =
            || seen.metrics.iter().filter_map(|metric| families.get(metric)).any(|it| it.meaning.contains(value));
        match label.as_str() {
            "reason" => assert!(Reason::ALL.iter().any(|reason| reason.word() == value), "{place}: no reason {value}"),
            "le" => assert!(seen.metrics.iter().any(|metric| has_bound(metric, value)), "{place}: no bound {value}"),
            "how" | "cause" | "state" | "signal" => assert!(told(), "{place}: {label} is never {value}"),
            _ => {}
        }
    }
}

#[test]
fn rules_look_at_what_is_there() {
    for (name, rule) in rules() {
        check(&name, rule["expr"].as_str().unwrap());
    }
}

#[test]
fn the_dashboard_looks_at_what_is_there() {
    let all = queries();
    assert!(all.len() > 30);
    for (place, expression) in &all {
        check(place, expression);
    }
    for variable in dashboard()["templating"]["list"].as_array().unwrap() {
        if let Some(query) = variable["definition"].as_str() {
            check("variables", query.strip_prefix("label_values(").unwrap().split_once(", ").unwrap().0);
        }
    }
}

#[test]
fn autoscalers_look_at_what_is_there() {
    let metrics = |all: Vec<Document>| {
        let scaler = all.into_iter().find(|document| document.kind() == "HorizontalPodAutoscaler").unwrap();
        scaler.value["spec"]["metrics"].as_array().unwrap().clone()
    };
    // Without an adapter an autoscaler that names another metric would take no instance away any more.
    let all = metrics(objects());
    assert!(all.iter().all(|metric| metric["type"] == "Resource"), "{all:?}");
    let all = metrics(parse("kubernetes/function.yaml", &function_with_calls_in_flight()));
    let named: Vec<_> = all.iter().filter_map(|metric| metric["pods"]["metric"]["name"].as_str()).collect();
    assert_eq!(named, ["http_requests_in_flight"]);
    assert!(families().contains_key(named[0]), "{named:?}");
}

#[test]
fn the_tests_of_rules_play_what_is_there() {
    let families = families();
    let tests = documents("prometheus/rules.test.yaml").remove(0).value;
    for test in tests["tests"].as_array().unwrap() {
        for series in test["input_series"].as_array().unwrap() {
            let series = series["series"].as_str().unwrap();
            let seen = names(series);
            let metric = seen.metrics.first().unwrap();
            let family = families.get(metric).unwrap_or_else(|| panic!("there is no {metric}"));
            let labels: BTreeSet<_> = seen.matched.iter().map(|(label, _)| label.as_str()).collect();
            let wanted: BTreeSet<_> = family.labels.iter().map(String::as_str).chain(SCRAPED).collect();
            assert_eq!(labels, wanted, "{series}");
        }
    }
}

#[test]
fn alerts_tell_what_to_do() {
    let tested = text("prometheus/rules.test.yaml");
    for (name, rule) in alerts() {
        assert!(rule["for"].is_string(), "{name} fires at the first sight");
        assert!(["critical", "warning"].iter().any(|level| rule["labels"]["severity"] == *level), "{name}");
        for part in ["summary", "description", "runbook"] {
            let text = rule["annotations"][part].as_str().unwrap_or_else(|| panic!("{name} has no {part}"));
            assert!(text.len() > 20, "{name}: {part}: {text}");
        }
        let said = rule["annotations"].to_string();
        assert!(said.contains("$labels.function") && said.contains("$labels.namespace"), "{name} does not say whose");
        // What was summed up has no pod any more.
        let sums =
            ["by (namespace, function)", "function:"].iter().any(|part| rule["expr"].as_str().unwrap().contains(part));
        assert!(!sums || !said.contains("$labels.pod"), "{name} names a pod");
        assert!(tested.contains(&name), "{name} is not tested in rules.test.yaml");
    }
    // What somebody on call has to hear of.
    let all: BTreeSet<String> = alerts().into_iter().map(|(name, _)| name).collect();
    assert!(all.len() >= 12, "{all:?}");
}

#[test]
fn the_dashboard_is_whole() {
    let (mut ids, mut titles, mut taken) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for panel in panels() {
        let title = panel["title"].as_str().unwrap().to_owned();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is there twice");
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
        assert!(x + w <= 24, "{title} stands out");
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{title} lies over another panel at {cell:?}");
        }
        if panel["type"] == "row" {
            continue;
        }
        assert!(titles.insert(title.clone()), "{title} is there twice");
        assert!(panel["description"].as_str().unwrap().len() > 20, "{title} does not say how to read it");
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title} has no unit");
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
            let expression = target["expr"].as_str().unwrap();
            assert!(expression.contains("namespace=~\"$namespace\""), "{title}: {expression}");
            legend_is_kept(&title, target["legendFormat"].as_str().unwrap(), expression);
        }
    }
    let variables = dashboard()["templating"]["list"].clone();
    let names: Vec<_> = variables.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["datasource", "namespace", "function"]);
}

/// A label in a legend that was summed away would be empty.
fn legend_is_kept(title: &str, legend: &str, expression: &str) {
    let seen = names(expression);
    for label in legend.split("{{").skip(1).map(|part| part.split("}}").next().unwrap()) {
        let kept = seen.grouped.contains(label) || seen.grouped.is_empty() && !expression.contains("sum(");
        assert!(kept, "{title}: {label} is not there any more in {expression}");
    }
}
