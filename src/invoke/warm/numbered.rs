//! Calls by their numbers. heeler gives the numbers itself, one after the other: nobody can choose them so that they
//! collide, and the safe hasher of other maps is not needed.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map from the numbers of calls.
pub(super) type Numbered<T> = HashMap<u32, T, BuildHasherDefault<Spread>>;

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
