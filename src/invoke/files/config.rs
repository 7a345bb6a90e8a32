//! What static mode needs to know; filled by `config`.

use std::path::PathBuf;

/// Settings of static mode.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder that is served.
    pub root: PathBuf,
    /// Whether a folder without index.html is answered with a list of what is in it.
    pub listing: bool,
}
