//! Prints a page of docs/ from the tables in the source: `cargo run --example gendocs -- metrics > docs/metrics.md`.

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let page = match std::env::args().nth(1).as_deref() {
        Some("metrics") => heeler::metrics::docs(),
        _ => return usage(),
    };
    match std::io::stdout().write_all(page.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: gendocs metrics");
    ExitCode::from(64)
}
