//! What the scheduler gives to a process, by proc_pid_stat(5): to tell one that hangs from one that waits for its turn.

use std::fs::{read_dir, read_to_string};
use std::time::Duration;

use super::children::stat_fields;

/// What /proc counts in, in milliseconds: USER_HZ is 100 on every architecture that heeler is built for.
const TICK: u64 = 10;

/// Processor time that all threads of a process have had since its start; `None` of one that is gone, and where /proc
/// cannot be read.
pub fn processor_time(pid: i32) -> Option<Duration> {
    parse_time(&read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Whether a thread of it runs, or would if there were a processor for it.
pub fn is_runnable(pid: i32) -> bool {
    let threads = read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
    // A thread may end between the listing and the look.
    let mut stats = threads.filter_map(|thread| read_to_string(thread.ok()?.path().join("stat")).ok());
    stats.any(|stat| is_running(&stat))
}

/// Fields 14 and 15: in its own code, and in the kernel.
fn parse_time(stat: &str) -> Option<Duration> {
    let mut ticks = stat_fields(stat)?.skip(11).map(str::parse::<u64>);
    let ticks = ticks.next()?.ok()?.saturating_add(ticks.next()?.ok()?);
    Some(Duration::from_millis(ticks.saturating_mul(TICK)))
}

/// Field 3 says so of those that wait for a processor, too.
fn is_running(stat: &str) -> bool {
    stat_fields(stat).and_then(|mut fields| fields.next()) == Some("R")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_and_times_are_behind_the_last_parenthesis() {
        let stat = "7 (a) b (c) R 1 7 7 0 -1 4194304 153 0 0 0 250 31 9 9 20 0 1 0 1234 5 6 18446744073709551615";
        assert_eq!(parse_time(stat), Some(Duration::from_millis(2810)));
        assert!(is_running(stat) && !is_running(&stat.replace(") R", ") S")));
        assert!(parse_time("7 (a) R 1 7").is_none());
    }

    #[test]
    fn whoever_looks_at_itself_is_running() {
        let me = nix::unistd::getpid().as_raw();
        assert!(is_runnable(me) && processor_time(me).is_some());
        assert!(!is_runnable(i32::MAX) && processor_time(i32::MAX).is_none());
    }
}
