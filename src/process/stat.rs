//! How a process fares, by proc_pid_stat(5): to tell one that hangs from one that waits for its turn, and one that is at
//! its end from one that closed a connection.

use std::fs::{read_dir, read_to_string};
use std::time::Duration;

/// What /proc counts in, in milliseconds: USER_HZ is 100 on every architecture that heeler is built for.
const TICK: u64 = 10;
/// The kernel's include/linux/sched.h.
const PF_EXITING: u64 = 4;

/// Processor time that all threads of a process have had since its start; `None` of one that is gone, and where /proc
/// cannot be read.
pub fn processor_time(pid: i32) -> Option<Duration> {
    parse_time(&read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Whether a thread of it runs, or would if there were a processor for it.
pub fn is_runnable(pid: i32) -> bool {
    threads(pid).any(|stat| is_running(&stat))
}

/// Whether none of it will run its own code again: it exits or was killed, and may not be a zombie yet. Its files are
/// closed after that shows, so whoever sees a connection end by it sees this, too (do_exit in the kernel's exit.c; the
/// last thread's, where there are several). Not of one that is gone, and nowhere that /proc cannot be read.
pub fn is_ending(pid: i32) -> bool {
    let mut threads = threads(pid).peekable();
    threads.peek().is_some() && threads.all(|stat| is_exiting(&stat))
}

/// What is told of each of its threads. One may end between the listing and the look.
fn threads(pid: i32) -> impl Iterator<Item = String> {
    let threads = read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
    threads.filter_map(|thread| read_to_string(thread.ok()?.path().join("stat")).ok())
}

/// Fields 3 and up; the name in field 2 may hold spaces and parentheses, so count from its last `)`.
pub(super) fn fields(stat: &str) -> Option<impl Iterator<Item = &str>> {
    Some(stat.rsplit_once(')')?.1.split_ascii_whitespace())
}

/// Fields 14 and 15: in its own code, and in the kernel.
fn parse_time(stat: &str) -> Option<Duration> {
    let mut ticks = fields(stat)?.skip(11).map(str::parse::<u64>);
    let ticks = ticks.next()?.ok()?.saturating_add(ticks.next()?.ok()?);
    Some(Duration::from_millis(ticks.saturating_mul(TICK)))
}

/// Field 3 says so of those that wait for a processor, too.
fn is_running(stat: &str) -> bool {
    fields(stat).and_then(|mut fields| fields.next()) == Some("R")
}

/// Field 9.
fn is_exiting(stat: &str) -> bool {
    let flags = fields(stat).and_then(|mut fields| fields.nth(6)?.parse::<u64>().ok());
    flags.is_some_and(|flags| flags & PF_EXITING != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_and_times_are_behind_the_last_parenthesis() {
        let stat = "7 (a) b (c) R 1 7 7 0 -1 4194304 153 0 0 0 250 31 9 9 20 0 1 0 1234 5 6 18446744073709551615";
        assert_eq!(parse_time(stat), Some(Duration::from_millis(2810)));
        assert!(is_running(stat) && !is_running(&stat.replace(") R", ") S")));
        assert!(!is_exiting(stat) && is_exiting(&stat.replace("4194304", "4194308")));
        assert!(parse_time("7 (a) R 1 7").is_none() && !is_exiting("7 (a) R 1 7"));
    }

    #[test]
    fn whoever_looks_at_itself_is_running() {
        let me = nix::unistd::getpid().as_raw();
        assert!(is_runnable(me) && processor_time(me).is_some() && !is_ending(me));
        assert!(!is_runnable(i32::MAX) && processor_time(i32::MAX).is_none() && !is_ending(i32::MAX));
    }
}
