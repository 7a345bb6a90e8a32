//! When to start a process again: a pure state machine.

use std::time::Duration;

/// What happens when a long-lived handler dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// It is started again.
    Always,
    /// The container ends with the handler's code.
    Never,
}

/// How one start turned out, told at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It never came up.
    Failed,
    /// It was up.
    Up {
        /// From then to its end.
        lived: Duration,
        /// Whether it has served anything.
        served: bool,
    },
}

/// How long to pause between starts that fail.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
    first: Duration,
    longest: Duration,
    good_life: Duration,
}

/// A handler that was up for so long was no failure, however it ended.
pub const GOOD_LIFE: Duration = Duration::from_secs(10);

impl Pauses {
    /// Those of a handler that is kept: from a tenth of a second to ten. One that answered a call was no failure, too.
    pub const KEPT: Pauses = Pauses::new(Duration::from_millis(100), Duration::from_secs(10), GOOD_LIFE);

    /// From `first`, doubled with each failure, to `longest`. A life of `good_life` is no failure, however it ended.
    /// Bounds that make no sense are a fault of the code, found where the constant is computed.
    pub const fn new(first: Duration, longest: Duration, good_life: Duration) -> Pauses {
        assert!(!first.is_zero(), "a pause of nothing can be doubled for ever");
        assert!(first.as_nanos() <= longest.as_nanos(), "the first pause is the shortest one");
        Pauses { first, longest, good_life }
    }

    /// Whether a life was none that failed.
    pub fn is_good(&self, life: Life) -> bool {
        match life {
            Life::Failed => false,
            Life::Up { lived, served } => served || lived >= self.good_life,
        }
    }
}

/// Counts failed starts in a row.
#[derive(Debug)]
pub struct Backoff {
    pauses: Pauses,
    failures: u32,
}

impl Backoff {
    /// Nothing has failed yet.
    pub const fn new(pauses: Pauses) -> Backoff {
        Backoff { pauses, failures: 0 }
    }

    /// The pause before the next start. `chance` is a random number from 0 to 1: the pause is at least half of what
    /// the failures make it, so that instances that fail together do not start again together.
    pub fn after(&mut self, life: Life, chance: f64) -> Duration {
        if self.is_good(life) {
            self.failures = 0;
            return Duration::ZERO;
        }
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        let pause = self.pauses.first.saturating_mul(factor).min(self.pauses.longest);
        pause.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }

    /// Whether a life was none that failed.
    pub fn is_good(&self, life: Life) -> bool {
        self.pauses.is_good(life)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const SECOND: Duration = Duration::from_secs(1);
    const PAUSES: Pauses = Pauses::new(MS.saturating_mul(100), SECOND, SECOND.saturating_mul(10));

    fn up(lived: Duration, served: bool) -> Life {
        Life::Up { lived, served }
    }

    /// The pauses after these lives, one after the other, without jitter.
    fn check(lives: &[Life], pauses_ms: &[u32]) {
        let mut backoff = Backoff::new(PAUSES);
        let seen: Vec<Duration> = lives.iter().map(|life| backoff.after(*life, 1.0)).collect();
        let expected: Vec<Duration> = pauses_ms.iter().map(|ms| MS * *ms).collect();
        assert_eq!(seen, expected, "{lives:?}");
    }

    #[test]
    fn pauses_grow_over_failures_up_to_a_bound() {
        check(&[Life::Failed; 7], &[100, 200, 400, 800, 1000, 1000, 1000]);
        check(&[up(SECOND * 9, false), Life::Failed, up(MS, false)], &[100, 200, 400]);
        check(&[Life::Failed; 70][..], &[&[100, 200, 400, 800][..], &[1000; 66]].concat());
    }

    #[test]
    fn a_good_life_begins_anew() {
        check(&[up(SECOND * 10, false), up(SECOND * 10, false)], &[0, 0]);
        check(&[up(Duration::ZERO, true), up(Duration::ZERO, true)], &[0, 0]);
        check(&[Life::Failed, Life::Failed, up(MS, true), Life::Failed], &[100, 200, 0, 100]);
        check(&[Life::Failed, up(SECOND * 11, false), up(MS, false)], &[100, 0, 100]);
    }

    #[test]
    fn chance_takes_away_up_to_half() {
        for (chance, ms) in [(0.0, 50), (0.5, 75), (1.0, 100), (-3.0, 50), (7.0, 100)] {
            assert_eq!(Backoff::new(PAUSES).after(Life::Failed, chance), MS * ms, "{chance}");
        }
    }

    #[test]
    fn bounds_that_make_no_sense_are_refused() {
        for (first, longest) in [(Duration::ZERO, SECOND), (SECOND, MS)] {
            assert!(std::panic::catch_unwind(|| Pauses::new(first, longest, SECOND)).is_err(), "{first:?}");
        }
    }
}
