//! A scanner over JSON (RFC 8259): where values begin and end. It builds nothing, so that what it passes over can be
//! cut out as it is; and it does not recurse, so that no depth of arrays costs the stack anything.

use std::ops::Range;

/// Where it stopped being JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadJson(pub(super) usize);

/// A string, without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quoted {
    pub(super) range: Range<usize>,
    /// Something in it has a backslash.
    pub(super) escaped: bool,
}

/// A place in a text that is known to be UTF-8.
pub(super) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

/// Where the only JSON value of a text stands; `None` where it is no JSON, or no UTF-8.
pub(super) fn only_value(bytes: &[u8]) -> Option<Range<usize>> {
    let mut scanner = Scanner::new(std::str::from_utf8(bytes).ok()?);
    scanner.white();
    let range = scanner.value().ok()?;
    scanner.end().ok()?;
    Some(range)
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text: text.as_bytes(), at: 0 }
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Back to a place where it has been.
    pub(super) const fn back(&mut self, at: usize) {
        self.at = at;
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Takes this byte if it is the next one.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    /// Takes this byte, which has to be the next one.
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), BadJson> {
        if self.eat(byte) { Ok(()) } else { self.bad() }
    }

    pub(super) fn white(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Nothing but white space may follow.
    pub(super) fn end(&mut self) -> Result<(), BadJson> {
        self.white();
        if self.at == self.text.len() { Ok(()) } else { self.bad() }
    }

    pub(super) fn bad<T>(&self) -> Result<T, BadJson> {
        Err(BadJson(self.at))
    }

    /// Passes over one value of any kind.
    pub(super) fn value(&mut self) -> Result<Range<usize>, BadJson> {
        let start = self.at;
        // What closes each array and object that is open.
        let mut open = Vec::new();
        loop {
            match self.peek() {
                Some(b'{') => {
                    self.at += 1;
                    self.white();
                    if !self.eat(b'}') {
                        open.push(b'}');
                        self.key()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    self.white();
                    if !self.eat(b']') {
                        open.push(b']');
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            if !self.close(&mut open)? {
                return Ok(start..self.at);
            }
        }
    }

    /// Behind a value: closes what ends here. Whether another value follows.
    fn close(&mut self, open: &mut Vec<u8>) -> Result<bool, BadJson> {
        while let Some(&closer) = open.last() {
            self.white();
            if self.eat(closer) {
                open.pop();
                continue;
            }
            self.expect(b',')?;
            self.white();
            if closer == b'}' {
                self.key()?;
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// A member's name and its colon.
    fn key(&mut self) -> Result<(), BadJson> {
        self.string()?;
        self.colon()
    }

    /// The colon between name and value, with the white space around it.
    pub(super) fn colon(&mut self) -> Result<(), BadJson> {
        self.white();
        self.expect(b':')?;
        self.white();
        Ok(())
    }

    /// A value that is neither array nor object.
    fn scalar(&mut self) -> Result<(), BadJson> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => self.number().map(drop),
        }
    }

    pub(super) fn word(&mut self, word: &[u8]) -> Result<(), BadJson> {
        if !self.text[self.at..].starts_with(word) {
            return self.bad();
        }
        self.at += word.len();
        Ok(())
    }

    /// A number; whether it is one without fraction and exponent.
    pub(super) fn number(&mut self) -> Result<bool, BadJson> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        let mut whole = true;
        if self.eat(b'.') {
            whole = false;
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            whole = false;
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(whole)
    }

    /// One digit at least.
    fn digits(&mut self) -> Result<(), BadJson> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { self.bad() }
    }

    /// A string with its quotes. Escapes are looked at, but not at what they say: half a pair is for whoever decodes it.
    pub(super) fn string(&mut self) -> Result<Quoted, BadJson> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain(&self.text[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Quoted { range: start..self.at - 1, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                    self.escape()?;
                }
                _ => return self.bad(),
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<(), BadJson> {
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return self.bad();
                    }
                    self.at += 1;
                }
            }
            _ => return self.bad(),
        }
        Ok(())
    }
}

const WORD: usize = size_of::<u64>();
const ONES: u64 = u64::from_ne_bytes([1; WORD]);
const HIGHS: u64 = ONES << 7;

/// How many bytes a string goes on without a quote, a backslash or a control character: eight at a time, by the borrow
/// that a subtraction leaves in the high bit of a byte that is smaller.
fn plain(text: &[u8]) -> usize {
    let mut words = text.chunks_exact(WORD);
    let mut passed = 0;
    for word in words.by_ref() {
        let word = u64::from_le_bytes(word.try_into().expect("chunks of eight"));
        let quote = word ^ (ONES * u64::from(b'"'));
        let backslash = word ^ (ONES * u64::from(b'\\'));
        let below = word.wrapping_sub(ONES * 0x20) & !word;
        let zero = quote.wrapping_sub(ONES) & !quote | backslash.wrapping_sub(ONES) & !backslash;
        let found = (below | zero) & HIGHS;
        if found != 0 {
            return passed + found.trailing_zeros() as usize / 8;
        }
        passed += WORD;
    }
    let stops = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    let rest = words.remainder();
    passed + rest.iter().position(stops).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Range<usize>, BadJson> {
        let mut scanner = Scanner::new(text);
        scanner.white();
        let range = scanner.value()?;
        scanner.end().map(|()| range)
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
                    assert_eq!(plain(&text), length);
                    text.push(stop);
                    text.extend([other, stop, b'"']);
                    assert_eq!(plain(&text), length, "{stop} behind {length} of {other}");
                }
            }
        }
    }

    #[test]
    fn integers_are_told_from_other_numbers() {
        for (text, whole) in [("0", true), ("-12", true), ("1.0", false), ("1e2", false), ("1E2", false)] {
            assert_eq!(Scanner::new(text).number(), Ok(whole), "{text}");
        }
    }
}
