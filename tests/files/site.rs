//! A folder to serve.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use crate::support::{Builder, Conn, Heeler, Request, Response};

/// 2026-11-21T10:00:00Z, when every file of a site was written.
pub const WRITTEN: u64 = 1_795_255_200;
/// The same, and a second before and after it, as headers have it.
pub const DATE: &str = "Sat, 21 Nov 2026 10:00:00 GMT";
pub const EARLIER: &str = "Sat, 21 Nov 2026 09:59:59 GMT";
pub const LATER: &str = "Sat, 21 Nov 2026 10:00:01 GMT";

/// A folder `site` in a folder of its own; the latter goes with the value.
pub struct Site(tempfile::TempDir);

impl Site {
    /// With these files, each with its own path as text.
    pub fn with(files: &[&str]) -> Site {
        let site = Site(tempfile::tempdir().expect("a folder"));
        fs::create_dir(site.root()).expect("a folder");
        for file in files {
            site.write(file, file.as_bytes());
        }
        site
    }

    pub fn root(&self) -> PathBuf {
        self.0.path().join("site")
    }

    /// A path below the root; `..` leads out of it.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub fn write(&self, path: &str, bytes: &[u8]) -> File {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let mut file = File::create(path).expect("a file");
        file.write_all(bytes).expect("room on the disk");
        file.set_modified(UNIX_EPOCH + Duration::from_secs(WRITTEN)).expect("a time");
        file
    }

    /// A file of zeros that takes no room.
    pub fn sparse(&self, path: &str, length: u64) -> File {
        let file = File::create(self.path(path)).expect("a file");
        file.set_len(length).expect("a length");
        file
    }

    pub fn link(&self, path: &str, target: &str) {
        symlink(target, self.path(path)).expect("a link");
    }

    pub fn serve(&self) -> Heeler {
        self.serve_with(&[])
    }

    #[track_caller]
    pub fn serve_with(&self, env: &[(&str, &str)]) -> Heeler {
        self.builder().envs(env).start()
    }

    pub fn builder(&self) -> Builder {
        let root = self.root();
        Heeler::builder().env("mode", "static").env("static_path", root.to_str().expect("a path of plain letters"))
    }
}

/// An answer that is read when the test wants it: until then heeler waits for this client.
pub struct Download {
    conn: Conn,
    pub head: Response,
}

impl Download {
    #[track_caller]
    pub fn begin(conn: Conn, target: &str) -> Download {
        Download::of(conn, &Request::get(target))
    }

    #[track_caller]
    pub fn of(mut conn: Conn, request: &Request) -> Download {
        assert!(conn.send(&request.bytes()));
        let head = conn.read_head().expect("a head");
        Download { conn, head }
    }

    /// Some more of it; nothing at its end, or where it is cut.
    pub fn some(&mut self) -> usize {
        self.conn.read_some(64 * 1024).expect("more in time").len()
    }

    /// Reads to the end; how much came, as an error if that is not all.
    pub fn finish(&mut self) -> Result<u64, u64> {
        let length: u64 = self.head.header("content-length").expect("a length").parse().expect("a number");
        let mut read = 0;
        while read < length {
            match self.some() {
                0 => return Err(read),
                some => read += some as u64,
            }
        }
        Ok(read)
    }
}
