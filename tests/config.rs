//! Settings as a user meets them: through the real binary, by its lines and exit codes.

// The tests start heeler itself and are the only ones that wait for it.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]
// The lint knows tests, but not the helpers beside them.
#![allow(clippy::unwrap_used)]

use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use socket2::{Domain, SockAddr, Socket, Type};

/// What a run of heeler ended in.
struct End {
    code: i32,
    stdout: String,
    stderr: String,
}

fn heeler() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heeler"));
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command
}

fn end(command: &mut Command) -> End {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    let (ended, end) = channel();
    // Settings that are no mistake any more must not let a test wait for ever.
    let watch = std::thread::spawn(move || match end.recv_timeout(Duration::from_secs(20)) {
        Ok(()) => {}
        Err(_) => kill(pid, Signal::SIGKILL).unwrap(),
    });
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    ended.send(()).unwrap_or_else(|_| panic!("heeler has started, and should have ended: {command:?}"));
    watch.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    End { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
}

fn run(args: &[&str], vars: &[(&str, &str)]) -> End {
    end(heeler().args(args).envs(vars.iter().copied()))
}

/// The row of a setting in the report of `heeler check`: value and origin.
fn row(report: &str, name: &str) -> (String, String) {
    let line = report.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
    let rest = line[name.len()..].trim();
    let (value, from) = rest.split_once("  ").unwrap();
    (value.trim().to_owned(), from.trim().to_owned())
}

#[test]
fn all_mistakes_come_at_once_with_exit_code_64() {
    let vars = [("exec_timeout", "10x"), ("port", "abc"), ("max_inflight", "many"), ("suppress_lock", "perhaps")];
    for args in [&[][..], &["check"]] {
        let End { code, stdout, stderr } = run(args, &vars);
        assert_eq!((code, stdout.as_str()), (64, ""));
        let lines: Vec<_> = stderr.lines().collect();
        assert_eq!(
            lines,
            [
                "heeler: port: \"abc\" is not a port (try 8080, at most 65535)",
                "heeler: exec_timeout: \"10x\" is not a duration (try 10s, 500ms, or whole seconds)",
                "heeler: max_inflight: \"many\" is not a whole number (try 100; 0 is off)",
                "heeler: suppress_lock: \"perhaps\" is neither true nor false (try true or false)",
                "heeler: fprocess: is not set (set it to a command such as cat, or run heeler cat)",
            ]
        );
    }
}

#[test]
fn a_name_with_a_slip_gets_a_suggestion() {
    let vars = [("fproces", "cat"), ("exec_timout", "5"), ("http_proxy", "x"), ("my_own_setting", "x")];
    let End { code, stdout, stderr } = run(&["check", "cat"], &vars);
    assert_eq!(code, 0);
    assert!(stdout.starts_with("mode: streaming (default)\n"), "{stdout}");
    assert_eq!(
        stderr,
        "heeler: warning: exec_timout: is not a setting (did you mean exec_timeout?)\n\
         heeler: warning: fproces: is not a setting (did you mean fprocess?)\n"
    );
}

#[test]
fn jwt_auth_refuses_to_start() {
    let End { code, stderr, .. } = run(&[], &[("fprocess", "cat"), ("jwt_auth", "true")]);
    assert_eq!(code, 64);
    assert!(stderr.starts_with("heeler: jwt_auth: \"true\" asks for a check of callers"), "{stderr}");
    assert_eq!(run(&["check"], &[("fprocess", "cat"), ("jwt_auth", "false")]).code, 0);
}

#[test]
fn check_shows_values_and_origins() {
    let vars = [
        ("function_process", "sh -c 'cat; echo \"x y\"'"),
        ("PORT", "9000"),
        ("healthcheck_interval", "90"),
        ("write_debug", "YES"),
        ("upstream_url", "http://127.0.0.1:1"),
        ("K_SERVICE", "hello"),
    ];
    let End { code, stdout, stderr } = run(&["check"], &vars);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stderr, "heeler: warning: upstream_url: has no effect in classic mode (only in http)\n");
    let head: Vec<_> = stdout.lines().take(2).collect();
    assert_eq!(
        head,
        [
            "mode: classic (write_debug is set, which is classic-watchdog's)",
            "command: \"sh\" \"-c\" \"cat; echo \\\"x y\\\"\"",
        ]
    );
    assert!(stdout.contains("\nprogram: /usr/bin/sh\n") || stdout.contains("\nprogram: /bin/sh\n"), "{stdout}");
    assert!(stdout.contains("\nfunction name: hello\n"), "{stdout}");
    for (name, value, from) in [
        ("port", "9000", "PORT"),
        ("shutdown_delay", "1m30s", "healthcheck_interval"),
        ("write_debug", "true", "write_debug"),
        ("exec_timeout", "0s", "default in classic mode"),
        ("kill_grace", "2s", "default"),
        ("http_upstream_url", "http://127.0.0.1:1", "upstream_url"),
    ] {
        assert_eq!(row(&stdout, name), (value.to_owned(), from.to_owned()), "{name}");
    }
    let by_arguments = run(&["check", "--", "cat", "-n"], &vars).stdout;
    assert_eq!(row(&by_arguments, "fprocess"), ("cat -n".to_owned(), "arguments".to_owned()));
}

#[test]
fn check_finds_the_handler() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plain");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    for (program, message) in [
        ("no-such-program", "heeler: fprocess: \"no-such-program\" is not found (looked in PATH=/usr/bin:/bin); "),
        (file.to_str().unwrap(), "is not executable (it needs to be a file with the x bit); "),
    ] {
        let End { code, stdout, stderr } = run(&["check"], &[("fprocess", program)]);
        assert_eq!((code, stdout.as_str()), (64, ""));
        assert!(stderr.contains(message), "{stderr}");
    }
}

#[test]
fn what_is_not_built_yet_says_so() {
    for (name, value) in [("mode", "lambda"), ("prefork", "2"), ("isolation", "call")] {
        let End { code, stderr, .. } = run(&[], &[("fprocess", "cat"), (name, value)]);
        assert_eq!(code, 64);
        assert!(stderr.starts_with(&format!("heeler: {name}: \"{value}\" is not built yet (")), "{stderr}");
    }
}

/// The mistakes and warnings of http mode with a command and these settings.
fn http(vars: &[(&str, &str)]) -> (i32, String) {
    let all: Vec<_> = [("mode", "http"), ("fprocess", "cat")].iter().chain(vars).copied().collect();
    let End { code, stderr, .. } = run(&["check"], &all);
    (code, stderr)
}

#[test]
fn http_mode_says_what_it_needs() {
    for (url, wrong) in [
        ("127.0.0.1:5000", "has no scheme (try http://127.0.0.1:5000)"),
        ("https://127.0.0.1:5000", "asks for TLS, which heeler does not speak (try http://127.0.0.1:5000)"),
        ("http://unix:/tmp/a", "is not how a socket is named (try unix:/tmp/a)"),
        ("ftp://a", "is not an upstream (try http://127.0.0.1:8082 or unix:/tmp/app.sock)"),
    ] {
        assert_eq!(http(&[("upstream_url", url)]), (64, format!("heeler: upstream_url: {url:?} {wrong}\n")));
    }
    let without = run(&[], &[("mode", "http"), ("upstream_url", "http://127.0.0.1:8082")]);
    assert_eq!(without.code, 64);
    assert_eq!(
        without.stderr,
        "heeler: fprocess: is not set (set fprocess to the server that calls are passed on to, such as node server.js)\n"
    );
}

#[test]
fn http_mode_does_not_call_itself() {
    let (code, line) = http(&[("port", "9000"), ("http_upstream_url", "http://localhost:9000")]);
    assert_eq!(code, 64);
    assert!(line.starts_with("heeler: http_upstream_url: \"http://localhost:9000\" is where heeler itself"), "{line}");
    // The usual pair of an image made for of-watchdog.
    assert_eq!(http(&[("port", "8080"), ("http_upstream_url", "http://127.0.0.1:8082")]), (0, String::new()));
}

#[test]
fn check_shows_the_settings_of_http_mode() {
    let vars = [("mode", "http"), ("upstream_url", "http://127.0.0.1:3000/"), ("buffer_http", "1")];
    let report = run(&["check", "cat"], &vars).stdout;
    for (name, value, from) in [
        ("http_upstream_url", "http://127.0.0.1:3000/", "upstream_url"),
        ("max_body", "128Mi", "default beside http_buffer_req_body"),
        ("stream_timeout", "0s", "default"),
        ("health_paths", "false", "default"),
    ] {
        let (shown, origin) = row(&report, name);
        // The machine's own memory limit may be the smaller one.
        if !origin.starts_with("a quarter of") {
            assert_eq!((shown.as_str(), origin.as_str()), (value, from), "{name}");
        }
    }
    let fork = run(&["check", "cat"], &[("stream_timeout", "1m"), ("kill_on_timeout", "true")]);
    assert_eq!(fork.code, 0);
    assert_eq!(
        fork.stderr,
        "heeler: warning: stream_timeout: has no effect in streaming mode (only in http, warm, lambda)\n\
         heeler: warning: kill_on_timeout: has no effect in streaming mode (only in http)\n"
    );
}

#[test]
fn static_mode_needs_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let missing = folder.path().join("none");
    for (path, wrong) in [
        (missing.to_str().unwrap(), "is not there (set static_path to the folder that is served)"),
        (file.to_str().unwrap(), "is not a folder (set static_path to the one that is served)"),
    ] {
        for args in [&[][..], &["check"]] {
            let End { code, stderr, .. } = run(args, &[("mode", "static"), ("static_path", path)]);
            assert_eq!((code, stderr), (64, format!("heeler: static_path: {path:?} {wrong}\n")));
        }
    }
    let empty = run(&[], &[("mode", "static"), ("static_path", "")]);
    assert_eq!(
        (empty.code, empty.stderr.as_str()),
        (64, "heeler: static_path: is empty (set it to the folder that is served, or leave it unset)\n")
    );
    let path = folder.path().to_str().unwrap();
    let fine = run(&["check", "fwatchdog"], &[("mode", "static"), ("static_path", path)]);
    assert_eq!((fine.code, fine.stderr.as_str()), (0, ""));
    let command = run(&["check"], &[("mode", "static"), ("static_path", path), ("fprocess", "no-such-program")]);
    assert_eq!(command.code, 0, "{}", command.stderr);
    assert!(
        command.stderr.starts_with("heeler: warning: fprocess: has no effect in static mode"),
        "{}",
        command.stderr
    );
}

#[test]
fn modes_of_the_past_are_explained() {
    for (mode, message) in [("inproc", "is a Go library"), ("afterburn", "was given up"), ("fast", "(try streaming, ")]
    {
        let End { code, stderr, .. } = run(&["check"], &[("fprocess", "cat"), ("mode", mode)]);
        assert_eq!(code, 64);
        assert!(stderr.contains(message), "{stderr}");
    }
}

#[test]
fn help_and_version_need_no_settings() {
    for flag in ["--help", "-h"] {
        let End { code, stdout, stderr } = run(&[flag], &[("port", "junk")]);
        assert_eq!((code, stderr.as_str()), (0, ""));
        for text in ["heeler check", "exec_timeout (30s; in classic mode 0)", "shutdown_delay, healthcheck_interval"] {
            assert!(stdout.contains(text), "{text}");
        }
    }
    for flag in ["--version", "-V", "-version"] {
        let End { code, stdout, .. } = run(&[flag], &[]);
        assert_eq!((code, stdout), (0, format!("heeler {}\n", env!("CARGO_PKG_VERSION"))));
    }
}

#[test]
fn an_unknown_option_is_named() {
    let End { code, stderr, .. } = run(&["--port=80"], &[]);
    assert_eq!(code, 64);
    assert!(stderr.starts_with("heeler: \"--port=80\" is not an option (try --help; "), "{stderr}");
}

/// A port that is taken but that nobody listens on, for as long as the socket is held.
fn closed_port() -> (Socket, String) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::from(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    (socket, port.to_string())
}

#[test]
fn health_with_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join(".lock");
    let ((_calls, port), (_metrics, metrics_port)) = (closed_port(), closed_port());
    let probe = |args: &[&str]| {
        let vars = [("port", &port), ("metrics_port", &metrics_port)];
        end(heeler().args(args).envs(vars).env("TMPDIR", folder.path()))
    };
    for args in [["health"], ["--run-healthcheck"]] {
        let End { code, stdout, stderr } = probe(&args);
        assert_eq!((code, stdout.as_str(), stderr.lines().count()), (1, "", 1));
        assert!(stderr.starts_with("heeler: health: no answer from 127.0.0.1:"), "{stderr}");
    }
    fs::write(&lock, format!("1\n127.0.0.1:{port}\n")).unwrap();
    let End { code, stderr, .. } = probe(&["health"]);
    assert_eq!(code, 1);
    assert!(stderr.contains(&format!("which {} names", lock.display())), "{stderr}");
}

#[test]
fn every_alias_is_understood() {
    for (alias, name, value, shown) in [
        ("function_process", "fprocess", "cat -n", "cat -n"),
        ("healthcheck_interval", "shutdown_delay", "7", "7s"),
        ("upstream_url", "http_upstream_url", "http://a:1", "http://a:1"),
        ("buffer_http", "http_buffer_req_body", "1", "true"),
        ("log_call_id", "log_callid", "false", "false"),
    ] {
        let End { code, stdout, stderr } = run(&["check"], &[("fprocess", "cat"), (alias, value)]);
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(row(&stdout, name), (shown.to_owned(), alias.to_owned()));
    }
}

#[test]
fn old_values_keep_their_meaning() {
    let vars = [("fprocess", "cat"), ("log_buffer_size", "-1"), ("max_inflight", "-5"), ("prefix_logs", "F")];
    let End { code, stdout, stderr } = run(&["check"], &vars);
    assert_eq!((code, stderr.as_str()), (0, ""));
    for (name, value) in [("log_buffer_size", "-1"), ("max_inflight", "0"), ("prefix_logs", "false")] {
        assert_eq!(row(&stdout, name).0, value, "{name}");
    }
}

#[test]
fn heeler_below_itself_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("my-watchdog");
    symlink(env!("CARGO_BIN_EXE_heeler"), &link).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    for word in ["fwatchdog", "my-watchdog", link.to_str().unwrap()] {
        let with = run(&["check", word], &[("fprocess", "cat"), ("PATH", &path)]);
        assert_eq!(with.code, 0, "{}", with.stderr);
        assert_eq!(row(&with.stdout, "fprocess"), ("cat".to_owned(), "fprocess".to_owned()));
        let without = run(&[word], &[("PATH", &path)]);
        assert_eq!(without.code, 64);
        assert!(without.stderr.contains("in the arguments is heeler itself"), "{}", without.stderr);
    }
    // Started by another name all is the same.
    let by_link = end(Command::new(Path::new(&link)).arg("check").env_clear().env("fprocess", "/bin/sh"));
    assert_eq!(by_link.code, 0, "{}", by_link.stderr);
}

#[test]
fn only_our_own_names_have_to_be_text() {
    let bytes = OsStr::from_bytes(b"a\xff");
    let others = end(heeler()
        .args(["check", "cat"])
        .env("SOMETHING", bytes)
        .env("else", bytes)
        .env("PATH", OsStr::from_bytes(b"/bin:/a\xff:/usr/bin")));
    assert_eq!((others.code, others.stderr.as_str()), (0, ""));
    let ours = end(heeler().args(["check", "cat"]).env("content_type", bytes).env("K_SERVICE", bytes));
    assert_eq!(ours.code, 64);
    assert!(ours.stderr.contains("heeler: content_type: \"a\\xFF\" is not UTF-8"), "{}", ours.stderr);
    assert!(ours.stderr.contains("heeler: K_SERVICE: \"a\\xFF\" is not UTF-8"), "{}", ours.stderr);
}

#[test]
fn ports_of_knative_are_refused_there_and_warned_of_elsewhere() {
    let refused = run(&["check", "cat"], &[("K_SERVICE", "f"), ("PORT", "8012"), ("metrics_port", "9090")]);
    assert_eq!((refused.code, refused.stderr.lines().count()), (64, 2), "{}", refused.stderr);
    let warned = run(&["check", "cat"], &[("port", "8012")]);
    assert_eq!(warned.code, 0);
    assert!(warned.stderr.starts_with("heeler: warning: port: 8012 would clash with queue-proxy"), "{}", warned.stderr);
    let same = run(&["check", "cat"], &[("port", "9000"), ("metrics_port", "9000")]);
    assert!(same.stderr.starts_with("heeler: metrics_port: 9000 is the port of calls too"), "{}", same.stderr);
}

/// A folder with these files, and one with the programs that run them, which need not work for this.
fn function(files: &[&str]) -> (tempfile::TempDir, tempfile::TempDir) {
    let (folder, programs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for file in files {
        fs::create_dir_all(folder.path().join(file).parent().unwrap()).unwrap();
        fs::write(folder.path().join(file), "").unwrap();
    }
    for program in ["python3", "node"] {
        let path = programs.path().join(program);
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    (folder, programs)
}

#[test]
fn check_names_the_function_and_what_runs_it() {
    for (file, language, program, main) in
        [("function.py", "Python", "python3", "python/start.py"), ("index.mjs", "Node.js", "node", "node/worker.js")]
    {
        let (folder, programs) = function(&[file, "runtimes/python/start.py", "runtimes/node/worker.js"]);
        let at = |name: &str| folder.path().join(name).display().to_string();
        let mut command = heeler();
        command.arg("check").current_dir(&folder).env("PATH", programs.path()).env("runtimes", at("runtimes"));
        let End { code, stdout, stderr } = end(&mut command);
        assert_eq!((code, stderr.as_str()), (0, ""), "{file}");
        let lines: Vec<_> = stdout.lines().take(5).collect();
        assert_eq!(
            lines,
            [
                format!("mode: warm (there is no command, and {} is there)", at(file)),
                "command: -".to_owned(),
                format!("program: {}", programs.path().join(program).display()),
                format!("handler: {} ({language})", at(file)),
                format!("runtime: {}", at(&format!("runtimes/{main}"))),
            ]
        );
    }
}

#[test]
fn what_a_function_lacks_is_said_by_check_and_by_the_start() {
    let (folder, programs) = function(&["function.py"]);
    let at = |name: &str| folder.path().join(name).display().to_string();
    let run = |args: &[&str], path: &Path, vars: &[(&str, &str)]| {
        end(heeler().args(args).current_dir(&folder).env("PATH", path).envs(vars.iter().copied()))
    };
    let none =
        format!("{} is not there (set runtimes to a folder that holds heeler's runtimes)", at("none/python/start.py"));
    let checked = run(&["check"], programs.path(), &[("runtimes", &at("none"))]);
    assert_eq!((checked.code, checked.stderr), (64, format!("heeler: runtimes: {none}\n")));
    let started = run(&[], programs.path(), &[("runtimes", &at("none"))]);
    assert!(started.code == 1 && started.stderr.contains(&none), "{}", started.stderr);

    fs::create_dir_all(folder.path().join("runtimes/python")).unwrap();
    fs::write(folder.path().join("runtimes/python/start.py"), "").unwrap();
    let vars = [("runtimes", at("runtimes"))];
    let vars: Vec<_> = vars.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let checked = run(&["check"], Path::new("/nowhere"), &vars);
    assert_eq!(checked.code, 64);
    assert!(checked.stderr.starts_with("heeler: handler: \"python3\" is not found"), "{}", checked.stderr);
    assert_eq!(run(&[], Path::new("/nowhere"), &vars).code, 127);
}
