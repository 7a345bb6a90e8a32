//! Finds a program as a shell would, so that a start can fail with a reason instead of in a child.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

/// Where programs are looked for if PATH is not set, as execvp and shells do.
pub const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Why a program cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// There is no such file.
    #[error("{0:?} is not found (looked in {1})")]
    NotFound(String, String),
    /// There is one, but it cannot be executed.
    #[error("{} is not executable (it needs to be a file with the x bit)", .0.display())]
    NotExecutable(PathBuf),
    /// The way to it ends in something else: links in a circle, a folder that may not be entered, a name that is too long.
    #[error("{} cannot be reached: {}", .0.display(), .1)]
    OutOfReach(PathBuf, String),
}

impl ProgramError {
    /// The exit code that shells use for it.
    pub const fn exit_code(&self) -> u8 {
        match self {
            ProgramError::NotFound(..) => 127,
            ProgramError::NotExecutable(_) | ProgramError::OutOfReach(..) => 126,
        }
    }
}

/// The file that `name` starts. A name with a slash is taken as it is; others are looked for along
/// `path` (the value of PATH, of which an empty part is the working directory).
pub fn find_program(name: &str, path: &OsStr) -> Result<PathBuf, ProgramError> {
    if name.contains('/') {
        let file = PathBuf::from(name);
        return match State::of(&file) {
            State::Executable => Ok(file),
            State::Refused(error) => Err(error),
            State::Missing => Err(ProgramError::NotFound(name.to_owned(), "the file system".to_owned())),
        };
    }
    let not_found = || ProgramError::NotFound(name.to_owned(), format!("PATH={}", path.to_string_lossy()));
    if name.is_empty() {
        return Err(not_found());
    }
    let mut refused = None;
    for folder in std::env::split_paths(path) {
        let file = if folder.as_os_str().is_empty() { Path::new(".").join(name) } else { folder.join(name) };
        match State::of(&file) {
            State::Executable => return Ok(file),
            State::Refused(error) => refused = refused.or(Some(error)),
            State::Missing => {}
        }
    }
    Err(refused.unwrap_or_else(not_found))
}

enum State {
    Executable,
    Refused(ProgramError),
    Missing,
}

impl State {
    fn of(file: &Path) -> State {
        match std::fs::metadata(file) {
            Ok(meta) if meta.is_file() && access(file, AccessFlags::X_OK).is_ok() => State::Executable,
            Ok(_) => State::Refused(ProgramError::NotExecutable(file.to_owned())),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => State::Missing,
            Err(error) => State::Refused(ProgramError::OutOfReach(file.to_owned(), error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_first_executable_file_of_path_wins() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, mode) in [("a/run", 0o644), ("b/run", 0o755), ("a/plain", 0o644), ("b/folder/x", 0o755)] {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            fs::write(at(name), "#!/bin/sh\n").unwrap();
            fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        std::os::unix::fs::symlink("circle", at("b/circle")).unwrap();
        let path = format!("{}:{}", at("a").display(), at("b").display());
        let path = OsStr::new(&path);
        let code = |name: &str| find_program(name, path).unwrap_err().exit_code();

        assert_eq!(find_program("run", path), Ok(at("b/run")));
        assert_eq!(find_program(at("b/run").to_str().unwrap(), OsStr::new("")), Ok(at("b/run")));
        assert_eq!(find_program("plain", path), Err(ProgramError::NotExecutable(at("a/plain"))));
        for (name, expect) in
            [("plain", 126), ("folder", 126), ("circle", 126), ("none", 127), ("", 127), ("./none", 127)]
        {
            assert_eq!(code(name), expect, "{name}");
        }
        assert_eq!(code(at("a/run").to_str().unwrap()), 126);
        assert_eq!(code(at("b").to_str().unwrap()), 126);
        assert_eq!(code(at("b/run/deeper").to_str().unwrap()), 127);
    }
}
