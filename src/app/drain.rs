//! The end, in order: unready, wait, close the door, finish, end what is left.

use std::process::ExitCode;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Config;
use super::signals::Ends;
use crate::front::Front;
use crate::health::{Health, LockFile, Phase};
use crate::process::Processes;

/// Calls that were cut are ended as any other, by TERM and KILL; this is beyond what those take.
const AFTER_CUT: Duration = Duration::from_secs(6);
/// After a second signal nobody wants to wait.
const AT_ONCE: Duration = Duration::from_millis(500);

/// A function that serves.
pub(super) struct Serving {
    pub(super) front: Front,
    pub(super) health: Health,
    pub(super) lock: Option<LockFile>,
    pub(super) processes: Processes,
    pub(super) app: Config,
    /// From TERM to KILL.
    pub(super) grace: Duration,
}

/// Ends it; a second signal ends it at once.
pub(super) async fn run(mut serving: Serving, signal: i32, ends: &mut Ends) -> ExitCode {
    let processes = serving.processes.clone();
    tracing::info!(signal = name(signal), "draining");
    tokio::select! {
        code = orderly(&mut serving, signal) => code,
        second = ends.next() => {
            // Nobody may start another process meanwhile.
            serving.front.cut();
            let left = processes.kill_all(AT_ONCE).await;
            tracing::warn!(signal = name(second), left, "second signal: ended at once");
            ExitCode::from(u8::try_from(128 + second).unwrap_or(1))
        }
    }
}

async fn orderly(serving: &mut Serving, signal: i32) -> ExitCode {
    serving.health.enter(Phase::Draining);
    drop(serving.lock.take());
    // Somebody at a terminal does not wait for load balancers.
    if signal != libc::SIGINT {
        sleep(serving.app.shutdown_delay).await;
    }
    serving.front.close().await;
    let cut = finish(serving).await;
    serving.processes.end_all(serving.grace).await;
    if cut > 0 {
        tracing::error!(calls = cut, "drain_timeout is over: calls were cut");
        return ExitCode::FAILURE;
    }
    tracing::info!("drained");
    ExitCode::SUCCESS
}

/// Waits for what is in flight; how many calls had to be cut.
async fn finish(serving: &Serving) -> u64 {
    let finished = serving.front.finished();
    match serving.app.drain_timeout {
        None => finished.await,
        Some(limit) if timeout(limit, finished).await.is_ok() => {}
        Some(_) => {
            let cut = serving.front.cut();
            let _ = timeout(serving.grace + AFTER_CUT, serving.front.finished()).await;
            return cut;
        }
    }
    0
}

fn name(signal: i32) -> &'static str {
    nix::sys::signal::Signal::try_from(signal).map_or("a real-time signal", |signal| signal.as_str())
}
