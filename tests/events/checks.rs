//! What has to hold for any bytes at all: no decoder panics, and what one of them takes is the same event in every
//! other form. Shared by the tests and by `fuzz/`.
#![allow(unreachable_pub, reason = "a part of several tests")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use bytes::Bytes;
use heeler::event::{Event, Form, Nature, batch, binary, is_json, recognise, structured};
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

/// Bytes as a message: lines of `name: value`, a blank line, the body.
pub fn message(bytes: &[u8]) -> (HeaderMap, Bytes) {
    let mut headers = HeaderMap::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, behind) = (&rest[..end], &rest[end + 1..]);
        rest = behind;
        if line.is_empty() {
            break;
        }
        let at = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(at + 1..).unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..at]), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    (headers, Bytes::copy_from_slice(rest))
}

pub fn any_binary(bytes: &[u8]) {
    let (headers, body) = message(bytes);
    let _ = recognise(&headers);
    if let Ok(event) = binary::decode(&headers, body) {
        assert_eq!(recognise(&headers).is_ok_and(|form| form == Form::Binary), !is_structured(&headers));
        survives(&event);
    }
}

/// A binary event is told from others by its content type first.
fn is_structured(headers: &HeaderMap) -> bool {
    let value = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.get(..23).is_some_and(|start| start.eq_ignore_ascii_case("application/cloudevents"))
}

pub fn any_structured(bytes: &[u8]) {
    match structured::decode(&Bytes::copy_from_slice(bytes)) {
        Ok(event) => survives(&event),
        Err(bad) => assert!(bad.to_string().len() < 200, "{bad}"),
    }
}

pub fn any_batch(bytes: &[u8]) {
    let Ok(elements) = batch::split(&Bytes::copy_from_slice(bytes), 100) else { return };
    let good: Vec<_> = elements.into_iter().flatten().collect();
    for element in &good {
        assert_eq!(structured::decode(&element.json).as_ref(), Ok(&element.event));
        survives(&element.event);
    }
    let joined = batch::join_texts(good.iter().map(|element| &element.json));
    let again: Vec<_> = batch::split(&joined, 100).unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!(again, good);
}

/// From any form to binary, structured, batch and binary again.
pub fn survives(event: &Event) {
    let mut headers = HeaderMap::new();
    let body = binary::encode(event, &mut headers);
    let first = binary::decode(&headers, body).unwrap();
    same(event, &first);

    let second = structured::decode(&structured::encode(&first)).unwrap();
    same(&first, &second);
    // Without a turn over headers, numbers and booleans stay what they were.
    let direct = structured::decode(&structured::encode(event)).unwrap();
    assert_eq!(event.attributes, direct.attributes);
    same(event, &direct);

    let joined = batch::join([&second, event]);
    let mut elements = batch::split(&joined, 2).unwrap().into_iter().map(|element| element.unwrap().event);
    let third = elements.next().unwrap();
    assert_eq!(second, third);
    same(event, &elements.next().unwrap());

    let mut headers = HeaderMap::new();
    let body = binary::encode(&third, &mut headers);
    same(&first, &binary::decode(&headers, body).unwrap());
}

/// The same event: attributes as text, data as bytes. In a body none and empty are one; around JSON white space is
/// nothing; and JSON without a content type may have got one.
pub fn same(one: &Event, other: &Event) {
    let (left, right) = (bytes(one), bytes(other));
    let json = one.data.as_ref().is_some_and(|data| data.nature() == Nature::Json);
    let white = json || other.attributes.datacontenttype().is_some_and(is_json);
    assert_eq!(trimmed(&left, white), trimmed(&right, white), "{one:?} {other:?}");

    let implied = json && one.attributes.datacontenttype().is_none();
    let mut expected: Vec<(&str, &str)> = one.attributes.iter().map(|one| (one.name(), one.value())).collect();
    let mut found: Vec<(&str, &str)> = other.attributes.iter().map(|one| (one.name(), one.value())).collect();
    if implied && other.attributes.datacontenttype().is_some() {
        expected.push(("datacontenttype", "application/json"));
    }
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(expected, found);
}

fn bytes(event: &Event) -> Bytes {
    event.data.as_ref().map_or_else(Bytes::new, |data| data.bytes().clone())
}

/// JSON's own white space, and only around what is JSON: other bytes under that name travel as they are.
fn trimmed(bytes: &Bytes, white: bool) -> &[u8] {
    let is_value = |bytes: &[u8]| serde_json::from_slice::<&serde_json::value::RawValue>(bytes).is_ok();
    if !white || !is_value(bytes) {
        return bytes;
    }
    let is_white = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    let start = bytes.iter().position(|byte| !is_white(byte)).unwrap_or(0);
    let end = bytes.iter().rposition(|byte| !is_white(byte)).map_or(0, |at| at + 1);
    &bytes[start..end]
}
