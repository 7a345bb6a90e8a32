//! Opening what lies below the root, and nothing else: no link and no race leads out of it.
//!
//! The kernel resolves a path below a folder by itself (`openat2`, Linux 5.6). It refuses every absolute link there,
//! and old kernels, old seccomp lists and gVisor do not know the call: then all links are followed first, and what they
//! lead to is opened step by step without following any.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat, openat2};
use nix::sys::stat::Mode;

/// A descriptor that names something without opening it: nothing happens to a pipe or a device.
const NAME: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);
/// Neither may the opening wait if somebody has put a pipe in the file's place meanwhile.
const READ: OFlag = OFlag::O_RDONLY.union(OFlag::O_CLOEXEC).union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY);
/// The folder itself, not a link to one.
const FOLDER: OFlag = NAME.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW);

/// The folder that is served. It is opened anew for every call: whoever deploys by changing a link to it is followed.
#[derive(Clone, Debug)]
pub(super) struct Root(pub(super) PathBuf);

/// What is served.
#[derive(Debug)]
pub(super) enum Node {
    /// A regular file, open for reading.
    File(File, Metadata),
    /// A folder.
    Folder,
}

impl Root {
    /// What stands at a path of names below the root. Pipes, sockets and devices are not there.
    pub(super) fn node(&self, path: &Path) -> io::Result<Node> {
        let seen = File::from(self.open(path, NAME)?).metadata()?;
        if seen.is_dir() {
            return Ok(Node::Folder);
        }
        if !seen.is_file() {
            return Err(Errno::ENOENT.into());
        }
        let file = File::from(self.open(path, READ)?);
        let metadata = file.metadata()?;
        if metadata.is_file() { Ok(Node::File(file, metadata)) } else { Err(Errno::ENOENT.into()) }
    }

    /// A folder to be read.
    pub(super) fn folder(&self, path: &Path) -> io::Result<Dir> {
        Ok(Dir::from_fd(self.open(path, READ | OFlag::O_DIRECTORY)?)?)
    }

    fn open(&self, path: &Path, flags: OFlag) -> io::Result<OwnedFd> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let root = open(&self.0, NAME | OFlag::O_DIRECTORY, Mode::empty())?;
        // Magic links (those of /proc) lead anywhere and are followed before any check.
        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        match openat2(&root, path, OpenHow::new().flags(flags).resolve(resolve)) {
            // In order: a link that is absolute or leads out; no such call; a seccomp list that does not know it;
            // something was renamed on the way.
            Err(Errno::EXDEV | Errno::ENOSYS | Errno::EPERM | Errno::EAGAIN) => self.open_by_steps(path, flags),
            opened => Ok(opened?),
        }
    }

    fn open_by_steps(&self, path: &Path, flags: OFlag) -> io::Result<OwnedFd> {
        let root = fs::canonicalize(&self.0)?;
        let target = fs::canonicalize(root.join(path))?;
        let below = target.strip_prefix(&root).map_err(|_| Errno::EXDEV)?;
        let mut folder = open(&root, FOLDER, Mode::empty())?;
        let mut names = below.iter().peekable();
        while let Some(name) = names.next() {
            // No step is a link any more; if one is, it was put there just now.
            let step = if names.peek().is_some() { FOLDER } else { flags | OFlag::O_NOFOLLOW };
            folder = openat(&folder, name, step, Mode::empty())?;
        }
        if below.as_os_str().is_empty() { Ok(openat(&folder, ".", flags, Mode::empty())?) } else { Ok(folder) }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    /// `site` is the root; `secret` lies beside it.
    fn tree() -> (tempfile::TempDir, Root) {
        let tree = tempfile::tempdir().unwrap();
        let at = |path: &str| tree.path().join(path);
        for folder in ["site/a/b", "site2", "out"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for file in ["site/index.html", "site/a/b/deep", "secret", "site2/secret", "out/secret"] {
            fs::write(at(file), file).unwrap();
        }
        for (link, target) in [
            ("site/to-file", "a/b/deep"),
            ("site/to-folder", "a"),
            ("site/a/up-and-down", "../a/b/deep"),
            ("site/out", "../secret"),
            ("site/out-folder", "../out"),
            ("site/chain", "out-folder"),
            ("site/neighbour", "../site2/secret"),
            ("site/etc", "/etc"),
            ("site/loop", "loop"),
            ("site/nowhere", "gone"),
            ("site/self", "."),
            ("site/magic", "/proc/self/root/etc/passwd"),
        ] {
            symlink(target, at(link)).unwrap();
        }
        symlink(at("site/a/b/deep"), at("site/absolute")).unwrap();
        nix::unistd::mkfifo(&at("site/pipe"), Mode::S_IRWXU).unwrap();
        drop(UnixListener::bind(at("site/socket")).unwrap());
        let root = Root(at("site"));
        (tree, root)
    }

    type Way = fn(&Root, &Path, OFlag) -> io::Result<OwnedFd>;
    const WAYS: [Way; 2] = [Root::open, Root::open_by_steps];

    #[test]
    fn what_is_below_opens_either_way() {
        let (_tree, root) = tree();
        for way in WAYS {
            for (path, text) in [
                ("index.html", "site/index.html"),
                ("a/b/deep", "site/a/b/deep"),
                ("to-file", "site/a/b/deep"),
                ("to-folder/b/deep", "site/a/b/deep"),
                ("a/up-and-down", "site/a/b/deep"),
                ("absolute", "site/a/b/deep"),
                ("self/self/index.html", "site/index.html"),
            ] {
                let file = File::from(way(&root, Path::new(path), READ).unwrap());
                assert_eq!(io::read_to_string(file).unwrap(), text, "{path}");
            }
            for folder in [".", "a", "to-folder", "self"] {
                let folder = File::from(way(&root, Path::new(folder), READ | OFlag::O_DIRECTORY).unwrap());
                assert!(folder.metadata().unwrap().is_dir());
            }
        }
    }

    #[test]
    fn nothing_leads_out_either_way() {
        let (_tree, root) = tree();
        for way in WAYS {
            for path in [
                "out",
                "out-folder",
                "out-folder/secret",
                "chain/secret",
                "neighbour",
                "etc",
                "etc/passwd",
                "magic",
                "loop",
                "nowhere",
                "..",
                "../secret",
                "a/../../secret",
                "/etc/passwd",
                "index.html/",
                "gone",
            ] {
                for flags in [NAME, READ] {
                    let opened = way(&root, Path::new(path), flags);
                    assert!(opened.is_err(), "{path} gave {:?}", opened.map(|fd| fs::read_link(link_of(&fd))));
                }
            }
        }
    }

    fn link_of(fd: &impl AsFd) -> String {
        use std::os::fd::AsRawFd;
        format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd())
    }

    #[test]
    fn special_files_are_not_there() {
        let (_tree, root) = tree();
        for path in ["pipe", "socket"] {
            assert_eq!(root.node(Path::new(path)).unwrap_err().raw_os_error(), Some(libc::ENOENT), "{path}");
        }
        let devices = Root("/dev".into());
        assert_eq!(devices.node(Path::new("null")).unwrap_err().raw_os_error(), Some(libc::ENOENT));
    }

    #[test]
    fn the_root_may_be_a_link_that_changes() {
        let (tree, _) = tree();
        let link = tree.path().join("current");
        let root = Root(link.clone());
        let is_there = |path| root.node(Path::new(path)).is_ok();
        symlink("site", &link).unwrap();
        assert!(is_there("index.html") && is_there("absolute") && !is_there("secret"));
        fs::remove_file(&link).unwrap();
        symlink("site2", &link).unwrap();
        assert!(is_there("secret") && !is_there("index.html"));
    }
}
