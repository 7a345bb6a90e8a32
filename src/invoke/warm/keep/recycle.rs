//! When a worker has done enough and a fresh one is to take its place.

use std::future::pending;
use std::time::Duration;

use tokio::time::sleep;

use crate::duration;
use crate::invoke::chance::chance;
use crate::invoke::warm::config::Config;
use crate::invoke::warm::worker::Worker;
use crate::metrics::resident_bytes_of;

/// Between two looks at a worker's memory.
const LOOK: Duration = Duration::from_secs(3);
/// Workers that started together are not replaced together: each limit is taken down by up to this part of it.
const SPREAD: f64 = 0.1;

/// Resolves with the reason.
pub(super) async fn due(worker: &Worker, pid: i32, config: &Config) -> String {
    tokio::select! {
        () = worker.wants_replacement() => "it has served its calls, or wants no more".to_owned(),
        age = old(config.max_age) => format!("it is {} old (worker_max_age)", duration::show(age)),
        rss = large(pid, config.max_rss) => format!("it holds {} MiB (worker_max_rss)", rss >> 20),
    }
}

/// After how many calls, somewhat fewer than the setting says.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "about so many"
)]
pub(super) fn requests(most: u64) -> u64 {
    most - (most as f64 * SPREAD * chance()) as u64
}

async fn old(most: Option<Duration>) -> Duration {
    let Some(most) = most else { return pending().await };
    let age = most.mul_f64(1.0 - SPREAD * chance());
    sleep(age).await;
    age
}

async fn large(pid: i32, most: Option<u64>) -> u64 {
    let Some(most) = most else { return pending().await };
    loop {
        sleep(LOOK.mul_f64(1.0 - SPREAD * chance())).await;
        // Where it cannot be told, its process is gone, and that is heard elsewhere.
        if let Some(rss) = resident_bytes_of(pid).filter(|rss| *rss > most) {
            return rss;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_spread_downwards() {
        for most in [1, 5, 9] {
            assert_eq!(requests(most), most);
        }
        let seen: Vec<u64> = (0..100).map(|_| requests(1000)).collect();
        assert!(seen.iter().all(|count| (900..=1000).contains(count)), "{seen:?}");
        assert!(seen.iter().any(|count| *count != seen[0]));
    }

    #[tokio::test(start_paused = true)]
    async fn age_is_about_what_is_set() {
        let age = old(Some(Duration::from_secs(100))).await;
        assert!((Duration::from_secs(90)..=Duration::from_secs(100)).contains(&age), "{age:?}");
    }
}
