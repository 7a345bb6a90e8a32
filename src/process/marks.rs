//! The mark that tells which tree a process belongs to.
//!
//! Children inherit the hard limit of RLIMIT_LOCKS, Linux enforces it nowhere, and no fork, setsid, double fork or
//! `env -i` sheds it. Every tree gets a number of its own there. Where the limit cannot serve (it was lowered to
//! almost nothing before heeler began) the mark is a variable in the environment, which a program can drop.
//!
//! A heeler inside a heeler finds a limited limit: it marks its trees with the numbers just below, which the outer
//! one recognises as its own tree, since it hands out only every 2^20th number.

use std::ffi::CString;
use std::sync::atomic::{AtomicU64, Ordering};

use super::sys;

/// Numbers between two marks of the outermost heeler, as a power of two.
const SLOT_BITS: u32 = 20;
/// Below this an inherited limit leaves too few numbers for marks that must differ among live trees.
const FEWEST: u64 = 1024;
/// Name of the variable that carries the mark where the limit cannot.
const VARIABLE: &str = "HEELER_TREE";

/// A tree's mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u64);

/// Hands out marks and reads them.
#[derive(Debug)]
pub(super) struct Marks {
    next: AtomicU64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nobody above us uses the limit: multiples of a slot.
    Outer,
    /// The limit is this much: numbers below it.
    Inner(u64),
    /// The limit cannot serve.
    Variable,
}

impl Marks {
    /// Looks at the limit that heeler itself was started with.
    pub(super) fn new() -> Marks {
        Marks { next: AtomicU64::new(1), kind: Kind::of_limit(sys::locks_limit(0).unwrap_or(0)) }
    }

    pub(super) fn next(&self) -> Mark {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        match self.kind {
            Kind::Outer => Mark(count << SLOT_BITS),
            Kind::Inner(limit) => Mark(limit - 1 - count % (limit - 1).min((1 << SLOT_BITS) - 2)),
            Kind::Variable => Mark(count),
        }
    }

    /// The limit to set in the child, if that is how marks are carried.
    pub(super) fn limit(&self, mark: Mark) -> Option<u64> {
        (self.kind != Kind::Variable).then_some(mark.0)
    }

    /// The variable to set in the child, if that is how marks are carried.
    pub(super) fn variable(&self, mark: Mark) -> Option<CString> {
        (self.kind == Kind::Variable).then(|| CString::new(format!("{VARIABLE}={}", mark.0)).unwrap_or_default())
    }

    /// Whether the process belongs to the marked tree. The caller makes sure that the pid stays whose it is.
    pub(super) fn is_of(&self, pid: i32, mark: Mark) -> bool {
        match self.kind {
            Kind::Variable => has_variable(pid, mark),
            Kind::Outer => sys::locks_limit(pid).is_ok_and(|limit| slot(limit) == slot(mark.0)),
            Kind::Inner(_) => sys::locks_limit(pid).is_ok_and(|limit| limit == mark.0),
        }
    }
}

impl Kind {
    fn of_limit(limit: u64) -> Kind {
        match limit {
            libc::RLIM_INFINITY => Kind::Outer,
            FEWEST.. => Kind::Inner(limit),
            _ => Kind::Variable,
        }
    }
}

/// The slot that a number lies in: a multiple of the slot's size and all numbers down to the multiple before.
fn slot(number: u64) -> u64 {
    number.wrapping_sub(1) >> SLOT_BITS
}

fn has_variable(pid: i32, mark: Mark) -> bool {
    let wanted = format!("{VARIABLE}={}", mark.0);
    std::fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(kind: Kind) -> Marks {
        Marks { next: AtomicU64::new(1), kind }
    }

    #[test]
    fn the_inherited_limit_chooses_the_kind() {
        assert_eq!(Kind::of_limit(libc::RLIM_INFINITY), Kind::Outer);
        assert_eq!(Kind::of_limit(5 << SLOT_BITS), Kind::Inner(5 << SLOT_BITS));
        assert_eq!(Kind::of_limit(64), Kind::Variable);
    }

    #[test]
    fn marks_of_an_inner_heeler_lie_in_the_slot_of_the_outer_tree() {
        let outer = marks(Kind::Outer);
        let first = outer.next();
        let second = outer.next();
        let inner = marks(Kind::Inner(second.0));
        for _ in 0..3_000_000 {
            let mark = inner.next();
            assert!(mark.0 < second.0);
            assert_eq!(slot(mark.0), slot(second.0));
            assert_ne!(slot(mark.0), slot(first.0));
        }
    }

    #[test]
    fn marks_of_live_trees_differ() {
        let inner = marks(Kind::Inner(FEWEST));
        let seen: std::collections::HashSet<u64> = (0..FEWEST - 1).map(|_| inner.next().0).collect();
        assert_eq!(seen.len() as u64, FEWEST - 1);
        assert!(seen.iter().all(|mark| *mark < FEWEST && *mark > 0));
    }
}
