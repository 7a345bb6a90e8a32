//! When a call's answer must be out: the setting, and what the caller asked for.

use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;

use crate::duration;
use crate::invoke::Deadline;

/// `X-Timeout` and, on gRPC calls, `grpc-timeout` may only shorten the limit; without a limit they set one.
/// What is no duration, zero or negative is passed over, as of-watchdog passes over what it cannot read: a caller
/// must not be able to take the limit away.
pub(super) fn of_call(exec_timeout: Option<Duration>, headers: &HeaderMap) -> Deadline {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let asked = text("x-timeout").and_then(|text| duration::parse(text).ok());
    let grpc = if is_grpc(headers) { text("grpc-timeout").and_then(grpc_timeout) } else { None };
    let asked = asked.into_iter().chain(grpc).filter(|asked| !asked.is_zero()).min();
    Deadline::after(exec_timeout).or_sooner(asked)
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// At most eight digits and a unit (gRPC over HTTP/2, "Requests").
fn grpc_timeout(text: &str) -> Option<Duration> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_timeouts_are_read() {
        for (text, expected) in [
            ("100m", Some(Duration::from_millis(100))),
            ("2H", Some(Duration::from_secs(7200))),
            ("123456789S", None),
            ("S", None),
            ("", None),
            ("-1S", None),
            ("5", None),
        ] {
            assert_eq!(grpc_timeout(text), expected, "{text}");
        }
    }
}
