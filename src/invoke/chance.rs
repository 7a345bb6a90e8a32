//! A random number, where no secret hangs on it.

use std::hash::{BuildHasher, RandomState};

/// Any number.
#[inline(never)]
pub fn random() -> u64 {
    // The standard library's hasher keys are random and differ for every state that is made from them.
    RandomState::new().hash_one(0)
}

/// From 0 to 1, without 1 itself.
pub fn chance() -> f64 {
    // 53 bits are as many as an f64 holds exactly.
    (random() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spread() {
        let seen: Vec<f64> = (0..200).map(|_| chance()).collect();
        assert!(seen.iter().all(|number| (0.0..1.0).contains(number)), "{seen:?}");
        // Each half is missed once in 2^200 runs.
        assert!(seen.iter().any(|number| *number < 0.5) && seen.iter().any(|number| *number >= 0.5), "{seen:?}");
    }
}
