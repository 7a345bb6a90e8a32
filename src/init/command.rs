//! Finds and starts the command.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::process::inherited::Inherited;
use crate::process::{NulByte, Program, SpawnError, plain};
use crate::program::{DEFAULT_PATH, ProgramError, find_program};

/// What heeler was started with; the command gets all of it.
pub(super) type Environment = [(OsString, OsString)];

/// Why the command does not run.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    #[error(transparent)]
    Find(#[from] ProgramError),
    #[error(transparent)]
    Nul(#[from] NulByte),
    #[error(transparent)]
    Start(#[from] SpawnError),
}

impl CommandError {
    /// The shells' code for it.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            CommandError::Find(error) => error.exit_code(),
            CommandError::Start(SpawnError::NotFound { .. }) => 127,
            CommandError::Start(SpawnError::NotExecutable { .. } | SpawnError::TooLarge(_)) => 126,
            CommandError::Start(SpawnError::NoDescriptor(_) | SpawnError::NoProcess(_)) | CommandError::Nul(_) => 1,
        }
    }
}

/// Starts it and returns its pid.
pub(super) fn start(
    command: &[OsString],
    environment: &Environment,
    inherited: &Inherited,
) -> Result<i32, CommandError> {
    let path = environment.iter().find(|(name, _)| name == "PATH").map_or(OsStr::new(DEFAULT_PATH), |(_, path)| path);
    let file = find(&command[0], path)?;
    let program = Program::new(&file, command, environment)?;
    Ok(plain::start(&program, inherited)?)
}

fn find(name: &OsString, path: &OsStr) -> Result<PathBuf, ProgramError> {
    // A path needs no search, and it alone may be other than UTF-8.
    if name.as_bytes().contains(&b'/') && name.to_str().is_none() {
        return Ok(Path::new(name).to_owned());
    }
    find_program(&name.to_string_lossy(), path)
}
