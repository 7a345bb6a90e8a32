//! Idle connections, and which call may have which.
//!
//! An upstream may close an idle connection at any moment, and a call that is on its way then is lost: whether it ran
//! cannot be told. So a call that must not run twice goes out only on a connection that was idle for so short that the
//! upstream cannot have meant to close it, or on a fresh one. Calls that may run twice take any, and one repetition.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::{Instant, sleep_until};

use super::connection::Connection;

/// No server closes a connection so soon after its answer, but one that said `Connection: close`. Under load heeler
/// itself takes a millisecond from one look at a connection to the next.
const SURELY_OPEN: Duration = Duration::from_millis(2);
/// of-watchdog's own limit, which images are known to live with: a server that serves one connection at a time is not
/// held up for longer.
const LONGEST_IDLE: Duration = Duration::from_millis(500);

/// The idle connections to one upstream, the last one used on top.
#[derive(Debug, Default)]
pub(super) struct Pool(Arc<Mutex<Vec<Idle>>>);

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// A connection for a call that may run twice, or must not.
    pub(super) fn take(&self, repeatable: bool) -> Option<Connection> {
        let now = Instant::now();
        loop {
            let connection = match repeatable {
                true => self.newest(now),
                false => self.oldest_of_the_young(now),
            }?;
            // Bytes behind an answer belong to no call, and an end is an end.
            if connection.stream.is_quiet() {
                return Some(connection);
            }
        }
    }

    /// So that those which are not needed any more grow old.
    fn newest(&self, now: Instant) -> Option<Connection> {
        let idle = lock(&self.0).pop()?;
        (now.saturating_duration_since(idle.since) < LONGEST_IDLE).then_some(idle.connection)
    }

    /// The younger ones are still young for the next call. If there is none, one of the old is closed: the fresh
    /// connection that is opened instead takes its place at the upstream.
    fn oldest_of_the_young(&self, now: Instant) -> Option<Connection> {
        let mut all = lock(&self.0);
        let first = all.partition_point(|idle| now.saturating_duration_since(idle.since) > SURELY_OPEN);
        if first < all.len() {
            return Some(all.remove(first).connection);
        }
        let old = all.pop();
        drop(all);
        drop(old);
        None
    }

    /// A connection whose call is over on both sides.
    pub(super) fn put(&self, mut connection: Connection) {
        if !connection.buffer.is_empty() {
            return;
        }
        connection.buffer = BytesMut::new(); // Idle connections hold no memory.
        connection.reused = true;
        let mut idle = lock(&self.0);
        let first = idle.is_empty();
        idle.push(Idle { connection, since: Instant::now() });
        if first {
            crate::task::spawn(sweep(Arc::downgrade(&self.0)));
        }
    }
}

fn lock(idle: &Mutex<Vec<Idle>>) -> MutexGuard<'_, Vec<Idle>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Closes what has been idle for too long, and ends when nothing is left.
async fn sweep(pool: Weak<Mutex<Vec<Idle>>>) {
    let mut next = Instant::now() + LONGEST_IDLE;
    loop {
        sleep_until(next).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = lock(&pool);
        let now = Instant::now();
        // The oldest ones are at the bottom.
        let old = idle.partition_point(|idle| idle.since + LONGEST_IDLE <= now);
        idle.drain(..old);
        match idle.first() {
            Some(oldest) => next = oldest.since + LONGEST_IDLE,
            None => return,
        }
    }
}
