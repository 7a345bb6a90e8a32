//! How far each piece of JSON goes (RFC 8259): a text and a place in, the place behind it out. It builds nothing, so what
//! it passes over can be cut out as it is; and it does not recurse, so no depth of arrays costs the stack anything.

/// Where it stopped being JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadJson(pub(super) usize);

type Behind = Result<usize, BadJson>;

/// Closes nothing: no array and no object is open.
const NONE: u8 = 0;

/// White space, if there is some.
#[inline]
pub(super) fn white(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// One byte, which has to be this one.
#[inline]
pub(super) fn byte(text: &[u8], at: usize, byte: u8) -> Behind {
    if text.get(at) == Some(&byte) { Ok(at + 1) } else { Err(BadJson(at)) }
}

/// A value of any kind.
pub(super) fn value(text: &[u8], mut at: usize) -> Behind {
    // What closes the innermost array or object that is open, and what closes those around it.
    let mut closer = NONE;
    let mut around = Vec::new();
    loop {
        at = match text.get(at) {
            Some(b'"') => string(text, at)?,
            Some(b'0'..=b'9' | b'-') => number(text, at)?,
            Some(open @ (b'{' | b'[')) => {
                around.push(closer);
                // In ASCII both brackets close two behind their opening.
                closer = open + 2;
                at = white(text, at + 1);
                if text.get(at) != Some(&closer) {
                    if closer == b'}' {
                        at = key(text, at)?;
                    }
                    continue;
                }
                closer = around.pop().unwrap_or(NONE);
                at + 1
            }
            Some(b't') => word(text, at, *b"true")?,
            Some(b'f') => word(text, at, *b"false")?,
            Some(b'n') => word(text, at, *b"null")?,
            _ => return Err(BadJson(at)),
        };
        // Behind a value: all that ends here.
        while closer != NONE {
            at = white(text, at);
            if text.get(at) == Some(&b',') {
                break;
            }
            at = byte(text, at, closer)?;
            closer = around.pop().unwrap_or(NONE);
        }
        if closer == NONE {
            return Ok(at);
        }
        at = white(text, at + 1);
        if closer == b'}' {
            at = key(text, at)?;
        }
    }
}

/// A member's name and its colon.
#[inline]
fn key(text: &[u8], at: usize) -> Behind {
    colon(text, string(text, at)?)
}

/// The colon between name and value, with the white space around it.
#[inline]
pub(super) fn colon(text: &[u8], at: usize) -> Behind {
    Ok(white(text, byte(text, white(text, at), b':')?))
}

/// `true`, `false` or `null`.
#[inline]
pub(super) fn word<const LENGTH: usize>(text: &[u8], at: usize, word: [u8; LENGTH]) -> Behind {
    let found = text.get(at..).and_then(<[u8]>::first_chunk);
    if found == Some(&word) { Ok(at + LENGTH) } else { Err(BadJson(at)) }
}

/// A number.
pub(super) fn number(text: &[u8], at: usize) -> Behind {
    let at = at + usize::from(text.get(at) == Some(&b'-'));
    let mut at = if text.get(at) == Some(&b'0') { at + 1 } else { digits(text, at)? };
    if text.get(at) == Some(&b'.') {
        at = digits(text, at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = text.get(at) {
            at += 1;
        }
        at = digits(text, at)?;
    }
    Ok(at)
}

/// One digit at least.
#[inline]
fn digits(text: &[u8], start: usize) -> Behind {
    let mut at = start;
    while let Some(b'0'..=b'9') = text.get(at) {
        at += 1;
    }
    if at > start { Ok(at) } else { Err(BadJson(at)) }
}

/// A string with its quotes. Escapes are looked at, but not at what they say: half a pair is for whoever decodes it.
#[inline]
pub(super) fn string(text: &[u8], at: usize) -> Behind {
    closed(text, plain(text, byte(text, at, b'"')?))
}

/// The rest of a string, from where it can be no longer as it is.
#[inline]
pub(super) fn closed(text: &[u8], mut at: usize) -> Behind {
    while text.get(at) == Some(&b'\\') {
        at = plain(text, escape(text, at + 1)?);
    }
    byte(text, at, b'"')
}

/// What follows a backslash.
fn escape(text: &[u8], at: usize) -> Behind {
    match text.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => {
            let is_digit = |at: &usize| text.get(*at).is_some_and(u8::is_ascii_hexdigit);
            (at + 1..at + 5).find(|at| !is_digit(at)).map_or(Ok(at + 5), |at| Err(BadJson(at)))
        }
        _ => Err(BadJson(at)),
    }
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGHS: u64 = ONES << 7;

/// Where a string that goes on at `at` has its next quote, backslash or control character: eight bytes at a time, by
/// the borrow that a subtraction leaves in the high bit of a byte that is smaller.
#[inline]
pub(super) fn plain(text: &[u8], mut at: usize) -> usize {
    while let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        let below = word.wrapping_sub(ONES * 0x20) & !word;
        let equal = quote.wrapping_sub(ONES) & !quote | backslash.wrapping_sub(ONES) & !backslash;
        let found = (below | equal) & HIGHS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while text.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    /// Where the only value begins and ends.
    fn check(text: &str) -> Result<Range<usize>, BadJson> {
        let text = text.as_bytes();
        let start = white(text, 0);
        let end = value(text, start)?;
        let behind = white(text, end);
        if behind == text.len() { Ok(start..end) } else { Err(BadJson(behind)) }
    }

    #[test]
    fn values_end_where_they_end() {
        for text in [
            "null",
            "true",
            "false",
            "0",
            "-0",
            "10",
            "-1.5e+10",
            "1E400",
            "0.10",
            "1e-7",
            "\"\"",
            "\"a\\\"b\"",
            "\"\\u00e9\\ud800\\/\\b\\f\\n\\r\\t\\\\\"",
            "[]",
            "[ ]",
            "{}",
            "{ }",
            "[1,2,[3,{\"a\":[]}]]",
            "{\"a\" : 1 , \"b\":\"\",\"a\":{}}",
            "\"é€😀\"",
            "[[[[[[[[[[[[]]]]]]]]]]]]",
            "{\"\":null}",
            "\"12345678\"",
            "\"1234567\\n12345678\\n\"",
            "\"éééééééé\"",
        ] {
            assert_eq!(check(text), Ok(0..text.len()), "{text}");
            assert_eq!(check(&format!(" \r\n\t{text}\n ")), Ok(4..4 + text.len()), "{text}");
            assert!(serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_where_it_stops() {
        for (text, at) in [
            ("", 0),
            (" ", 1),
            ("nul", 0),
            ("truth", 0),
            ("True", 0),
            ("01", 1),
            ("-", 1),
            ("+1", 0),
            (".5", 0),
            ("1.", 2),
            ("1e", 2),
            ("1e+", 3),
            ("0x1", 1),
            ("NaN", 0),
            ("\"", 1),
            ("\"a", 2),
            ("\"\\", 2),
            ("\"\\x\"", 2),
            ("\"\\u12g4\"", 5),
            ("\"\n\"", 1),
            ("\"12345678\t\"", 9),
            ("'a'", 0),
            ("[", 1),
            ("[1", 2),
            ("[1,", 3),
            ("[1,]", 3),
            ("[,]", 1),
            ("[1 2]", 3),
            ("{", 1),
            ("{\"a\"", 4),
            ("{\"a\":", 5),
            ("{\"a\":1,}", 7),
            ("{a:1}", 1),
            ("{\"a\" 1}", 5),
            ("[1}", 2),
            ("{\"a\":1]", 6),
            ("1 2", 2),
            ("[]]", 2),
            ("\u{FEFF}1", 0),
            ("//x\n1", 0),
            ("{1:2}", 1),
        ] {
            assert_eq!(check(text), Err(BadJson(at)), "{text:?}");
            assert!(serde_json::from_str::<&serde_json::value::RawValue>(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = "[".repeat(1 << 20) + &"]".repeat(1 << 20);
        assert_eq!(check(&deep), Ok(0..2 << 20));
        assert_eq!(check(&"[".repeat(1 << 20)), Err(BadJson(1 << 20)));
    }

    #[test]
    fn strings_stop_at_the_right_byte_wherever_it_stands() {
        for stop in [b'"', b'\\', 0, 1, 0x1F] {
            for length in 0..20 {
                for other in [b'!', b'#', b' ', b'[', b']', 0x7F, 0x80, 0xA2, 0xDC, 0xFF] {
                    let mut text = vec![other; length];
                    assert_eq!(plain(&text, 0), length);
                    text.push(stop);
                    text.extend([other, stop, b'"']);
                    assert_eq!(plain(&text, 0), length, "{stop} behind {length} of {other}");
                }
            }
        }
    }
}
