//! Whether a command is heeler itself: an image with `ENTRYPOINT ["heeler"]` may still carry the
//! `CMD ["fwatchdog"]` of the watchdog that stood there before.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::program::find_program;

/// Names that stand for heeler wherever they are found, or not found.
const NAMES: [&str; 3] = ["heeler", "fwatchdog", "of-watchdog"];

/// Whether `word` starts the program at `own`, by whatever name or link.
pub(super) fn is_heeler(word: &str, path: &OsStr, own: Option<&Path>) -> bool {
    NAMES.contains(&word) || own.is_some_and(|own| is_same_file(word, path, own))
}

fn is_same_file(word: &str, path: &OsStr, own: &Path) -> bool {
    let identity = |file: &Path| fs::metadata(file).ok().map(|meta| (meta.dev(), meta.ino()));
    let found = find_program(word, path).ok().and_then(|found| identity(&found));
    found.is_some() && found == identity(own)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn heeler_is_known_by_name_link_and_path() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        for name in ["heeler-bin", "cat"] {
            fs::write(file(name), "").unwrap();
            fs::set_permissions(file(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        symlink(file("heeler-bin"), file("watch")).unwrap();
        fs::hard_link(file("heeler-bin"), file("dog")).unwrap();
        let (path, own) = (folder.path().as_os_str(), file("heeler-bin"));

        for (word, expect) in
            [("watch", true), ("dog", true), ("heeler-bin", true), ("fwatchdog", true), ("cat", false), ("none", false)]
        {
            assert_eq!(is_heeler(word, path, Some(&own)), expect, "{word}");
        }
        assert!(is_heeler(file("watch").to_str().unwrap(), OsStr::new(""), Some(&own)));
        assert!(is_heeler("of-watchdog", OsStr::new(""), None));
        assert!(!is_heeler("watch", path, None));
    }
}
