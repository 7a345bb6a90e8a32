//! What each signal means to a serving heeler.

use std::io;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::process::{Processes, Signals};

/// The signals that ask for the end, in their order.
pub(super) struct Ends(UnboundedReceiver<i32>);

impl Ends {
    /// Takes all signals from here on: ends of children go to the reaper. Inside a runtime.
    pub(super) fn start(processes: Processes) -> io::Result<Ends> {
        let signals = Signals::new()?;
        let (tell, ends) = unbounded_channel();
        tokio::spawn(async move {
            // Children that ended before the first signal could be read.
            processes.collect();
            loop {
                match signals.next().await {
                    Ok(libc::SIGCHLD) => processes.collect(),
                    Ok(end @ (libc::SIGTERM | libc::SIGINT | libc::SIGQUIT)) => drop(tell.send(end)),
                    // A process per call has nobody to hand the others to.
                    Ok(other) => tracing::debug!(signal = other, "signal passed over"),
                    Err(error) => tracing::error!(%error, "a signal could not be read"),
                }
            }
        });
        Ok(Ends(ends))
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> i32 {
        match self.0.recv().await {
            Some(signal) => signal,
            // The task above never ends.
            None => std::future::pending().await,
        }
    }
}
