//! Which file is taken, what `heeler check` says of it, and what is said where none can be loaded.

use crate::function::{Function, about};
use crate::support::{Heeler, Request};

const PYTHON: &str = "def handle(request):\n    return __file__.rpartition('/')[2]\n";
const NODE: &str = "exports.handle = () => require('node:path').basename(__filename);";

#[test]
fn usual_names_and_places_need_no_setting() {
    for file in ["function.py", "main.py", "index.py", "app.py", "func.py", "function/handler.py"] {
        let Some(function) = Function::of(&[(file, PYTHON)]) else { return };
        let heeler = function.builder().without("mode").start();
        let name = file.rsplit('/').next().unwrap_or(file);
        assert_eq!(heeler.get("/").assert_ok().text(), name, "{file}");
    }
    for file in ["function.js", "index.cjs", "main.js"] {
        let Some(function) = Function::of(&[(file, NODE)]) else { return };
        let heeler = function.builder().without("mode").start();
        assert_eq!(heeler.get("/").assert_ok().text(), file);
    }
}

#[test]
fn the_only_python_file_and_a_deep_one_need_no_setting() {
    for file in ["anything.py", "function/func.py"] {
        let Some(function) = Function::of(&[(file, PYTHON)]) else { return };
        std::fs::remove_file(function.path().join("meet.py")).expect("it is there");
        let name = file.rsplit('/').next().unwrap_or(file);
        assert_eq!(function.start(&[]).get("/").assert_ok().text(), name);
    }
}

#[test]
fn a_handler_is_named_by_a_setting_or_by_the_platform() {
    let task = "def go(event, context):\n    return 'task'\n";
    for (file, code, env, said) in [
        ("a.py", PYTHON, &[("handler", "a.handle")][..], "a.py"),
        ("deep/a.py", PYTHON, &[("handler", "deep/a.py:handle")], "a.py"),
        ("deep/a.py", PYTHON, &[("handler", "deep.a.handle")], "a.py"),
        ("a.js", NODE, &[("handler", "a.js")], "a.js"),
        ("json.py", PYTHON, &[("handler", "json.py:handle")], "json.py"),
        ("task/a.py", task, &[("_HANDLER", "a.go"), ("LAMBDA_TASK_ROOT", "task")], "task"),
        ("source/main.py", PYTHON, &[("FUNCTION_TARGET", "handle"), ("FUNCTION_SOURCE", "source")], "main.py"),
    ] {
        let Some(function) = Function::of(&[(file, code)]) else { return };
        let heeler = function.builder().without("mode").envs(env).start();
        assert_eq!(heeler.get("/").assert_ok().text(), said, "{env:?}");
    }
}

/// A style or a handler with its ending decides.
#[test]
fn two_languages_in_one_folder_are_an_error_that_names_both() {
    let files = [("function.py", PYTHON), ("function.js", NODE)];
    let Some(function) = Function::of(&files) else { return };
    for mode in ["warm", ""] {
        let mut heeler = function.builder().env("mode", mode).spawn();
        assert_eq!(heeler.exit_code(), 64);
        let said = heeler.stderr.rest();
        for word in ["function.py", "function.js", "handler"] {
            assert!(said.contains(word), "{said}");
        }
    }
    for name in ["function.py", "function.js"] {
        let heeler = function.start(&[("handler", name)]);
        assert_eq!(heeler.get("/").assert_ok().text(), name);
    }
}

struct Failing {
    files: &'static [(&'static str, &'static str)],
    env: &'static [(&'static str, &'static str)],
    code: i32,
    said: &'static [&'static str],
}

#[track_caller]
fn check_failing(cases: &[Failing]) {
    for Failing { files, env, code, said } in cases {
        let Some(function) = Function::of(files) else { return };
        let mut heeler = function.builder().envs(env).spawn();
        assert_eq!(heeler.exit_code(), *code, "{files:?} {env:?}");
        let text = heeler.stderr.rest();
        for word in *said {
            assert!(text.contains(word), "no {word:?} for {files:?} {env:?} in\n{text}");
        }
        assert!(!text.contains("\"msg\":\"ready\""), "{text}");
    }
}

#[test]
fn python_that_cannot_be_loaded_ends_the_start_and_says_why() {
    check_failing(&[
        Failing { files: &[("other.txt", "")], env: &[], code: 64, said: &["no file of a usual name", "function"] },
        Failing {
            files: &[("a.py", PYTHON)],
            env: &[("handler", "b.handle")],
            code: 64,
            said: &["b.handle", "names no file", "a.py"],
        },
        Failing {
            files: &[("a.py", PYTHON)],
            env: &[("handler", "a.handel")],
            code: 1,
            said: &["no function handel in", "a.py", "found handle"],
        },
        Failing {
            files: &[("function.py", "def handle(:\n")],
            env: &[],
            code: 1,
            said: &["function.py cannot be loaded: SyntaxError", "def handle(:"],
        },
        Failing {
            files: &[("function.py", "import no_such_module\ndef handle(r): pass\n")],
            env: &[],
            code: 1,
            said: &["ModuleNotFoundError", "no_such_module", "line 1, in <module>", "import no_such_module"],
        },
        Failing {
            files: &[("main.py", PYTHON)],
            env: &[("FUNCTION_TARGET", "hello")],
            code: 1,
            said: &["no function hello in", "FUNCTION_TARGET", "found handle"],
        },
        Failing {
            files: &[("function.py", "import os\nos._exit(9)\n")],
            env: &[],
            code: 9,
            said: &["the worker ended with exit code 9 before it said hello"],
        },
        Failing {
            files: &[("function.py", "import time\ntime.sleep(99)\n")],
            env: &[("start_timeout", "500ms")],
            code: 1,
            said: &["did not say hello within 500ms (start_timeout)"],
        },
        Failing {
            files: &[("a.py", PYTHON)],
            env: &[("handler_style", "best")],
            code: 64,
            said: &["handler_style", "best", "hks"],
        },
    ]);
}

#[test]
fn node_that_cannot_be_loaded_ends_the_start_and_says_why() {
    check_failing(&[
        Failing {
            files: &[("a.js", NODE)],
            env: &[("handler", "b.handle")],
            code: 64,
            said: &["b.handle", "names no file", "a.js"],
        },
        Failing {
            files: &[("function.js", "exports.other = () => 1; exports.value = 3;")],
            env: &[],
            code: 1,
            said: &["function.js has no function", "other (function), value (a value of type number)"],
        },
        Failing {
            files: &[("function.js", "exports.handle = (")],
            env: &[],
            code: 1,
            said: &["function.js could not be loaded", "SyntaxError"],
        },
        Failing {
            files: &[("function.mjs", "export const handle = (")],
            env: &[],
            code: 1,
            said: &["function.mjs could not be loaded", "SyntaxError"],
        },
        Failing {
            files: &[("function.js", "require('no-such-package')")],
            env: &[],
            code: 1,
            said: &["Cannot find module 'no-such-package'", "Require stack"],
        },
        Failing {
            files: &[("function.js", "process.exit(9)")],
            env: &[],
            code: 9,
            said: &["the worker ended with exit code 9 before it said hello"],
        },
        Failing {
            files: &[("function.js", NODE)],
            env: &[("handler_style", "wsgi")],
            code: 64,
            said: &["no file of a usual name"],
        },
    ]);
}

#[test]
fn check_shows_what_was_found() {
    for (file, code, language, program) in
        [("function.py", PYTHON, "Python", "python3"), ("index.js", NODE, "Node.js", "node")]
    {
        let Some(function) = Function::of(&[(file, code)]) else { return };
        let mut heeler = function.builder().without("mode").args(["check"]).spawn();
        assert_eq!(heeler.exit_code(), 0);
        let said = heeler.stdout.rest();
        let handler = format!("handler: {}/{file} ({language})", function.path().display());
        for word in
            ["mode: warm (there is no command", handler.as_str(), "runtime: the copy inside the binary", program]
        {
            assert!(said.contains(word), "no {word:?} in\n{said}");
        }
    }
}

#[test]
fn a_language_that_is_not_installed_is_said_at_once() {
    let Some(function) = Function::python(PYTHON) else { return };
    let empty = function.path().to_str().expect("a path of plain letters").to_owned();
    let mut heeler = function.builder().env("PATH", &empty).spawn();
    assert_eq!(heeler.exit_code(), 127);
    assert!(heeler.stderr.rest().contains("python3"), "{}", heeler.stderr.text());
    let mut check = function.builder().env("PATH", &empty).args(["check"]).spawn();
    assert_eq!(check.exit_code(), 64);
    assert!(check.stderr.rest().contains("exit code 127"), "{}", check.stderr.text());
}

/// As base images have them: a folder beside the function, that nobody may write to.
#[test]
fn runtimes_are_used_from_a_folder() {
    let runtimes = concat!(env!("CARGO_MANIFEST_DIR"), "/runtimes");
    for (file, code) in [("function.py", PYTHON), ("function.js", NODE)] {
        let Some(function) = Function::of(&[(file, code)]) else { return };
        let temp = tempfile::tempdir().expect("a folder");
        let temp = temp.path().to_str().expect("a path of plain letters");
        let env = [("runtimes", runtimes), ("TMPDIR", temp), ("PYTHONDONTWRITEBYTECODE", "1")];
        let heeler = function.start(&env);
        assert_eq!(heeler.get("/").assert_ok().text(), file);
        assert_eq!(
            std::fs::read_dir(temp).expect("it is there").count(),
            0,
            "something was put into the temporary folder"
        );
        let mut wrong = function.builder().env("runtimes", temp).spawn();
        assert_ne!(wrong.exit_code(), 0);
        assert!(wrong.stderr.rest().contains("set runtimes to a folder"), "{}", wrong.stderr.text());
    }
}

/// The first start unpacks, whoever else starts at the same time.
#[test]
fn starts_at_the_same_time_share_one_copy() {
    let Some(function) = Function::python(PYTHON) else { return };
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().to_str().expect("a path of plain letters");
    let mut all: Vec<Heeler> = (0..3).map(|_| function.builder().env("TMPDIR", path).spawn()).collect();
    for heeler in &mut all {
        heeler.wait_ready();
        assert_eq!(heeler.get("/").assert_ok().text(), "function.py");
    }
    let names = std::fs::read_dir(temp.path())
        .expect("it is there")
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("heeler-")));
    assert_eq!(names.count(), 1);
}

/// What the ready line, the hello and the answer say of the function are one.
#[test]
fn the_log_names_file_style_and_function() {
    let Some(function) = Function::of(&[("mod.py", "def f(event, context):\n    return 'x'\n")]) else { return };
    let heeler = function.start(&[("MOD_NAME", "mod"), ("FUNC_HANDLER", "f")]);
    assert_eq!(about(&heeler, "language"), "python");
    assert_eq!(about(&heeler, "function"), "mod.f");
    assert_eq!(about(&heeler, "style"), "kubeless");
    heeler.call(&Request::get("/")).assert_ok();
}
