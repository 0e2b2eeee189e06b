//! Writes the cells of a run to Parquet from the records of its shards, without holding all cells in memory.

use super::repeats::MergedRepeats;
use crate::Error;
use crate::curve::{Cell, CellColumns};
use crate::sweep::Sweep;
use std::path::Path;

impl Sweep {
    /// [`merge`](Self::merge) into a Parquet file, and returns the number of cells.
    ///
    /// The file is exactly the one that [`Curve::save_cells_parquet`](crate::curve::Curve::save_cells_parquet) would
    /// write, but the whole curve is never in memory: only one repeat and one row group are.
    ///
    /// # Errors
    /// Those of [`merge`](Self::merge) and of [`Curve::save_cells_parquet`](crate::curve::Curve::save_cells_parquet).
    pub fn merge_parquet(
        &self,
        records: &[impl AsRef<Path>],
        cells: impl AsRef<Path>,
    ) -> Result<usize, Error> {
        let cells = cells.as_ref();
        let mut merged = MergedRepeats::of(self, records)?;
        merged.check_complete()?;
        let (fronts, extent) = merged.fronts()?;
        let mut rows = CellColumns::begin(cells, &extent, &self.outline()?.0)?;
        for (repeat, front) in fronts.iter().enumerate() {
            let mut written = Ok(());
            let each = |cell: &Cell| {
                if written.is_ok() {
                    written = rows.push(cell);
                }
            };
            let found = merged.stored(repeat)?.and_then(|stored| stored.each(each));
            // The cells must still be those that the file's columns were planned for.
            if found.is_none_or(|(found, _)| found != *front) {
                return Err(merged.not_decoded(repeat));
            }
            written?;
        }
        rows.finish()?;
        Ok(extent.count)
    }
}
