//! The parts of a table of cells, each formatted as one piece of text.

use super::engine::Repeats;
use crate::curve::{Listed, Text};
use std::sync::{Mutex, PoisonError};

/// The number of cells in a part, few enough that its text stays in the cache until it is written. A larger repeat is a
/// part on its own. Each part in progress has its own text buffer, and first touching new memory is slow.
pub(super) const CELLS: usize = 1 << 9;

/// One part: some consecutive repeats.
pub(super) struct Part {
    /// The number of cells before this part.
    before: usize,
    repeats: Mutex<Repeats>,
}

impl Part {
    /// Divides all repeats into parts, in order.
    pub(super) fn all(found: Repeats) -> Vec<Self> {
        let (mut parts, mut before, mut cells) = (Vec::new(), 0, 0);
        let mut repeats = Repeats::new();
        for (repeat, places) in found {
            cells += places.iter().flatten().map(|measured| measured.lines.len()).sum::<usize>();
            repeats.push((repeat, places));
            if cells >= CELLS {
                parts.push(Self { before, repeats: Mutex::new(std::mem::take(&mut repeats)) });
                before += std::mem::take(&mut cells);
            }
        }
        if !repeats.is_empty() {
            parts.push(Self { before, repeats: Mutex::new(repeats) });
        }
        parts
    }

    /// The number of cells before this part.
    pub(super) fn before(&self) -> usize {
        self.before
    }

    /// Takes its repeats, leaving none.
    pub(super) fn take(&self) -> Repeats {
        std::mem::take(&mut *self.repeats.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The text of a part, and the values gathered from its cells.
#[derive(Default)]
pub(super) struct Room {
    pub(super) text: Text,
    pub(super) values: Listed,
}
