//! `exit_codes`: which exit code of the handler becomes which status.

use std::ops::RangeInclusive;

use super::Wrong;
use crate::invoke::ExitCodes;

/// `3:422,100-109:503`: codes or ranges of codes, and a status for each; the first match wins.
pub fn exit_codes(text: &str) -> Result<ExitCodes, Wrong> {
    text.split(',').map(|rule| rule_of(rule.trim())).collect::<Result<_, _>>().map(ExitCodes)
}

fn rule_of(text: &str) -> Result<(RangeInclusive<u8>, u16), Wrong> {
    let wrong = || Wrong::from("is not a list of codes and statuses (try 3:422,100-109:503)");
    let (codes, status) = text.split_once(':').ok_or_else(wrong)?;
    let (first, last) = codes.split_once('-').unwrap_or((codes, codes));
    let first: u8 = first.trim().parse().map_err(|_| wrong())?;
    let last: u8 = last.trim().parse().map_err(|_| wrong())?;
    let status: u16 = status.trim().parse().map_err(|_| wrong())?;
    if first == 0 || first > last {
        return Err(Wrong(format!("has no such exit codes as {codes} (try 1-255; 0 is always a success)")));
    }
    if !(200..=599).contains(&status) {
        return Err(Wrong(format!("has no such status as {status} (try 200 to 599)")));
    }
    Ok((first..=last, status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_ranges() {
        let rules = exit_codes("3:422, 100-109:503,1-255:200").unwrap();
        for (code, status) in [(3, 422), (100, 503), (109, 503), (110, 200), (255, 200)] {
            assert_eq!(rules.status(code), Some(status), "{code}");
        }
        assert_eq!(exit_codes("3:422").unwrap().status(4), None);
    }

    #[test]
    fn bad_rules() {
        for text in ["", "3", "3:", ":200", "3:abc", "256:200", "0:204", "9-3:500", "3:199", "3:600", "3:100", "3:200,"]
        {
            assert!(exit_codes(text).is_err(), "{text}");
        }
    }
}
