//! The same cases, asked of others: the crate `cloudevents-sdk`, and the packages `cloudevents` of Python and Node where
//! scripts/servers.sh could install them. Where they see a case otherwise, docs/events.md says so, with the rule that
//! decides; this holds that table to the truth.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests may panic, and start programs from outside")]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloudevents::event::ExtensionValue;
use cloudevents::{AttributesReader, Data};
use serde_json::{Value, json};

#[path = "events/cases.rs"]
mod cases;
#[allow(dead_code, unreachable_pub, reason = "one of its two functions is used here")]
#[path = "support/skip.rs"]
mod skip;

/// What somebody makes of a message; `None` where it is no event to them.
type Opinion = Option<(BTreeMap<String, String>, Option<Vec<u8>>)>;

#[test]
fn the_crate_differs_where_the_page_says() {
    compare("crate", |form, case| Some(of_the_crate(form, case)));
}

#[test]
fn the_python_package_differs_where_the_page_says() {
    ask_and_compare("Python", "events_python", "bin/python", "python/opinion.py");
}

#[test]
fn the_node_package_differs_where_the_page_says() {
    ask_and_compare("Node", "events_node", "", "node/opinion.js");
}

fn compare(who: &str, mut opinion: impl FnMut(&str, &Value) -> Option<Opinion>) {
    let mut found = BTreeMap::new();
    for form in ["binary", "structured"] {
        for case in cases::read(form) {
            if let Some(seen) = opinion(form, &case).and_then(|opinion| difference(&case, opinion)) {
                found.insert(format!("{form}: {}", cases::name(&case)), seen);
            }
        }
    }
    let page = page(who);
    for (case, seen) in &found {
        assert_eq!(page.get(case), Some(seen), "docs/events.md, column {who}, {case}; all of it:\n{found:#?}");
    }
    let gone: Vec<_> = page.keys().filter(|case| !found.contains_key(*case)).collect();
    assert!(gone.is_empty(), "docs/events.md, column {who}: these do not differ: {gone:?}");
}

/// How somebody sees a case, if that is not how heeler does.
fn difference(case: &Value, opinion: Opinion) -> Option<String> {
    let seen = match (case.get("error"), opinion) {
        (Some(_), None) => return None,
        (Some(_), Some(_)) => "takes",
        (None, None) => "refuses",
        (None, Some((mut attributes, data))) => {
            // Others make a time of their own kind of it, and add one where there is none.
            let mut expected = cases::attributes(case);
            expected.retain(|(name, _)| name != "time");
            attributes.remove("time");
            let same = attributes.into_iter().eq(expected) && same_data(case, data.unwrap_or_default());
            return (!same).then(|| "reads".to_owned());
        }
    };
    Some(seen.to_owned())
}

/// The same bytes, or the same JSON once it is parsed, which is all that others keep of it.
fn same_data(case: &Value, data: Vec<u8>) -> bool {
    let base64 = case["base64"].as_str().map(|text| STANDARD.decode(text).unwrap());
    let expected = base64.unwrap_or_else(|| case["data"].as_str().unwrap_or_default().into());
    let parsed = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    expected == data || parsed(&expected).is_some_and(|value| Some(value) == parsed(&data))
}

/// Rows of `| case | rule | crate | Python | Node |`, one column of them.
fn page(who: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| binary: ") || line.starts_with("| structured: "));
    let column = ["crate", "Python", "Node"].iter().position(|name| *name == who).unwrap() + 3;
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    cells.filter(|row| !row[column].is_empty()).map(|row| (row[1].to_owned(), row[column].to_owned())).collect()
}

fn of_the_crate(form: &str, case: &Value) -> Opinion {
    let (headers, body) = message(form, case);
    let event = cloudevents::binding::http::to_event(&headers, body).ok()?;
    let own = [
        ("id", Some(event.id().to_owned())),
        ("type", Some(event.ty().to_owned())),
        ("source", Some(event.source().to_string())),
        ("specversion", Some(event.specversion().to_string())),
        ("subject", event.subject().map(str::to_owned)),
        ("datacontenttype", event.datacontenttype().map(str::to_owned)),
        ("dataschema", event.dataschema().map(ToString::to_string)),
    ];
    let own = own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let extensions = event.iter_extensions().map(|(name, value)| {
        let value = match value {
            ExtensionValue::String(text) => text.clone(),
            ExtensionValue::Boolean(is) => is.to_string(),
            ExtensionValue::Integer(number) => number.to_string(),
        };
        (name.to_owned(), value)
    });
    let data = event.data().map(|data| match data {
        Data::Binary(bytes) => bytes.clone(),
        Data::String(text) => text.clone().into_bytes(),
        Data::Json(value) => value.to_string().into_bytes(),
    });
    Some((own.chain(extensions).collect(), data))
}

fn message(form: &str, case: &Value) -> (hyper::HeaderMap, Vec<u8>) {
    if form == "binary" {
        let (headers, body) = cases::request(case);
        return (headers, body.to_vec());
    }
    let mut headers = hyper::HeaderMap::new();
    headers.insert("content-type", "application/cloudevents+json".parse().unwrap());
    (headers, cases::body(case).to_vec())
}

/// Asks a program that answers line by line. Its headers are a map, so a header that is there twice is not asked for.
fn ask_and_compare(who: &str, set: &str, program: &str, script: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed = root.join("target/servers").join(set);
    if !installed.with_extension("stamp").exists() {
        let why = std::fs::read_to_string(installed.with_extension("skipped"));
        let why = why.unwrap_or_else(|_| format!("scripts/servers.sh has not installed {set}"));
        return skip::skipped(&format!("second opinions on events: {}", why.trim()));
    }
    let asked: Vec<(String, Value)> = ["binary", "structured"]
        .into_iter()
        .flat_map(|form| cases::read(form).into_iter().map(move |case| (form.to_owned(), case)))
        .filter(|(_, case)| case.get("also").is_none())
        .collect();
    let program = if program.is_empty() { "node".into() } else { installed.join(program) };
    let mut child = Command::new(program)
        .arg(root.join("tests/events").join(script))
        .env("NODE_PATH", installed.join("node_modules"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let questions: String = asked.iter().map(|(form, case)| question(form, case) + "\n").collect();
    let mut stdin = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || stdin.write_all(questions.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), asked.len(), "{who} did not answer all questions");
    let mut answers = answers.into_iter();
    compare(who, |_, case| case.get("also").is_none().then(|| opinion(&answers.next().unwrap())));
}

/// Headers as servers of those languages hand them out: bytes as Latin-1.
fn question(form: &str, case: &Value) -> String {
    let (headers, body) = message(form, case);
    let latin = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect::<String>();
    let headers: BTreeMap<&str, String> =
        headers.iter().map(|(name, value)| (name.as_str(), latin(value.as_bytes()))).collect();
    json!({"form": form, "headers": headers, "body": STANDARD.encode(body)}).to_string()
}

fn opinion(answer: &Value) -> Opinion {
    let attributes = answer["attributes"].as_object()?;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let attributes = attributes.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    Some((attributes, answer["data"].as_str().map(|data| STANDARD.decode(data).unwrap())))
}
