//! The table as text: `--help`, and the page `docs/config.md`.

use std::fmt::Write;

use super::mode;
use super::var::{Group, Preset, Var};
use super::vars::{FORK, PLATFORM, VARS};
use crate::invoke::Mode;

/// The settings part of `--help`.
pub fn help() -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let _ = writeln!(text, "\n{}:", group.title());
        for var in rows(group) {
            let names: Vec<_> = var.names().collect();
            let _ = writeln!(text, "  {} ({})", names.join(", "), default(var));
            text += &wrapped(&format!("{}{}", var.help, status(var)));
        }
    }
    text
}

/// Indented lines that fit a terminal of 80.
fn wrapped(sentence: &str) -> String {
    let mut text = String::new();
    let mut room = 0;
    for word in sentence.split(' ') {
        if room < word.len() + 1 {
            text += if text.is_empty() { "     " } else { "\n     " };
            room = 74;
        }
        room = room.saturating_sub(word.len() + 1);
        let _ = write!(text, " {word}");
    }
    text + "\n"
}

/// The page `docs/config.md`.
pub fn page() -> String {
    let mut text = INTRODUCTION.to_owned();
    for group in Group::ALL {
        let _ = write!(
            text,
            "\n## {}\n\n| name | values | default | meaning |\n| --- | --- | --- | --- |\n",
            group.title()
        );
        for var in rows(group) {
            let names: Vec<_> = var.names().map(|name| format!("`{name}`")).collect();
            let meaning = format!("{}{}{}", var.help, only(var), status(var));
            let values = var.kind.describe();
            let _ = writeln!(text, "| {} | {values} | {} | {meaning} |", names.join("<br>"), default(var));
        }
    }
    text += "\n## Names of the platform\n\n| name | what heeler takes from it |\n| --- | --- |\n";
    for (name, meaning) in PLATFORM {
        let _ = writeln!(text, "| `{name}` | {meaning} |");
    }
    text
}

const INTRODUCTION: &str = "\
# Settings

This page is made from the table in `src/config/vars.rs` by `cargo run --example gendocs -- config`.

Settings are environment variables in lower case. `heeler check` prints what they come out as and where each came from.

- A wrong value stops the start with exit code 64 and one line for every mistake; nothing falls back in silence.
- An empty value is the same as none.
- Durations are whole seconds (`30`) or in Go's syntax (`250ms`, `1m30s`).
- Sizes are bytes, or have a unit: `k`, `M`, `G` are powers of 1000, `Ki`, `Mi`, `Gi` powers of 1024 (`64k`, `10Mi`, `256MB`).
- True is `true`, `1`, `yes`, `on`, `t` or `y`, false their opposites, in any case.
- Command lines are split into words as a shell would (quotes and backslashes), but no shell runs: no variables, no pipes.
- Where a row has several names, the upper one wins.
- A setting that does nothing in the chosen mode is a warning; one that is not built yet stops the start.

The modes with a process per call are streaming, serializing, classic and cgi.
";

fn rows(group: Group) -> impl Iterator<Item = &'static Var> {
    VARS.iter().filter(move |var| var.group == group)
}

fn default(var: &Var) -> String {
    match var.default {
        Preset::Unset => "unset".to_owned(),
        Preset::Is(text) | Preset::Depends(text) => text.to_owned(),
    }
}

fn only(var: &Var) -> String {
    let others: Vec<_> = Mode::ALL.into_iter().filter(|mode| !var.matters_in(*mode)).collect();
    match others.as_slice() {
        [] => String::new(),
        [other] => format!(" Not in {} mode.", other.name()),
        _ if var.modes == FORK => " In modes with a process per call.".to_owned(),
        _ => format!(" Modes: {}.", mode::list(var.modes)),
    }
}

fn status(var: &Var) -> String {
    match var.name {
        "mode" => format!(" Not built yet: {}.", mode::unbuilt()),
        _ => match var.built {
            None => String::new(),
            Some([]) => " Not built yet: only the default works.".to_owned(),
            Some(others) => format!(" Not built yet: only the default and {} work.", others.join(", ")),
        },
    }
}
