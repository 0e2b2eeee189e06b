//! Estimates the cost of a sweep before it runs.

use super::engine::{Prospects, choose};
use super::measured::Measured;
use super::splits::orders_bytes;
use super::task::Task;
use super::{Grid, Place, Sweep};
use crate::Error;
use crate::curve::Cell;
use crate::machine::memory::{Cost, list, sum, table};

impl Sweep {
    /// Estimates the cost of [`Sweep::run`]: bytes at the peak, in addition to the source's tables and the feature
    /// maps, and floating-point operations, without those of the maps.
    ///
    /// [`run`](Sweep::run) returns [`Error::Memory`] at once if fewer bytes are available. A plane that has several
    /// threads to itself computes its two factorisations in parallel, if memory beyond this estimate is available for
    /// both.
    ///
    /// # Errors
    /// Errors in the sweep as a whole, as for [`Sweep::run`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::{dataset::Dataset, sweep::Sweep};
    ///
    /// let sweep = Sweep::new(Dataset::diabetes(), 1..=400, 1000, 0);
    /// println!("{}", sweep.estimate()?); // so many GiB of memory, so many floating-point operations
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn estimate(&self) -> Result<Cost, Error> {
        let task = Task::new(self)?;
        task.estimate(choose(&task)?.prospects())
    }
}

impl Task<'_> {
    pub(super) fn estimate(&self, engine: &dyn Prospects) -> Result<Cost, Error> {
        let (repeats, lines) = (self.sweep.splits.repeats(), self.lines.len());
        let (n, p) = (self.most_samples(), self.most_features());
        let places = self.sweep.samples.len().saturating_mul(self.features.len());
        let total = places.saturating_mul(repeats);
        let cells = list::<Cell>(total.saturating_mul(lines));
        let results = list::<(Place, Option<Result<Measured, Error>>)>(total).saturating_mul(3);
        let measured = Measured::bytes(lines, &self.wanted).saturating_mul(total);
        let workers = self.grid().workers();
        let own = if self.is_shared() || !engine.needs_tables() { 0 } else { self.study_bytes() };
        let each = sum([engine.bytes(self)?, own]);
        let (tested, k) = (self.targets.widths().1, self.sizes.outputs);
        let width = sum([p, tested, 1]);
        let rows = if self.sizes.tests == 0 { self.sizes.rows } else { self.sizes.tests };
        let shared = self.is_shared() && engine.needs_tables();
        let kept = if shared { sum([table(width.min(rows), width), table(p, k)]) } else { 0 };
        let made = if self.sweep.maps.is_none() && self.features.len() == 1 { 0 } else { table(rows, p) };
        let at_first = if shared { sum([table(rows, width).saturating_mul(3), made]) } else { 0 };
        let at_work = each.saturating_mul(workers).max(cells);
        let bytes =
            sum([kept, if shared { made } else { 0 }, orders_bytes(repeats, n), measured, results, at_work]);
        let compression = 2.0 * rows as f64 * (width as f64) * (width as f64);
        let compressions = if shared {
            1.0
        } else if own > 0 {
            repeats as f64
        } else {
            0.0
        };
        let flops = repeats as f64 * engine.flops(self) + compressions * compression;
        Ok(Cost::new(bytes.max(at_first), flops))
    }

    /// The grid of all sizes and repeats, with the sweep's threads and batch size.
    pub(super) fn grid(&self) -> Grid {
        Grid {
            axis: self.sweep.samples.clone(),
            repeats: self.sweep.splits.repeats(),
            threads: self.sweep.threads,
            batch: if self.is_shared() { super::BATCH } else { 1 },
        }
    }
}
