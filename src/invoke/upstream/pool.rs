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
#[derive(Clone, Debug, Default)]
pub(super) struct Pool(Arc<Mutex<Connections>>);

#[derive(Debug, Default)]
struct Connections {
    idle: Vec<Idle>,
    /// Somebody is there who closes the old ones: one task, however often the last one is taken and put back.
    swept: bool,
}

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
        let idle = lock(&self.0).idle.pop()?;
        (now.saturating_duration_since(idle.since) < LONGEST_IDLE).then_some(idle.connection)
    }

    /// The younger ones are still young for the next call. If there is none, one of the old is closed: the fresh
    /// connection that is opened instead takes its place at the upstream.
    fn oldest_of_the_young(&self, now: Instant) -> Option<Connection> {
        let all = &mut lock(&self.0).idle;
        let first = all.partition_point(|idle| now.saturating_duration_since(idle.since) > SURELY_OPEN);
        if first < all.len() {
            return Some(all.remove(first).connection);
        }
        all.pop();
        None
    }

    /// A connection whose call is over on both sides.
    pub(super) fn put(&self, mut connection: Connection) {
        if !connection.buffer.is_empty() {
            return;
        }
        connection.buffer = BytesMut::new(); // Idle connections hold no memory.
        let mut connections = lock(&self.0);
        connections.idle.push(Idle { connection, since: Instant::now() });
        if !std::mem::replace(&mut connections.swept, true) {
            crate::task::spawn(sweep(Arc::downgrade(&self.0)));
        }
    }
}

fn lock(connections: &Mutex<Connections>) -> MutexGuard<'_, Connections> {
    connections.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Closes what has been idle for too long, and ends when nothing is left.
async fn sweep(pool: Weak<Mutex<Connections>>) {
    let mut next = Instant::now() + LONGEST_IDLE;
    loop {
        sleep_until(next).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut connections = lock(&pool);
        let now = Instant::now();
        // The oldest ones are at the bottom.
        let old = connections.idle.partition_point(|idle| idle.since + LONGEST_IDLE <= now);
        connections.idle.drain(..old);
        match connections.idle.first() {
            Some(oldest) => next = oldest.since + LONGEST_IDLE,
            None => {
                connections.swept = false;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixStream;
    use tokio::time::sleep;

    use super::super::stream::Stream;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_task_sweeps_however_often_the_last_connection_is_used() {
        let pool = Pool::default();
        let (ours, _theirs) = UnixStream::pair().unwrap();
        pool.put(Connection::new(Stream::Unix(ours)));
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        for _ in 0..100 {
            let connection = pool.take(true).expect("the connection that was put back");
            pool.put(connection);
        }
        assert_eq!(tasks(), 1);
        sleep(LONGEST_IDLE * 3).await;
        assert_eq!(tasks(), 0);
        assert!(lock(&pool.0).idle.is_empty(), "the connection was idle for too long");
        let (ours, _theirs) = UnixStream::pair().unwrap();
        pool.put(Connection::new(Stream::Unix(ours)));
        assert_eq!(tasks(), 1, "and there is one again when there is something to sweep");
    }
}
