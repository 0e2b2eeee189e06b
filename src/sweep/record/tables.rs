//! Writes the tables of a run from the records of its shards, without holding all cells in memory.

use super::payload::Front;
use super::repeats::MergedRepeats;
use crate::Error;
use crate::curve::{Bootstrap, Cell, Curve, Metric};
use crate::sweep::Sweep;
use crate::sweep::table_parts::CELLS;
use crate::sweep::tables::{CellParts, Tables, TablesOf};
use crate::sweep::task::Task;
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

impl Sweep {
    /// [`merge`](Self::merge) into files: exactly the tables that
    /// [`Curve::save_cells`](crate::curve::Curve::save_cells) and
    /// [`Curve::save_summaries`](crate::curve::Curve::save_summaries) would write.
    ///
    /// The whole curve is never in memory: only a few repeats per thread, and for every cell its arm and the summarised
    /// metrics, 8 bytes each, with a temporary second copy of the metrics. So medians and quartiles are exact. The
    /// records are scanned, and then read, on as many threads as the sweep may use.
    ///
    /// # Errors
    /// Those of [`merge`](Self::merge) and of [`Curve::save_summaries`](crate::curve::Curve::save_summaries).
    ///
    /// # Examples
    /// ```
    /// use double_descent::{curve::Metric, dataset::Dataset, sweep::{Shard, Sweep}};
    ///
    /// # let dir = std::env::temp_dir().join(format!("double-descent-tables-{}", std::process::id()));
    /// let sweep = Sweep::new(Dataset::diabetes(), 1..=20, 12, 0);
    /// let shards = sweep.shards(dir.join("shards"))?;
    /// for k in 0..3 {
    ///     sweep.record(shards.begin(Shard::new(k, 3)?)?)?.shard(k, 3)?.compute(&())?;
    /// }
    /// let metrics = [Metric::TestMse];
    /// let (cells, summary) = (dir.join("cells.csv"), dir.join("summary.csv"));
    /// let tables = sweep.merge_tables(&shards.records()?, &cells, &summary, &metrics, None)?;
    /// assert_eq!(tables.summaries[0], sweep.run()?.summaries(Metric::TestMse, None)?);
    /// # std::fs::remove_dir_all(&dir).unwrap();
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn merge_tables(
        &self,
        records: &[impl AsRef<Path>],
        cells: impl AsRef<Path>,
        summary: impl AsRef<Path>,
        metrics: &[Metric],
        bootstrap: Option<Bootstrap>,
    ) -> Result<Tables, Error> {
        let (cells, summary) = (cells.as_ref(), summary.as_ref());
        let mut merged = MergedRepeats::of(self, records)?;
        merged.check_complete()?;
        let (fronts, extent) = merged.fronts()?;
        let stored = StoredRepeats::new(merged, fronts);
        let outline = self.outline()?.0;
        let axis = Task::new(self)?.axis_values(outline.axis);
        let threads = self.threads;
        let tables = TablesOf { outline, axis, extent, threads, metrics, bootstrap, cells, summary };
        tables.save(&stored)
    }
}

/// Repeats in records, divided into parts.
struct StoredRepeats {
    merged: Mutex<MergedRepeats>,
    /// The front of each repeat.
    fronts: Vec<Front>,
    /// The number of cells before each part, and its repeats.
    parts: Vec<(usize, Range<usize>)>,
}

impl StoredRepeats {
    fn new(merged: MergedRepeats, fronts: Vec<Front>) -> Self {
        let (mut parts, mut start, mut before, mut cells) = (Vec::new(), 0, 0, 0);
        for (repeat, front) in fronts.iter().enumerate() {
            cells += front.count;
            if cells >= CELLS || repeat + 1 == fronts.len() {
                parts.push((before, start..repeat + 1));
                start = repeat + 1;
                before += std::mem::take(&mut cells);
            }
        }
        Self { merged: Mutex::new(merged), fronts, parts }
    }

    fn merged(&self) -> MutexGuard<'_, MergedRepeats> {
        self.merged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CellParts for StoredRepeats {
    fn count(&self) -> usize {
        self.parts.len()
    }

    fn before(&self, part: usize) -> usize {
        self.parts[part].0
    }

    fn unfold(&self, part: usize, rest: &mut Curve, mut each: impl FnMut(&Cell, bool)) -> Result<(), Error> {
        for repeat in self.parts[part].1.clone() {
            // Repeats are read one at a time, but decoded in parallel.
            let stored = self.merged().stored(repeat)?;
            let found = stored.and_then(|stored| stored.each(|cell| each(cell, false)));
            match found {
                // The cells must still be those that the table was planned for.
                Some((front, found)) if front == self.fronts[repeat] => rest.failures.extend(found.failures),
                _ => return Err(self.merged().not_decoded(repeat)),
            }
        }
        Ok(())
    }
}
