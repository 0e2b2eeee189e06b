//! Chooses the best arm of a family by a metric, cell by cell.

use super::{ArmLabel, Axis, Cell, Curve, Failure, Metric};
use crate::Error;
use crate::machine::memory::{list, reserve};
use std::collections::HashMap;

impl Curve {
    /// Keeps, for each repeat and place, the cell of the family's arm with the largest `metric`: a penalty chosen by
    /// the evidence, say. On an axis of samples or features, [`Cell::value`] is the chosen setting. Cells without the
    /// metric are skipped; ties go to the first. The result has one arm, named after the family and the metric, and
    /// the failures of the family's arms.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for a family that the curve does not have, [`Error::Unsupported`] if none of its cells
    /// has the metric, [`Error::Memory`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::Metric;
    /// use double_descent::dataset::Dataset;
    /// use double_descent::sweep::{Arm, Sweep};
    ///
    /// let penalties = [1e-4, 1e-2, 1.0, 100.0];
    /// let sweep = Sweep {
    ///     arms: penalties.into_iter().map(Arm::ridge).collect::<Result<_, _>>()?,
    ///     metrics: vec![Metric::TestMse, Metric::LogEvidence],
    ///     ..Sweep::new(Dataset::diabetes(), 5..=15, 20, 0)
    /// };
    /// let curve = sweep.run()?;
    /// let chosen = curve.most_of("ridge", Metric::LogEvidence)?;
    /// assert_eq!(chosen.cells.len(), 20 * 11);
    /// // Without a look at a test row, the peak at n = p = 10 is gone.
    /// let peak = |curve: &double_descent::curve::Curve| curve.highest(0, Metric::TestMse).unwrap();
    /// assert!(peak(&chosen).median < peak(&curve).median);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn most_of(&self, family: &str, metric: Metric) -> Result<Self, Error> {
        self.chosen(family, metric, |new, old| new > old)
    }

    /// Does the same as [`Curve::most_of`] for the smallest value of a metric, such as a leave-one-out error.
    ///
    /// # Errors
    /// Those of [`Curve::most_of`].
    pub fn least_of(&self, family: &str, metric: Metric) -> Result<Self, Error> {
        self.chosen(family, metric, |new, old| new < old)
    }

    fn chosen(
        &self,
        family: &str,
        metric: Metric,
        is_better: impl Fn(f64, f64) -> bool,
    ) -> Result<Self, Error> {
        let arms = self.known_family(family)?;
        reserve("the cells of a choice", list::<(Cell, u128)>(self.cells.len()).saturating_mul(2))?;
        let mut places = HashMap::new();
        let mut cells: Vec<(Cell, f64)> = Vec::new();
        for cell in self.cells.iter().filter(|cell| arms.contains(&cell.arm)) {
            let Some(value) = cell.metric(metric).filter(|value| !value.is_nan()) else { continue };
            let key = (cell.repeat, cell.n, cell.p, cell.value().map(f64::to_bits));
            let place = *places.entry(key).or_insert(cells.len());
            match cells.get_mut(place) {
                Some(best) if !is_better(value, best.1) => {}
                Some(best) => *best = (*cell, value),
                None => cells.push((*cell, value)),
            }
        }
        if cells.is_empty() {
            let reason = format!("`{family}` has no {}; ask the sweep for that metric", metric.name());
            return Err(Error::Unsupported { reason });
        }
        let is_counted = matches!(self.axis, Axis::Samples | Axis::Features);
        let one = |(mut cell, _): (Cell, f64)| {
            if is_counted {
                cell = cell.at(self.arms[cell.arm].setting);
            }
            cell.arm = 0;
            cell
        };
        let of_failure = |failure: &Failure| match failure.arm {
            None => Some(failure.clone()),
            Some(arm) => arms.contains(&arm).then(|| failure.clone().of_arm(0)),
        };
        let arm = ArmLabel::new(format!("{family} by {}", metric.name()), None);
        Ok(Self {
            arms: vec![arm],
            cells: cells.into_iter().map(one).collect(),
            failures: self.failures.iter().filter_map(of_failure).collect(),
            provenance: self.provenance.clone(),
            ..*self
        })
    }
}
