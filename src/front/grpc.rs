//! What gRPC callers expect where heeler itself answers: their own timeout, and a status that their library reads.

use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};

use crate::invoke::{CallError, ReplyBody};
use crate::reason::Reason;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Whether a call is gRPC (`application/grpc`, `application/grpc+proto`…). `application/grpc-web` is another protocol,
/// which has no trailers of HTTP: a failure told there would be no failure but a whole answer.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    kind.strip_prefix(b"application/grpc").is_some_and(|rest| matches!(rest, [] | [b'+' | b';' | b' ', ..]))
}

/// `grpc-timeout`: at most eight digits and a unit (gRPC over HTTP/2, "Requests").
pub(super) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// Makes a refusal one that gRPC libraries read: 200 without a body, the status in the head ("Trailers-Only").
pub(super) fn trailers_only(refusal: &mut Response<ReplyBody>, error: &CallError) {
    let status = status(refusal.status(), error);
    *refusal.status_mut() = StatusCode::OK;
    *refusal.body_mut() = ReplyBody::empty();
    let headers = refusal.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.extend(status);
}

/// The end of an answer that had begun and failed.
pub(super) fn trailers(error: &CallError) -> HeaderMap {
    let status = if error.reason == Reason::Timeout { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY };
    self::status(status, error)
}

fn status(status: StatusCode, error: &CallError) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(GRPC_STATUS, HeaderValue::from_static(code(status)));
    headers.extend(HeaderValue::from_str(&percent_encoded(&error.to_string())).map(|message| (GRPC_MESSAGE, message)));
    headers
}

/// The nearest code of gRPC's own.
fn code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400..=417 | 431 if status != StatusCode::REQUEST_TIMEOUT => "3", // INVALID_ARGUMENT
        408 | 504 => "4",                                                // DEADLINE_EXCEEDED
        429 => "8",                                                      // RESOURCE_EXHAUSTED
        502 | 503 => "14",                                               // UNAVAILABLE
        _ => "13",                                                       // INTERNAL
    }
}

/// `grpc-message` is percent-encoded but for printable ASCII.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b' '..=b'~' if byte != b'%' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_is_known_by_its_type() {
        for (kind, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc; x=1", true),
            ("application/grpc-web+proto", false),
            ("application/json", false),
        ] {
            let headers = [(CONTENT_TYPE, HeaderValue::from_static(kind))];
            assert_eq!(is_grpc(&headers.into_iter().collect()), expected, "{kind}");
        }
    }

    #[test]
    fn timeouts_are_read() {
        for (text, expected) in [
            ("100m", Some(Duration::from_millis(100))),
            ("2H", Some(Duration::from_secs(7200))),
            ("123456789S", None),
            ("S", None),
            ("-1S", None),
            ("5", None),
        ] {
            let headers = [(HeaderName::from_static("grpc-timeout"), HeaderValue::from_static(text))];
            assert_eq!(timeout(&headers.into_iter().collect()), expected, "{text}");
        }
    }

    #[test]
    fn statuses_have_codes() {
        for (status, expected) in
            [(400, "3"), (413, "3"), (408, "4"), (504, "4"), (429, "8"), (502, "14"), (503, "14"), (500, "13")]
        {
            assert_eq!(code(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
        assert_eq!(percent_encoded("a %\u{e9}"), "a %25%C3%A9");
    }
}
