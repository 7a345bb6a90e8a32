//! What has to hold for any bytes that invokers read; each part's checks stand beside it.

use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;

pub use super::files::fuzzed::files;
pub use super::fork::fuzzed::cgi;
pub(crate) use super::fork::fuzzed::env;
pub use super::upstream::fuzzed::{answers, forwarded};
pub use super::warm::fuzzed::{frames, messages};
use super::{Call, Deadline, Place, RequestBody};

/// A request on its way to a handler.
pub(super) fn call(parts: Parts, body: Bytes) -> Call {
    Call {
        id: HeaderValue::from_static("id-1"),
        method: parts.method,
        target: parts.uri,
        version: parts.version,
        headers: parts.headers,
        body: RequestBody::held(Some(body).filter(|body| !body.is_empty()).into_iter().collect()),
        remote: Some([192, 0, 2, 7].into()),
        local_port: Some(8080),
        deadline: Deadline::after(None),
        stream_deadline: Deadline::after(None),
        interim: None,
        place: Place::default(),
        seat: None,
        event: None,
        batch: 0,
    }
}
