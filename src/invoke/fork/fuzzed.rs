//! What has to hold for any head of a script's, and for any request on its way into a child's environment.
#![allow(clippy::unwrap_used, reason = "a panic is how a check fails")]

use std::collections::{BTreeMap, VecDeque};
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

use bytes::Bytes;
use hyper::header::HOST;

use super::cgi::{self, Head};
use super::{env, marshal, sniff};
use crate::input;
use crate::invoke::config::Config;

/// Any bytes as what a script prints.
pub fn cgi(bytes: &[u8]) {
    let (sizes, bytes) = input::choices::<4>(bytes);
    let mut printed = bytes.to_vec();
    if sizes[0] == u8::MAX {
        // As long as a head may be, and a little more or less.
        printed.splice(0..0, format!("P: {}\n", "p".repeat(65_300)).into_bytes());
    }
    let whole = split(&[&printed]);
    assert_eq!(whole, split(&input::pieces(&sizes, &printed)), "the head hangs on how it comes");
    let Ok((head, body)) = whole else { return };
    assert!((200..600).contains(&head.status.as_u16()));
    assert!(printed.ends_with(&body));
    assert_eq!(body, behind_blank_line(&printed).unwrap());
    for name in ["content-length", "connection", "transfer-encoding", "upgrade", "status"] {
        assert!(!head.headers.contains_key(name), "{name}");
    }
    assert!(!sniff::content_type(&body).is_empty());
}

fn split(pieces: &[&[u8]]) -> Result<(Head, Vec<u8>), String> {
    let mut output: VecDeque<Bytes> = pieces.iter().map(|piece| Bytes::copy_from_slice(piece)).collect();
    let head = cgi::split(&mut output).map_err(|error| error.to_string())?;
    Ok((head, output.iter().flat_map(|piece| piece.to_vec()).collect()))
}

/// The body, as a reader of lines finds it.
fn behind_blank_line(printed: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    for line in printed.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        if line == b"\n" || line == b"\r\n" {
            return Some(&printed[at..]);
        }
    }
    None
}

/// Any request as the environment of a call in the mode of `config`.
pub(crate) fn env(config: &Config, bytes: &[u8]) {
    let Some((parts, body)) = input::request(bytes) else { return };
    let had_body = !body.is_empty();
    let call = crate::invoke::fuzzed::call(parts, body);
    let Ok(pairs) = env::of_call(&call, config, had_body) else {
        return assert!(call.target.path().contains("%00"), "{}", call.target);
    };
    let variables = variables(&pairs);
    assert!(!variables.contains_key(&b"HTTP_PROXY"[..]), "httpoxy");
    for name in variables.keys() {
        // The one that stands for a body is put there when it has been read.
        let shown = String::from_utf8_lossy(name);
        assert!(env::is_set_by_calls(OsStr::from_bytes(name), config.mode), "{shown} may come from outside, too");
    }
    // No other host comes this far.
    if let Some(host) = call.headers.get(HOST).filter(|host| host.to_str().is_ok())
        && let Some(told) = variables.get(&b"Http_Host"[..])
    {
        assert_eq!(*told, host.as_bytes());
    }
    if let Some(port) = variables.get(&b"SERVER_PORT"[..]) {
        assert!(!port.is_empty() && port.iter().all(u8::is_ascii_digit), "{port:?}");
    }
    marshalled(&call.headers);
}

/// By name; a program finds the first of two, so there are never two.
fn variables(pairs: &[CString]) -> BTreeMap<&[u8], &[u8]> {
    let mut variables = BTreeMap::new();
    for pair in pairs.iter().map(|pair| pair.to_bytes()) {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap();
        let twice = variables.insert(&pair[..at], &pair[at + 1..]);
        assert_eq!(twice, None, "{:?}", String::from_utf8_lossy(pair));
    }
    variables
}

/// The object is JSON with every value, however the body is cut.
fn marshalled(headers: &hyper::HeaderMap) {
    let body = Bytes::from_static(b"0123456789");
    let whole = marshal::request(headers, [body.clone()].into());
    let pieces = [body.slice(..1), body.slice(1..1), body.slice(1..6), body.slice(6..)];
    assert_eq!(whole, marshal::request(headers, pieces.into()));
    let object: serde_json::Value = serde_json::from_slice(&whole).unwrap();
    let values = object["header"].as_object().unwrap().values().map(|values| values.as_array().unwrap().len());
    assert_eq!((values.sum::<usize>(), object["body"]["raw"].as_str()), (headers.len(), Some("MDEyMzQ1Njc4OQ==")));
}
