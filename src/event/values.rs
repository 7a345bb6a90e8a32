//! JSON values as they stand in a text, for whoever looks into one: no tree is built, and numbers keep their digits.

use super::json::{self, Quoted, Scanner};
use super::skip::BadJson;
use super::unescape::unescape;

/// Why a text is not what is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    /// Where it stops being JSON.
    #[error("not JSON (at byte {0})")]
    Json(usize),
    /// It is another value.
    #[error("not a JSON {0}")]
    Other(&'static str),
}

impl From<BadJson> for BadValue {
    fn from(bad: BadJson) -> BadValue {
        BadValue::Json(bad.0)
    }
}

/// Whether bytes are one JSON value, with white space around it at the most.
pub fn is_value(bytes: &[u8]) -> bool {
    json::only_value(bytes).is_some()
}

/// The members of an object, in their order: name and value. A name may be there more than once.
pub fn members(text: &str) -> Result<Vec<(String, &str)>, BadValue> {
    let mut members = Vec::new();
    list(text, [b'{', b'}'], "object", |scanner| {
        let name = scanner.string()?;
        scanner.colon()?;
        members.push((unquoted(text, &name).ok_or(BadValue::Json(name.inside.start))?, &text[scanner.value()?]));
        Ok(())
    })?;
    Ok(members)
}

/// The elements of an array, in their order.
pub fn elements(text: &str) -> Result<Vec<&str>, BadValue> {
    let mut elements = Vec::new();
    list(text, [b'[', b']'], "array", |scanner| {
        elements.push(&text[scanner.value()?]);
        Ok(())
    })?;
    Ok(elements)
}

/// What a value says that is a string; `None` if it is none, or has half of a surrogate pair.
pub fn string(value: &str) -> Option<String> {
    let mut scanner = Scanner::new(value);
    let quoted = scanner.string().ok()?;
    scanner.end().ok()?;
    unquoted(value, &quoted)
}

fn unquoted(text: &str, quoted: &Quoted) -> Option<String> {
    let inside = &text[quoted.inside.clone()];
    if quoted.escaped { unescape(inside) } else { Some(inside.to_owned()) }
}

/// The only value of a text, which has to begin with the first bracket.
fn list(
    text: &str,
    brackets: [u8; 2],
    what: &'static str,
    one: impl FnMut(&mut Scanner<'_>) -> Result<(), BadValue>,
) -> Result<(), BadValue> {
    let mut scanner = Scanner::new(text);
    scanner.white();
    if scanner.peek() != Some(brackets[0]) {
        // What is no JSON at all is told so.
        scanner.value()?;
        scanner.end()?;
        return Err(BadValue::Other(what));
    }
    scanner.list(brackets, one)?;
    Ok(scanner.end()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_stay_as_they_are() {
        let text = " {\"a\" : 1.10 , \"\\u00e4\":{ \"x\":[1]},\"a\":\"\\n\"} \n";
        let seen = members(text).unwrap();
        let names: Vec<_> = seen.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(names, [("a", "1.10"), ("ä", "{ \"x\":[1]}"), ("a", "\"\\n\"")]);
        assert_eq!(string(seen[2].1).as_deref(), Some("\n"));
        assert_eq!(elements(" [1e400, {} ,\"x\"]").unwrap(), ["1e400", "{}", "\"x\""]);
        assert_eq!((members("{ }").unwrap(), elements("[ ]").unwrap()), (vec![], vec![]));
    }

    #[test]
    fn what_is_something_else_says_so() {
        assert_eq!(members("[]"), Err(BadValue::Other("object")));
        assert_eq!(elements("{}"), Err(BadValue::Other("array")));
        for (text, at) in
            [("", 0), ("{", 1), ("{}x", 2), ("{\"a\":1,}", 7), ("x", 0), ("[] []", 3), ("{\"\\ud800\":1}", 2)]
        {
            assert_eq!(members(text), Err(BadValue::Json(at)), "{text}");
        }
        for text in ["1", "\"a", "\"a\"b", "null", "\"\\udc00\"", ""] {
            assert_eq!(string(text), None, "{text}");
        }
        assert!(is_value(b" 1 ") && !is_value(b"1 2") && !is_value(b"\"\xff\""));
    }
}
