//! Picks the command, runs it, and turns its end into one line and an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    heeler::process::inherited::take();
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(first) if first == "init" => heeler::init::run(args.collect()),
        _ => ExitCode::FAILURE,
    }
}
