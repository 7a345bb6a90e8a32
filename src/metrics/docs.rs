//! `docs/metrics.md`, printed from the table of definitions.

use super::defs::{ALL, Def, Kind};

const INTRODUCTION: &str = "# Metrics

<!-- Generated from src/metrics/defs.rs: cargo run --example gendocs -- metrics > docs/metrics.md -->

Served on `metrics_port` at `/metrics`, in OpenMetrics 1.0 when the scraper's `Accept` asks for it, else in Prometheus
text 0.0.4. Every family is there at zero from the start. Probes of health and readiness are not counted.
Unusual methods are `unknown`, and so are codes outside 100 to 599, so that the number of series has a bound.
The `http_…` families are those of OpenFaaS' watchdogs, `knative_function_…` and `function_…` those of Knative and
Kubeless functions.

| name | type | labels | meaning |
| --- | --- | --- | --- |
";

/// The whole page.
pub fn docs() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.extend(ALL.iter().map(row));
    page.push_str("\n## Buckets\n\nUpper bounds of the histograms, in the unit of the name.\n\n");
    page.push_str("| name | buckets |\n| --- | --- |\n");
    page.extend(ALL.iter().filter(|def| def.kind == Kind::Histogram).map(buckets));
    page
}

fn row(def: &Def) -> String {
    let kind = match def.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
        Kind::Info => "info",
    };
    let labels: Vec<String> = def.labels.iter().map(|label| format!("`{label}`")).collect();
    format!("| `{}` | {kind} | {} | {}. |\n", def.name, labels.join(", "), def.help)
}

fn buckets(def: &Def) -> String {
    let bounds: Vec<String> = def.buckets.iter().map(f64::to_string).collect();
    format!("| `{}` | {} |\n", def.name, bounds.join(", "))
}
