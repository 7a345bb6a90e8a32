//! Prints a page of `docs/` that is made from the source: `cargo run --example gendocs -- config`.

use std::io::{self, Write};
use std::process::ExitCode;

use heeler::{config, metrics};

/// The name of a page below `docs/`, and what makes it.
type Page = (&'static str, fn() -> String);

/// Every page; `tests/docs.rs` compares the committed ones.
const PAGES: &[Page] = &[("config", config::page), ("metrics", metrics::docs)];

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let Some((_, page)) = PAGES.iter().find(|(name, _)| *name == wanted) else {
        let names: Vec<_> = PAGES.iter().map(|(name, _)| *name).collect();
        eprintln!("{wanted:?} is not a page (try {})", names.join(", "));
        return ExitCode::FAILURE;
    };
    match io::stdout().write_all(page().as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
