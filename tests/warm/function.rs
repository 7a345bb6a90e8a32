//! Functions as users write them: a folder with a file or two, and heeler in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;

use crate::support::{Builder, Gate, Heeler, Request, eventually, skip, succeeds};

/// The oldest that the runtimes are made for.
const PYTHON: &[&str] = &["-c", "import sys; sys.exit(sys.version_info < (3, 9))"];
const NODE: &[&str] = &["-e", "process.exit(Number(parseInt(process.versions.node) < 18))"];

static HAS_PYTHON: LazyLock<bool> = LazyLock::new(|| succeeds("python3", PYTHON));
static HAS_NODE: LazyLock<bool> = LazyLock::new(|| succeeds("node", NODE));

/// A function's folder, which goes with the value.
pub struct Function {
    folder: tempfile::TempDir,
    /// Where its code and the test meet, by the module `meet` beside it.
    pub gate: Gate,
}

impl Function {
    /// Of these files; `None`, with a line that says so, where their language is not installed.
    pub fn of(files: &[(&str, &str)]) -> Option<Function> {
        let ends = |endings: &[&str]| files.iter().any(|(name, _)| endings.iter().any(|end| name.ends_with(end)));
        if ends(&[".py"]) && !*HAS_PYTHON {
            return skip("functions in Python need python3 from 3.9 on");
        }
        if ends(&[".js", ".mjs", ".cjs"]) && !*HAS_NODE {
            return skip("functions for Node need node from 18 on");
        }
        let function = Function { folder: tempfile::tempdir().expect("a folder"), gate: Gate::new() };
        for (name, code) in files {
            function.write(name, &dedent(code));
        }
        match ends(&[".py"]) {
            true => function.write("meet.py", include_str!("meet.py")),
            false => function.write("meet.js", include_str!("meet.js")),
        }
        Some(function)
    }

    /// In the file that is looked for first.
    pub fn python(code: &str) -> Option<Function> {
        Function::of(&[("function.py", code)])
    }

    /// The same for Node.
    pub fn node(code: &str) -> Option<Function> {
        Function::of(&[("function.js", code)])
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// heeler in this folder. The runtimes are those inside the binary, put where all tests find them compiled.
    pub fn builder(&self) -> Builder {
        let temp = env!("CARGO_TARGET_TMPDIR");
        Heeler::builder().folder(self.path()).metrics().envs(&[
            ("mode", "warm"),
            ("TMPDIR", temp),
            ("TESTFN_GATE", self.gate.path()),
            ("kill_grace", "500ms"),
        ])
    }

    /// Started and ready.
    #[track_caller]
    pub fn start(&self, env: &[(&str, &str)]) -> Heeler {
        self.builder().envs(env).start()
    }
}

/// PATH with the Python in front that has frameworks installed; `None` if it could not be had.
pub fn path_with_frameworks() -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/servers/python/bin");
    if !folder.join("python3").exists() {
        return skip("functions for Python frameworks need scripts/servers.sh");
    }
    Some(format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default()))
}

/// Where the packages of Node are that the tests' servers use; `None` if they could not be had.
pub fn node_modules() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/servers/node/node_modules");
    if !folder.join("express").exists() {
        return skip("functions for Node frameworks need scripts/servers.sh");
    }
    Some(folder)
}

/// Code as it stands in a test, without the test's own indentation.
fn dedent(code: &str) -> String {
    let lines = || code.lines().filter(|line| !line.trim().is_empty());
    let depth = lines().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let line = |line: &str| line.get(depth..).unwrap_or_default().to_owned() + "\n";
    code.lines().map(line).collect::<String>().trim_start().to_owned()
}

/// A request, and the answer's status, type and body that it has to get.
pub type Row = (Request, u16, &'static str, &'static str);

/// Starts a function, which has to be of this style, and asks it all of that.
#[track_caller]
pub fn check(style: &str, files: &[(&str, &str)], env: &[(&str, &str)], rows: &[Row]) {
    let Some(function) = Function::of(files) else { return };
    let heeler = function.start(env);
    assert_eq!(about(&heeler, "style"), style);
    ask(&heeler, rows);
}

#[track_caller]
pub fn ask(heeler: &Heeler, rows: &[Row]) {
    for (request, status, kind, body) in rows {
        let answer = heeler.call(request);
        let seen = (answer.status, answer.header("content-type").unwrap_or_default(), answer.text());
        assert_eq!(seen, (*status, *kind, (*body).to_owned()), "{}", String::from_utf8_lossy(&request.bytes()));
    }
}

/// What the first worker said of itself.
#[track_caller]
pub fn about(heeler: &Heeler, key: &str) -> String {
    let line = heeler.stderr.wait_for_json("a worker's hello", |line| line["msg"] == "worker is up");
    let pairs = line["about"].as_str().unwrap_or_default();
    pairs.split(' ').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default().to_owned()
}

/// The lines of a call, from both streams, as (stream, text).
pub fn lines_of(heeler: &Heeler, call_id: &str) -> Vec<(String, String)> {
    let of_call = |line: &Value| line["call_id"] == call_id && !line["stream"].is_null();
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let all = [heeler.stdout.json(), heeler.stderr.json()].concat();
    all.iter().filter(|line| of_call(line)).map(|line| (text(line, "stream"), text(line, "msg"))).collect()
}

/// How often a handler noted a name.
pub fn noted(gate: &Gate, name: &str) -> usize {
    fs::read(gate.file(name)).map_or(0, |bytes| bytes.len())
}

#[track_caller]
pub fn wait_noted(gate: &Gate, name: &str, count: usize) {
    eventually(&format!("{name} is noted {count} times"), || noted(gate, name) >= count);
}
