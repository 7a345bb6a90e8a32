//! Calls by their numbers. heeler gives the numbers itself, one after the other: nobody can choose them so that they
//! collide, and the safe hasher of other maps is not needed.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::frame::LAST_STREAM;

/// A map from the numbers of calls.
pub(super) type Numbered<T> = HashMap<u32, T, BuildHasherDefault<Spread>>;

/// The numbers that were given.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    last: u32,
    /// All have been given once.
    wrapped: bool,
}

impl Numbers {
    /// The next one that is not taken. Some must be free.
    pub(super) fn next(&mut self, taken: impl Fn(u32) -> bool) -> u32 {
        loop {
            self.wrapped |= self.last == LAST_STREAM;
            self.last = if self.last == LAST_STREAM { 1 } else { self.last + 1 };
            if !taken(self.last) {
                return self.last;
            }
        }
    }

    /// Whether there ever was a call of that number.
    pub(super) fn given(&self, number: u32) -> bool {
        number != 0 && (number <= self.last || self.wrapped)
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    /// The map goes by the highest bits and by the lowest: one factor spreads a number over all.
    fn write_u32(&mut self, number: u32) {
        self.0 = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_the_last_number_comes_the_first_one_that_is_free() {
        let mut numbers = Numbers { last: LAST_STREAM - 1, wrapped: false };
        assert!(!numbers.given(0) && !numbers.given(LAST_STREAM));
        assert_eq!(numbers.next(|_| false), LAST_STREAM);
        assert_eq!(numbers.next(|number| number < 3), 3);
        assert!(!numbers.given(0) && numbers.given(LAST_STREAM));
    }
}
