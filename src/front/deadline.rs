//! When a call's answer must be out: the setting, and what the caller asked for.

use hyper::HeaderMap;
use hyper::header::HeaderName;
use tokio::time::Instant;

use super::{Config, grpc};
use crate::duration;
use crate::invoke::Deadline;

const X_TIMEOUT: HeaderName = HeaderName::from_static("x-timeout");

/// Both limits of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    pub(super) of_call: Deadline,
    /// Instead of it once the answer is a stream without an end.
    pub(super) of_stream: Deadline,
}

/// `X-Timeout` and, on gRPC calls, `grpc-timeout` may only shorten the limit; without a limit they set one.
/// What is no duration, zero or negative is passed over, as of-watchdog passes over what it cannot read: a caller
/// must not be able to take the limit away.
pub(super) fn of_call(config: &Config, headers: &HeaderMap, since: Instant) -> Deadlines {
    let asked = headers.get(&X_TIMEOUT).and_then(|text| duration::parse(text.to_str().ok()?).ok());
    let grpc = if grpc::is_grpc(headers) { grpc::timeout(headers) } else { None };
    let asked = asked.into_iter().chain(grpc).filter(|asked| !asked.is_zero()).min();
    Deadlines {
        of_call: Deadline::since(since, config.exec_timeout).or_sooner(since, asked),
        of_stream: Deadline::since(since, config.stream_timeout).or_sooner(since, asked),
    }
}
