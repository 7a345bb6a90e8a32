//! Durations: whole seconds as the peers' users write them, or Go syntax.

use std::time::Duration;

/// What is wrong with a text, and what would work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(pub &'static str);

impl From<&'static str> for Wrong {
    fn from(text: &'static str) -> Wrong {
        Wrong(text)
    }
}

const SECOND: u128 = 1_000_000_000;

/// Go's own bound (an int64 of nanoseconds, 292 years): a deadline that far never overflows a clock.
const GREATEST: u128 = i64::MAX as u128;

/// Longer units come first where one begins with another.
const UNITS: [(&str, u128); 8] = [
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000), // U+00B5, the micro sign
    ("μs", 1_000), // U+03BC, the Greek letter; Go takes both
    ("ns", 1),
    ("h", 3600 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
];

/// `30` is 30 seconds; `250ms`, `1m30s`, `1h2m3.5s` are as in Go.
pub fn parse(text: &str) -> Result<Duration, Wrong> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let nanos = if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        scaled(digits, "", SECOND)?
    } else {
        go_syntax(digits)?
    };
    if text.starts_with('-') && nanos > 0 {
        return Err("is negative (try 10s, 500ms, or whole seconds; 0 where it may be off)".into());
    }
    from_nanos(nanos)
}

fn not_a_duration() -> Wrong {
    "is not a duration (try 10s, 500ms, or whole seconds)".into()
}

fn too_long() -> Wrong {
    "is too long (at most 292 years)".into()
}

fn from_nanos(nanos: u128) -> Result<Duration, Wrong> {
    if nanos > GREATEST {
        return Err(too_long());
    }
    u64::try_from(nanos).map(Duration::from_nanos).map_err(|_| too_long())
}

fn go_syntax(text: &str) -> Result<u128, Wrong> {
    if text.is_empty() {
        return Err(not_a_duration());
    }
    let (mut rest, mut sum) = (text, 0u128);
    while !rest.is_empty() {
        let (whole, after) = split_digits(rest);
        let (fraction, after) = after.strip_prefix('.').map_or(("", after), split_digits);
        if whole.is_empty() && fraction.is_empty() {
            return Err(not_a_duration());
        }
        let unit = UNITS.iter().find(|(name, _)| after.starts_with(name));
        let (name, nanos) = unit.ok_or_else(not_a_duration)?;
        sum = sum.checked_add(scaled(whole, fraction, *nanos)?).ok_or_else(too_long)?;
        rest = &after[name.len()..];
    }
    Ok(sum)
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// `whole.fraction` units in nanoseconds; what is finer than a nanosecond is dropped, as in Go.
fn scaled(whole: &str, fraction: &str, unit: u128) -> Result<u128, Wrong> {
    let number: u128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| too_long())? };
    let mut sum = number.checked_mul(unit).ok_or_else(too_long)?;
    let mut place = unit;
    for digit in fraction.bytes() {
        place /= 10;
        sum = sum.checked_add(u128::from(digit - b'0') * place).ok_or_else(too_long)?;
    }
    Ok(sum)
}

/// A duration as one would type it: `1m30s`, `250ms`, `0s`.
pub fn show(duration: Duration) -> String {
    let (hours, minutes) = (duration.as_secs() / 3600, duration.as_secs() / 60 % 60);
    let (seconds, nanos) = (duration.as_secs() % 60, duration.subsec_nanos());
    let mut text = String::new();
    for (number, unit) in [(hours, "h"), (minutes, "m"), (seconds, "s")] {
        if number > 0 {
            text += &format!("{number}{unit}");
        }
    }
    for (number, unit) in [(nanos / 1_000_000, "ms"), (nanos / 1_000 % 1_000, "us"), (nanos % 1_000, "ns")] {
        if number > 0 {
            text += &format!("{number}{unit}");
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// For people: no finer than a millisecond.
pub fn rounded(time: Duration) -> String {
    show(Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_durations() {
        for (text, nanos) in [
            ("0", 0u64),
            ("30", 30_000_000_000),
            ("+5s", 5_000_000_000),
            ("250ms", 250_000_000),
            ("1m30s", 90_000_000_000),
            ("1h2m3.5s", 3_723_500_000_000),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("7us", 7_000),
            ("7µs", 7_000),
            ("7μs", 7_000),
            ("9ns", 9),
            ("0s", 0),
            ("-0s", 0),
            ("1.0000000000000000000000000000000000001s", 1_000_000_000),
            ("9223372036s", 9_223_372_036_000_000_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn bad_durations() {
        for (text, expect) in [
            ("", "is not a duration"),
            ("10x", "is not a duration"),
            ("1.5", "is not a duration"),
            ("s", "is not a duration"),
            (".s", "is not a duration"),
            ("1s2", "is not a duration"),
            ("1 s", "is not a duration"),
            ("--1s", "is not a duration"),
            ("junk", "is not a duration"),
            ("-5", "is negative"),
            ("-5s", "is negative"),
            ("9223372037", "is too long"),
            ("99999999999999999999999999999999999999999s", "is too long"),
            ("9223372036s1000000000000ns", "is too long"),
        ] {
            let wrong = parse(text).unwrap_err();
            assert!(wrong.0.starts_with(expect), "{text}: {wrong}");
        }
    }

    #[test]
    fn shown_as_typed_and_read_back() {
        for text in ["0s", "30s", "1m30s", "250ms", "1h2m3s500ms", "7us", "1us9ns"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
    }
}
