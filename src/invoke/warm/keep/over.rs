//! The ways in which workers are over for good: heeler's exit code, and its last line.

use std::time::Duration;

use crate::duration;
use crate::invoke::state::Over;
use crate::invoke::warm::lost::Lost;
use crate::process::{SpawnError, Status};

/// There never was a process.
pub(super) fn not_started(error: &SpawnError) -> Over {
    Over { code: error.exit_code(), message: format!("cannot run the worker: {error}") }
}

/// It ended before it said hello. That is no success, whatever it says.
pub(super) fn before_hello(status: Status) -> Over {
    Over { code: status.shell_code().max(1), message: format!("the worker {status} before it said hello") }
}

/// It said something else than hello, or nothing more.
pub(super) fn no_hello(lost: &Lost) -> Over {
    let message = match lost {
        Lost::Closed => "the worker closed its socket before it said hello".to_owned(),
        lost => lost.to_string(),
    };
    Over { code: 1, message }
}

/// It said nothing.
pub(super) fn too_late(limit: Duration) -> Over {
    let limit = duration::show(limit);
    Over { code: 1, message: format!("the worker did not say hello within {limit} (start_timeout)") }
}

/// It served, and is not to be started again.
pub(super) fn after_hello(status: Status) -> Over {
    Over { code: status.shell_code(), message: format!("the worker {status}, and restart is never") }
}

/// heeler ended it, and is not to start it again.
pub(super) fn ended(why: &str) -> Over {
    Over { code: 1, message: format!("{why}, so the worker was ended, and restart is never") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_before_hello_is_never_a_success() {
        for (status, code, how) in [
            (Status::Code(0), 1, "ended with exit code 0"),
            (Status::Code(3), 3, "ended with exit code 3"),
            (Status::Signal(9), 137, "was ended by SIGKILL"),
        ] {
            assert_eq!(before_hello(status), Over { code, message: format!("the worker {how} before it said hello") });
        }
    }

    #[test]
    fn an_end_for_good_has_the_workers_code() {
        for (status, code) in [(Status::Code(0), 0), (Status::Code(7), 7), (Status::Signal(15), 143)] {
            assert_eq!(after_hello(status).code, code);
        }
    }
}
