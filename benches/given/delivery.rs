//! An event as one of Knative's sources sends it.

use bytes::Bytes;
use heeler::event::{Event, binary};
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

/// As a broker delivers it, the headers in one buffer, as hyper hands them out.
pub(crate) fn delivery() -> HeaderMap {
    let lines = [
        ("host", "function.default.svc.cluster.local"),
        ("ce-id", "d8f7b1c2-5a54-4c8e-9d5e-0a7c1f6f2b11"),
        ("ce-source", "/apis/v1/namespaces/default/pingsources/every-minute"),
        ("ce-specversion", "1.0"),
        ("ce-type", "dev.knative.sources.ping"),
        ("ce-time", "2026-05-04T10:31:00.123456Z"),
        ("ce-subject", "a%20subject"),
        ("ce-knativearrivaltime", "2026-05-04T10:31:00.125Z"),
        ("content-type", "application/json"),
        ("content-length", "28"),
        ("prefer", "reply"),
    ];
    let shared = Bytes::from(lines.map(|line| line.1).concat());
    let mut at = 0;
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_maybe_shared(shared.slice(at..at + value.len())).unwrap();
        at += value.as_bytes().len();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

/// The event that it brings.
pub(crate) fn small() -> Event {
    binary::decode(&delivery(), Bytes::from_static(br#"{"message":"hello","n":1.10}"#)).unwrap()
}
