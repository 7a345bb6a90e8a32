//! Attribute values as headers have them, both ways (HTTP binding 1.0.2, section 3.1.3.2).

use std::borrow::Cow;

use bytes::Bytes;
use hyper::header::HeaderValue;

use super::text::Text;
use super::unescape::hex;

/// Why a value is no text once it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoText {
    /// Not UTF-8.
    Bytes,
    /// A control character.
    Control,
}

/// The text of a header: quotes are taken off first, as older senders put them there, then percent-encoding, once.
pub(super) fn decoded(value: &HeaderValue) -> Result<Text, NoText> {
    let bytes = value.as_bytes();
    if bytes.first() != Some(&b'"') && !bytes.contains(&b'%') {
        return Text::from_header(value).ok_or(NoText::Bytes);
    }
    let text = escapes(&unquoted(bytes));
    if std::str::from_utf8(&text).is_err() {
        return Err(NoText::Bytes);
    }
    Text::from_checked(text.into()).ok_or(NoText::Control)
}

/// The inside of a value that is quoted as a whole. A quote that nothing closes belongs to the value.
fn unquoted(bytes: &[u8]) -> Cow<'_, [u8]> {
    let Some(inside) = bytes.strip_prefix(b"\"") else { return Cow::Borrowed(bytes) };
    let mut text = Vec::with_capacity(inside.len());
    let mut rest = inside.iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b'"' if rest.len() == 0 => return Cow::Owned(text),
            b'"' => break,
            b'\\' => match rest.next() {
                Some(&escaped) => text.push(escaped),
                None => break,
            },
            _ => text.push(byte),
        }
    }
    Cow::Borrowed(bytes)
}

/// One round. A percent sign without two digits behind it is itself: senders that never encode write it so.
fn escapes(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, behind @ ..] = rest {
        let escape = match behind {
            [high, low, ..] if *first == b'%' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        let (byte, used) = escape.map_or((*first, 1), |(high, low)| (high << 4 | low, 3));
        decoded.push(byte);
        rest = &rest[used..];
    }
    decoded
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The header of a text: everything but visible ASCII is encoded, and so are quotes and the percent sign.
pub(super) fn encoded(text: &Text) -> HeaderValue {
    let bytes = text.as_bytes();
    if bytes.iter().copied().all(is_plain) {
        return text.header().clone();
    }
    let mut value = Vec::with_capacity(bytes.len() + 16);
    for &byte in bytes {
        if is_plain(byte) {
            value.push(byte);
        } else {
            value.extend_from_slice(&[b'%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    HeaderValue::from_maybe_shared(Bytes::from(value)).expect("visible ASCII only")
}

const fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7E) && byte != b'"' && byte != b'%'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_once() {
        for (value, expected) in [
            ("", Some("")),
            ("plain", Some("plain")),
            ("two words", Some("two words")),
            ("Euro%20%E2%82%AC%20%F0%9F%98%80", Some("Euro € 😀")),
            ("%e2%82%ac", Some("€")),
            ("%41b%43", Some("AbC")),
            ("%2541", Some("%41")),
            ("100%", Some("100%")),
            ("%", Some("%")),
            ("%4", Some("%4")),
            ("%zz%20%4g", Some("%zz %4g")),
            ("%%41", Some("%A")),
            ("raw €", Some("raw €")),
            ("raw € %E2%82%AC", Some("raw € €")),
            ("\"quoted\"", Some("quoted")),
            ("\"with space and \\\"quote\\\" and \\\\\"", Some("with space and \"quote\" and \\")),
            ("\"%20\"", Some(" ")),
            ("\"\\%20\"", Some(" ")),
            ("\"\"", Some("")),
            ("\"", Some("\"")),
            ("\"open", Some("\"open")),
            ("\"open\\\"", Some("\"open\\\"")),
            ("\"open\\", Some("\"open\\")),
            ("\"a\"b", Some("\"a\"b")),
            ("\"a\" \"b\"", Some("\"a\" \"b\"")),
            ("a\"b\"", Some("a\"b\"")),
            ("%22a%22", Some("\"a\"")),
            ("'a'", Some("'a'")),
            ("(a)", Some("(a)")),
            ("a+b", Some("a+b")),
            ("%C0%A0", None),
            ("%FF", None),
            ("%E2%82", None),
            ("%ED%A0%80", None),
            ("%F4%90%80%80", None),
            ("€%E2", None),
        ] {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            let text = decoded(&value);
            assert_eq!(text.as_ref().map(Text::as_str).ok(), expected, "{value:?}");
        }
        assert_eq!(decoded(&HeaderValue::from_bytes(b"\xFF").unwrap()), Err(NoText::Bytes));
        for control in ["%00", "a%0Ab", "%7F"] {
            assert_eq!(decoded(&HeaderValue::from_static(control)), Err(NoText::Control));
        }
    }

    #[test]
    fn values_are_encoded_where_they_have_to_be() {
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("!#$&'()*+,-./:;<=>?@[\\]^_`{|}~", "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"),
            ("Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
            ("100%", "100%25"),
            ("\"q\"", "%22q%22"),
            ("\u{A0}", "%C2%A0"),
        ] {
            let text = Text::from_checked(Bytes::from_static(text.as_bytes())).unwrap();
            let value = encoded(&text);
            assert_eq!(value, expected);
            assert_eq!(decoded(&value), Ok(text));
        }
    }

    #[test]
    fn a_header_that_was_never_encoded_is_encoded_on_its_way_out() {
        for (came, goes) in
            [("100%", "100%25"), ("two words", "two%20words"), ("€", "%E2%82%AC"), ("\"a", "%22a"), ("a", "a")]
        {
            let value = HeaderValue::from_bytes(came.as_bytes()).unwrap();
            assert_eq!(encoded(&decoded(&value).unwrap()), goes);
        }
    }
}
