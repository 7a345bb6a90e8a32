//! The time of a line in UTC: forty lines instead of a date library in every image.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A moment in UTC, to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Utc {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    millisecond: u32,
}

impl Utc {
    pub(super) fn now() -> Utc {
        // A clock before 1970 is a clock that was never set.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Utc::at(since.as_secs(), since.subsec_millis())
    }

    /// Days to a civil date by eras of 400 years, which begin on 1 March so that the leap day is last:
    /// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
    fn at(unix_seconds: u64, millisecond: u32) -> Utc {
        let (days, seconds) = (unix_seconds / 86_400, unix_seconds % 86_400);
        let days = days + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        Utc {
            year: year_of_era + era * 400 + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
            hour: seconds / 3_600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            millisecond,
        }
    }

    /// As Go's log package prints it: `2026/11/21 10:00:00`.
    pub(super) fn go(self) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            let Utc { year, month, day, hour, minute, second, .. } = self;
            write!(f, "{year:04}/{month:02}/{day:02} {hour:02}:{minute:02}:{second:02}")
        })
    }
}

/// RFC 3339: `2026-11-21T10:00:00.123Z`.
impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Utc { year, month, day, hour, minute, second, millisecond } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (unix_seconds, date) in [
            (0, "1970-01-01T00:00:00.007Z"),
            (951_782_399, "2000-02-28T23:59:59.007Z"),
            (951_782_400, "2000-02-29T00:00:00.007Z"),
            (951_868_800, "2000-03-01T00:00:00.007Z"),
            (1_709_164_800, "2024-02-29T00:00:00.007Z"),
            (1_735_689_599, "2024-12-31T23:59:59.007Z"),
            (1_795_255_200, "2026-11-21T10:00:00.007Z"),
            (4_107_542_400, "2100-03-01T00:00:00.007Z"),
            (253_402_300_799, "9999-12-31T23:59:59.007Z"),
        ] {
            assert_eq!(Utc::at(unix_seconds, 7).to_string(), date);
        }
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut before = Utc::at(0, 0);
        for day in 1..=146_097 {
            let next = Utc::at(day * 86_400, 0);
            let same_month = (next.year, next.month, next.day) == (before.year, before.month, before.day + 1);
            let next_month = next.day == 1 && before.day >= 28 && next.month == before.month % 12 + 1;
            assert!(same_month || next_month, "{before} then {next}");
            before = next;
        }
        assert_eq!(before.to_string(), "2370-01-01T00:00:00.000Z");
    }

    #[test]
    fn gos_look() {
        assert_eq!(Utc::at(1_795_255_200, 999).go().to_string(), "2026/11/21 10:00:00");
    }
}
