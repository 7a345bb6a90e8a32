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
use super::patience::Patience;

/// of-watchdog's own limit, which images are known to live with: a server that serves one connection at a time is not
/// held up for longer.
const LONGEST_IDLE: Duration = Duration::from_millis(500);

/// The idle connections to one upstream, the last one used on top.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool(Arc<Mutex<Connections>>);

#[derive(Debug, Default)]
struct Connections {
    idle: Vec<Idle>,
    patience: Patience,
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
        let mut connections = lock(&self.0);
        loop {
            let idle = match repeatable {
                true => connections.newest(now),
                false => connections.oldest_of_the_young(now),
            }?;
            if connections.is_open(&idle, now) {
                return Some(idle.connection);
            }
        }
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

impl Connections {
    /// So that those which are not needed any more grow old.
    fn newest(&mut self, now: Instant) -> Option<Idle> {
        self.idle.pop().filter(|idle| idle.age(now) < LONGEST_IDLE)
    }

    /// The younger ones are still young for the next call. If there is none, one of the old is closed: the fresh
    /// connection that is opened instead takes its place at the upstream.
    fn oldest_of_the_young(&mut self, now: Instant) -> Option<Idle> {
        let surely_open = self.patience.surely_open();
        let first = self.idle.partition_point(|idle| idle.age(now) > surely_open);
        if first < self.idle.len() {
            return Some(self.idle.remove(first));
        }
        if let Some(old) = self.idle.pop() {
            self.is_open(&old, now);
        }
        None
    }

    /// Bytes behind an answer belong to no call, and an end is an end. Either way it is known of the upstream from now on.
    fn is_open(&mut self, idle: &Idle, now: Instant) -> bool {
        let is_open = idle.connection.stream.is_quiet();
        self.patience.learn(idle.age(now), is_open);
        is_open
    }
}

impl Idle {
    fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
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
        let closed: Vec<_> = connections.idle.drain(..old).collect();
        for idle in &closed {
            connections.is_open(idle, now);
        }
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
