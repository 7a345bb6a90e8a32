//! Every image as a cautious operator runs it: without rights, on a read-only root, with little of everything.

use std::path::Path;
use std::process::Command;

use super::container::{Container, Run};
use super::engine::{build, functions, image, root, said};
use super::support::{Request, eventually};

/// An image with a function that gives its body back, how it is run, and what it needs.
pub(super) struct Kind {
    pub(super) image: String,
    env: &'static [(&'static str, &'static str)],
    /// Threads count, and a Java has more of them than others have.
    processes: &'static str,
}

impl Kind {
    /// `None` where the image cannot be had here.
    pub(super) fn of(name: &str) -> Option<Kind> {
        let base = image(name)?;
        let fixture = |dockerfile: &str, folder: &Path| build(&format!("fixture-{name}"), dockerfile, folder);
        let (image, env, processes) = match name {
            "custom" => (base, &[("fprocess", "cat")][..], "32"),
            "python" => (fixture("FROM heeler-python\nCOPY function.py .\n", &functions(name)), &[][..], "32"),
            "node" => (fixture("FROM heeler-node\nCOPY function.js .\n", &functions(name)), &[][..], "32"),
            "java" => (fixture("FROM heeler-java\nCOPY function.jar .\n", java_function().path()), &[][..], "64"),
            "go" => {
                image("go-build")?;
                let build = "FROM heeler-go-build AS build\nCOPY . .\nRUN heeler-go-build\n";
                let run = "FROM heeler-go\nCOPY --from=build /home/app/function .\n";
                (fixture(&[build, run].concat(), &functions(name)), &[][..], "32")
            }
            other => panic!("no fixture for {other}"),
        };
        Some(Kind { image, env, processes })
    }

    pub(super) fn run(&self) -> Run {
        Run::of(&self.image).envs(self.env)
    }

    pub(super) fn boxed(&self) -> Run {
        self.run().boxed("64m").options(&["--pids-limit", self.processes])
    }
}

/// A folder with function.jar, compiled against what the runtime's own jar offers to functions.
pub(super) fn java_function() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let (classes, jar) = (folder.path().join("classes"), folder.path().join("function.jar"));
    let mut javac = Command::new("javac");
    // The oldest Java that the runtime takes: the image's may be older than this machine's.
    javac.args(["--release", "17", "-d"]).arg(&classes).arg("-cp").arg(root().join("target/runtimes/java/heeler.jar"));
    let compiled = javac.arg(functions("java").join("Echo.java")).output().expect("the JDK that built the runtime");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let mut pack = Command::new("jar");
    pack.arg("--create").arg("--file").arg(&jar).arg("-C").arg(&classes).arg(".");
    assert!(pack.status().expect("the JDK that built the runtime").success());
    folder
}

/// What every function of the tests gives back.
pub(super) fn echo() -> Request {
    Request::post("/", "some bytes")
}

fn serves(name: &str) {
    let Some(kind) = Kind::of(name) else { return };
    let container = kind.boxed().options(&["--health-interval", "1s"]).serve(&echo());
    assert_eq!(container.call(&echo()).text(), "some bytes");
    assert_locked(&container, "65532");
    eventually("the engine finds it healthy", || container.inspect("{{.State.Health.Status}}") == "healthy");
    assert_eq!(container.stop(super::support::PATIENCE), 0);
}

/// Process 1, this user and no other right, under the engine's filter.
fn assert_locked(container: &Container, user: &str) {
    assert_eq!(container.status("NSpid").split_whitespace().last(), Some("1"));
    assert_eq!(container.status("Uid").split_whitespace().collect::<Vec<_>>(), [user; 4]);
    assert_eq!(container.status("CapEff").trim_start_matches('0'), "");
    assert_eq!(container.status("NoNewPrivs"), "1");
}

/// What platforms do that give each tenant a user of its own: no name, and no group but the root's.
fn serves_any_user(name: &str) {
    let Some(kind) = Kind::of(name) else { return };
    let container = kind.boxed().options(&["--user", "2020"]).serve(&echo());
    assert_locked(&container, "2020");
}

/// As Knative starts a revision's container.
fn serves_knative(name: &str) {
    let Some(kind) = Kind::of(name) else { return };
    let knative = [("K_SERVICE", "shop"), ("K_CONFIGURATION", "shop"), ("K_REVISION", "shop-00001")];
    let container = kind.boxed().envs(&knative).platform_port().serve(&echo());
    container.call(&Request::get("/health/readiness")).assert_ok();
    container.call(&Request::get("/health/liveness")).assert_ok();
    let calls = container.scrape().sum("knative_function_requests_total", &[("function_name", "shop")]);
    assert!(calls >= 1.0, "{calls}");
}

/// What `check` says in the image it says of the image's own settings.
fn checks(name: &str, mode: &str) {
    let Some(kind) = Kind::of(name) else { return };
    let (code, said) = kind.boxed().command(&["check"]).ended();
    assert_eq!(code, 0, "{said}");
    let shown = said.lines().any(|line| line.contains("mode") && line.contains(mode));
    assert!(shown, "no mode {mode} in:\n{said}");
}

macro_rules! every {
    ($($name:ident $mode:literal),*) => {$(
        mod $name {
            #[test]
            fn serves_in_a_box() {
                super::serves(stringify!($name));
            }

            #[test]
            fn serves_as_any_user() {
                super::serves_any_user(stringify!($name));
            }

            #[test]
            fn serves_under_knative() {
                super::serves_knative(stringify!($name));
            }

            #[test]
            fn checks_itself() {
                super::checks(stringify!($name), $mode);
            }
        }
    )*};
}

every!(custom "streaming", python "warm", node "warm", java "warm", go "warm");

#[test]
fn heeler_alone_serves_a_folder() {
    let Some(image) = image("heeler") else { return };
    let files = [("mode", "static"), ("static_path", "/usr/bin")];
    let container = Run::of(&image).boxed("64m").envs(&files).serve(&Request::get("/heeler"));
    assert_locked(&container, "65532");
    let binary = container.call(&Request::get("/heeler")).body;
    // The link leads to the same file.
    assert_eq!(container.call(&Request::get("/fwatchdog")).body, binary);
    assert_eq!(container.stop(super::support::PATIENCE), 0);
    let labels = said(&["image", "inspect", "--format", "{{json .Config.Labels}}", &image]);
    assert!(
        labels.contains(&format!("\"org.opencontainers.image.version\":\"{}\"", env!("CARGO_PKG_VERSION"))),
        "{labels}"
    );
}

#[test]
fn java_loads_its_classes_from_the_archive() {
    let Some(kind) = Kind::of("java") else { return };
    let container = kind.boxed().env("JAVA_TOOL_OPTIONS", "-Xlog:class+load:stderr").serve(&echo());
    let logs = container.logs();
    let loaded = logs.lines().find(|line| line.contains(" heeler.Main source:")).unwrap_or("nothing of heeler.Main");
    assert!(loaded.contains("shared objects file (top)"), "{loaded}");
}
