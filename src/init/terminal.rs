//! The terminal's foreground, which passes from a shell to heeler, on to the command, and back.
//!
//! The command has a process group of its own, so that the terminal's keys reach it once: heeler is not in the
//! foreground and hears nothing of Ctrl-C. SIGTTOU is blocked, so heeler may hand the terminal about from anywhere.

use std::fs::File;

use nix::unistd::{Pid, getpgrp, getpid, tcgetpgrp, tcsetpgrp};

/// The controlling terminal, looked up when it is needed: mostly there is none.
pub(super) struct Terminal {
    /// PID 1 has no shell above it that could continue it or takes the terminal back.
    first: bool,
    /// Whether heeler was in the foreground when it began.
    foreground: bool,
}

impl Terminal {
    pub(super) fn new() -> Terminal {
        let foreground = open().is_some_and(|terminal| tcgetpgrp(&terminal) == Ok(getpgrp()));
        Terminal { first: getpid().as_raw() == 1, foreground }
    }

    /// Whether a shell may be waiting for us to stop.
    pub(super) fn has_shell(&self) -> bool {
        !self.first && open().is_some()
    }

    /// Puts the command's group into the foreground if heeler's own has it.
    pub(super) fn hand_over(&self, group: i32) -> bool {
        open().is_some_and(|terminal| {
            tcgetpgrp(&terminal) == Ok(getpgrp()) && tcsetpgrp(&terminal, Pid::from_raw(group)).is_ok()
        })
    }

    /// Puts heeler's group into the foreground again after a command that ended there: a script that runs on has no
    /// job control to do so, and would be stopped at its next read.
    pub(super) fn take_back(&self, group: i32) {
        self.retake(|terminal| tcgetpgrp(terminal) == Ok(Pid::from_raw(group)));
    }

    /// The same after a start that failed, when the number of the group is not known.
    pub(super) fn restore(&self) {
        self.retake(|_| self.foreground);
    }

    fn retake(&self, condition: impl Fn(&File) -> bool) {
        if let Some(terminal) = open().filter(|terminal| !self.first && condition(terminal)) {
            // Refused only if the terminal is gone, or the group lies outside of our PID namespace.
            let _ = tcsetpgrp(&terminal, getpgrp());
        }
    }
}

fn open() -> Option<File> {
    File::open("/dev/tty").ok()
}
