//! `heeler init`: the plain init for any command: forwards signals, collects all that ends, exits with its code.
//!
//! What it does not do: no HTTP, no runtime, no settings from the environment; processes that are left when the
//! command has ended are not its business (the kernel ends them where it is PID 1).

mod command;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod options;
mod signal;
mod terminal;

use std::ffi::OsString;
use std::fmt::{self, Display};
use std::io::Write;
use std::process::ExitCode;

use crate::process::{Status, inherited, kill, plain};
use options::{Options, Request};
use terminal::Terminal;

/// Wrong options (EX_USAGE of sysexits.h).
const USAGE: u8 = 64;

/// Runs the command behind the options; the exit code is the command's own, 128 + n for a death by signal n.
pub fn run(args: Vec<OsString>, environment: &[(OsString, OsString)]) -> ExitCode {
    let inherited = inherited::take();
    plain::default_faults();
    let options = match options::parse(args) {
        Ok(Request::Run(options)) => options,
        Ok(Request::Help) => return help(),
        Err(error) => return fail(&error, USAGE),
    };
    match start(*options, environment, inherited) {
        Ok(init) => ExitCode::from(init.run()),
        Err(failure) => fail(&failure, failure.exit_code()),
    }
}

/// Why there is nothing to wait for.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("-p {}: cannot ask for the parent-death signal: {error}", signal::name(*.signal))]
    ParentDeath { signal: i32, error: std::io::Error },
    #[error("-s: cannot become a subreaper: {0}")]
    Subreaper(nix::Error),
    #[error(transparent)]
    Command(#[from] command::CommandError),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Failure::Command(error) => error.exit_code(),
            Failure::ParentDeath { .. } | Failure::Subreaper(_) => 1,
        }
    }
}

/// A running command.
struct Init {
    child: i32,
    options: Options,
    terminal: Terminal,
    /// The terminal's stop key, or one like it, stopped the child's whole group.
    stopped: bool,
}

fn start(
    options: Options,
    environment: &command::Environment,
    inherited: &inherited::Inherited,
) -> Result<Init, Failure> {
    if let Some(signal) = options.parent_death {
        plain::set_parent_death_signal(signal).map_err(|error| Failure::ParentDeath { signal, error })?;
    }
    if options.subreaper {
        nix::sys::prctl::set_child_subreaper(true).map_err(Failure::Subreaper)?;
    }
    let terminal = Terminal::new();
    let child = command::start(&options.command, environment, inherited).inspect_err(|_| terminal.restore())?;
    if !orphans_come_here() {
        say("warning: neither PID 1 nor a subreaper, so orphans go to another process (-s makes it a subreaper)");
    }
    if options.verbose {
        say(format_args!("started {:?} as process {child}", options.command[0]));
    }
    Ok(Init { child, options, terminal, stopped: false })
}

fn orphans_come_here() -> bool {
    nix::unistd::getpid().as_raw() == 1 || nix::sys::prctl::get_child_subreaper().unwrap_or(false)
}

impl Init {
    /// Until the child has ended; its exit code.
    fn run(mut self) -> u8 {
        loop {
            // At every signal, not only at SIGCHLD: whoever ended before that one was blocked is collected too.
            if let Some(status) = self.collect() {
                self.terminal.take_back(self.child);
                return self.exit_code(status);
            }
            match plain::next_signal() {
                libc::SIGCHLD => {}
                signal => self.forward(signal),
            }
        }
    }

    /// Collects all that has ended; the child's status if it was among them.
    fn collect(&mut self) -> Option<Status> {
        let mut ended = None;
        while let Some((pid, change)) = plain::next_change() {
            match change {
                plain::Change::Ended(status) if pid == self.child => ended = Some(status),
                plain::Change::Ended(status) => self.report_orphan(pid, status),
                plain::Change::Stopped(signal) if pid == self.child => self.child_stopped(signal),
                plain::Change::Stopped(_) => {}
            }
        }
        ended
    }

    fn report_orphan(&self, pid: i32, status: Status) {
        if self.options.warn {
            say(format_args!("warning: collected orphan {pid}, which {}", end_of(status)));
        } else if self.options.verbose {
            say(format_args!("collected orphan {pid}, which {}", end_of(status)));
        }
    }

    fn forward(&mut self, signal: i32) {
        let name = signal::name(signal);
        let Some(sent) = self.options.rewrite.of(signal) else {
            return self.trace(format_args!("dropped {name}"));
        };
        if sent == libc::SIGTSTP && self.stopped {
            // The stop key came before SIGCONT was read, and took it away: the command still stands.
            return plain::stop_with_group();
        }
        let mut to_group = self.options.group;
        if sent == libc::SIGCONT {
            self.terminal.hand_over(self.child);
            to_group |= std::mem::take(&mut self.stopped);
        }
        // Not collected yet, so the number is still the child's, and its group's.
        match kill(if to_group { -self.child } else { self.child }, sent) {
            Ok(()) if sent == signal => self.trace(format_args!("forwarded {name}")),
            Ok(()) => self.trace(format_args!("forwarded {name} as {}", signal::name(sent))),
            Err(error) => say(format_args!("warning: cannot forward {name} to process {}: {error}", self.child)),
        }
    }

    /// Job control: on a terminal, the shell that started heeler waits for heeler to stop, not for the child.
    fn child_stopped(&mut self, signal: i32) {
        self.trace(format_args!("process {} was stopped by {}", self.child, signal::name(signal)));
        let wants_terminal = matches!(signal, libc::SIGTTIN | libc::SIGTTOU);
        if wants_terminal && self.terminal.hand_over(self.child) {
            // It asked for the terminal in its turn: heeler was put into the foreground without being continued.
            let _ = kill(-self.child, libc::SIGCONT);
        } else if self.terminal.has_shell() {
            self.stopped = true;
            plain::stop_with_group();
        }
    }

    fn exit_code(&self, status: Status) -> u8 {
        let code = status.shell_code();
        let zero = self.options.exit_zero[usize::from(code)];
        self.trace(format_args!(
            "process {} {}{}",
            self.child,
            end_of(status),
            if zero { ", which counts as 0" } else { "" }
        ));
        if zero { 0 } else { code }
    }

    fn trace(&self, line: fmt::Arguments<'_>) {
        if self.options.verbose {
            say(line);
        }
    }
}

fn end_of(status: Status) -> String {
    match status {
        Status::Code(code) => format!("ended with code {code}"),
        Status::Signal(signal) => format!("was ended by {}", signal::name(signal)),
    }
}

fn help() -> ExitCode {
    match std::io::stdout().write_all(options::HELP.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn fail(error: &dyn Display, code: u8) -> ExitCode {
    say(error);
    ExitCode::from(code)
}

/// One line in one write. Nobody to read it is no reason to end: `eprintln!` would panic.
fn say(line: impl Display) {
    let _ = std::io::stderr().write_all(format!("heeler init: {line}\n").as_bytes());
}
