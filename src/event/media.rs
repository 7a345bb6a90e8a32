//! Media types (RFC 2046, RFC 9110 section 8.3.1): whether a text is one, and which of them are JSON or other text.

/// `type/subtype`, and parameters behind semicolons.
pub(super) fn is_media_type(text: &str) -> bool {
    let (essence, parameters) = text.split_once(';').map_or((text, None), |(essence, rest)| (essence, Some(rest)));
    let Some((kind, subtype)) = essence.trim_matches(BLANK).split_once('/') else { return false };
    !essence.starts_with(BLANK) && is_token(kind) && is_token(subtype) && parameters.is_none_or(are_parameters)
}

const BLANK: [char; 2] = [' ', '\t'];

/// What stands behind the first semicolon. Empty parameters are senders' slips that RFC 9110 allows.
fn are_parameters(mut rest: &str) -> bool {
    loop {
        rest = rest.trim_start_matches(BLANK);
        if !rest.is_empty() && !rest.starts_with(';') {
            match parameter(rest) {
                Some(behind) => rest = behind.trim_start_matches(BLANK),
                None => return false,
            }
        }
        match rest.strip_prefix(';') {
            Some(behind) => rest = behind,
            None => return rest.is_empty(),
        }
    }
}

/// `name=value`; what stands behind it.
fn parameter(text: &str) -> Option<&str> {
    let (name, rest) = text.split_once('=')?;
    if !is_token(name) {
        return None;
    }
    if let Some(quoted) = rest.strip_prefix('"') {
        return behind_quoted(quoted);
    }
    let end = rest.find(|c| !is_token_character(c)).unwrap_or(rest.len());
    (end > 0).then(|| &rest[end..])
}

/// ASCII up to a quote that has no backslash before it.
fn behind_quoted(text: &str) -> Option<&str> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if !(0x20..0x7F).contains(&byte) && byte != b'\t' => return None,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(&text[at + 1..]),
            _ => {}
        }
    }
    None
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_token_character)
}

const fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '!' | '#'..='\'' | '*' | '+' | '-' | '.' | '^'..='`' | '|' | '~')
}

/// The media type without its parameters.
pub(super) fn essence(text: &str) -> &str {
    text.split(';').next().unwrap_or_default().trim_matches(BLANK)
}

/// Whether data of this media type is JSON: the subtype is `json`, or ends in `+json`.
pub fn is_json(media_type: &str) -> bool {
    let Some((_, subtype)) = essence(media_type).split_once('/') else { return false };
    subtype.eq_ignore_ascii_case("json") || ends_with(subtype, "+json")
}

/// Whether data of this media type reads well as a string: text and XML, in UTF-8 as far as they say.
pub(super) fn is_text(media_type: &str) -> bool {
    let Some((kind, subtype)) = essence(media_type).split_once('/') else { return false };
    let readable =
        kind.eq_ignore_ascii_case("text") || subtype.eq_ignore_ascii_case("xml") || ends_with(subtype, "+xml");
    readable
        && charset(media_type)
            .is_none_or(|name| ["utf-8", "us-ascii"].iter().any(|known| name.eq_ignore_ascii_case(known)))
}

fn ends_with(text: &str, end: &str) -> bool {
    text.len().checked_sub(end.len()).and_then(|at| text.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// Whether a text begins with another, whatever the case.
pub(super) fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

fn charset(media_type: &str) -> Option<&str> {
    media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is = name.trim_matches(BLANK).eq_ignore_ascii_case("charset");
        is.then(|| value.trim_matches(BLANK).trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_what_rfc_2046_says() {
        for text in [
            "a/b",
            "text/plain",
            "application/json",
            "application/vnd.x.y+json",
            "text/plain; charset=utf-8",
            "text/plain;charset=utf-8",
            "text/plain ; charset=\"utf-8\"",
            "x/y;a=\"b\\\"c;d\";e=f",
            "TEXT/HTML",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=--x'y",
            "a/b;",
            "a/b;;c=d",
            "a/b;\tc=d",
            "!#$%&'*+-.^_`|~/0",
            "*/*",
            "text/plain ",
        ] {
            assert!(is_media_type(text), "{text}");
        }
        for text in [
            "",
            "json",
            "/",
            "a/",
            "/b",
            "a/b/c",
            "a b/c",
            "a/b c",
            " a/b",
            "a/b;c",
            "a/b;c=",
            "a/b;=d",
            "a/b; c = d",
            "a/b;c=\"d",
            "a/b;c=\"d\"e",
            "a/b,c/d",
            "a/b;c=d e",
            "é/b",
            "a/é",
            "a/b;c=\"é\"",
            "a/(b)",
            "a@b/c",
            "text/plain; charset",
            ";a/b",
        ] {
            assert!(!is_media_type(text), "{text}");
        }
    }

    #[test]
    fn json_is_told_by_the_subtype() {
        for text in [
            "application/json",
            "text/json",
            "image/json",
            "Application/JSON",
            "application/vnd.x+json",
            "application/x+JSON; v=1",
            "application/json ;charset=utf-8",
            "x/+json",
        ] {
            assert!(is_json(text), "{text}");
        }
        for text in
            ["json", "application/jsonl", "application/json-seq", "text/plain", "application/xjson", "a/b; c=+json"]
        {
            assert!(!is_json(text), "{text}");
        }
    }

    #[test]
    fn readable_types_are_text_and_xml_in_utf_8() {
        for text in [
            "text/plain",
            "TEXT/csv",
            "application/xml",
            "image/svg+XML",
            "text/a; x=y; Charset=\"UTF-8\"",
            "text/a;charset=us-ascii",
        ] {
            assert!(is_text(text), "{text}");
        }
        for text in ["application/octet-stream", "text/plain; charset=utf-16", "image/png", "xml", "application/é"] {
            assert!(!is_text(text), "{text}");
        }
    }
}
