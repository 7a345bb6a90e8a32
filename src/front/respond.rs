//! Replies and refusals as HTTP, and the one table of statuses.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, Response, StatusCode};

use super::Config;
use crate::invoke::chance::random;
use crate::invoke::{CallError, ReplyBody};
use crate::reason::Reason;

/// On every answer that heeler made itself.
pub(super) const X_HEELER_REASON: HeaderName = HeaderName::from_static("x-heeler-reason");
/// Taken over or made, to the handler and back.
pub(super) const X_CALL_ID: HeaderName = HeaderName::from_static("x-call-id");
/// Time to the head of the answer.
pub(super) const X_DURATION_SECONDS: HeaderName = HeaderName::from_static("x-duration-seconds");

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Of a second.
const DECIMALS: usize = 6;

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

/// Seconds with six decimals, as of-watchdog writes them. By hand: each call has one.
pub(super) fn duration_seconds(took: Duration) -> HeaderValue {
    let mut left = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let mut text = [0; 24];
    let mut at = text.len();
    // A digit before the point in any case.
    while left > 0 || text.len() - at < DECIMALS + 2 {
        at -= 1;
        if text.len() - at == DECIMALS + 1 {
            text[at] = b'.';
            continue;
        }
        text[at] = b"0123456789"[(left % 10) as usize];
        left /= 10;
    }
    HeaderValue::from_maybe_shared(Bytes::copy_from_slice(&text[at..]))
        .unwrap_or_else(|_| HeaderValue::from_static("0.000000"))
}

/// The id of a call: the caller's, or a new one of 128 bits. An id that no log line could carry is replaced.
pub(super) fn call_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(&X_CALL_ID).or_else(|| headers.get(&X_REQUEST_ID));
    let fits = |id: &&HeaderValue| !id.is_empty() && id.len() <= 256 && id.as_bytes().iter().all(is_of_an_id);
    given.filter(fits).cloned().unwrap_or_else(new_id)
}

/// No blanks and brackets: in a log line the id ends where its bracket closes.
fn is_of_an_id(byte: &u8) -> bool {
    byte.is_ascii_graphic() && !b"[]\"\\".contains(byte)
}

pub(super) fn new_id() -> HeaderValue {
    static SEEDS: LazyLock<[u64; 2]> = LazyLock::new(|| [(); 2].map(|()| random()));
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut text = [0; 32];
    // By hand: each call has one, and a formatter takes ten times as long.
    let bytes = SEEDS.iter().flat_map(|seed| scattered(seed.wrapping_add(count)).to_be_bytes());
    for (digits, byte) in text.chunks_exact_mut(2).zip(bytes) {
        digits[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        digits[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    HeaderValue::from_maybe_shared(Bytes::copy_from_slice(&text)).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

/// Another number for each, without a pattern to the eye: SplitMix64 (Steele, Lea and Flood, 2014). An id tells calls apart,
/// it is no secret.
fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_six_decimals() {
        for (micros, text) in [
            (0, "0.000000"),
            (1, "0.000001"),
            (999_999, "0.999999"),
            (1_000_000, "1.000000"),
            (10_203_040, "10.203040"),
            (u64::MAX, "18446744073709.551615"),
        ] {
            assert_eq!(duration_seconds(Duration::from_micros(micros)), text);
        }
        assert_eq!(duration_seconds(Duration::MAX), "18446744073709.551615");
    }

    #[test]
    fn ids_are_hexadecimal_and_differ() {
        let ids: std::collections::HashSet<_> = (0..10_000).map(|_| new_id()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| id.len() == 32 && id.as_bytes().iter().all(u8::is_ascii_hexdigit)));
    }
}
