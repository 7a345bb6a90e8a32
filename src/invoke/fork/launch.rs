//! Starting a call's process, with its pipes and its supervisor.

use std::ffi::CString;
use std::os::fd::AsFd;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::Shared;
use super::input::Input;
use super::running::Running;
use super::supervise::{Busy, Supervisor};
use crate::invoke::call::{Call, Deadline, Place};
use crate::invoke::error::CallError;
use crate::log::Stream;
use crate::process::output::{self, Source};
use crate::process::pipe::FromChild;

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
    pub(super) fn new(call: Box<Call>, env: Vec<CString>, input: Input) -> Launch {
        let call_id = call.id_text().map(str::to_owned);
        Launch { env, input, deadline: call.deadline, place: call.place, call_id }
    }

    /// Starts the process. Whatever is missing (descriptors, processes) leaves nothing behind.
    pub(super) fn start(mut self, shared: &Arc<Shared>) -> Result<Running, CallError> {
        let config = &shared.config;
        let childs_stdin = self.input.open()?;
        let stdout = shared.pipes.take()?;
        let stderr = if config.combine_output { None } else { Some(shared.pipes.take()?) };
        let stdin = childs_stdin.as_ref().unwrap_or(&shared.null);
        let childs_stderr = stderr.as_ref().unwrap_or(&stdout);
        let stdio = [stdin.as_fd(), stdout.childs(), childs_stderr.childs()];
        let child = shared.processes.spawn(&shared.program, &self.env, stdio, config.leftovers)?;
        let (tell, end) = oneshot::channel();
        let (alive, given_up) = oneshot::channel();
        let source = Source { log: shared.log.clone(), stream: Stream::Stderr, call_id: self.call_id };
        let running = Running::new(stdout, end, alive, shared.clone(), source.clone());
        let (shared, input, deadline, place) = (shared.clone(), self.input, self.deadline, self.place);
        let busy = Busy::new(&shared.busy);
        crate::task::spawn(
            Supervisor { shared, child, input, source, deadline, given_up, tell, place, busy }.run(stderr),
        );
        Ok(running)
    }
}

/// Copies what kept leftovers still say, until the last of them is gone.
pub(super) fn follow(pipe: FromChild, source: Source) {
    let mut ours = pipe.into_ours();
    crate::task::spawn(async move { output::log_lines(&mut ours, &source, std::future::pending()).await });
}
