//! Job control: Ctrl-C, Ctrl-Z and fg on a real terminal.

use std::fs::File;
use std::io::{Error, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};

use crate::dispositions;
use crate::support::{HEELER, eventually, fixture, read_some, skip};

/// Keys that raise a signal throw away what was typed and not yet read: after them, type at the prompt.
const PROMPT: &str = "(prompt)";

/// A program on a terminal of its own, as the leader of its session.
struct Terminal {
    child: Child,
    master: File,
    seen: String,
}

impl Terminal {
    fn start(mut command: Command) -> Terminal {
        let pty = nix::pty::openpty(None, None).unwrap();
        let mut settings = tcgetattr(&pty.slave).unwrap();
        settings.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(&pty.slave, SetArg::TCSANOW, &settings).unwrap();
        let slave = || pty.slave.try_clone().unwrap();
        command.stdin(slave()).stdout(slave()).stderr(slave());
        // SAFETY: bare system calls; descriptor 0 is the terminal by then.
        unsafe {
            command.pre_exec(|| {
                nix::unistd::setsid()?;
                dispositions::restore()?;
                match libc::ioctl(0, libc::TIOCSCTTY, 0) {
                    0 => Ok(()),
                    _ => Err(Error::last_os_error()),
                }
            });
        }
        Terminal { child: command.spawn().unwrap(), master: pty.master.into(), seen: String::new() }
    }

    fn bash() -> Option<Terminal> {
        if Command::new("bash").arg("--version").output().is_err() {
            return skip("there is no bash here, so nothing was tried under a shell with job control");
        }
        let mut bash = Command::new("bash");
        bash.args(["--norc", "--noprofile", "--noediting", "-i"]).env("INIT", format!("{HEELER} init -s"));
        bash.env("PS1", PROMPT);
        Some(Terminal::start(bash))
    }

    fn write(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    /// Reads up to this text and drops all before; what stood there.
    fn expect(&mut self, text: &str) -> String {
        loop {
            if let Some((before, after)) = self.seen.split_once(text) {
                let (before, after) = (before.to_owned(), after.to_owned());
                self.seen = after;
                return before;
            }
            let waiting = format!("{} (waiting for {text:?})", self.seen);
            let more = read_some(&mut self.master, &waiting).unwrap_or_else(|| panic!("the end after {waiting}"));
            self.seen.push_str(&more);
        }
    }

    fn code(&mut self) -> Option<i32> {
        eventually("the end", || self.child.try_wait().unwrap()).code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn init(args: &[&str]) -> Command {
    let mut command = Command::new(HEELER);
    command.args(["init", "-s"]).args(args);
    command
}

#[test]
fn ctrl_c_reaches_the_command_once() {
    let fixture = fixture();
    let mut terminal = Terminal::start(init(&["--", fixture.to_str().unwrap()]));
    let pid: i32 = terminal.expect(" ready\r\n").parse().unwrap();
    terminal.write("\x03");
    terminal.expect(&format!("{pid} 2\r\n"));
    // A second INT from anywhere would be taken before this one: the lower number is first.
    terminal.write("\x1c");
    assert_eq!(terminal.expect(&format!("{pid} 3\r\n")), "");
    crate::support::kill(pid, libc::SIGKILL);
    assert_eq!(terminal.code(), Some(137));
}

#[test]
fn ctrl_c_ends_with_130() {
    let mut terminal = Terminal::start(init(&["--", "sh", "-c", "echo ready; exec sleep 1000"]));
    terminal.expect("ready");
    terminal.write("\x03");
    assert_eq!(terminal.code(), Some(130));
}

#[test]
fn ctrl_z_and_fg_work_under_a_shell() {
    let Some(mut bash) = Terminal::bash() else { return };
    bash.write("$INIT -- sh -c 'echo up''1; exec sed -u y/i/o/'\n");
    bash.expect("up1");
    for _ in 0..3 {
        bash.write("ping\n");
        bash.expect("pong");
        bash.write("\x1a");
        bash.expect("Stopped");
        bash.expect(PROMPT);
        bash.write("fg\n");
    }
    // Only when it answers it surely has the terminal again.
    bash.write("ping\n");
    bash.expect("pong");
    bash.write("\x03");
    bash.expect(PROMPT);
    bash.write("echo code=$?\n");
    bash.expect("code=130");
}

#[test]
fn a_job_in_the_background_leaves_the_terminal_alone() {
    let Some(mut bash) = Terminal::bash() else { return };
    bash.write("$INIT -- sed -u y/i/o/ &\n");
    // sed reads at once, and is stopped for it, as without an init.
    bash.write("echo st''ill; wait %1; jobs\n");
    bash.expect("still");
    bash.expect("Stopped");
    bash.write("fg\n");
    bash.expect("sed -u");
    bash.write("ping\n");
    bash.expect("pong");
    bash.write("\x04");
    bash.write("echo code=$?\n");
    bash.expect("code=0");
}

#[test]
fn a_running_job_gets_the_terminal_when_it_asks() {
    let Some(mut bash) = Terminal::bash() else { return };
    let go = tempfile::tempdir().unwrap();
    let fifo = go.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // It is put into the foreground while it runs, so nobody continues it; only then it reads.
    bash.write(&format!("$INIT -- sh -c 'read x < {}; exec sed -u y/i/o/' &\n", fifo.display()));
    bash.write("fg; echo af''ter\n");
    bash.expect("exec sed");
    std::fs::write(&fifo, "go\n").unwrap();
    bash.write("ping\n");
    bash.expect("pong");
    bash.write("\x04");
    bash.expect("after");
}

#[test]
fn a_script_reads_on_after_it() {
    for command in ["true", "./no-such-program"] {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{HEELER} init -s -- {command}; read word; echo got $word")]);
        let mut terminal = Terminal::start(shell);
        terminal.write("word\n");
        terminal.expect("got word");
        assert_eq!(terminal.code(), Some(0));
    }
}
