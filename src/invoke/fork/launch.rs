//! Starting a call's process, with its pipes and its supervisor.

use std::ffi::CString;
use std::os::fd::AsFd;
use std::sync::Arc;

use tokio::net::unix::pipe::Receiver;
use tokio::sync::oneshot;

use super::Shared;
use super::input::Input;
use super::running::Running;
use super::supervise::Supervisor;
use crate::invoke::call::{Call, Deadline, Place};
use crate::invoke::error::CallError;
use crate::log::{HandlerLog, Stream};
use crate::process::{Leftovers, output, pipe};

/// What of a call its process and supervisor need; the rest has gone into the environment.
pub(super) struct Launch {
    pub(super) env: Vec<CString>,
    pub(super) input: Input,
    pub(super) deadline: Deadline,
    pub(super) place: Place,
    pub(super) call_id: Option<String>,
}

impl Launch {
    /// Takes from a call what the process needs.
    pub(super) fn new(call: Call, env: Vec<CString>, input: Input) -> Launch {
        let call_id = call.id_text().map(str::to_owned);
        Launch { env, input, deadline: call.deadline, place: call.place, call_id }
    }

    /// Starts the process. Whatever is missing (descriptors, processes) leaves nothing behind.
    pub(super) fn start(mut self, shared: &Arc<Shared>) -> Result<Running, CallError> {
        let config = &shared.config;
        let childs_stdin = self.input.open()?;
        let (stdout, childs_stdout) = pipe::from_child()?;
        let stderr = if config.combine_output { None } else { Some(pipe::from_child()?) };
        let stdin = childs_stdin.as_ref().unwrap_or(&shared.null);
        let childs_stderr = stderr.as_ref().map_or(&childs_stdout, |(_, childs)| childs);
        let stdio = [stdin.as_fd(), childs_stdout.as_fd(), childs_stderr.as_fd()];
        let child = shared.processes.spawn(&shared.program, &self.env, stdio, config.leftovers)?;
        let log = CallLog { log: shared.log.clone(), call_id: self.call_id };
        if let Some((stderr, _childs)) = stderr {
            log.clone().follow(stderr, Stream::Stderr);
        }
        let (tell, end) = oneshot::channel();
        let (alive, given_up) = oneshot::channel();
        let keep = (config.leftovers == Leftovers::Keep).then_some(log);
        let running = Running::new(stdout, end, alive, config.max_output, keep);
        let (shared, input, deadline, place) = (shared.clone(), self.input, self.deadline, self.place);
        tokio::spawn(Supervisor { shared, child, input, deadline, given_up, tell, place }.run());
        Ok(running)
    }
}

/// Where a call's lines go.
#[derive(Clone, Debug)]
pub(super) struct CallLog {
    log: HandlerLog,
    call_id: Option<String>,
}

impl CallLog {
    /// Copies lines until nobody writes any more; a background process may do so long after its call.
    pub(super) fn follow(self, pipe: Receiver, stream: Stream) {
        tokio::spawn(output::log_lines(pipe, self.log, stream, self.call_id));
    }
}
