//! The committed page is what the source says today.

#[test]
fn docs_metrics_is_current() {
    let committed = include_str!("../docs/metrics.md");
    assert!(
        committed == heeler::metrics::docs(),
        "docs/metrics.md is stale: cargo run --example gendocs -- metrics > docs/metrics.md"
    );
}
