//! What has to hold for any text that may stand in an event: beside other readers of the same grammar, and both ways.
#![allow(clippy::unwrap_used, reason = "a panic is how a check fails")]

use chrono::DateTime;
use hyper::header::HeaderValue;

use super::{media, percent, time, unescape, uri, values};
use crate::input;

/// Any bytes as a header's value, and as pieces of JSON.
pub fn values(bytes: &[u8]) {
    let ([choice], bytes) = input::choices(bytes);
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        header(&value);
    }
    json(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match choice % 4 {
        0 => moment(text),
        1 => reference(text),
        2 => media_type(text),
        _ => string(text),
    }
}

/// Decoded once, encoded and decoded again it is what it was.
fn header(value: &HeaderValue) {
    let Ok(text) = percent::decoded(value) else { return };
    let encoded = percent::encoded(&text);
    assert!(encoded.as_bytes().iter().all(u8::is_ascii_graphic), "{encoded:?}");
    assert_eq!(percent::decoded(&encoded).unwrap(), text);
    if !value.as_bytes().starts_with(b"\"")
        && let Ok(raw) = std::str::from_utf8(value.as_bytes())
    {
        assert_eq!(text.as_bytes(), plainly(raw), "{raw:?}");
    }
}

/// Percent-escapes by cutting the text at each sign.
fn plainly(raw: &str) -> Vec<u8> {
    let mut parts = raw.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let hex = part.get(..2).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match hex {
            Some(hex) => bytes.extend([&[u8::from_str_radix(hex, 16).unwrap()], &part.as_bytes()[2..]].concat()),
            None => bytes.extend([b"%", part.as_bytes()].concat()),
        }
    }
    bytes
}

/// What another reader takes for JSON is JSON. The other way round it has bounds of its own, for numbers and for depth.
fn json(bytes: &[u8]) {
    let (other, ours) = (serde_json::from_slice::<serde_json::Value>(bytes), values::is_value(bytes));
    let Ok(text) = std::str::from_utf8(bytes) else { return assert!(other.is_err()) };
    match other {
        Ok(value) => {
            assert!(ours, "{text:?} is JSON");
            assert_eq!(values::elements(text).ok().map(|all| all.len()), value.as_array().map(Vec::len), "{text:?}");
            assert_eq!(values::members(text).is_ok(), value.is_object(), "{text:?}");
            let text = text.trim_matches([' ', '\n', '\r', '\t']);
            assert_eq!(values::string(text).as_deref(), value.as_str(), "{text:?}");
        }
        Err(error) => {
            let bound = ["recursion limit", "number out of range", "surrogate", "hex escape"];
            let is_bound = bound.iter().any(|bound| error.to_string().contains(bound));
            assert!(!ours || is_bound, "{text:?} is no JSON: {error}");
        }
    }
}

/// A string that is written is the same string to everybody.
fn string(text: &str) {
    let mut quoted = Vec::new();
    unescape::quote(&mut quoted, text);
    assert_eq!(serde_json::from_slice::<String>(&quoted).unwrap(), text);
    assert_eq!(values::string(std::str::from_utf8(&quoted).unwrap()).as_deref(), Some(text));
}

/// RFC 3339 is what both take; a blank for the `T` only the other does, and leap seconds it has its own idea of.
fn moment(text: &str) {
    let other = DateTime::parse_from_rfc3339(text).is_ok();
    let is_plain = !text.contains(' ') && text.get(17..19).is_some_and(|second| second != "60");
    assert!(!is_plain || time::is_time(text) == other, "{text:?}: {other} to another reader");
    assert!(!time::is_time(text) || text.is_ascii());
}

fn reference(text: &str) {
    if uri::is_absolute(text) {
        assert!(uri::is_reference(text) && uri::is_reference(&format!("{text}#f")), "{text:?}");
    }
    if uri::is_reference(text) {
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains(['"', '<', '>', '\\', '^', '`']));
        assert!(text.matches('#').count() < 2);
    }
}

fn media_type(text: &str) {
    if media::is_media_type(text) {
        assert!(text.is_ascii() && HeaderValue::from_bytes(text.as_bytes()).is_ok());
        assert!(media::is_media_type(&format!("{text}; a=\"b\\\"\"")), "{text:?}");
        assert!(!media::essence(text).contains([' ', '\t', ';']));
        assert_eq!(media::is_json(text), media::is_json(media::essence(text)));
    }
    assert!(!media::is_text(text) || text.contains('/'));
}
