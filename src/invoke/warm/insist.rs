//! What a worker may be made to pay that does not let go of a cancelled call.

use std::pin::pin;
use std::sync::Weak;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::ask::Question;
use super::worker::Worker;
use crate::process::{is_runnable, processor_time};

/// A worker that is alive, and gets a processor, answers a ping within this.
const PONG: Duration = Duration::from_secs(1);
/// Who has had so much of a processor, and has not answered, would not with more either.
const ENOUGH: Duration = Duration::from_millis(500);
/// A worker that waits for a processor is waited for this many times as long: where there is none for half a minute, a
/// fresh worker might have better luck.
const TURNS: u32 = 30;

/// A call that is not let go of within the grace costs the worker its life: if it has no other, or if it does not
/// even answer a ping.
pub(super) async fn insist(worker: Weak<Worker>, number: u32, grace: Duration) {
    sleep(grace).await;
    let Some(worker) = worker.upgrade() else { return };
    if !worker.owes(number) {
        return;
    }
    if worker.concurrency() > 1 && answers(&worker).await {
        worker.holds(number);
    } else {
        worker.condemn();
    }
}

/// Whatever it says: that it does is enough. On a machine with too much to do its death would cost its other calls, and
/// its start the processor time that is short already.
async fn answers(worker: &Worker) -> bool {
    let before = worker.pid().and_then(|pid| Some((pid, processor_time(pid)?)));
    let mut answer = pin!(worker.ask(Question::Alive));
    for round in 0..TURNS {
        if timeout(PONG, &mut answer).await.is_ok() {
            return true;
        }
        let Some((pid, _)) = before.filter(|(pid, had)| waits_for_a_processor(*pid, *had)) else { return false };
        if round == 0 {
            tracing::warn!(pid, "the worker does not answer, but waits for a processor: it is given more time");
        }
    }
    false
}

/// Not what hangs without work to do, nor what is busy and does not listen.
fn waits_for_a_processor(pid: i32, had: Duration) -> bool {
    processor_time(pid).is_some_and(|now| now.saturating_sub(had) < ENOUGH) && is_runnable(pid)
}
