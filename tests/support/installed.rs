//! What scripts/servers.sh has installed.

use std::fs;
use std::path::{Path, PathBuf};

use super::skip;

/// Where a set is; `None`, with a line that says why, if it could not be had here.
pub fn installed(set: &str) -> Option<PathBuf> {
    let below = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/servers");
    if let Ok(why) = fs::read_to_string(below.join(format!("{set}.skipped"))) {
        return skip(why.trim_end());
    }
    let stamp = below.join(format!("{set}.stamp"));
    assert!(stamp.exists(), "the {set} servers are not installed: run scripts/servers.sh (`make test` does)");
    Some(below.join(set))
}
