//! Where heeler runs: its environment, its memory limit, its own file. The one impure edge.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use super::value::Wrong;
use super::{Mistake, memory};
use crate::program::DEFAULT_PATH;

/// The environment as a map; tests make one of pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vars(BTreeMap<OsString, OsString>);

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Vars {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(pairs: T) -> Vars {
        Vars(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl Vars {
    /// The value of a name; blank means unset, and one that is no text is a mistake.
    pub fn get(&self, name: &str) -> Result<Option<&str>, Mistake> {
        let Some(value) = self.0.get(OsStr::new(name)) else { return Ok(None) };
        match value.to_str() {
            Some(text) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
            None => {
                let text = format!("{value:?} is not UTF-8 (heeler's own settings have to be)");
                Err(Mistake { name: name.to_owned(), text })
            }
        }
    }

    /// Whether a name is there with nothing behind it.
    pub(super) fn is_blank(&self, name: &str) -> bool {
        self.0.contains_key(OsStr::new(name)) && self.get(name) == Ok(None)
    }

    /// Where programs are looked for. Not a setting of heeler's, so it need not be text.
    pub fn path(&self) -> &OsStr {
        let set = self.0.get(OsStr::new("PATH")).filter(|path| !path.is_empty());
        set.map_or(OsStr::new(DEFAULT_PATH), OsString::as_os_str)
    }

    /// Every name that is text and has a value.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, value)| !value.is_empty()).filter_map(|(name, _)| name.to_str())
    }
}

/// What the settings hang on besides the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// The memory limit of the container in bytes.
    pub memory_limit: Option<u64>,
    /// The file of this very program.
    pub own_program: Option<PathBuf>,
    /// The working directory; empty is the same.
    pub folder: PathBuf,
    /// Processors that may be used at once, by their number and by the container's quota; 0 is not known.
    pub processors: usize,
}

impl Host {
    /// This machine and this program.
    pub fn here() -> Host {
        Host {
            memory_limit: memory::limit(),
            own_program: std::env::current_exe().ok(),
            folder: std::env::current_dir().unwrap_or_default(),
            // The standard library knows of affinity and of both kinds of quota.
            processors: std::thread::available_parallelism().map_or(0, usize::from),
        }
    }
}

/// Whether files can be served from a folder.
pub(super) fn folder(path: &Path) -> Result<(), Wrong> {
    let open = |error: &dyn std::fmt::Display| Wrong(format!("cannot be opened: {error}"));
    match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err("is not there (set static_path to the folder that is served)".into())
        }
        Err(error) => Err(open(&error)),
        Ok(found) if !found.is_dir() => Err("is not a folder (set static_path to the one that is served)".into()),
        Ok(_) => access(path, AccessFlags::X_OK).map_err(|error| open(&error.desc())),
    }
}

/// The environment as heeler got it, for its settings and, untouched, for the handler.
#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn empty_is_unset_and_bytes_are_a_mistake() {
        let bytes = || OsString::from_vec(vec![b'a', 0xff]);
        let vars: Vars =
            [("port", OsString::from("80")), ("mode", "".into()), ("listen", " ".into()), ("bind", bytes())]
                .into_iter()
                .collect();
        assert_eq!(vars.get("port"), Ok(Some("80")));
        let blank = ["port", "mode", "listen", "bind", "none"].map(|name| vars.is_blank(name));
        assert_eq!(blank, [false, true, true, false, false]);
        for name in ["mode", "listen", "none"] {
            assert_eq!(vars.get(name), Ok(None), "{name}");
        }
        assert!(vars.get("bind").unwrap_err().to_string().starts_with("bind: \"a\\xFF\" is not UTF-8"));
    }

    #[test]
    fn a_folder_is_a_folder_or_the_reason_is_told() {
        let here = tempfile::tempdir().unwrap();
        let file = here.path().join("file");
        std::fs::write(&file, "").unwrap();
        let trouble = |path: &Path| folder(path).unwrap_err().0;
        assert_eq!(folder(here.path()), Ok(()));
        assert!(trouble(&here.path().join("none")).starts_with("is not there"));
        assert!(trouble(&file).starts_with("is not a folder"));
        assert!(trouble(&file.join("below")).starts_with("cannot be opened: "));
    }
}
