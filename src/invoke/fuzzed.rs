//! What has to hold for any bytes that invokers read; each part's checks stand beside it.

use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;

pub use super::files::fuzzed::files;
pub use super::fork::fuzzed::cgi;
pub(crate) use super::fork::fuzzed::env;
pub use super::upstream::fuzzed::{answers, forwarded};
pub use super::warm::fuzzed::{frames, messages};
use super::{Call, Deadline, RequestBody};

/// A request on its way to a handler.
pub(super) fn call(parts: Parts, body: Bytes) -> Call {
    let body = RequestBody::held(Some(body).filter(|body| !body.is_empty()).into_iter().collect());
    let remote = Some([192, 0, 2, 7].into());
    let call = Call::new(HeaderValue::from_static("id-1"), parts, body, Deadline::NEVER);
    Call { remote, local_port: Some(8080), ..call }
}
