//! A timer that is due before any call's deadline, for as long as there are calls.
//!
//! The runtime writes to its own eventfd whenever a timer is made that is due before all others, since it may be asleep
//! for too long. Where nothing else is due, that is each call's deadline: one write and one wake-up more for each call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::sleep;

/// Shorter than deadlines are, and no burden while there are calls.
const PERIOD: Duration = Duration::from_secs(1);

/// No timer.
const STILL: u8 = 0;
/// No call since it last was due.
const UNUSED: u8 = 1;
const USED: u8 = 2;

/// Beats while there are calls, and is still a moment after the last one.
#[derive(Debug, Default)]
pub(super) struct Pulse(AtomicU8);

impl Pulse {
    /// A call has come. Inside a runtime.
    pub(super) fn keep(self: &Arc<Pulse>) {
        if self.0.load(Relaxed) != USED && self.0.swap(USED, Relaxed) == STILL {
            let pulse = self.clone();
            crate::task::spawn(async move { pulse.beat().await });
        }
    }

    async fn beat(&self) {
        while self.0.compare_exchange(UNUSED, STILL, Relaxed, Relaxed).is_err() {
            self.0.store(UNUSED, Relaxed);
            sleep(PERIOD).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_beats_while_there_are_calls() {
        let pulse = Arc::new(Pulse::default());
        for _ in 0..2 {
            for _ in 0..3 {
                pulse.keep();
                assert_eq!(Arc::strong_count(&pulse), 2, "one timer, however many calls");
                sleep(PERIOD / 2).await;
            }
            sleep(2 * PERIOD).await;
            assert_eq!(Arc::strong_count(&pulse), 1, "no timer without calls");
        }
    }
}
