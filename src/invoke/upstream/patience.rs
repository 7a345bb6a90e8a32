//! For how long an idle connection is surely open, learned from those that were idle for longer.
//!
//! Servers close idle connections after a time that is always the same, mostly seconds, and do not tell it. One that was
//! still open after a while says that the time is longer. One that was found closed says that nothing is sure.

use std::time::Duration;

/// No server closes a connection so soon after its answer, but one that said `Connection: close`. Under load heeler
/// itself takes a millisecond from one look at a connection to the next.
const LEAST: Duration = Duration::from_millis(2);
/// A connection that is idle for longer under load is not needed.
const MOST: Duration = Duration::from_millis(100);
/// So much of what was seen is trusted. heeler counts from when it read an answer, and the server from when it wrote it.
const SHARE: u32 = 4;

/// What one upstream was seen to do.
#[derive(Debug)]
pub(super) struct Patience(Duration);

impl Default for Patience {
    fn default() -> Patience {
        Patience(LEAST)
    }
}

impl Patience {
    /// No connection that was idle for less than that is about to be closed.
    pub(super) fn surely_open(&self) -> Duration {
        self.0
    }

    /// A connection that was idle for so long was found open, or not: then all begins anew.
    pub(super) fn learn(&mut self, idle: Duration, is_open: bool) {
        self.0 = if is_open { (idle / SHARE).clamp(self.0, MOST) } else { LEAST };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn it_grows_with_what_was_seen_and_is_lost_at_once() {
        let mut patience = Patience::default();
        let mut after = |idle, is_open| {
            patience.learn(idle, is_open);
            patience.surely_open()
        };
        assert_eq!(after(MS, true), LEAST);
        assert_eq!(after(40 * MS, true), 10 * MS);
        assert_eq!(after(MS, true), 10 * MS, "a young one says nothing of the old");
        assert_eq!(after(499 * MS, true), MOST);
        assert_eq!(after(300 * MS, false), LEAST);
    }
}
