//! The ways in which a handler is over for good: heeler's exit code, and its last line.

use super::start::StartError;
use crate::invoke::state::Over;
use crate::invoke::upstream::endpoint::Target;
use crate::process::Status;

/// There never was a process.
pub(super) fn not_started(error: &StartError) -> Over {
    Over { code: error.exit_code(), message: format!("cannot run the handler: {error}") }
}

/// It ended before it was ever up. That is no success, whatever it says.
pub(super) fn before_up(status: Status, target: &Target) -> Over {
    let daemon = if status == Status::Code(0) { "; a server has to stay in the foreground" } else { "" };
    let message = format!("the handler {status} before it listened on {target}{daemon}");
    Over { code: status.shell_code().max(1), message }
}

/// It was up and is not to be started again.
pub(super) fn after_up(status: Status) -> Over {
    Over { code: status.shell_code(), message: format!("the handler {status}, and restart is never") }
}

/// It never came up.
pub(super) fn too_late(message: String) -> Over {
    Over { code: 1, message }
}

/// heeler ended it and is not to start it again.
pub(super) fn condemned() -> Over {
    let message = "a call ran out of time, so the handler was ended (kill_on_timeout), and restart is never";
    Over { code: 1, message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_before_it_was_up_is_never_a_success() {
        let target = Target::Tcp { host: "127.0.0.1".to_owned(), port: 5000 };
        for (status, code, how) in [
            (Status::Code(0), 1, "ended with exit code 0"),
            (Status::Code(3), 3, "ended with exit code 3"),
            (Status::Signal(9), 137, "was ended by SIGKILL"),
            (Status::Signal(40), 168, "was ended by signal 40"),
        ] {
            let daemon = if status == Status::Code(0) { "; a server has to stay in the foreground" } else { "" };
            let message = format!("the handler {how} before it listened on 127.0.0.1:5000{daemon}");
            assert_eq!(before_up(status, &target), Over { code, message });
        }
    }

    #[test]
    fn an_end_for_good_has_the_handlers_code() {
        for (status, code) in [(Status::Code(0), 0), (Status::Code(7), 7), (Status::Signal(15), 143)] {
            assert_eq!(after_up(status).code, code);
        }
    }
}
