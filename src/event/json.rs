//! A place that moves through a JSON text, and the pieces that it passes over.

use std::ops::Range;

use super::skip::{self, BadJson};

/// A place in a text that is known to be UTF-8.
pub(super) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

/// Where a string stands.
pub(super) struct Quoted {
    /// What is between its quotes.
    pub(super) inside: Range<usize>,
    /// That is not what it says.
    pub(super) escaped: bool,
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

    pub(super) fn white(&mut self) {
        self.at = skip::white(self.text, self.at);
    }

    /// Takes this byte if it is the next one.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        self.expect(byte).is_ok()
    }

    /// Takes this byte, which has to be the next one.
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), BadJson> {
        self.at = skip::byte(self.text, self.at, byte)?;
        Ok(())
    }

    /// Nothing but white space may follow.
    pub(super) fn end(&mut self) -> Result<(), BadJson> {
        self.white();
        if self.at == self.text.len() { Ok(()) } else { Err(BadJson(self.at)) }
    }

    /// The colon between name and value, with the white space around it.
    pub(super) fn colon(&mut self) -> Result<(), BadJson> {
        self.at = skip::colon(self.text, self.at)?;
        Ok(())
    }

    /// What stands between two brackets, parted by commas, which `one` passes over piece by piece. The scanner stands
    /// at the first bracket, and then behind the last one.
    pub(super) fn list<E: From<BadJson>>(
        &mut self,
        [open, close]: [u8; 2],
        mut one: impl FnMut(&mut Scanner<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.expect(open)?;
        self.white();
        let mut more = !self.eat(close);
        while more {
            self.white();
            one(self)?;
            self.white();
            more = self.eat(b',');
            if !more {
                self.expect(close)?;
            }
        }
        Ok(())
    }

    /// A value of any kind.
    pub(super) fn value(&mut self) -> Result<Range<usize>, BadJson> {
        let start = self.at;
        self.at = skip::value(self.text, start)?;
        Ok(start..self.at)
    }

    /// A string.
    pub(super) fn string(&mut self) -> Result<Quoted, BadJson> {
        let start = skip::byte(self.text, self.at, b'"')?;
        let plain = skip::plain(self.text, start);
        self.at = skip::closed(self.text, plain)?;
        Ok(Quoted { inside: start..self.at - 1, escaped: plain + 1 < self.at })
    }
}
