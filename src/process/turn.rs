//! What the scheduler gives to a process, by proc_pid_stat(5): to tell one that hangs from one that waits for its turn.

use std::fs::{read_dir, read_to_string};
use std::time::Duration;

/// What /proc counts in, in milliseconds: USER_HZ is 100 on every architecture that heeler is built for.
const TICK: u64 = 10;

/// How a process stands with the scheduler, all its threads taken together.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// Processor time that it has had since its start.
    pub had: Duration,
    /// A thread of it runs, or would if there were a processor for it.
    pub runnable: bool,
}

impl Turn {
    /// `None` of a process that is gone, and where /proc cannot be read.
    pub fn of(pid: i32) -> Option<Turn> {
        let had = parse(&read_to_string(format!("/proc/{pid}/stat")).ok()?)?.had;
        let mut threads = read_dir(format!("/proc/{pid}/task")).ok()?;
        let runnable = threads.any(|thread| {
            // A thread may end between the listing and the look.
            let stat = thread.and_then(|thread| read_to_string(thread.path().join("stat")));
            stat.ok().and_then(|stat| parse(&stat)).is_some_and(|turn| turn.runnable)
        });
        Some(Turn { had, runnable })
    }
}

/// Fields 3, 14 and 15; the name in field 2 may hold spaces and parentheses, so count from its last `)`.
fn parse(stat: &str) -> Option<Turn> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    let mut times = fields.skip(10);
    let mut ticks = || times.next()?.parse::<u64>().ok();
    Some(Turn {
        had: Duration::from_millis(ticks()?.saturating_add(ticks()?).saturating_mul(TICK)),
        runnable: state == "R",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_and_times_are_behind_the_last_parenthesis() {
        let stat = "7 (a) b (c) R 1 7 7 0 -1 4194304 153 0 0 0 250 31 9 9 20 0 1 0 1234 5 6 18446744073709551615";
        let turn = parse(stat).unwrap();
        assert_eq!((turn.had, turn.runnable), (Duration::from_millis(2810), true));
        assert!(!parse(&stat.replace(") R", ") S")).unwrap().runnable);
        assert!(parse("7 (a) R 1 7").is_none());
    }

    #[test]
    fn whoever_looks_at_itself_is_running() {
        let me = nix::unistd::getpid().as_raw();
        assert!(Turn::of(me).unwrap().runnable);
        assert!(Turn::of(i32::MAX).is_none());
    }
}
