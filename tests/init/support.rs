//! Starts the binary and reads what it and its command print, always with a deadline.

use std::io::{PipeReader, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::dispositions;
pub(crate) use crate::skip::skip;

/// As in tests/support/heeler.rs.
pub(crate) const HEELER: &str = match option_env!("HEELER_TEST_BINARY") {
    Some(path) => path,
    None => env!("CARGO_BIN_EXE_heeler"),
};
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks until it is so.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// `heeler init`, in a session of its own: a test on a terminal must not stop or kill its runner.
pub(crate) fn heeler_init() -> Command {
    let mut command = in_session(HEELER);
    command.arg("init").stdin(Stdio::null());
    command
}

pub(crate) fn in_session(program: &str) -> Command {
    let mut command = Command::new(program);
    // SAFETY: bare system calls.
    unsafe { command.pre_exec(|| nix::unistd::setsid().map_err(Into::into).and_then(|_| dispositions::restore())) };
    command
}

/// PID 1 of a new PID namespace; `None` where that is not allowed.
pub(crate) fn as_pid_1() -> Option<Command> {
    let namespace = ["-pf", "--kill-child", "--mount-proc"];
    let allowed = Command::new("unshare").args(namespace).arg("true").stderr(Stdio::null()).status();
    if !allowed.is_ok_and(|status| status.success()) {
        return skip("PID namespaces are not allowed here, so nothing was tried as PID 1");
    }
    let mut unshare = in_session("unshare");
    unshare.args(namespace).args([HEELER, "init"]).stdin(Stdio::null());
    Some(unshare)
}

/// Runs to its end. `options` are split at spaces, the rest is one command with its arguments.
pub(crate) fn run(options: &str, command: &[&str]) -> Output {
    let mut init = heeler_init();
    init.args(options.split_whitespace()).arg("--").args(command);
    init.output().unwrap()
}

/// The fixture of examples/signals.rs, which cargo builds beside the binary.
pub(crate) fn fixture() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_heeler")).with_file_name("examples").join("signals")
}

/// Sends a signal by number.
pub(crate) fn kill(pid: i32, signal: i32) {
    // SAFETY: no memory is touched.
    let result = unsafe { libc::kill(pid, signal) };
    assert_eq!(result, 0, "kill {pid} with {signal}: {}", std::io::Error::last_os_error());
}

/// A running command whose output is read as it comes; ended by KILL with the test.
pub(crate) struct Running {
    child: Child,
    output: PipeReader,
    seen: String,
    fixtures: Vec<i32>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Running {
        let (output, write) = std::io::pipe().unwrap();
        let child = command.stdout(write).spawn().unwrap();
        Running { child, output, seen: String::new(), fixtures: Vec::new() }
    }

    /// With the fixture as its command, ready to get signals.
    pub(crate) fn with_fixture(options: &str) -> Running {
        let mut init = heeler_init();
        init.args(options.split_whitespace()).arg("--").arg(fixture());
        let mut running = Running::start(init);
        running.fixture_ready();
        running
    }

    /// Waits for the next fixture's first line; its pid.
    pub(crate) fn fixture_ready(&mut self) -> i32 {
        let line = self.line();
        let pid = line.strip_suffix(" ready").and_then(|pid| pid.parse().ok());
        let pid = pid.unwrap_or_else(|| panic!("not a ready line: {line:?}"));
        self.fixtures.push(pid);
        pid
    }

    /// The next line: a fixture's pid that is ready, or else the pid that stands alone.
    pub(crate) fn first_lines(&mut self) -> Result<i32, i32> {
        let line = self.line();
        match line.strip_suffix(" ready") {
            Some(pid) => {
                let pid = pid.parse().unwrap();
                self.fixtures.push(pid);
                Ok(pid)
            }
            None => Err(line.parse().unwrap()),
        }
    }

    pub(crate) fn close_input(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Whether nobody holds the output any more, and nothing else was said.
    pub(crate) fn at_end(&mut self) -> bool {
        self.seen.is_empty() && read_some(&mut self.output, "").is_none()
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub(crate) fn send(&self, signal: i32) {
        kill(self.pid(), signal);
    }

    /// The signal in the next line of the only fixture.
    pub(crate) fn heard(&mut self) -> i32 {
        let line = self.line();
        line.split_once(' ').and_then(|(_, signal)| signal.parse().ok()).unwrap_or_else(|| panic!("{line:?}"))
    }

    pub(crate) fn line(&mut self) -> String {
        loop {
            if let Some((line, rest)) = self.seen.split_once('\n') {
                let line = line.to_owned();
                self.seen = rest.to_owned();
                return line;
            }
            self.seen.push_str(&read_some(&mut self.output, &self.seen).expect("another line"));
        }
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        eventually("the end", || self.child.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let left = children(self.pid()).into_iter().chain(self.fixtures.iter().copied());
        for pid in left.collect::<Vec<_>>() {
            // SAFETY: no memory is touched. Who is gone already needs no signal.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is there, as soon as there is something; `None` at the end.
pub(crate) fn read_some<R: Read + AsFd>(from: &mut R, seen: &str) -> Option<String> {
    let timeout = PollTimeout::try_from(PATIENCE).unwrap();
    let ready = poll(&mut [PollFd::new(from.as_fd(), PollFlags::POLLIN)], timeout).unwrap();
    assert_eq!(ready, 1, "nothing to read within {PATIENCE:?} after {seen:?}");
    let mut chunk = [0; 4096];
    // A terminal that nobody holds any more answers EIO.
    match from.read(&mut chunk) {
        Ok(0) | Err(_) => None,
        Ok(length) => Some(String::from_utf8_lossy(&chunk[..length]).into_owned()),
    }
}

/// Children as the kernel lists them, zombies included.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}
