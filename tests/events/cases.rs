//! The cases of `tests/events/cases/`, one line of JSON each. They know nothing of Rust: the second opinions, in other
//! languages, are asked the same.
#![allow(unreachable_pub, reason = "a part of several tests")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::Value;

/// What every case has, unless it says otherwise.
pub const BASE: [(&str, &str); 4] = [("specversion", "1.0"), ("id", "1"), ("source", "/s"), ("type", "t")];

/// All cases of one file.
pub fn read(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/events/cases/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

pub fn name(case: &Value) -> &str {
    case["case"].as_str().unwrap()
}

/// A binary case as a request.
pub fn request(case: &Value) -> (HeaderMap, Bytes) {
    let mut headers = HeaderMap::new();
    for (name, value) in BASE {
        headers.insert(HeaderName::from_bytes(format!("ce-{name}").as_bytes()).unwrap(), header(value));
    }
    for (name, value) in case["headers"].as_object().into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        match value.as_str() {
            Some(value) => drop(headers.insert(name, header(value))),
            None => drop(headers.remove(name)),
        }
    }
    for pair in case["also"].as_array().into_iter().flatten() {
        let name = HeaderName::from_bytes(pair[0].as_str().unwrap().as_bytes()).unwrap();
        headers.append(name, header(pair[1].as_str().unwrap()));
    }
    (headers, Bytes::copy_from_slice(case["body"].as_str().unwrap_or_default().as_bytes()))
}

fn header(value: &str) -> HeaderValue {
    HeaderValue::from_bytes(value.as_bytes()).unwrap()
}

/// A structured case as a body.
pub fn body(case: &Value) -> Bytes {
    let base = BASE.map(|(name, value)| format!("\"{name}\":\"{value}\"")).join(",");
    Bytes::from(match (case["event"].as_str(), case["with"].as_str()) {
        (Some(event), _) => event.to_owned(),
        (None, Some(with)) => format!("{{{base},{with}}}"),
        (None, None) => format!("{{{base}}}"),
    })
}

/// The attributes that a case has in the end.
pub fn attributes(case: &Value) -> Vec<(String, String)> {
    let mut attributes: std::collections::BTreeMap<&str, &str> = BASE.into();
    for (name, value) in case["gives"].as_object().or(case["set"].as_object()).into_iter().flatten() {
        attributes.insert(name, value.as_str().unwrap());
    }
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
