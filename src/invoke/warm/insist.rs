//! What a worker may be made to pay that does not let go of a cancelled call.

use std::sync::Weak;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::ask::Question;
use super::worker::Worker;

/// A worker that is alive answers a ping within this.
const PONG: Duration = Duration::from_secs(1);

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

/// Whatever it says: that it does is enough.
async fn answers(worker: &Worker) -> bool {
    timeout(PONG, worker.ask(Question::Alive)).await.is_ok()
}
