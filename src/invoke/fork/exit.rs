//! What a handler's end means for its call.

use hyper::StatusCode;
use nix::sys::signal::Signal;

use crate::invoke::config::ExitCodes;
use crate::invoke::error::CallError;
use crate::process::{Exit, Status};
use crate::reason::Reason;

/// The status of an answer whose output is whole: 0 is 200, `exit_codes` may say otherwise, anything else is an error.
pub(super) fn status(codes: &ExitCodes, exit: Exit) -> Result<StatusCode, CallError> {
    match exit.status {
        Status::Code(code) => match (codes.status(code).and_then(|status| StatusCode::from_u16(status).ok()), code) {
            (Some(status), _) => Ok(status),
            (None, 0) => Ok(StatusCode::OK),
            (None, code) => Err(CallError::new(Reason::Exit, format!("exit status {code}"))),
        },
        Status::Signal(signal) => {
            let name = Signal::try_from(signal).map_or("a real-time signal", Signal::as_str);
            Err(CallError::new(Reason::Signal, format!("the handler was killed by signal {signal} ({name})")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(codes: &ExitCodes, ended: Status, expected: Result<u16, Reason>) {
        let exit = Exit { status: ended, cpu: std::time::Duration::ZERO, max_rss_bytes: 0 };
        let seen = status(codes, exit).map(|status| status.as_u16()).map_err(|error| error.reason);
        assert_eq!(seen, expected, "{ended:?}");
    }

    #[test]
    fn codes_become_statuses() {
        let none = ExitCodes::default();
        check(&none, Status::Code(0), Ok(200));
        check(&none, Status::Code(3), Err(Reason::Exit));
        check(&none, Status::Signal(9), Err(Reason::Signal));
        let mapped = ExitCodes(vec![(3..=3, 422), (0..=0, 202), (1..=255, 503)]);
        check(&mapped, Status::Code(0), Ok(202));
        check(&mapped, Status::Code(3), Ok(422));
        check(&mapped, Status::Code(4), Ok(503));
        check(&mapped, Status::Signal(11), Err(Reason::Signal));
    }
}
