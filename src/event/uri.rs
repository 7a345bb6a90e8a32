//! URIs and URI-references (RFC 3986): whether a text is one. Nothing is resolved and nothing rewritten.

use std::net::Ipv6Addr;

/// Section 4.1: a URI, or a reference that is relative to one.
pub(super) fn is_reference(text: &str) -> bool {
    let (rest, fragment) = cut(text, '#');
    fragment.is_none_or(is_query) && without_fragment(rest).is_some()
}

/// Section 4.3: a scheme, and no fragment.
pub(super) fn is_absolute(text: &str) -> bool {
    without_fragment(text) == Some(Scheme::There)
}

#[derive(PartialEq, Eq)]
enum Scheme {
    There,
    Missing,
}

fn without_fragment(text: &str) -> Option<Scheme> {
    let (rest, query) = cut(text, '?');
    let (scheme, rest) = match rest.split_once(':') {
        // A colon behind a slash is part of a path, or of an authority.
        Some((before, behind)) if !before.contains('/') => {
            is_scheme(before).then_some(())?;
            (Scheme::There, behind)
        }
        _ => (Scheme::Missing, rest),
    };
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            is_authority(&rest[..end]).then_some(())?;
            &rest[end..]
        }
        None => rest,
    };
    (query.is_none_or(is_query) && only(path, PATH)).then_some(scheme)
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, behind)| (before, Some(behind)))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.'))
}

fn is_authority(text: &str) -> bool {
    let (user, place) = text.split_once('@').map_or((None, text), |(user, place)| (Some(user), place));
    if !user.is_none_or(|user| only(user, ":")) {
        return false;
    }
    let (host, port) = match place.strip_prefix('[') {
        Some(literal) => match literal.split_once(']') {
            Some((address, port)) if is_address(address) => ("", port),
            _ => return false,
        },
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    only(host, "") && (port.is_empty() || port.starts_with(':') && port.bytes().skip(1).all(|c| c.is_ascii_digit()))
}

/// What stands between brackets: IPv6, or what may come after it.
fn is_address(text: &str) -> bool {
    let Some(future) = text.strip_prefix(['v', 'V']) else { return text.parse::<Ipv6Addr>().is_ok() };
    let Some((version, rest)) = future.split_once('.') else { return false };
    let is_hex = !version.is_empty() && version.bytes().all(|c| c.is_ascii_hexdigit());
    is_hex && !rest.is_empty() && rest.bytes().all(|c| is_name(c) || c == b':')
}

fn is_query(text: &str) -> bool {
    only(text, QUERY)
}

/// `unreserved` and `sub-delims`.
const fn is_name(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&'..=b',' | b';' | b'=')
}

/// `pchar`, but for percent-encoding, and what stands between two of them.
const PATH: &str = ":@/";
const QUERY: &str = ":@/?";

/// Nothing but the characters of names, some others, and percent-encoded bytes.
fn only(text: &str, others: &str) -> bool {
    let mut rest = text.bytes();
    while let Some(c) = rest.next() {
        let escape = |rest: &mut std::str::Bytes<'_>| rest.next().is_some_and(|c| c.is_ascii_hexdigit());
        if !(is_name(c) || others.as_bytes().contains(&c) || c == b'%' && escape(&mut rest) && escape(&mut rest)) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSOLUTE: [&str; 22] = [
        "http://a",
        "https://github.com/cloudevents",
        "mailto:cncf-wg@lists.cncf.io",
        "urn:uuid:6e8bc430-9c3a-11d9",
        "a:",
        "a:b",
        "a://",
        "a:///b",
        "http://a:80/b?c=d/e?f",
        "http://u:p@h:1/",
        "http://[::1]:8080/x",
        "http://[v1.a:b]/",
        "http://1.2.3.4",
        "http://a/%20%e9",
        "file:///etc/x",
        "tag:x,2026:y",
        "a+b-c.d:e",
        "http://a:/",
        "x:/a//b",
        "http://[::ffff:1.2.3.4]",
        "x:?",
        "http://%41",
    ];

    #[test]
    fn uris_are_references_too() {
        for text in ABSOLUTE {
            assert!(is_absolute(text) && is_reference(text), "{text}");
            let fragment = format!("{text}#a/b?c");
            assert!(!is_absolute(&fragment) && is_reference(&fragment), "{fragment}");
        }
    }

    #[test]
    fn references_may_be_relative() {
        for text in [
            "",
            "a",
            "/",
            "/a/b",
            "a/b:c",
            "./a:b",
            "../a",
            "//a",
            "//a:1/b",
            "?q",
            "#f",
            "#",
            "1-555-123-4567",
            "/sensors/tn-1234567/alerts",
            "a;b=c,d",
            "(a)!$&'*+",
            "~a_b.c-d",
            "@",
            "/apis/v1/namespaces/x#y",
            "/a?b:c#d:e",
        ] {
            assert!(is_reference(text) && !is_absolute(text), "{text}");
        }
    }

    #[test]
    fn other_texts_are_none() {
        for text in [
            " ",
            "a b",
            "/a b",
            ":",
            ":a",
            "1a:b",
            "a_b:c",
            "%",
            "/%",
            "/%2",
            "/%zz",
            "a<b",
            "a>b",
            "\"a\"",
            "a\\b",
            "a^b",
            "a`b",
            "{a}",
            "a|b",
            "é",
            "/é",
            "a[b]",
            "/[",
            "http://[::1",
            "http://[]/",
            "http://[1.2.3.4]",
            "http://[::1%25eth0]/",
            "http://[v.a]",
            "http://[vg.a]",
            "http://[v1.]",
            "http://a:b/",
            "http://a:1:2/",
            "http://a@b@c/",
            "a#b#c",
            "#[",
            "?[",
            "http://[::1]x/",
            "\u{7F}",
            "a\n",
            "http://a b/",
        ] {
            assert!(!is_reference(text) && !is_absolute(text), "{text}");
        }
    }
}
