//! The end, in order: unready, wait, close the door, finish, end what is left.

use std::process::ExitCode;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Config;
use super::kept::Keeper;
use super::signals::Ends;
use super::start::Failure;
use crate::front::Front;
use crate::health::{Health, LockFile, Phase};
use crate::invoke::Over;
use crate::process::Processes;

/// Calls that were cut are ended as any other, by TERM and KILL; this is beyond what those take.
const AFTER_CUT: Duration = Duration::from_secs(6);
/// Sessions on upgraded connections get no longer than this.
const LONGEST_SESSIONS: Duration = Duration::from_secs(30);
/// After a second signal nobody wants to wait.
const AT_ONCE: Duration = Duration::from_millis(500);

/// A function that serves, or is about to.
pub(super) struct Serving {
    pub(super) front: Front,
    pub(super) health: Health,
    pub(super) lock: Option<LockFile>,
    /// Where the handler is a server that is kept.
    pub(super) keeper: Option<Keeper>,
    pub(super) processes: Processes,
    pub(super) app: Config,
    /// From TERM to KILL.
    pub(super) grace: Duration,
}

/// What ends it.
pub(super) enum Why {
    /// Somebody asked for it.
    Signal(i32),
    /// There is no handler any more.
    Over(Over),
}

/// Ends it; a signal while that is under way ends it at once.
pub(super) async fn run(mut serving: Serving, why: Why, ends: &mut Ends) -> Result<ExitCode, Failure> {
    match &why {
        Why::Signal(signal) => tracing::info!(signal = name(*signal), "draining"),
        Why::Over(_) => tracing::info!("draining: the handler is over"),
    }
    tokio::select! {
        ended = orderly(&mut serving, &why) => ended,
        second = second_signal(ends, &why) => Ok(at_once(serving, second).await),
    }
}

/// A drain that nobody asked for has its first signal still to come: that one asks for what is done already.
async fn second_signal(ends: &mut Ends, why: &Why) -> i32 {
    if let Why::Over(_) = why {
        ends.next().await;
    }
    ends.next().await
}

async fn at_once(mut serving: Serving, second: i32) -> ExitCode {
    // Nobody may start another process meanwhile.
    drop(serving.keeper.take());
    serving.front.cut();
    let left = serving.processes.kill_all(AT_ONCE).await;
    tracing::warn!(signal = name(second), left, "second signal: ended at once");
    ExitCode::from(u8::try_from(128 + second).unwrap_or(1))
}

async fn orderly(serving: &mut Serving, why: &Why) -> Result<ExitCode, Failure> {
    let never_ready = serving.health.phase() == Phase::Starting;
    serving.health.enter(Phase::Draining);
    drop(serving.lock.take());
    if never_ready {
        // Calls that wait for the first start are not worth that start: they never ran.
        end_handler(serving).await;
    } else if is_worth_a_delay(why) {
        sleep(serving.app.shutdown_delay).await;
    }
    serving.front.close().await;
    let cut = finish(serving).await;
    end_handler(serving).await;
    serving.processes.end_all(serving.grace).await;
    if cut > 0 {
        tracing::error!(calls = cut, "drain_timeout is over: calls were cut");
        return Ok(ExitCode::FAILURE);
    }
    tracing::info!("drained");
    match why {
        Why::Over(over) if over.code != 0 => Err(over.clone().into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Somebody at a terminal does not wait for load balancers, and calls that nobody can serve had better go elsewhere.
fn is_worth_a_delay(why: &Why) -> bool {
    matches!(why, Why::Signal(signal) if *signal != libc::SIGINT)
}

/// The server that was kept hears TERM now, after the last call. Sessions on upgraded connections may last for days:
/// they do not hold TERM back, and have a while from then.
async fn end_handler(serving: &mut Serving) {
    let limit = serving.app.drain_timeout.map_or(LONGEST_SESSIONS, |limit| limit.min(LONGEST_SESSIONS));
    let sessions = serving.front.tunnels_over(limit);
    match serving.keeper.take() {
        Some(keeper) => keeper.end(sessions, serving.grace).await,
        None => sessions.await,
    }
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
