//! Keeps the shape of the source honest: who imports whom, where unsafe code and the environment may appear,
//! how long a file may be, and that the map in ARCHITECTURE.md names every file.
//!
//! It reads text, not syntax: comments, strings and characters are blanked first, then words are looked for.
//! A rule that stands in the way of something good is changed here, with its reason, in the same commit.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules that everybody may use, and that use only each other.
const LEAVES: [&str; 10] =
    ["duration", "event", "fd", "health", "input", "log", "metrics", "program", "reason", "task"];

/// Who may import whom, leaves left out. `config` may name types of the folders, nothing that runs.
const ALLOWED: [(&str, &[&str]); 10] = [
    // `process` for one thing: signals are blocked before anything else happens.
    ("main", &["allocator", "cli", "client", "config", "init", "app", "process"]),
    ("cli", &["config"]),
    ("init", &["process", "cli"]),
    ("app", &["config", "front", "invoke", "process"]),
    // It reads addresses as the settings have them, and talks HTTP/1 as http mode does: one reader of each is enough.
    ("client", &["config", "front", "invoke"]),
    ("config", &["app", "front", "invoke", "process"]),
    ("front", &["invoke"]),
    ("invoke", &["process"]),
    ("process", &[]),
    // The list of all checks, for the fuzzer and for the unit tests.
    ("fuzzed", &["cli", "client", "config", "front", "init", "invoke"]),
];

/// Where unsafe code may stand; the list is the audit.
const UNSAFE: [&str; 5] = ["allocator.rs", "process/spawn.rs", "process/sys.rs", "process/inherited.rs", "fd.rs"];

/// Ways to read the environment.
const ENVIRONMENT: [&str; 8] = [
    "env::var",
    "env::var_os",
    "env::vars",
    "env::vars_os",
    "env::temp_dir",
    "env::home_dir",
    "libc::getenv",
    "libc::environ",
];

/// Past this, ask what the second half of the file is called.
const MOST_LINES: usize = 400;
/// A behaviour's cases stand together, so the tests' files may be somewhat longer.
const MOST_TEST_LINES: usize = 500;

/// Tables, one row after the other: there is no second half to name.
const TABLES: [&str; 1] = ["src/config/vars.rs"];

struct Source {
    /// Below src/, with `/` between folders.
    name: String,
    text: String,
    /// `text` with comments, strings and characters blanked.
    code: String,
}

impl Source {
    /// `front` for front/route.rs, `health` for health.rs.
    fn module(&self) -> &str {
        self.name.split('/').next().expect("split gives one part at least").trim_end_matches(".rs")
    }

    /// How many `super` lead from this file to the crate's root.
    fn depth(&self) -> usize {
        let folders = self.name.matches('/').count();
        if self.name.ends_with("mod.rs") { folders } else { folders + 1 }
    }
}

#[test]
fn imports_go_one_way() {
    let mut wrong = Vec::new();
    for source in sources() {
        let from = source.module();
        if from == "lib" {
            continue;
        }
        for Import { module, item } in imports(&source) {
            let why = if module == from || LEAVES.contains(&module.as_str()) {
                continue;
            } else if !ALLOWED.iter().any(|(name, may)| *name == from && may.contains(&module.as_str())) {
                "not allowed"
            } else if from == "config" && !is_type(&item) {
                "config may name types only"
            } else {
                continue;
            };
            wrong.push(format!("src/{}: {from} imports {module}::{item}: {why}", source.name));
        }
        if climbs(&source.code) >= source.depth() {
            wrong.push(format!("src/{}: says `super` for the crate's root; say `crate`", source.name));
        }
    }
    none(&wrong);
}

#[test]
fn every_file_opens_with_its_idea() {
    none(&broken(|source| !source.text.starts_with("//! "), "does not open with a `//!` line"));
}

#[test]
fn the_environment_is_read_in_config_only() {
    none(&broken(
        |source| source.module() != "config" && ENVIRONMENT.iter().any(|call| has_word(&source.code, call)),
        "reads the environment; that is config's part",
    ));
}

#[test]
fn nothing_is_said_below_info_but_by_the_log() {
    none(&broken(
        |source| {
            !source.name.ends_with("tests.rs")
                && ["debug", "trace"].iter().any(|level| has_word(&source.code, &format!("tracing::{level}")))
        },
        "says what release builds leave out; say `crate::log::debug!`",
    ));
}

#[test]
fn tasks_are_started_in_one_place() {
    none(&broken(
        |source| source.name != "task.rs" && before_tests(&source.code).contains("tokio::spawn("),
        "starts a task of a type of its own; say `crate::task::spawn`",
    ));
}

#[test]
fn unsafe_code_stays_on_its_list() {
    none(&broken(
        |source| !UNSAFE.contains(&source.name.as_str()) && has_word(&source.code, "unsafe"),
        "has unsafe code and is not on the list",
    ));
    none(&broken(
        |source| {
            let may = UNSAFE.contains(&source.name.as_str()) || ["lib.rs", "process/mod.rs"].contains(&&*source.name);
            !may && has_word(&source.code, "unsafe_code")
        },
        "switches the lint for unsafe code",
    ));
}

#[test]
fn files_are_short() {
    let mut long = Vec::new();
    for (folder, most) in [("src", MOST_LINES), ("tests", MOST_TEST_LINES), ("examples", MOST_TEST_LINES)] {
        for path in rust_files(&root().join(folder)) {
            let lines = read(&path).lines().count();
            if lines > most && !TABLES.iter().any(|table| path.ends_with(table)) {
                long.push(format!("{}: {lines} lines, more than {most}", path.display()));
            }
        }
    }
    none(&long);
}

#[test]
fn the_map_names_every_file() {
    let map = read(&root().join("ARCHITECTURE.md"));
    let named: BTreeSet<&str> = map.split('`').collect();
    none(&broken(|source| !named.contains(&*source.name), "is not in the code map of ARCHITECTURE.md"));
}

#[test]
fn the_rules_see_what_they_should() {
    let source = |text: &str| Source { name: "config/mod.rs".into(), text: text.into(), code: code_only(text) };
    let seen = |text: &str| -> Vec<String> {
        imports(&source(text)).iter().map(|import| format!("{}::{}", import.module, import.item)).collect()
    };
    assert_eq!(seen("use crate::front::{Config, bind};"), ["front::Config", "front::bind"]);
    assert_eq!(seen("use crate::{log, invoke::call::Call};"), ["log::self", "invoke::Call"]);
    assert_eq!(seen("use crate::log;\nfn f() { log::line() }"), ["log::line"]);
    assert_eq!(seen("fn f() { crate::process::spawn(1) }"), ["process::spawn"]);
    assert_eq!(seen("// crate::process::spawn\nlet s = \"crate::front::x\";"), [""; 0]);
    assert_eq!(seen("use crate::reason::Reason as Why;"), ["reason::Reason"]);
    assert_eq!(code_only("a\"b\\\"c\"d'e'f r#\"g\"#h /*i/*j*/k*/l 'm: n"), "a d f  h  l 'm: n");
    assert!(has_word("x = env::var(y)", "env::var") && !has_word("my_env::vars", "env::var"));
    assert_eq!(climbs("use super::super::x; use super::y"), 2);
}

/// A name of another module of this crate, as far as it can be followed.
struct Import {
    module: String,
    item: String,
}

/// Everything that `crate::` leads to, in `use` trees and in paths. In main.rs the crate is called by its name.
fn imports(source: &Source) -> Vec<Import> {
    let mut found = Vec::new();
    for root in ["crate::", "heeler::"] {
        for rest in after_words(&source.code, root) {
            for path in expand(rest) {
                let parts: Vec<&str> = path.split("::").filter(|part| *part != "self").collect();
                let module = parts.first().unwrap_or(&"").to_string();
                if parts.len() > 1 {
                    found.push(Import { module, item: parts[parts.len() - 1].to_string() });
                } else {
                    // The module itself was imported: what is used of it follows its name.
                    let before = found.len();
                    for used in after_words(&source.code, &format!("{module}::")) {
                        found.push(Import { module: module.clone(), item: identifier(used).to_string() });
                    }
                    if found.len() == before {
                        found.push(Import { module, item: "self".to_string() });
                    }
                }
            }
        }
    }
    found
}

/// All paths of a `use` tree, `a::{b, c::{d, e}}` being three, or the one path that stands there.
fn expand(tree: &str) -> Vec<String> {
    let head: String = tree.chars().take_while(|c| c.is_alphanumeric() || "_:*".contains(*c)).collect();
    let rest = &tree[head.len()..];
    if !rest.starts_with('{') {
        return vec![head.trim_end_matches(':').to_string()];
    }
    let mut depth = 0;
    let mut branches = vec![String::new()];
    for c in rest.chars() {
        depth += i32::from(c == '{');
        depth -= i32::from(c == '}');
        match c {
            '{' if depth == 1 => {}
            ',' if depth == 1 => branches.push(String::new()),
            _ if depth == 0 => break,
            _ => branches.last_mut().expect("never empty").push(c),
        }
    }
    let inner = branches.iter().map(|branch| branch.trim()).filter(|branch| !branch.is_empty());
    inner.flat_map(expand).map(|path| format!("{head}{path}")).collect()
}

fn is_type(item: &str) -> bool {
    // A module's own name stands before its type: `front::Config`.
    item.is_empty() || item == "self" || item.starts_with(|c: char| c.is_ascii_uppercase())
}

/// The file without the tests at its foot.
fn before_tests(code: &str) -> &str {
    code.split("#[cfg(test)]\nmod ").next().unwrap_or(code)
}

/// The longest chain of `super::` before the tests at the file's foot.
fn climbs(code: &str) -> usize {
    let code = before_tests(code);
    let mut longest = 0;
    for mut rest in after_words(code, "super::") {
        let mut chain = 1;
        while let Some(more) = rest.strip_prefix("super::") {
            chain += 1;
            rest = more;
        }
        longest = longest.max(chain);
    }
    longest
}

/// What follows each place where `word` begins a word.
fn after_words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(word)
        .filter(|(at, _)| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        .map(move |(at, _)| &code[at + word.len()..])
}

fn has_word(code: &str, word: &str) -> bool {
    after_words(code, word).any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

fn identifier(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("")
}

/// The text without comments, strings and characters, each of them a single blank.
fn code_only(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word_before = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let skip = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest),
            'r' if !word_before => raw_string(rest).unwrap_or(0),
            '\'' => character(rest),
            _ => 0,
        };
        if skip > 0 {
            code.push(' ');
            rest = &rest[skip..];
        } else {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    code
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    for at in 0..text.len() {
        let rest = &text.as_bytes()[at..];
        depth += i32::from(rest.starts_with(b"/*"));
        depth -= i32::from(rest.starts_with(b"*/"));
        if depth == 0 {
            return at + 2;
        }
    }
    text.len()
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

fn raw_string(text: &str) -> Option<usize> {
    let hashes = text[1..].chars().take_while(|c| *c == '#').count();
    let open = 1 + hashes;
    if !text[open..].starts_with('"') {
        return None;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    Some(text[open + 1..].find(&close).map_or(text.len(), |at| open + 1 + at + close.len()))
}

/// The length of a character literal, 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut inner = text[1..].char_indices();
    match inner.next() {
        Some((_, '\\')) => text[3..].find('\'').map_or(0, |at| at + 4),
        Some((_, _)) => inner.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 2),
        None => 0,
    }
}

fn broken(breaks: impl Fn(&Source) -> bool, how: &str) -> Vec<String> {
    sources().iter().filter(|source| breaks(source)).map(|source| format!("src/{} {how}", source.name)).collect()
}

fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let all = rust_files(&src).into_iter().map(|path| {
        let name = path.strip_prefix(&src).expect("below src").to_string_lossy().into_owned();
        let text = read(&path);
        let code = code_only(&text);
        Source { name, text, code }
    });
    all.collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()))
}
