//! Defaults that follow the container's memory limit.

use std::fs;
use std::path::Path;

/// Most clients that are worth an open connection each.
const CONNECTIONS: u64 = 10_000;
/// What an idle connection costs with its buffers.
const CONNECTION_BYTES: u64 = 20 << 10;
/// The greatest body that is held in memory.
const BODY_BYTES: u64 = 128 << 20;
/// cgroup v1 says "no limit" by the largest whole page count; no machine has that much.
const NO_LIMIT: u64 = 1 << 60;

/// `max_connections` for a memory limit, at least one.
pub(super) fn connections(limit: Option<u64>) -> usize {
    let fitting = limit.map_or(CONNECTIONS, |limit| (limit / 4 / CONNECTION_BYTES).clamp(1, CONNECTIONS));
    usize::try_from(fitting).unwrap_or(usize::MAX)
}

/// `max_body` where bodies are held in memory.
pub(super) fn body(limit: Option<u64>) -> u64 {
    limit.map_or(BODY_BYTES, |limit| (limit / 4).clamp(1, BODY_BYTES))
}

/// The smallest limit on the way from this process's cgroup up to the root of the mount.
pub(super) fn limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    limit_below(Path::new("/sys/fs/cgroup"), &groups)
}

fn limit_below(mount: &Path, groups: &str) -> Option<u64> {
    let v1 = mount.join("memory");
    let (root, file, group) = match groups.lines().find_map(memory_group_v1) {
        Some(group) if v1.is_dir() => (v1.as_path(), "memory.limit_in_bytes", group),
        _ => (mount, "memory.max", groups.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/")),
    };
    // Inside a container the mount shows its own group as the root, while /proc may name it as the
    // host sees it: folders that are not there are passed over.
    let ancestors = Path::new(group.trim_start_matches('/')).ancestors();
    ancestors.filter_map(|folder| read_limit(&root.join(folder).join(file))).min()
}

/// The path of `4:memory:/path`.
fn memory_group_v1(line: &str) -> Option<&str> {
    let mut fields = line.splitn(3, ':').skip(1);
    let is_memory = fields.next()?.split(',').any(|controller| controller == "memory");
    fields.next().filter(|_| is_memory)
}

fn read_limit(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok().filter(|limit| *limit < NO_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MI: u64 = 1 << 20;

    #[test]
    fn defaults_follow_the_limit() {
        for (limit, connections_then, body_then) in [
            (None, 10_000, 128 * MI),
            (Some(64 * MI), 819, 16 * MI),
            (Some(512 * MI), 6_553, 128 * MI),
            (Some(8 << 30), 10_000, 128 * MI),
            (Some(1), 1, 1),
        ] {
            assert_eq!(connections(limit), connections_then, "{limit:?}");
            assert_eq!(body(limit), body_then, "{limit:?}");
        }
    }

    fn check(files: &[(&str, &str)], groups: &str, expect: Option<u64>) {
        let mount = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = mount.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        assert_eq!(limit_below(mount.path(), groups), expect, "{files:?}");
    }

    #[test]
    fn the_smallest_limit_above_us_counts() {
        check(&[], "0::/\n", None);
        check(&[("memory.max", "67108864\n")], "0::/\n", Some(64 * MI));
        check(&[("memory.max", "67108864\n")], "0::/kubepods/pod1\n", Some(64 * MI));
        check(&[("a/memory.max", "1000\n"), ("a/b/memory.max", "max\n")], "0::/a/b\n", Some(1000));
        check(&[("memory/memory.limit_in_bytes", "5000\n")], "4:cpu,memory:/x\n1:name=systemd:/y\n", Some(5000));
        check(&[("memory/memory.limit_in_bytes", "9223372036854771712\n")], "4:memory:/\n", None);
        check(&[("memory.max", "5000\n")], "", Some(5000));
    }
}
