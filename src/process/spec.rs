//! What to start: prepared once, so that a call adds only what is its own.

use std::ffi::{CString, OsString};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::Arc;

/// A string with a NUL byte can be no argument and no variable.
#[derive(Debug, thiserror::Error)]
#[error("{what} {value:?} holds a NUL byte, which no program can be given")]
pub struct NulByte {
    what: &'static str,
    value: String,
}

/// Program, arguments and the variables that all its processes share.
#[derive(Clone, Debug)]
pub struct Program {
    /// The file to execute.
    pub(super) path: CString,
    /// `argv`, the first one included.
    pub(super) argv: Vec<CString>,
    /// `name=value` each.
    pub(super) env: Arc<[CString]>,
}

impl Program {
    /// `path` is the file found, `argv[0]` the name as the user wrote it.
    pub fn new(path: &Path, argv: &[OsString], env: &[(OsString, OsString)]) -> Result<Program, NulByte> {
        let path = c_string("program", path.as_os_str().as_bytes().to_vec())?;
        let argv = argv.iter().map(|arg| c_string("argument", arg.as_bytes().to_vec())).collect::<Result<_, _>>()?;
        let env =
            env.iter().map(|(name, value)| variable(name.as_bytes(), value.as_bytes())).collect::<Result<_, _>>()?;
        Ok(Program { path, argv, env })
    }

    /// The file that is executed.
    pub fn path(&self) -> &Path {
        Path::new(std::ffi::OsStr::from_bytes(self.path.to_bytes()))
    }
}

/// `name=value` as a process gets it.
pub fn variable(name: &[u8], value: &[u8]) -> Result<CString, NulByte> {
    let mut pair = Vec::with_capacity(name.len() + value.len() + 2);
    pair.extend_from_slice(name);
    pair.push(b'=');
    pair.extend_from_slice(value);
    c_string("variable", pair)
}

fn c_string(what: &'static str, bytes: Vec<u8>) -> Result<CString, NulByte> {
    CString::new(bytes).map_err(|error| {
        let value = OsString::from_vec(error.into_vec()).to_string_lossy().into_owned();
        NulByte { what, value }
    })
}

/// The three standard descriptors of a child, in their order. They stay heeler's to close.
pub type Stdio<'a> = [BorrowedFd<'a>; 3];

/// What happens to the rest of its group when a tree's leader ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftovers {
    /// Ended with the leader.
    Kill,
    /// Left alone.
    Keep,
}
