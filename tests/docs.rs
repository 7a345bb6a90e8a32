//! The pages that are made from the source are as committed.

use std::fs;
use std::path::Path;

fn check(name: &str, expect: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(format!("{name}.md"));
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let hint = format!("run: cargo run --example gendocs -- {name} > docs/{name}.md");
    assert!(committed == expect, "docs/{name}.md is not up to date; {hint}");
}

#[test]
fn the_page_of_settings_is_up_to_date() {
    check("config", &heeler::config::page());
}

#[test]
fn the_page_of_metrics_is_up_to_date() {
    check("metrics", &heeler::metrics::docs());
}
