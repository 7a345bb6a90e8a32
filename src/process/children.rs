//! heeler's own children as the kernel lists them, orphans included.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use super::stat;

/// Where to look for them.
#[derive(Debug)]
pub(super) enum Children {
    /// `/proc/self/task/PID/children`, kept open. Orphans always go to the main thread of a subreaper or init, as it
    /// is the first that lives (find_new_reaper in the kernel's exit.c).
    List(File),
    /// Kernels without CONFIG_PROC_CHILDREN: every process whose parent we are.
    Walk(i32),
}

impl Children {
    pub(super) fn new() -> Children {
        let pid = nix::unistd::getpid().as_raw();
        match File::open(format!("/proc/self/task/{pid}/children")) {
            Ok(list) => Children::List(list),
            Err(_) => Children::Walk(pid),
        }
    }

    /// Their pids, zombies included.
    pub(super) fn pids(&self) -> Vec<i32> {
        match self {
            Children::List(list) => parse(&read_from_start(list)),
            Children::Walk(parent) => walk(*parent),
        }
    }
}

fn read_from_start(file: &File) -> Vec<u8> {
    let mut text = Vec::new();
    let mut chunk = [0; 1024];
    // A list that shrinks between two reads could hide an entry; reaping happens under the same lock as this.
    while let Ok(length @ 1..) = file.read_at(&mut chunk, text.len() as u64) {
        text.extend_from_slice(&chunk[..length]);
    }
    text
}

fn parse(text: &[u8]) -> Vec<i32> {
    text.split(|byte| *byte == b' ').filter_map(|pid| std::str::from_utf8(pid).ok()?.parse().ok()).collect()
}

fn walk(parent: i32) -> Vec<i32> {
    static WARNED: OnceLock<()> = OnceLock::new();
    let Ok(entries) = std::fs::read_dir("/proc") else {
        WARNED.get_or_init(|| tracing::warn!("/proc cannot be read: processes that leave their group cannot be found"));
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| parent_of(*pid) == Some(parent))
        .collect()
}

/// Field 4 of /proc/PID/stat.
fn parent_of(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat::fields(&stat)?.nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_pids_between_spaces() {
        assert_eq!(parse(b""), Vec::<i32>::new());
        assert_eq!(parse(b"12 345 6 "), vec![12, 345, 6]);
    }

    #[test]
    fn the_parent_is_found_in_stat() {
        let me = nix::unistd::getpid().as_raw();
        assert_eq!(parent_of(me), Some(nix::unistd::getppid().as_raw()));
    }
}
