//! Replies and refusals as HTTP, and the one table of statuses.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, Response, StatusCode};

use super::Config;
use crate::invoke::{CallError, ReplyBody};
use crate::reason::Reason;

/// On every answer that heeler made itself.
pub(super) const X_HEELER_REASON: HeaderName = HeaderName::from_static("x-heeler-reason");
/// Taken over or made, to the handler and back.
pub(super) const X_CALL_ID: HeaderName = HeaderName::from_static("x-call-id");
/// Time to the head of the answer.
pub(super) const X_DURATION_SECONDS: HeaderName = HeaderName::from_static("x-duration-seconds");

/// nginx's number for a client that went away; only logs and metrics see it.
pub(super) const CLIENT_GONE: u16 = 499;

/// The status of each reason.
fn status(reason: Reason, config: &Config) -> StatusCode {
    match reason {
        Reason::BadRequest | Reason::Event | Reason::Batch => StatusCode::BAD_REQUEST,
        Reason::Method => StatusCode::METHOD_NOT_ALLOWED,
        Reason::NotFound => StatusCode::NOT_FOUND,
        Reason::Forbidden => StatusCode::FORBIDDEN,
        Reason::SlowRequest => StatusCode::REQUEST_TIMEOUT,
        Reason::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::Expectation => StatusCode::EXPECTATION_FAILED,
        Reason::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Reason::Full => StatusCode::TOO_MANY_REQUESTS,
        Reason::Exit | Reason::Raised | Reason::File | Reason::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Reason::Upstream
        | Reason::Worker
        | Reason::Signal
        | Reason::BadHead
        | Reason::Reply
        | Reason::OutputTooLarge
        | Reason::Exec => StatusCode::BAD_GATEWAY,
        Reason::Timeout if config.timeout_is_408 => StatusCode::REQUEST_TIMEOUT,
        // Too late; a refusal says 502 by itself.
        Reason::Timeout | Reason::Sink => StatusCode::GATEWAY_TIMEOUT,
        Reason::ClientGone => StatusCode::from_u16(CLIENT_GONE).unwrap_or(StatusCode::BAD_REQUEST),
        Reason::QueueFull
        | Reason::QueueTimeout
        | Reason::Connections
        | Reason::NoProcess
        | Reason::NoDescriptor
        | Reason::Starting
        | Reason::Handler
        | Reason::Draining => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Whether the same may go well next time: as Knative's senders have it.
pub(super) fn is_worth_a_retry(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status.as_u16(), 404 | 408 | 409 | 429)
}

/// An answer of heeler's own: one line, the word in a header, and when to come again where that helps.
pub(super) fn refusal(error: &CallError, config: &Config) -> Response<ReplyBody> {
    let status = error.status.unwrap_or_else(|| status(error.reason, config));
    let body = error.body.clone().unwrap_or_else(|| format!("{error}\n").into());
    let mut response = text(status, body);
    let headers = response.headers_mut();
    headers.insert(X_HEELER_REASON, HeaderValue::from_static(error.reason.word()));
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// A short text.
pub(super) fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::of(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Seconds with six decimals, as of-watchdog writes them.
pub(super) fn duration_seconds(took: Duration) -> HeaderValue {
    let mut text = took.as_secs().to_string();
    text.push('.');
    // By hand: each call has one.
    for place in [100_000, 10_000, 1_000, 100, 10, 1] {
        text.push(char::from_digit(took.subsec_micros() / place % 10, 10).unwrap_or('0'));
    }
    HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or_else(|_| HeaderValue::from_static("0.000000"))
}

/// The id of a call: the caller's, or a new one of 128 random bits. An id that no log line could carry is replaced.
pub(super) fn call_id(headers: &HeaderMap) -> HeaderValue {
    let given = [X_CALL_ID, HeaderName::from_static("x-request-id")].iter().find_map(|name| headers.get(name));
    let fits = |id: &&HeaderValue| !id.is_empty() && id.len() <= 256 && id.as_bytes().iter().all(is_of_an_id);
    given.filter(fits).cloned().unwrap_or_else(new_id)
}

/// No blanks and brackets: in a log line the id ends where its bracket closes.
fn is_of_an_id(byte: &u8) -> bool {
    byte.is_ascii_graphic() && !b"[]\"\\".contains(byte)
}

pub(super) fn new_id() -> HeaderValue {
    // The standard library's hasher keys are random and differ for every state that is made from them.
    use std::hash::{BuildHasher, RandomState};
    let [high, low] = [(); 2].map(|()| RandomState::new().hash_one(std::time::Instant::now()));
    let bytes = high.to_be_bytes().into_iter().chain(low.to_be_bytes());
    // By hand: each call has one, and a formatter takes ten times as long.
    let digits = bytes.flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| b"0123456789abcdef"[usize::from(digit)]);
    HeaderValue::from_maybe_shared(digits.collect::<Bytes>()).unwrap_or_else(|_| HeaderValue::from_static("-"))
}
