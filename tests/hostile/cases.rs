//! The tables of `cases/`: raw requests, what becomes of each, and the rule that says so.
//!
//! A line is one JSON object. `send` is the request, each character a byte (`\u00ff` is 0xff), `{{a*100}}` is a hundred
//! times `a`, where `%` is the number of the time. `want` is the status, or 0 for a connection that is closed without an
//! answer; `reason` is the word on an answer of heeler's own. `saw` is the call that the handler saw whole, as
//! `METHOD PATH BODY`; without it there was none. `next` is the status of the request behind it on the connection;
//! without it the connection is closed. `half` closes the client's side behind the request. Where a mode differs, its name
//! has what differs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// One line of a table, as one mode has it.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    pub send: Vec<u8>,
    /// 0: closed without an answer.
    pub want: u16,
    pub reason: Option<String>,
    pub saw: Option<String>,
    /// The status of what stands behind; 0: nothing more.
    pub next: u16,
    pub half: bool,
}

pub const TABLES: [&str; 10] =
    ["request_line", "targets", "hosts", "fields", "lengths", "codings", "chunks", "limits", "connections", "upgrades"];

fn lines(table: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/hostile/cases/{table}.jsonl"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let parse =
        |(at, line)| serde_json::from_str(line).unwrap_or_else(|error| panic!("{table}, line {}: {error}", at + 1));
    text.lines().enumerate().map(parse).collect()
}

/// All cases of a table for a mode.
pub fn read(table: &str, mode: &str) -> Vec<Case> {
    lines(table).iter().map(|line| case(table, line, mode)).collect()
}

fn case(table: &str, line: &Value, mode: &str) -> Case {
    let of = |key: &str| line[mode].get(key).unwrap_or(&line[key]);
    let text = |key: &str| of(key).as_str().map(str::to_owned);
    let name = format!("{table}: {}", text("case").expect("a case has a name"));
    let want = of("want").as_u64().unwrap_or_else(|| panic!("{name}: no status is wanted"));
    Case {
        send: bytes(&text("send").expect("a case sends something")),
        want: u16::try_from(want).expect("a status"),
        reason: text("reason"),
        saw: text("saw"),
        next: u16::try_from(of("next").as_u64().unwrap_or(0)).expect("a status"),
        half: of("half").as_bool().unwrap_or(false),
        name,
    }
}

fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (repeated, after) = after.split_once("}}").expect("what is repeated has an end");
        let (part, times) = repeated.rsplit_once('*').expect("part*times");
        bytes.extend(before.chars().map(byte));
        for n in 0..times.parse().expect("a number of times") {
            let n: usize = n;
            bytes.extend(part.replace('%', &n.to_string()).chars().map(byte));
        }
        rest = after;
    }
    bytes.extend(rest.chars().map(byte));
    bytes
}

fn byte(character: char) -> u8 {
    u8::try_from(character).unwrap_or_else(|_| panic!("{character:?} is no byte"))
}

#[test]
fn the_tables_are_whole() {
    let mut names = BTreeSet::new();
    let known = ["case", "rule", "send", "want", "reason", "saw", "next", "half", "streaming", "http", "warm"];
    for table in TABLES {
        for line in lines(table) {
            let fields = line.as_object().expect("a case is an object");
            let name = line["case"].as_str().expect("a case has a name").to_owned();
            assert!(line["rule"].as_str().is_some_and(|rule| !rule.is_empty()), "{name}: no rule");
            assert!(fields.keys().all(|key| known.contains(&key.as_str())), "{name}: {:?}", fields.keys());
            assert!(names.insert(name.clone()), "{name:?} is there twice");
        }
    }
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/cases")).unwrap().count();
    assert_eq!(files, TABLES.len(), "each table is read");
    assert!(names.len() >= 150, "only {} cases", names.len());
    assert_eq!(bytes("a{{b%*3}}\u{ff}"), b"ab0b1b2\xff");
}
