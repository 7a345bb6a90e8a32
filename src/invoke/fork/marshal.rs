//! classic-watchdog's `marshal_request`: the request as one JSON object on stdin.

use std::collections::{BTreeMap, VecDeque};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::HeaderMap;
use serde_json::{Value, json};

/// `{"header":{"Name":["value",…],…},"body":{"raw":"base64"}}`.
pub(super) fn request(headers: &HeaderMap, body: &VecDeque<Bytes>) -> Bytes {
    let mut header: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (name, value) in headers {
        header.entry(canonical(name.as_str())).or_default().push(String::from_utf8_lossy(value.as_bytes()).into());
    }
    let body: Vec<u8> = body.iter().flat_map(|chunk| chunk.iter().copied()).collect();
    json!({ "header": header, "body": { "raw": STANDARD.encode(body) } }).to_string().into()
}

/// `content-type` → `Content-Type`.
fn canonical(name: &str) -> String {
    let part = |part: &str| part[..part.len().min(1)].to_ascii_uppercase() + &part[part.len().min(1)..];
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_object() {
        let mut headers = HeaderMap::new();
        headers.append("x-many", "1".parse().unwrap());
        headers.append("x-many", "2".parse().unwrap());
        let body = [Bytes::from_static(b"h"), Bytes::from_static(b"i")].into();
        let seen: Value = serde_json::from_slice(&request(&headers, &body)).unwrap();
        assert_eq!(seen, json!({ "header": { "X-Many": ["1", "2"] }, "body": { "raw": "aGk=" } }));
    }
}
