//! From a started process to one that is up: it accepts, and says so at `ready_path` if that is set.

use std::io;
use std::time::Duration;

use hyper::StatusCode;
use tokio::time::{sleep, timeout};

use crate::duration;
use crate::invoke::upstream::config::{Address, Config};
use crate::invoke::upstream::endpoint::Endpoint;

/// A compiled server accepts within a few of these.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// Rare enough to cost nothing beside a slow start, often enough to add nothing to it.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// One question. A server that has the connection in its backlog may answer late, one that lost it never does.
const ANSWER: Duration = Duration::from_secs(5);

/// What is still missing.
#[derive(Debug)]
pub(super) enum Missing {
    /// It does not accept; what the last try met, if that was not the ordinary refusal.
    Accept(Option<io::Error>),
    /// It accepts, and has said this at `ready_path`, or nothing.
    Ready(Option<StatusCode>),
}

impl Missing {
    /// Resolves when nothing is.
    pub(super) async fn nothing(&mut self, endpoint: &Endpoint, config: &Config) {
        let mut pauses = Pauses(FIRST_PAUSE);
        while let Err(error) = endpoint.accepts().await {
            *self = Missing::Accept(Some(error).filter(|error| error.kind() != io::ErrorKind::ConnectionRefused));
            pauses.next().await;
        }
        let Some(path) = &config.ready_path else { return };
        *self = Missing::Ready(None);
        let mut pauses = Pauses(FIRST_PAUSE);
        loop {
            match timeout(ANSWER, endpoint.status_of(config, path)).await {
                Ok(Ok(status)) if status.as_u16() < 400 => return,
                Ok(Ok(status)) => *self = Missing::Ready(Some(status)),
                // It may be between its first answers and its death, or busy: the last answer says more.
                Ok(Err(_)) | Err(_) => {}
            }
            pauses.next().await;
        }
    }

    /// That it took too long.
    pub(super) fn too_late(&self, endpoint: &Endpoint, config: &Config) -> String {
        let target = endpoint.target();
        let limit = format!("within {} (start_timeout)", duration::show(config.start_timeout));
        let path = config.ready_path.as_deref().unwrap_or_default();
        match self {
            Missing::Accept(None) if config.address == Address::Free => format!(
                "the handler did not accept on {target} {limit}; it is told this port as PORT, and http_upstream_url \
                 names another one"
            ),
            Missing::Accept(None) => format!("the handler did not accept on {target} {limit}"),
            Missing::Accept(Some(error)) => format!("the handler did not accept on {target} {limit}: {error}"),
            Missing::Ready(None) => format!("the handler accepts on {target}, but did not answer at {path} {limit}"),
            Missing::Ready(Some(status)) => format!(
                "the handler accepts on {target}, but did not say that it is ready at {path} {limit}; its last answer \
                 was {}",
                status.as_u16()
            ),
        }
    }
}

struct Pauses(Duration);

impl Pauses {
    async fn next(&mut self) {
        sleep(self.0).await;
        self.0 = self.0.saturating_mul(3).div_f64(2.0).min(LONGEST_PAUSE);
    }
}
