//! Percent-escapes in targets (RFC 3986 §2.1).

/// Percent-escapes decoded; one that is no escape stays as it is.
pub(crate) fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match escaped.filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit())) {
            Some(hex) => {
                decoded.push(u8::from_str_radix(hex, 16).unwrap_or_default());
                at += 3;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded() {
        for (text, expected) in [("/a%20b", "/a b"), ("/100%", "/100%"), ("/%zz%4", "/%zz%4"), ("/%2F%2e", "//.")] {
            assert_eq!(decoded(text), expected.as_bytes(), "{text}");
        }
        assert_eq!(decoded("%ff%00"), b"\xff\0");
    }
}
