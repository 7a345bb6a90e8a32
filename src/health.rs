//! The phase of the instance, as probes see it, and the lock file that tells others where it listens.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use tokio::sync::watch;

/// Where the instance is between its start and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The handler is not up yet.
    Starting,
    /// Calls are served.
    Ready,
    /// The handler is down; it is being started again.
    Down,
    /// It has been down for longer than a start may take: something else than a restart is needed.
    Lost,
    /// TERM was heard.
    Draining,
}

/// The phase, shared by all; cheap to clone.
#[derive(Clone, Debug)]
pub struct Health(Arc<watch::Sender<Phase>>);

impl Default for Health {
    fn default() -> Health {
        Health(Arc::new(watch::Sender::new(Phase::Starting)))
    }
}

impl Health {
    /// The phase now.
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Resolves when TERM was heard.
    pub async fn draining(&self) {
        // An error would mean that the sender is gone, and it is in `self`.
        let _ = self.0.subscribe().wait_for(|phase| *phase == Phase::Draining).await;
    }

    /// Enters a phase. Nothing comes after draining.
    pub fn enter(&self, phase: Phase) {
        self.0.send_if_modified(|now| {
            let changes = *now != phase && *now != Phase::Draining;
            if changes {
                *now = phase;
            }
            changes
        });
    }
}

/// `.lock`: pid and address, for `heeler health` and for people who look for the peers' file. Health never depends on it.
#[derive(Debug)]
pub struct LockFile(PathBuf);

impl LockFile {
    /// Writes it; the second line is an address as `heeler health` takes it. It is written beside and moved into
    /// place, so that nobody reads half of it.
    pub fn write(path: &Path, address: &str) -> io::Result<LockFile> {
        let pid = std::process::id();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let beside = path.with_file_name(format!("{name}.{pid}"));
        fs::write(&beside, format!("{pid}\n{address}\n"))?;
        fs::rename(&beside, path).inspect_err(|_| drop(fs::remove_file(&beside)))?;
        Ok(LockFile(path.to_owned()))
    }

    /// Removes what an instance that was killed has left: until this one is ready, `heeler health` would ask there. A
    /// number that is our own by now, as every container's 1 is, is nobody else's.
    pub fn remove_stale(path: &Path) {
        let Ok(text) = fs::read_to_string(path) else { return };
        let Some(pid) = text.lines().next().and_then(|line| line.parse::<i32>().ok()).filter(|pid| *pid > 0) else {
            return;
        };
        let is_ours = u32::try_from(pid) == Ok(std::process::id());
        if is_ours || kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH) {
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // Somebody may have removed it, or put another instance's in its place: then it is not ours to remove.
        let ours = format!("{}\n", std::process::id());
        if fs::read_to_string(&self.0).is_ok_and(|text| text.starts_with(&ours)) {
            let _ = fs::remove_file(&self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_after_draining() {
        let health = Health::default();
        assert_eq!(health.phase(), Phase::Starting);
        health.enter(Phase::Ready);
        health.enter(Phase::Draining);
        health.enter(Phase::Ready);
        assert_eq!(health.phase(), Phase::Draining);
    }

    #[test]
    fn the_lock_file_is_there_while_it_is_held() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".lock");
        let lock = LockFile::write(&path, "127.0.0.1:8080").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n127.0.0.1:8080\n", std::process::id()));
        drop(lock);
        assert!(!path.exists());
        let lock = LockFile::write(&path, "a").unwrap();
        fs::write(&path, "1\nanother\n").unwrap();
        drop(lock);
        assert!(path.exists());
        assert!(LockFile::write(&dir.path().join("no/such"), "a").is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
