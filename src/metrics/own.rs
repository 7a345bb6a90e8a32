//! heeler's own size, read from /proc when somebody asks.

use std::fs;

/// Resident bytes, or 0 where /proc does not tell.
pub(super) fn resident_bytes() -> i64 {
    resident_bytes_of("self").and_then(|bytes| i64::try_from(bytes).ok()).unwrap_or(0)
}

/// The same of any process, by its name below /proc; `None` of one that is gone, or dead and not collected.
pub fn resident_bytes_of(process: impl std::fmt::Display) -> Option<u64> {
    parse_resident(&fs::read_to_string(format!("/proc/{process}/status")).ok()?)
}

/// `status` is in kB, so that no page size is needed as with `statm`.
fn parse_resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Open descriptors, or 0 where /proc does not tell.
pub(super) fn open_descriptors() -> i64 {
    // Linux 6.2 gives the count as the folder's size; with ten thousand connections that saves a long listing.
    let size = fs::metadata("/proc/self/fd").map_or(0, |folder| folder.len());
    let count = if size > 0 { size } else { listed_descriptors() };
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn listed_descriptors() -> u64 {
    let listed = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    // The listing itself is one of them.
    listed.saturating_sub(1) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_size_is_parsed() {
        assert_eq!(parse_resident("Name:\theeler\nVmRSS:\t    2048 kB\nRssAnon:\t 1 kB\n"), Some(2 * 1024 * 1024));
        assert_eq!(parse_resident("Name:\tkthread\n"), None);
        assert_eq!(parse_resident("VmRSS:\tmuch\n"), None);
        assert_eq!(parse_resident("Name:\tx\nVmRSS:\t    1234 kB\nThreads:\t1\n"), Some(1234 * 1024));
        // A process that is dead and not collected has none.
        assert_eq!(
            (parse_resident(""), parse_resident("VmRSS:\n"), parse_resident("VmRSS: x kB\n")),
            (None, None, None)
        );
    }

    #[test]
    fn this_process_has_a_size_and_descriptors() {
        assert!(resident_bytes() > 100 * 1024);
        assert!(open_descriptors() >= 3);
        assert!(resident_bytes_of(std::process::id()).unwrap() > 100_000);
        assert_eq!(resident_bytes_of(0), None);
    }
}
