//! What has to hold for any request that is let in, and for any frames of a WebSocket.

use std::time::Duration;

use hyper::header::{EXPECT, HOST, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Method, Version};

pub use super::collect::fuzzed::collected;
use super::frames::Frames;
use super::{grpc, reply, strict};
use crate::input;
use crate::reason::Reason;

/// Any request as hyper would hand it on.
pub fn requests(bytes: &[u8]) {
    let Some((head, _)) = input::request(bytes) else { return };
    match strict::check(&head) {
        Ok(()) => let_in(&head),
        Err(error) => {
            assert!(matches!(error.reason, Reason::BadRequest | Reason::Method | Reason::Expectation), "{error}");
        }
    }
    if let Some(timeout) = grpc::timeout(&head.headers) {
        assert!(timeout <= Duration::from_secs(99_999_999 * 3600), "eight digits of hours are the most");
    }
    let asks = |value: &HeaderValue| value.as_bytes().to_ascii_lowercase().windows(5).any(|word| word == b"reply");
    assert!(!reply::is_delivery(&head.headers) || head.headers.get_all("prefer").iter().any(asks));
    if let Some(trace) = head.headers.get("traceparent").and_then(|trace| trace.to_str().ok()) {
        assert!(!reply::is_trace(trace) || HeaderValue::from_str(trace).is_ok() && trace.len() <= 256);
    }
}

/// RFC 9112 §3.2 and §6: one host and one end, whoever reads.
fn let_in(head: &Parts) {
    let hosts: Vec<_> = head.headers.get_all(HOST).iter().map(HeaderValue::as_bytes).collect();
    assert!(hosts.len() < 2 && (head.version != Version::HTTP_11 || hosts.len() == 1), "{hosts:?}");
    assert!(head.method != Method::CONNECT && head.method.as_str().len() <= 32);
    let target = &head.uri;
    assert!(target.path().starts_with('/') || target.path() == "*" && head.method == Method::OPTIONS, "{target}");
    let authority = target.authority().map(|authority| authority.as_str().as_bytes());
    for host in hosts.iter().copied().chain(authority) {
        assert!(is_host(host), "{:?} is no host", String::from_utf8_lossy(host));
    }
    if let (Some(authority), Some(host)) = (authority, hosts.first()) {
        assert!(authority.eq_ignore_ascii_case(host));
    }
    let encodings: Vec<_> = head.headers.get_all(TRANSFER_ENCODING).iter().collect();
    assert!(encodings.len() < 2 && encodings.iter().all(|only| only.as_bytes().eq_ignore_ascii_case(b"chunked")));
    let expected: Vec<_> = head.headers.get_all(EXPECT).iter().collect();
    assert!(expected.iter().all(|word| word.as_bytes().eq_ignore_ascii_case(b"100-continue")), "{expected:?}");
}

/// `uri-host [ ":" port ]` (RFC 9110 §7.2), as loosely as RFC 3986 has names.
fn is_host(host: &[u8]) -> bool {
    let end = host.iter().position(|byte| *byte == b']').map_or(0, |at| at + 1);
    let at = host[end..].iter().position(|byte| *byte == b':').map_or(host.len(), |at| end + at);
    let (name, port) = host.split_at(at);
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=[]:".contains(byte);
    name.iter().all(allowed) && port.iter().skip(1).all(u8::is_ascii_digit)
}

/// Any bytes as one direction of a WebSocket.
pub fn websocket(bytes: &[u8]) {
    let (sizes, bytes) = input::choices::<4>(bytes);
    let mut whole = Frames::default();
    whole.pass(bytes);
    let (mut frames, mut at) = (Frames::default(), 0);
    let boundaries = boundaries(bytes);
    for piece in input::pieces(&sizes, bytes) {
        frames.pass(piece);
        at += piece.len();
        assert_eq!(frames.at_boundary(), boundaries.contains(&at), "{at}");
    }
    assert_eq!(frames.at_boundary(), whole.at_boundary());
}

/// Where frames end, by their heads (RFC 6455 §5.2).
fn boundaries(bytes: &[u8]) -> Vec<usize> {
    let (mut ends, mut at) = (vec![0], 0_usize);
    while let Some(second) = bytes.get(at + 1) {
        let digits = match second & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let Some(extended) = bytes.get(at + 2..at + 2 + digits) else { break };
        let length = match digits {
            0 => u64::from(second & 0x7F),
            _ => extended.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
        };
        let mask = if second & 0x80 == 0 { 0 } else { 4 };
        let end = (at + 2 + digits + mask) as u128 + u128::from(length);
        match usize::try_from(end) {
            Ok(end) if end <= bytes.len() => at = end,
            _ => break,
        }
        ends.push(at);
    }
    ends
}
