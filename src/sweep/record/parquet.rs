//! The cells of a run as Parquet from the records of its shards, without all of them at once.

use super::repeats::MergedRepeats;
use crate::Error;
use crate::curve::{CellColumns, Extent, Failure};
use crate::sweep::Sweep;
use std::path::Path;

impl Sweep {
    /// [`merge`](Self::merge) into a Parquet file: the very one that
    /// [`Curve::save_cells_parquet`](crate::curve::Curve::save_cells_parquet) writes of the curve, which is never there as
    /// a whole. In memory are one repeat and one row group. The records are read twice. Gives the number of cells.
    ///
    /// # Errors
    /// Those of [`merge`](Self::merge) and of [`Curve::save_cells_parquet`](crate::curve::Curve::save_cells_parquet).
    pub fn merge_parquet(&self, records: &[impl AsRef<Path>], cells: &Path) -> Result<usize, Error> {
        let repeats = self.splits.repeats();
        let mut merged = MergedRepeats::of(self, records)?;
        merged.check_complete()?;
        let (mut extent, mut failure) = (Extent::default(), None);
        for repeat in 0..repeats {
            let Some(of_repeat) = merged.get(repeat)? else { continue };
            extent.add(&of_repeat.cells);
            failure = failure.or(of_repeat.failures.into_iter().next());
        }
        if let (0, Some(Failure { error, .. })) = (extent.count, failure) {
            return Err(error);
        }
        let mut rows = CellColumns::begin(cells, &extent, &self.outline()?.0)?;
        for repeat in 0..repeats {
            let Some(of_repeat) = merged.get(repeat)? else { continue };
            of_repeat.cells.iter().try_for_each(|cell| rows.push(cell))?;
        }
        rows.finish()?;
        Ok(extent.count)
    }
}
