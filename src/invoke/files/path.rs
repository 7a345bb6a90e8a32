//! From a request's path to a path below the root: only names go on, nothing that leads anywhere.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::invoke::error::CallError;
use crate::invoke::escape::decoded;
use crate::reason::Reason;

/// The one folder with a dot that is there for everybody (RFC 8615).
const WELL_KNOWN: &[u8] = b".well-known";

/// What a request's path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Names only, relative to the root; empty is the root itself.
    pub(super) path: PathBuf,
    /// It ends with a slash, so it can only be a folder.
    pub(super) folder: bool,
}

/// Escapes are decoded segment by segment: an escaped slash is part of a name, and no name holds one. Thus what a
/// proxy in front allows by its path is what is served here. Segments with nothing in them are passed over.
pub(super) fn wanted(path: &str) -> Result<Wanted, CallError> {
    let mut names = PathBuf::new();
    for (index, segment) in path.split('/').filter(|segment| !segment.is_empty()).enumerate() {
        let name = decoded(segment);
        if name.contains(&0) {
            return Err(CallError::new(Reason::BadRequest, "the path holds %00, which no file's name does"));
        }
        // `.` and `..` among them. Names with a dot are the maker's own: .git, .env, .htpasswd.
        let hidden = name.starts_with(b".") && !(index == 0 && name == WELL_KNOWN);
        if hidden || name.contains(&b'/') {
            return Err(nothing(path));
        }
        names.push(OsStr::from_bytes(&name));
    }
    Ok(Wanted { path: names, folder: path.ends_with('/') })
}

/// There is no file for this path, or none that may be seen.
pub(super) fn nothing(path: &str) -> CallError {
    CallError::new(Reason::NotFound, format!("there is no file at {path:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_on() {
        for (path, names, folder) in [
            ("/", "", true),
            ("/a", "a", false),
            ("/a/", "a", true),
            ("/a/b.html", "a/b.html", false),
            ("//a///b", "a/b", false),
            ("/a%20b/%e4", "a b/\u{fffd}", false),
            ("/a%2eb", "a.b", false),
            ("/100%", "100%", false),
            ("/a\\..\\b", "a\\..\\b", false),
            ("/a..", "a..", false),
            ("/.well-known/x", ".well-known/x", false),
            ("/%2ewell-known/", ".well-known", true),
            ("/%c0%ae%c0%ae/x", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}/x", false),
        ] {
            let wanted = wanted(path).unwrap();
            assert_eq!((&*wanted.path.to_string_lossy(), wanted.folder), (names, folder), "{path}");
        }
        assert_eq!(wanted("/%e4").unwrap().path.as_os_str().as_bytes(), b"\xe4");
    }

    #[test]
    fn all_else_is_refused() {
        for path in [
            "/..",
            "/../a",
            "/a/../b",
            "/a/..",
            "/.",
            "/a/./b",
            "/%2e%2e/a",
            "/%2E./a",
            "/.%2e/a",
            "/a%2fb",
            "/%2fetc",
            "/..%2f..%2fetc",
            "/.git/config",
            "/a/.env",
            "/.well-known/.x",
            "/a/.well-known/x",
            "/.well-known2",
        ] {
            assert_eq!(wanted(path).unwrap_err().reason, Reason::NotFound, "{path}");
        }
        for path in ["/%00", "/a%00.html", "/..%00/"] {
            assert_eq!(wanted(path).unwrap_err().reason, Reason::BadRequest, "{path}");
        }
    }
}
