//! The series that was counted last, at hand: most calls are like the one before, and a family's own look-up hashes all
//! labels with the library's safest hasher.

use std::sync::{Mutex, PoisonError};

/// One series or a few of the same labels.
#[derive(Debug)]
pub(super) struct Last<L, S>(Mutex<Option<(L, S)>>);

impl<L, S> Default for Last<L, S> {
    fn default() -> Self {
        Last(Mutex::default())
    }
}

impl<L: Copy + PartialEq, S> Last<L, S> {
    /// Counts in the series of these labels, which is looked up if it was not the last one.
    pub(super) fn with(&self, labels: L, find: impl FnOnce(&L) -> S, count: impl FnOnce(&S)) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((known, series)) if *known == labels => count(series),
            _ => {
                let series = find(&labels);
                count(&series);
                *last = Some((labels, series));
            }
        }
    }
}
