//! What one cell is tested on.

use super::coordinates::Coordinates;
use super::lines::Targets;
use crate::risk::Compressed;
use std::borrow::Cow;

/// The rows that are tested on: as the whole table less the training rows, or as they are.
pub(super) struct HeldOut<'a> {
    pub(super) table: Cow<'a, Compressed>,
    /// Whether the training rows are in `table` and must be taken off.
    pub(super) complement: bool,
    /// How many there are; 1 for a population.
    pub(super) rows: usize,
}

impl HeldOut<'_> {
    pub(super) fn in_coordinates(self, coordinates: Option<&Coordinates>, targets: &Targets) -> Self {
        match coordinates {
            None => self,
            Some(coordinates) => {
                let table = self.table.into_owned().with_targets(&targets.tested());
                let table = coordinates.of_table(table, &targets.trained());
                Self { table: Cow::Owned(table), complement: self.complement, rows: self.rows }
            }
        }
    }
}
