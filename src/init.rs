//! `heeler init`: the plain init for any command.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the command behind the options; the end is the command's own.
pub fn run(_args: Vec<OsString>) -> ExitCode {
    ExitCode::FAILURE
}
