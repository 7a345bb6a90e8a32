//! The language's runtime as files: from the folder that the settings name, or from the copy inside the binary, which
//! is put into a private folder first.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::invoke::chance::random;
use crate::invoke::warm::config::{Config, Language};

/// What the binary brings along: the files of a runtime, packed by the build script. Nothing is where none was found.
const fn packed(language: Language) -> &'static [u8] {
    match language {
        Language::Python => include_bytes!(concat!(env!("OUT_DIR"), "/python")),
        Language::Node => include_bytes!(concat!(env!("OUT_DIR"), "/node")),
        // Compiled by another build, and of no use without a JDK ten times the size of everything here.
        Language::Java => &[],
    }
}

/// No files at all are packed into less.
const SMALLEST: usize = 64;

/// Where else the copy may go where the first place cannot be written to.
const MEMORY: &str = "/dev/shm";

/// Why there is no runtime.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The folder that was named does not hold it.
    #[error("{} is not there (set runtimes to a folder that holds heeler's runtimes)", .0.display())]
    Missing(PathBuf),
    /// This binary was built without it.
    #[error("this heeler was built without the runtime for {0} (set runtimes to a folder that holds it)")]
    NotBuiltIn(&'static str),
    /// There is nowhere to put it.
    #[error("the runtime for {language} cannot be put into {}: {error} (mount a folder there, or set runtimes)", place.display())]
    Unwritable {
        /// What it is for.
        language: &'static str,
        /// The first place that was tried.
        place: PathBuf,
        /// What stood in the way.
        error: io::Error,
    },
}

/// A language's runtime, wherever it comes from.
#[derive(Debug)]
pub struct Runtime {
    language: Language,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// The file that is started.
    Named(PathBuf),
    /// The packed files, and the folder that they are to be put below.
    Binary(&'static [u8], PathBuf),
}

impl Runtime {
    /// Looks for it; nothing is written yet.
    pub fn find(config: &Config, language: Language) -> Result<Runtime, RuntimeError> {
        let place = if let Some(folder) = &config.runtimes {
            let file = folder.join(language.folder()).join(language.main());
            if !file.is_file() {
                return Err(RuntimeError::Missing(file));
            }
            Place::Named(file)
        } else {
            let packed = packed(language);
            if packed.len() < SMALLEST {
                return Err(RuntimeError::NotBuiltIn(language.name()));
            }
            Place::Binary(packed, config.temp.clone())
        };
        Ok(Runtime { language, place })
    }

    /// The file that is started, which is there then.
    pub(super) fn main_file(&self) -> Result<PathBuf, RuntimeError> {
        let (packed, temp) = match &self.place {
            Place::Named(file) => return Ok(file.clone()),
            Place::Binary(packed, temp) => (packed, temp),
        };
        let folder = put(temp, packed).or_else(|error| {
            let unwritable = || RuntimeError::Unwritable { language: self.language.name(), place: temp.clone(), error };
            put(Path::new(MEMORY), packed).map_err(|_| unwritable())
        })?;
        Ok(folder.join(self.language.folder()).join(self.language.main()))
    }
}

impl std::fmt::Display for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            Place::Named(file) => write!(f, "{}", file.display()),
            Place::Binary(_, temp) => write!(f, "the copy inside the binary, put below {}", temp.display()),
        }
    }
}

/// The folder with all of the files: one from an earlier start, or a new one. Their own bytes name it, so another
/// version has another one.
fn put(temp: &Path, packed: &[u8]) -> io::Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    packed.hash(&mut hasher);
    let user = nix::unistd::geteuid();
    let folder = temp.join(format!("heeler-{user}-{:016x}", hasher.finish()));
    if is_ours(&folder) {
        return Ok(folder);
    }
    // Written beside and moved into place: a folder of that name is whole.
    let beside = temp.join(format!("heeler-{user}-{:016x}", random()));
    let written = write_all(&beside, packed).and_then(|()| match fs::rename(&beside, &folder) {
        Ok(()) => Ok(folder.clone()),
        // Another start was faster; or somebody else sits there, and what was written stays where it is.
        Err(_) if is_ours(&folder) => fs::remove_dir_all(&beside).map(|()| folder.clone()),
        Err(_) => Ok(beside.clone()),
    });
    written.inspect_err(|_| drop(fs::remove_dir_all(&beside)))
}

/// In a place that all may write to anybody may have made a folder of that name.
fn is_ours(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|meta| {
        meta.is_dir() && meta.uid() == nix::unistd::geteuid().as_raw() && meta.mode().trailing_zeros() >= 6
    })
}

fn write_all(folder: &Path, packed: &[u8]) -> io::Result<()> {
    let private = |recursive, path: &Path| DirBuilder::new().recursive(recursive).mode(0o700).create(path);
    let broken = || io::Error::other("the copy inside the binary is broken");
    private(false, folder)?;
    let files = miniz_oxide::inflate::decompress_to_vec(packed).map_err(|_| broken())?;
    let mut rest = &files[..];
    while !rest.is_empty() {
        let name = next(&mut rest).ok_or_else(broken)?;
        let bytes = next(&mut rest).ok_or_else(broken)?;
        let path = folder.join(OsStr::from_bytes(name));
        private(true, path.parent().unwrap_or(folder))?;
        File::create_new(path)?.write_all(bytes)?;
    }
    Ok(())
}

/// A part behind its length.
fn next<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    let (part, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *rest = after;
    Some(part)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// As the build script packs them.
    fn files(count: usize) -> Vec<u8> {
        let parts = ["x/main", "main", "x/deep/er", "more"].into_iter().take(2 * count);
        let packed: Vec<u8> = parts
            .flat_map(|part| [&u32::try_from(part.len()).unwrap().to_be_bytes()[..], part.as_bytes()].concat())
            .collect();
        miniz_oxide::deflate::compress_to_vec(&packed, 6)
    }

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn it_is_written_once() {
        let temp = tempfile::tempdir().unwrap();
        let folder = put(temp.path(), &files(2)).unwrap();
        assert_eq!(fs::read(folder.join("x/deep/er")).unwrap(), b"more");
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        fs::write(folder.join("x/cache"), "made by the language").unwrap();
        assert_eq!(put(temp.path(), &files(2)).unwrap(), folder);
        assert!(folder.join("x/cache").exists());
        assert_ne!(put(temp.path(), &files(1)).unwrap(), folder);
        assert_eq!(names(temp.path()), 2);
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_not_used() {
        let temp = tempfile::tempdir().unwrap();
        let folder = put(temp.path(), &files(2)).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        let other = put(temp.path(), &files(2)).unwrap();
        assert_ne!(other, folder);
        assert_eq!(fs::read(other.join("x/main")).unwrap(), b"main");
        fs::remove_dir_all(&folder).unwrap();
        symlink(&other, &folder).unwrap();
        assert_ne!(put(temp.path(), &files(2)).unwrap(), folder);
    }

    #[test]
    fn a_place_that_cannot_be_written_to_is_an_error() {
        assert!(put(Path::new("/proc"), &files(2)).is_err());
        assert!(put(Path::new("/no/such/place"), &files(2)).is_err());
    }
}
