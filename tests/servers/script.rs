//! The clients in Python: libraries that people use, run against heeler.

use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::server::sources;
use crate::support::{Lines, installed};

/// A client that runs.
pub(crate) struct Script {
    child: Child,
    stdout: Lines,
    stderr: Lines,
}

impl Script {
    pub(crate) fn start(name: &str, words: &[&str]) -> Script {
        let python = installed("python").expect("the server is from the same set").join("bin/python");
        let mut command = Command::new(python);
        command.arg(sources("python").join(name)).args(words);
        // A proxy in the environment is for the world outside.
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = Lines::follow(child.stdout.take().unwrap());
        let stderr = Lines::follow(child.stderr.take().unwrap());
        Script { child, stdout, stderr }
    }

    /// Waits for a line on its way.
    #[track_caller]
    pub(crate) fn wait_for(&self, part: &str) {
        self.stdout.wait_for(part);
    }

    /// Its last line, once it has ended well.
    #[track_caller]
    pub(crate) fn result(self) -> Value {
        let said = self.stdout.rest();
        let last = said.lines().last().and_then(|line| serde_json::from_str(line).ok());
        last.unwrap_or_else(|| panic!("no result but {said:?}:\n{}", self.stderr.text()))
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
