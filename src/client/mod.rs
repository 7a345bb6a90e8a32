//! heeler as a client: `heeler invoke` sends a call or an event and shows the answer, `heeler health` asks how it is.
//!
//! Both find the instance in this container by themselves (`instance`). An invocation goes from its `options` over the
//! `event` that they describe and the `request` it becomes to `call`, which sends it, and `shown`, which prints the
//! answer.

mod address;
mod call;
mod data;
mod event;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod health;
mod instance;
mod options;
mod request;
mod returned;
mod shown;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::config::Vars;
use options::Asked;

pub use health::{Unhealthy, probe};
pub use instance::{BadLockFile, Target};

/// Wrong options (EX_USAGE of sysexits.h).
const USAGE: u8 = 64;
/// No answer.
const NO_ANSWER: u8 = 2;

/// `heeler invoke`: 0 for an answer of 2xx, 1 for another one, 2 for none, 64 for wrong options.
pub fn invoke(args: Vec<OsString>, vars: &Vars) -> ExitCode {
    let invocation = match options::parse(args) {
        Ok(Asked::Help) => return help(),
        Ok(Asked::Invoke(options)) => request::prepare(*options, vars),
        Err(mistakes) => Err(mistakes),
    };
    let invocation = match invocation {
        Ok(invocation) => invocation,
        Err(mistakes) => {
            mistakes.iter().for_each(|mistake| say(mistake));
            return ExitCode::from(USAGE);
        }
    };
    match call::run(&invocation) {
        Ok(status) if status.is_success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            say(&error);
            ExitCode::from(NO_ANSWER)
        }
    }
}

fn help() -> ExitCode {
    // `heeler invoke --help | head` is no failure.
    let _ = io::stdout().write_all(options::HELP.as_bytes());
    ExitCode::SUCCESS
}

/// One line on stderr.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "heeler: invoke: {line}");
}
