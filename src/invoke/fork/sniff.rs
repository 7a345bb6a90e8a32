//! A guess at a body's type, for classic mode: classic-watchdog leaves it to its server when neither the setting nor
//! the request names one. After the WHATWG's MIME sniffing standard, its common part.

/// How much of a body is looked at.
const LOOK: usize = 512;

/// Bodies that begin like this.
const SIGNATURES: [(&[u8], &str); 13] = [
    (b"%PDF-", "application/pdf"),
    (b"%!PS-Adobe-", "application/postscript"),
    (b"\xFE\xFF", "text/plain; charset=utf-16be"),
    (b"\xFF\xFE", "text/plain; charset=utf-16le"),
    (b"\xEF\xBB\xBF", "text/plain; charset=utf-8"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\x89PNG\r\n\x1A\n", "image/png"),
    (b"\xFF\xD8\xFF", "image/jpeg"),
    (b"BM", "image/bmp"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1F\x8B\x08", "application/x-gzip"),
    (b"OggS\0", "application/ogg"),
];

/// Tags that make a body HTML, after white space, in any case, followed by a space or `>`.
const TAGS: [&str; 17] = [
    "<!doctype html",
    "<html",
    "<head",
    "<script",
    "<iframe",
    "<h1",
    "<div",
    "<font",
    "<table",
    "<a",
    "<style",
    "<title",
    "<b",
    "<body",
    "<br",
    "<p",
    "<!--",
];

/// The content type of a body by its first bytes.
pub(super) fn content_type(body: &[u8]) -> &'static str {
    let body = &body[..body.len().min(LOOK)];
    let text = body.trim_ascii_start();
    if TAGS.iter().any(|tag| begins_with_tag(text, tag.as_bytes())) {
        return "text/html; charset=utf-8";
    }
    if text.starts_with(b"<?xml") {
        return "text/xml; charset=utf-8";
    }
    if body.starts_with(b"RIFF") && body.get(8..14) == Some(b"WEBPVP") {
        return "image/webp";
    }
    match SIGNATURES.iter().find(|(signature, _)| body.starts_with(signature)) {
        Some((_, kind)) => kind,
        None if body.iter().copied().any(is_binary) => "application/octet-stream",
        None => "text/plain; charset=utf-8",
    }
}

fn begins_with_tag(text: &[u8], tag: &[u8]) -> bool {
    let begins = text.get(..tag.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(tag));
    begins && (tag == b"<!--" || matches!(text.get(tag.len()), Some(b' ' | b'>')))
}

fn is_binary(byte: u8) -> bool {
    matches!(byte, 0..=8 | 0x0B | 0x0E..=0x1A | 0x1C..=0x1F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_guessed() {
        for (body, expected) in [
            (&b""[..], "text/plain; charset=utf-8"),
            (b"hello", "text/plain; charset=utf-8"),
            (b"  \n<HTML>", "text/html; charset=utf-8"),
            (b"<p", "text/plain; charset=utf-8"),
            (b"<pre>", "text/plain; charset=utf-8"),
            (b"<?xml version", "text/xml; charset=utf-8"),
            (b"\x89PNG\r\n\x1A\n..", "image/png"),
            (b"RIFF....WEBPVP8", "image/webp"),
            (b"a\0b", "application/octet-stream"),
            (b"{\"a\":1}", "text/plain; charset=utf-8"),
        ] {
            assert_eq!(content_type(body), expected, "{body:?}");
        }
    }
}
