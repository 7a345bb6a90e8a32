//! The program is not there, or is no program: at the start, and later under a heeler that serves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::stage::{Outcome, Stage};
use super::support::{ALL_MODES, Heeler, MODES, at_once, eventually, place_program, testfn_path};

/// Makes a program one that cannot be run.
type Lose = fn(&Path);

/// How a program is lost, and what shells say of it.
pub const WAYS: [(&str, Lose, i32); 6] = [
    ("is gone", |path| fs::remove_file(path).unwrap(), 127),
    ("may not be executed", |path| permit(path, 0o644), 126),
    ("is a folder", folder, 126),
    ("has an interpreter that is not there", |path| script(path, "#!/nowhere/at/all\n"), 127),
    ("has an interpreter that is a folder", |path| script(path, "#!/\n"), 126),
    ("is a link to itself", link_to_itself, 126),
];

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn folder(path: &Path) {
    fs::remove_file(path).unwrap();
    fs::create_dir(path).unwrap();
}

fn script(path: &Path, text: &str) {
    fs::remove_file(path).unwrap();
    fs::write(path, text).unwrap();
    permit(path, 0o755);
}

fn link_to_itself(path: &Path) {
    fs::remove_file(path).unwrap();
    std::os::unix::fs::symlink(path, path).unwrap();
}

/// The fixture under a name of its own.
fn place(folder: &Path) -> PathBuf {
    let path = folder.join("handler");
    let _ = fs::remove_file(&path);
    let _ = fs::remove_dir(&path);
    place_program(&testfn_path(), &path);
    path
}

#[test]
fn a_program_that_is_lost_fails_its_calls_until_it_is_back() {
    at_once(MODES, |mode| {
        let folder = tempfile::tempdir().unwrap();
        let path = place(folder.path());
        let stage = Stage::with(mode, |builder| builder.env("fprocess", &format!("{} do", path.display())));
        for (name, lose, _) in WAYS {
            stage.case(&format!("{name}, under a heeler that serves"), || {
                lose(&path);
                for body in [0, 300_000] {
                    stage.meets(&stage.upload("eof head put:4 end", body), Outcome::Made(502, "exec"));
                }
                let said = stage.heeler.stderr.text();
                assert!(said.contains(path.to_str().unwrap()), "{said}");
                place(folder.path());
            });
        }
    });
}

#[test]
fn a_kept_program_that_is_lost_is_started_again_when_it_is_back() {
    at_once(["http", "warm"], |mode| {
        let folder = tempfile::tempdir().unwrap();
        let path = place(folder.path());
        let role = if mode == "http" { "serve" } else { "worker" };
        let command = format!("{} {role}", path.display());
        let stage = Stage::with(mode, |builder| builder.env("fprocess", &command).env("queue_timeout", "300ms"));
        for (name, lose, _) in WAYS {
            stage.case(&format!("{name}, at its next start"), || {
                lose(&path);
                let lost = Outcome::Made(502, if mode == "http" { "upstream" } else { "worker" });
                stage.meets(&stage.request("exit:1"), lost);
                let answer = stage.heeler.call(&stage.request("head put:4 end"));
                assert_eq!(answer.status, 503, "{mode}, {name}: {}", answer.text());
                place(folder.path());
                let fine = stage.request("head put:4 end");
                eventually("it is back", || stage.heeler.call(&fine).status == 200);
            });
        }
    });
}

/// A script whose interpreter is missing looks like a program to whoever does not run it: with a process per call the
/// first call finds out.
#[test]
fn a_program_that_is_not_there_at_the_start_ends_it() {
    at_once(ALL_MODES, |mode| {
        let folder = tempfile::tempdir().unwrap();
        for (name, lose, code) in WAYS {
            let path = place(folder.path());
            lose(&path);
            if MODES.contains(&mode) && name.starts_with("has an interpreter") {
                continue;
            }
            let env = [("mode", mode), ("fprocess", path.to_str().unwrap())];
            let mut heeler = Heeler::builder().envs(&env).spawn();
            assert_eq!(heeler.exit_code(), code, "{mode}, {name}: {}", heeler.stderr.rest());
            let said = heeler.stderr.rest();
            let last = said.lines().last().unwrap_or("");
            assert!(last.contains(path.to_str().unwrap()) && !said.contains("panicked"), "{mode}, {name}: {said}");
        }
    });
}
