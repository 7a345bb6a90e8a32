//! The first processes of the handlers that live long, so that signals can be handed on to them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::tree::Tree;

/// Whichever run at the moment; cheap to clone.
#[derive(Clone, Default)]
pub struct Leaders(Arc<Mutex<Vec<Tree>>>);

impl Leaders {
    /// One more.
    pub fn add(&self, tree: Tree) {
        self.trees().push(tree);
    }

    /// One less, by its pid. The reaper knows whether a number is still whose it was, so this may come late.
    pub fn remove(&self, leader: i32) {
        self.trees().retain(|tree| tree.leader() != leader);
    }

    /// Sends each of them a signal.
    pub fn signal(&self, signal: i32) {
        let trees = self.trees();
        if trees.is_empty() {
            crate::log::debug!(signal, "no handler runs that could hear a signal");
        }
        trees.iter().for_each(|tree| tree.signal_leader(signal));
    }

    /// Every change is a single call: a panic leaves nothing half done.
    fn trees(&self) -> MutexGuard<'_, Vec<Tree>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
