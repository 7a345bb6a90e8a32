//! Runs `heeler invoke` to its end.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::support::{Asked, HEELER, Upstream, dispositions};

/// What came of it.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Ran {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// Whether stderr has this line.
    pub fn says(&self, line: &str) -> bool {
        self.stderr.lines().any(|said| said == line)
    }

    #[track_caller]
    pub fn assert_says(&self, line: &str) {
        assert!(self.says(line), "{line:?} is not in\n{}", self.stderr);
    }

    #[track_caller]
    pub fn assert_ok(self) -> Ran {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }
}

/// One run with an environment of its own.
pub struct Run {
    command: Command,
    stdin: Vec<u8>,
}

impl Run {
    pub fn new(args: &[&str]) -> Run {
        let mut command = Command::new(HEELER);
        command.arg("invoke").args(args).env_clear().envs([("port", "0"), ("suppress_lock", "true")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // SAFETY: bare system calls.
        unsafe { command.pre_exec(dispositions::restore) };
        Run { command, stdin: Vec::new() }
    }

    pub fn env(mut self, name: &str, value: &str) -> Run {
        self.command.env(name, value);
        self
    }

    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Run {
        self.stdin = bytes.into();
        self
    }

    pub fn start(mut self) -> Running {
        let mut child = self.command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // Some runs end without reading it.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&self.stdin)));
        Running { child, writer }
    }

    pub fn end(self) -> Ran {
        self.start().end()
    }
}

/// A run that goes on.
pub struct Running {
    pub child: Child,
    writer: std::thread::JoinHandle<()>,
}

impl Running {
    pub fn end(self) -> Ran {
        let output = self.child.wait_with_output().unwrap();
        self.writer.join().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Ran { code: output.status.code().unwrap_or(-1), stdout: output.stdout, stderr }
    }
}

pub fn invoke(args: &[&str]) -> Ran {
    Run::new(args).end()
}

/// What a peer sees of a call to it, and what comes of its answer. The connection is closed behind that.
pub fn answered(args: &[&str], answer: &[u8]) -> (Asked, Ran) {
    asked_of(|url| Run::new(&[&[url], args].concat()), answer)
}

/// The same for a run that is put together by hand around the peer's URL.
pub fn asked_of(run: impl FnOnce(&str) -> Run, answer: &[u8]) -> (Asked, Ran) {
    let peer = Upstream::new();
    let running = run(peer.url()).start();
    let mut link = peer.accept();
    let asked = link.read_request();
    link.send(answer);
    drop(link);
    (asked, running.end())
}

/// What a peer sees of a call that it answers with 204.
pub fn seen(args: &[&str]) -> Asked {
    let (asked, ran) = answered(args, b"HTTP/1.1 204 No Content\r\n\r\n");
    ran.assert_ok();
    asked
}
