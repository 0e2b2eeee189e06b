//! The parts of a table of cells: what becomes text at once.

use super::engine::Repeats;
use crate::curve::{Listed, Text};
use std::sync::{Mutex, PoisonError};

/// Cells of a part, whose text stays in the cache until it is written; a repeat that has more is a part of its own. Each
/// part that is under way is text in room of its own, which is slow at first touch.
pub(super) const CELLS: usize = 1 << 9;

/// Some repeats.
pub(super) struct Part {
    /// How many cells come before.
    before: usize,
    repeats: Mutex<Repeats>,
}

impl Part {
    /// All repeats, in order.
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

    /// How many cells come before.
    pub(super) fn before(&self) -> usize {
        self.before
    }

    /// Its repeats, which it then has no more.
    pub(super) fn take(&self) -> Repeats {
        std::mem::take(&mut *self.repeats.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The text of a part, and what is gathered of its cells.
#[derive(Default)]
pub(super) struct Room {
    pub(super) text: Text,
    pub(super) values: Listed,
}
