//! The end of everything below heeler, at the end of heeler.

use std::time::Duration;

use tokio::time::Instant;

use super::reaper::Processes;
use super::tree::{KILL_ROUND, LONGEST_KILL};

impl Processes {
    /// TERM to all, `grace`, then KILL. Leaves nothing behind that can be ended.
    pub async fn end_all(&self, grace: Duration) {
        if self.count() == 0 {
            return;
        }
        self.signal_everything(libc::SIGTERM);
        if !self.gone_by(Instant::now() + grace).await {
            let left = self.kill_all(LONGEST_KILL).await;
            if left > 0 {
                tracing::error!(left, "processes survive KILL");
                self.metrics().survivors(left as u64);
            }
        }
    }

    /// KILL to all, again until none is left or the time is over; how many are left.
    pub async fn kill_all(&self, limit: Duration) -> usize {
        let give_up = Instant::now() + limit;
        while self.count() > 0 && Instant::now() < give_up {
            self.signal_everything(libc::SIGKILL);
            self.gone_by(Instant::now() + KILL_ROUND).await;
        }
        self.count()
    }

    async fn gone_by(&self, deadline: Instant) -> bool {
        self.until(deadline, || self.count() == 0).await
    }
}
