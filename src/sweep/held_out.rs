//! The test rows of one cell.

use super::coordinates::Coordinates;
use super::lines::Targets;
use crate::risk::{Compressed, Transposed};
use ndarray::{Array1, Array2};
use std::borrow::Cow;

/// The test rows: either the whole table minus the training rows, or separate rows.
pub(super) struct HeldOut<'a> {
    pub(super) table: Cow<'a, Compressed>,
    /// The transposed features of the table, if all cells share them.
    pub(super) transposed: Option<&'a Transposed>,
    /// The centred columns of features that are constant on the training rows, if standardising set them to 0.
    pub(super) unseen: Vec<(usize, Array1<f64>)>,
    /// Whether `table` contains the training rows, so that they must be subtracted.
    pub(super) complement: bool,
    /// The number of test rows; 1 for a population.
    pub(super) rows: usize,
}

impl HeldOut<'_> {
    /// `A vᵣ` as rows.
    pub(super) fn images(&self, vt: &Array2<f64>) -> Array2<f64> {
        let features = &self.table.features;
        match self.transposed {
            Some(transposed) => transposed.images(features, vt),
            None => Transposed::new(features).images(features, vt),
        }
    }

    pub(super) fn in_coordinates(self, coordinates: Option<&Coordinates>, targets: &Targets) -> Self {
        match coordinates {
            None => self,
            Some(coordinates) => {
                let table = self.table.into_owned().with_targets(&targets.tested());
                let (table, unseen) = coordinates.of_table(table, &targets.trained());
                Self { table: Cow::Owned(table), transposed: None, unseen, ..self }
            }
        }
    }
}
