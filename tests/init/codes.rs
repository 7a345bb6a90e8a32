//! How it ends, and how it fails to begin.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{as_pid_1, run};

/// Those that end a process by default: 17, 18, 23, 28 do nothing, 19 to 22 stop; 32 and 33 are the C library's.
fn signals() -> impl Iterator<Item = i32> {
    (1..=64).filter(|signal| !matches!(signal, 17..=23 | 28 | 32 | 33))
}

fn code(options: &str, script: &str) -> i32 {
    run(options, &["sh", "-c", script]).status.code().unwrap()
}

#[test]
fn every_exit_code_is_the_commands() {
    for expect in 0..=255 {
        assert_eq!(code("-s", &format!("exit {expect}")), expect);
    }
}

#[test]
fn a_death_by_signal_is_128_and_the_signal() {
    for signal in signals() {
        assert_eq!(code("-s", &format!("ulimit -c 0; kill -{signal} $$")), 128 + signal, "signal {signal}");
    }
}

/// Both for PID 1, whose own code `unshare` hands on.
#[test]
fn pid_1_ends_as_its_command() {
    if as_pid_1().is_none() {
        return;
    }
    let ends = |script: String| {
        let mut command = as_pid_1().unwrap();
        command.args(["--", "sh", "-c", &script]).status().unwrap().code()
    };
    std::thread::scope(|scope| {
        for lane in 0..4 {
            scope.spawn(move || {
                for code in (0..=255).filter(|code| code % 4 == lane) {
                    assert_eq!(ends(format!("exit {code}")), Some(code));
                }
                for signal in signals().filter(|signal| signal % 4 == lane) {
                    assert_eq!(ends(format!("ulimit -c 0; kill -{signal} $$")), Some(128 + signal), "signal {signal}");
                }
            });
        }
    });
}

#[test]
fn chosen_codes_become_zero() {
    for (options, script, expect) in [
        ("-s -e 3", "exit 3", 0),
        ("-s -e 3 --exit-zero 5", "exit 5", 0),
        ("-s -e 3 -e 5", "exit 4", 4),
        ("-s -e 255", "exit 255", 0),
        ("-s -e 143", "kill -TERM $$", 0),
        ("-s -e 0", "exit 0", 0),
    ] {
        assert_eq!(code(options, script), expect, "{options}: {script}");
    }
}

#[test]
fn a_command_that_cannot_start_is_126_or_127_and_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let plain = file("plain", "exit 0", 0o644);
    let lost = file("lost", "#!/nonexistent/sh\n", 0o755);
    for (command, expect, part) in [
        ("no-such-program", 127, "\"no-such-program\" is not found"),
        ("./no-such-program", 127, "\"./no-such-program\" is not found"),
        (&plain, 126, "is not executable"),
        (folder.path().to_str().unwrap(), 126, "is not executable"),
        (&lost, 127, "cannot execute"),
    ] {
        let output = run("", &[command]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(expect), "{command}: {said}");
        assert!(said.starts_with("heeler init: ") && said.contains(part), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn a_script_without_an_interpreter_line_runs_under_sh() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    fs::write(&script, "exit $1\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(run("-s", &[script.to_str().unwrap(), "9"]).status.code(), Some(9));
}

#[test]
fn wrong_options_are_64_and_one_line() {
    for options in ["-x", "--grup", "-e 256", "-e -1", "-p NOPE", "-r TERM", "-r KILL:TERM", "-g=yes"] {
        let output = run(options, &["true"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{options}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let output = run("-g", &[]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8(output.stderr).unwrap().contains("no command to run"));
}

#[test]
fn help_names_every_option() {
    let output = run("--help", &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for option in ["--group", "--subreaper", "--exit-zero", "--parent-death", "--rewrite", "--warn", "--verbose"] {
        assert!(text.contains(option), "{option}");
    }
}

#[test]
fn only_who_cannot_have_orphans_is_warned() {
    let said = |options| String::from_utf8(run(options, &["true"]).stderr).unwrap();
    assert!(said("").contains("neither PID 1 nor a subreaper"));
    assert_eq!(said("-s"), "");
}

#[test]
fn nobody_to_read_its_lines_is_no_reason_to_fail() {
    let (read, write) = std::io::pipe().unwrap();
    drop(read);
    let mut init = crate::support::heeler_init();
    let status = init.args(["-v", "--", "sh", "-c", "exit 5"]).stderr(write).status().unwrap();
    assert_eq!(status.code(), Some(5));
}
