//! What each signal means to a serving heeler.

use std::io;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::process::{Leaders, Processes, Signals};

/// The first real-time signal as the kernel counts; C libraries keep the first two or three for themselves.
const FIRST_REAL_TIME: i32 = 32;

/// The signals that ask for the end, in their order.
pub(super) struct Ends(UnboundedReceiver<i32>);

/// The signals that mean something to a handler that lives long enough to hear them. Dropped where there is none: they
/// are passed over then.
pub(super) struct Others(UnboundedReceiver<i32>);

/// Takes all signals from here on: ends of children go to the reaper. Inside a runtime.
pub(super) fn start(processes: Processes) -> io::Result<(Ends, Others)> {
    let signals = Signals::new()?;
    let (tell_end, ends) = unbounded_channel();
    let (tell_other, others) = unbounded_channel();
    crate::task::spawn(async move {
        // Children that ended before the first signal could be read.
        processes.collect();
        loop {
            match signals.next().await {
                Ok(libc::SIGCHLD) => processes.collect(),
                Ok(end @ (libc::SIGTERM | libc::SIGINT | libc::SIGQUIT)) => drop(tell_end.send(end)),
                Ok(other) => hand_on(other, &tell_other),
                Err(error) => tracing::error!(%error, "a signal could not be read"),
            }
        }
    });
    Ok((Ends(ends), Others(others)))
}

fn hand_on(signal: i32, others: &UnboundedSender<i32>) {
    let for_handlers =
        matches!(signal, libc::SIGHUP | libc::SIGUSR1 | libc::SIGUSR2 | libc::SIGWINCH) || signal >= FIRST_REAL_TIME;
    if !for_handlers || others.send(signal).is_err() {
        crate::log::debug!(signal, "signal passed over");
    }
}

impl Ends {
    /// The next one.
    pub(super) async fn next(&mut self) -> i32 {
        match self.0.recv().await {
            Some(signal) => signal,
            // The task above never ends.
            None => std::future::pending().await,
        }
    }
}

impl Others {
    /// Hands each one to the first process of each handler that is kept.
    pub(super) fn go_to(mut self, leaders: Leaders) {
        crate::task::spawn(async move {
            while let Some(signal) = self.0.recv().await {
                leaders.signal(signal);
            }
        });
    }
}
