//! Names of other hosts: the system's resolver is asked, and its answer remembered for a moment.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::Instant;

/// Long enough that a burst of connections asks once, short enough that nobody waits for a host that has moved.
const REMEMBERED: Duration = Duration::from_secs(3);

/// There is one upstream, so the last answer is all that there is to remember.
static LAST: Mutex<Option<Answer>> = Mutex::new(None);

struct Answer {
    host: String,
    port: u16,
    addresses: Vec<SocketAddr>,
    at: Instant,
}

impl Answer {
    fn fits(&self, host: &str, port: u16) -> bool {
        self.host == host && self.port == port && self.at.elapsed() < REMEMBERED
    }
}

/// All addresses of a host, in the order in which they are to be tried.
pub(super) async fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Some(answer) = last().as_ref().filter(|answer| answer.fits(host, port)) {
        return Ok(answer.addresses.clone());
    }
    let addresses: Vec<SocketAddr> = lookup_host((host, port))
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot resolve {host:?}: {error}")))?
        .collect();
    let answer = Answer { host: host.to_owned(), port, addresses: addresses.clone(), at: Instant::now() };
    *last() = Some(answer);
    Ok(addresses)
}

/// The addresses did not answer: they are asked for anew next time.
pub(super) fn forget() {
    *last() = None;
}

fn last() -> MutexGuard<'static, Option<Answer>> {
    LAST.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_of_use_for_its_host_and_a_moment() {
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(
            async {
                let answer = Answer { host: "a".to_owned(), port: 80, addresses: vec![], at: Instant::now() };
                assert!(answer.fits("a", 80) && !answer.fits("b", 80) && !answer.fits("a", 81));
                tokio::time::advance(REMEMBERED - Duration::from_millis(1)).await;
                assert!(answer.fits("a", 80));
                tokio::time::advance(Duration::from_millis(1)).await;
                assert!(!answer.fits("a", 80));
            },
        );
    }
}
