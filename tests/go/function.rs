//! Programs of Go functions: compiled here with the standard library alone, or by scripts/servers.sh with the packages of
//! others.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use crate::support::{Builder, Gate, Heeler};

/// The oldest Go that the modules are written for, as `go1.21` has it.
const OLDEST: (u32, u32) = (1, 21);

static TOOL: LazyLock<Option<PathBuf>> = LazyLock::new(tool);
static FUNCTION: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-function");
    let built = build(&[], &root().join("tests/go/function"), &program)?;
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Some(program)
});

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// heeler-go-build itself; `None`, with a line that says so, without Go.
fn tool() -> Option<PathBuf> {
    if let Some(why) = missing() {
        return skip(&why);
    }
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("heeler-go-build");
    let source = root().join("runtimes/go/build");
    let made = go().arg("-C").arg(source).args(["build", "-buildvcs=false", "-o"]).arg(&program).arg(".").output();
    let made = made.expect("go starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(program)
}

fn go() -> Command {
    let mut go = Command::new("go");
    go.env("GOTOOLCHAIN", "local");
    go
}

fn missing() -> Option<String> {
    let Ok(said) = go().args(["env", "GOVERSION"]).output() else { return Some("go is not installed".into()) };
    let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let mut numbers = version.trim_start_matches("go").split('.').map_while(|number| number.parse::<u32>().ok());
    let is_new = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= OLDEST;
    (!is_new).then(|| format!("{version:?} is older than go1.21"))
}

pub fn skip<T>(why: &str) -> Option<T> {
    crate::support::skip(&format!("functions in Go: {why}"))
}

/// What heeler-go-build makes of a folder; nothing is fetched.
pub fn build(options: &[&str], folder: &Path, program: &Path) -> Option<Output> {
    let mut command = Command::new(TOOL.as_ref()?);
    command.arg("-modules").arg(root().join("runtimes/go")).args(options).arg("-o").arg(program).arg(folder);
    Some(command.envs([("GOTOOLCHAIN", "local"), ("GOPROXY", "off")]).output().expect("the tool starts"))
}

/// A program that scripts/servers.sh has made of tests/servers/functions_go.
pub fn made(name: &str) -> Option<PathBuf> {
    let program = root().join("target/servers/functions_go").join(name);
    match program.exists() {
        true => Some(program),
        false => skip("those of events need scripts/servers.sh functions_go"),
    }
}

/// heeler with a program as its worker.
pub fn serving(program: &Path) -> Builder {
    Heeler::builder().metrics().envs(&[("mode", "warm"), ("fprocess", program.to_str().expect("a plain path"))])
}

/// heeler with tests/go/function, and where both meet.
pub fn start(env: &[(&str, &str)]) -> Option<(Heeler, Gate)> {
    let gate = Gate::new();
    let heeler = serving(FUNCTION.as_ref()?).env("TESTFN_GATE", gate.path()).envs(env).start();
    Some((heeler, gate))
}
