//! docs/decisions/dependencies.md names every crate that heeler stands on, with the features that are on, and none more.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "cargo is asked which crates are linked")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

const PAGE: &str = "docs/decisions/dependencies.md";

/// The tables of Cargo.toml and the headings on the page under which their crates stand.
const PARTS: [(&str, &str); 3] = [
    ("[dependencies]", "## In the binary"),
    ("[build-dependencies]", "## In the build"),
    ("[dev-dependencies]", "## In the tests"),
];

/// Under which the crates stand that those bring along.
const BROUGHT: &str = "## Brought along";

#[test]
fn every_direct_dependency_has_its_reason() {
    let (manifest, page) = (read("Cargo.toml"), read(PAGE));
    for (table, heading) in PARTS {
        let (wanted, said) = (dependencies(&manifest, table), rows(&page, heading));
        assert!(!wanted.is_empty(), "Cargo.toml has no {table}");
        assert_eq!(said, wanted, "left: {PAGE}, {heading}; right: Cargo.toml, {table}");
    }
}

#[test]
fn every_crate_that_is_linked_has_its_reason() {
    let page = read(PAGE);
    let direct = dependencies(&read("Cargo.toml"), PARTS[0].0);
    let linked: BTreeSet<String> =
        linked().into_iter().filter(|name| name != "heeler" && !direct.contains_key(name)).collect();
    assert!(linked.contains("h2"), "cargo tree knows no h2: {linked:?}");
    let said: BTreeSet<String> = rows(&page, BROUGHT).into_keys().collect();
    assert_eq!(said, linked, "left: {PAGE}, {BROUGHT}; right: cargo tree");
}

/// The crates of one table, each with its features.
fn dependencies(manifest: &str, table: &str) -> BTreeMap<String, BTreeSet<String>> {
    let lines = section(manifest, table, "[").filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once(" = "));
    pairs.map(|(name, value)| (name.to_owned(), features(value))).collect()
}

/// What stands in `features = ["a", "b"]`.
fn features(value: &str) -> BTreeSet<String> {
    let list = value.split_once("features = [").and_then(|(_, rest)| rest.split_once(']'));
    let words = list.map_or("", |(list, _)| list).split(", ").filter(|word| !word.is_empty());
    words.map(|word| word.trim_matches('"').to_owned()).collect()
}

/// The rows of a table on the page: what its first column names, and the names in its second one.
fn rows(page: &str, heading: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for line in section(page, heading, "## ").filter(|line| line.starts_with("| `")) {
        let columns: Vec<&str> = line.split(" | ").collect();
        let named = |column: &str| column.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
        for name in named(columns[0]) {
            assert!(found.insert(name.clone(), named(columns[1])).is_none(), "{PAGE} names {name} twice");
        }
    }
    found
}

/// The lines behind `start`, up to the next one that begins with `end`.
fn section<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = text.lines().skip_while(move |line| *line != start).skip(1);
    lines.take_while(move |line| !line.starts_with(end))
}

/// What is linked for an image, and the macros that write parts of it.
fn linked() -> BTreeSet<String> {
    let tree = ["tree", "--locked", "--edges", "normal", "--prefix", "none", "--target", "x86_64-unknown-linux-musl"];
    let told = Command::new(env!("CARGO")).args(tree).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let told = told.expect("cargo is what runs this test");
    assert!(told.status.success(), "cargo tree: {}", String::from_utf8_lossy(&told.stderr));
    let text = String::from_utf8(told.stdout).expect("names are text");
    text.lines().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()))
}
