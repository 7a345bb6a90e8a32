//! classic-watchdog's `marshal_request`: the request as one JSON object on stdin.

use std::collections::{BTreeMap, VecDeque};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::HeaderMap;

/// `{"header":{"Name":["value",…],…},"body":{"raw":"base64"}}`. The body is encoded piece by piece, and each piece is
/// let go of as it is done.
pub(super) fn request(headers: &HeaderMap, mut body: VecDeque<Bytes>) -> Bytes {
    let mut header: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        header
            .entry(canonical(name.as_str()))
            .or_default()
            .push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    let header = serde_json::to_string(&header).expect("strings are always JSON");
    let length: usize = body.iter().map(Bytes::len).sum();
    let mut text = format!("{{\"header\":{header},\"body\":{{\"raw\":\"");
    text.reserve_exact(length.div_ceil(3) * 4 + 3);
    let mut carry = Vec::with_capacity(3);
    while let Some(chunk) = body.pop_front() {
        // Base64 turns three bytes into four letters: a piece's odd bytes wait for the next one.
        let (begin, rest) = chunk.split_at(chunk.len().min((3 - carry.len()) % 3));
        carry.extend_from_slice(begin);
        if carry.len() == 3 {
            STANDARD.encode_string(&carry, &mut text);
            carry.clear();
        }
        let (whole, odd) = rest.split_at(if carry.is_empty() { rest.len() / 3 * 3 } else { 0 });
        STANDARD.encode_string(whole, &mut text);
        carry.extend_from_slice(odd);
    }
    STANDARD.encode_string(&carry, &mut text);
    text.push_str("\"}}");
    text.into()
}

/// `content-type` → `Content-Type`.
fn canonical(name: &str) -> String {
    let part = |part: &str| part[..part.len().min(1)].to_ascii_uppercase() + &part[part.len().min(1)..];
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_request_is_one_object() {
        let mut headers = HeaderMap::new();
        headers.append("x-many", "1".parse().unwrap());
        headers.append("x-many", "2".parse().unwrap());
        for pieces in [&[&b"hi"[..]][..], &[b"h", b"i"], &[b"", b"h", b"", b"i", b""]] {
            let body = pieces.iter().map(|piece| Bytes::from_static(piece)).collect();
            let seen: Value = serde_json::from_slice(&request(&headers, body)).unwrap();
            assert_eq!(seen, json!({ "header": { "X-Many": ["1", "2"] }, "body": { "raw": "aGk=" } }));
        }
        let text = b"any bytes at all, cut anywhere";
        for cut in 0..text.len() {
            for second in cut..text.len() {
                let (first, rest) = text.split_at(cut);
                let (middle, last) = rest.split_at(second - cut);
                let body = [first, middle, last].map(Bytes::from_static).into();
                let seen: Value = serde_json::from_slice(&request(&headers, body)).unwrap();
                assert_eq!(seen["body"]["raw"], STANDARD.encode(text), "{cut} {second}");
            }
        }
    }
}
