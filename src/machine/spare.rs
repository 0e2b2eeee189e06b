//! A pool of used memory for reuse.

use std::sync::{Mutex, PoisonError};

/// Buffers from finished pieces of work, for later ones: if a piece mainly writes, fresh memory from the system would
/// cost as much as its work.
pub(crate) struct Spare<T>(Mutex<Vec<T>>);

impl<T> Spare<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Takes a buffer from the pool, if there is one.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    pub(crate) fn give(&self, used: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(used);
    }
}
