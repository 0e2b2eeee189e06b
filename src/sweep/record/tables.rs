//! The tables of a run from the records of its shards, without all cells at once.

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
    /// [`merge`](Self::merge) into files: the very tables that [`Curve::save_cells`](crate::curve::Curve::save_cells) and
    /// [`Curve::save_summaries`](crate::curve::Curve::save_summaries) write of the curve, which is never there as a whole.
    /// In memory are a few repeats for each thread, and of every cell its arm and the metrics that are summarised, 8 bytes
    /// each, with a second copy of the metrics under way: medians and quartiles are exact. The records are looked through,
    /// and then read, on as many threads as the sweep may use.
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

/// Repeats in records, in parts.
struct StoredRepeats {
    merged: Mutex<MergedRepeats>,
    /// Of each repeat.
    fronts: Vec<Front>,
    /// How many cells come before each part, and its repeats.
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
            // Read one after the other, and taken apart side by side.
            let stored = self.merged().stored(repeat)?;
            let found = stored.and_then(|stored| stored.each(|cell| each(cell, false)));
            match found {
                // What was planned for is what has come.
                Some((front, found)) if front == self.fronts[repeat] => rest.failures.extend(found.failures),
                _ => return Err(self.merged().not_decoded(repeat)),
            }
        }
        Ok(())
    }
}
