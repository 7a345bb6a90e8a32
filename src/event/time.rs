//! Times (RFC 3339): whether a text is one. It is never changed, so its offset and its fraction stay.

/// Seconds and an offset have to be there; `t` and `z` may be small; a leap second is one only where it can be.
pub(super) fn is_time(text: &str) -> bool {
    moment(text.as_bytes()).is_some()
}

fn moment(text: &[u8]) -> Option<()> {
    let (head, rest) = text.split_at_checked(19)?;
    let [date @ .., _, _, _, _, _, _, _, _, _] = head else { return None };
    let separators = [(4, b'-'), (7, b'-'), (10, b't'), (13, b':'), (16, b':')];
    if separators.into_iter().any(|(at, expected)| head[at].to_ascii_lowercase() != expected) {
        return None;
    }
    is_date(number(&date[..4])?, number(&date[5..7])?, number(&date[8..10])?).then_some(())?;
    let (hour, minute, second) = (number(&head[11..13])?, number(&head[14..16])?, number(&head[17..])?);
    let offset = offset(fraction(rest)?)?;
    let minute_of_day = (i32::from(hour) * 60 + i32::from(minute) - offset).rem_euclid(24 * 60);
    let leap = second == 60 && minute_of_day == 24 * 60 - 1;
    (hour < 24 && minute < 60 && (second < 60 || leap)).then_some(())
}

/// What stands behind the fraction of a second, if there is one.
fn fraction(rest: &[u8]) -> Option<&[u8]> {
    let Some(digits) = rest.strip_prefix(b".") else { return Some(rest) };
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    (end > 0).then(|| &digits[end..])
}

/// Minutes before UTC.
fn offset(rest: &[u8]) -> Option<i32> {
    let (sign, digits) = match rest {
        b"Z" | b"z" => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let &[h, i, b':', m, n] = digits else { return None };
    let (hour, minute) = (number(&[h, i])?, number(&[m, n])?);
    (hour < 24 && minute < 60).then(|| sign * (i32::from(hour) * 60 + i32::from(minute)))
}

fn is_date(year: u16, month: u16, day: u16) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u16::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// At most four digits.
fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u16::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_what_rfc_3339_says() {
        for text in [
            "2018-04-05T17:31:00Z",
            "2018-04-05t17:31:00z",
            "2018-04-05T17:31:00.1Z",
            "2018-04-05T17:31:00.123456789012Z",
            "2018-04-05T17:31:00+00:00",
            "2018-04-05T17:31:00-00:00",
            "2018-04-05T17:31:00.5+05:45",
            "2018-04-05T23:59:59-23:59",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "2020-02-29T00:00:00Z",
            "2000-02-29T00:00:00Z",
            "1990-12-31T23:59:60Z",
            "1990-12-31T15:59:60-08:00",
            "1990-12-31T15:59:60.25-08:00",
            "2017-01-01T05:29:60+05:30",
        ] {
            assert!(is_time(text), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            "2018",
            "2018-04-05",
            "17:31:00Z",
            "2018-04-05T17:31Z",
            "2018-04-05T17:31:00",
            "2018-04-05 17:31:00Z",
            "2018-04-05T17:31:00.Z",
            "2018-04-05T17:31:00.1",
            "2018-04-05T17:31:00,1Z",
            "2018-04-05T17:31:00ZZ",
            "2018-04-05T17:31:00 Z",
            "2018-04-05T17:31:00+0000",
            "2018-04-05T17:31:00+00",
            "2018-04-05T17:31:00+0:00",
            "2018-04-05T17:31:00+24:00",
            "2018-04-05T17:31:00+00:60",
            "2018-04-05T24:00:00Z",
            "2018-04-05T17:60:00Z",
            "2018-04-05T17:31:61Z",
            "2018-04-05T17:31:60Z",
            "1990-12-31T23:59:60-08:00",
            "2018-00-05T17:31:00Z",
            "2018-13-05T17:31:00Z",
            "2018-04-00T17:31:00Z",
            "2018-04-31T17:31:00Z",
            "2019-02-29T17:31:00Z",
            "1900-02-29T17:31:00Z",
            "2018-4-05T17:31:00Z",
            "18-04-05T17:31:00Z",
            "+2018-04-05T17:31:00Z",
            "2018/04/05T17:31:00Z",
            "201é-04-05T17:31:00Z",
            "2018-04-05T17:31:0zZ",
            "2018-04-05T17:31:00+:00",
            "2018-04-05T17:31:00+000:00",
            "2018-04-05T17:31:00+99999999999:00",
            "1522949460",
            "Thu, 05 Apr 2018 17:31:00 GMT",
        ] {
            assert!(!is_time(text), "{text}");
        }
    }
}
