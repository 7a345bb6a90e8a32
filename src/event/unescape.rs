//! JSON strings (RFC 8259, section 7), both ways.

use super::skip;

/// What the inside of a string says, once the scanner has passed over it; `None` for half a surrogate pair.
pub(super) fn unescape(inside: &str) -> Option<String> {
    let mut text = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let (c, used) = escaped(&rest[at + 1..])?;
        text.push(c);
        rest = &rest[at + 1 + used..];
    }
    text.push_str(rest);
    Some(text)
}

/// The character that stands behind a backslash, and how many bytes that took.
fn escaped(rest: &str) -> Option<(char, usize)> {
    let c = match rest.bytes().next()? {
        b'b' => '\u{8}',
        b'f' => '\u{C}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(&rest[1..]).map(|(c, used)| (c, used + 1)),
        // A quote, a slash or a backslash.
        byte => char::from(byte),
    };
    Some((c, 1))
}

/// Four digits, or twice four with `\u` between them.
fn unicode(rest: &str) -> Option<(char, usize)> {
    let high = unit(rest)?;
    if !(0xD800..0xDC00).contains(&high) {
        return Some((char::from_u32(high)?, 4));
    }
    let low = unit(rest.get(4..)?.strip_prefix("\\u")?)?;
    let low = low.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
    Some((char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + low)?, 10))
}

fn unit(rest: &str) -> Option<u32> {
    u32::from_str_radix(rest.get(..4)?, 16).ok()
}

/// Writes a string with its quotes; what need not be escaped is not.
pub(super) fn quote(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    // What a string cannot have as it is, is where a scan of it stops.
    while let (plain, [byte, behind @ ..]) = rest.split_at(skip::plain(rest, 0)) {
        out.extend_from_slice(plain);
        rest = behind;
        match *byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte @ 0..0x20 => out.extend_from_slice(&[b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), hex(byte & 15)]),
            byte => out.extend_from_slice(&[b'\\', byte]),
        }
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// A digit of base 16, as percent-encoding wants it, too.
pub(super) const fn hex(digit: u8) -> u8 {
    if digit < 10 { b'0' + digit } else { b'A' + digit - 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_what_they_say() {
        for (inside, expected) in [
            ("", Some("")),
            ("plain é", Some("plain é")),
            (r#"\"\\\/\b\f\n\r\t"#, Some("\"\\/\u{8}\u{C}\n\r\t")),
            (r"a\u00e9\u20AC\ud83d\ude00z", Some("aé€😀z")),
            (r"\u0000", Some("\0")),
            (r"\ud800", None),
            (r"\ud800x", None),
            (r"\ud800\n", None),
            (r"\ud800\ud800", None),
            (r"\ud83d\u0041", None),
            (r"\udc00", None),
        ] {
            assert_eq!(unescape(inside).as_deref(), expected, "{inside}");
        }
    }

    #[test]
    fn strings_are_read_as_they_were_written() {
        for text in ["", "a", "\"", "\\", "a\"b\\c\nd\re\tf\0\u{1F}\u{7F}é€😀/", "\u{2028}"] {
            let mut out = Vec::new();
            quote(&mut out, text);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
            assert_eq!(unescape(std::str::from_utf8(&out[1..out.len() - 1]).unwrap()).unwrap(), text);
        }
    }
}
