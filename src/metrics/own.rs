//! heeler's own size, read from /proc when somebody asks.

use std::fs;

/// Resident bytes, or 0 where /proc does not tell.
pub(super) fn resident_bytes() -> i64 {
    fs::read_to_string("/proc/self/status").ok().and_then(|status| parse_resident(&status)).unwrap_or(0)
}

/// `status` is in kB, so that no page size is needed as with `statm`.
fn parse_resident(status: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
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
    }

    #[test]
    fn this_process_has_a_size_and_descriptors() {
        assert!(resident_bytes() > 100 * 1024);
        assert!(open_descriptors() >= 3);
    }
}
