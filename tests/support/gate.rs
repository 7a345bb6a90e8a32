//! Where a role of the fixture and its test meet: a folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::eventually;

/// The role makes `started.PID` in it and waits for `open`.
pub struct Gate(tempfile::TempDir);

impl Gate {
    pub fn new() -> Gate {
        Gate(tempfile::tempdir().expect("a temporary folder"))
    }

    /// For the `X-Gate` header, or for TESTFN_GATE.
    pub fn path(&self) -> &str {
        self.0.path().to_str().expect("a path of plain letters")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.file(name).exists()
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Processes that have started, in no order.
    pub fn pids(&self) -> Vec<i32> {
        let names = fs::read_dir(self.folder()).expect("the gate's folder");
        names.filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix("started.")?.parse().ok()).collect()
    }

    /// Waits until so many have started.
    #[track_caller]
    pub fn wait_started(&self, count: usize) -> Vec<i32> {
        eventually(&format!("{count} roles have started"), || self.pids().len() >= count);
        self.pids()
    }

    #[track_caller]
    pub fn wait_for(&self, name: &str) {
        eventually(&format!("the role has made {name}"), || self.has(name));
    }

    /// Waits until there are so many files whose names begin so; gives the rest of their names.
    #[track_caller]
    pub fn wait_count(&self, prefix: &str, count: usize) -> Vec<String> {
        let all = || -> Vec<String> {
            let names = fs::read_dir(self.folder()).expect("the gate's folder");
            names.filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_prefix(prefix)?.to_owned())).collect()
        };
        eventually(&format!("{count} files {prefix}…"), || all().len() >= count);
        all()
    }

    /// Lets all who wait go on.
    pub fn open(&self) {
        self.let_go("open");
    }

    /// Lets those go on who wait for this name.
    pub fn let_go(&self, name: &str) {
        File::create(self.file(name)).expect("the gate opens");
    }
}
