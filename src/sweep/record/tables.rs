//! The tables of a run from the records of its shards, without all cells at once.

use super::repeats::MergedRepeats;
use crate::Error;
use crate::curve::{Bootstrap, CellTable, Extent, Failure, Gathered, Metric, Summary};
use crate::machine::memory::{list, reserve};
use crate::machine::whole_file::WholeFile;
use crate::sweep::Sweep;
use crate::sweep::task::Task;
use std::io::Write;
use std::path::Path;

/// What the tables of a run are made of: [`Sweep::merge_tables`], [`Measurements::save_tables`].
///
/// [`Measurements::save_tables`]: crate::sweep::Measurements::save_tables
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Tables {
    /// How many cells there are.
    pub cells: usize,
    /// The summaries of each metric that was asked for.
    pub summaries: Vec<Vec<Summary>>,
    /// Cells that could not be computed.
    pub failures: Vec<Failure>,
    /// Whether every planned cell was visited; `false` if an observer stopped the sweep.
    pub complete: bool,
}

impl Sweep {
    /// [`merge`](Self::merge) into files: the very tables that [`Curve::save_cells`](crate::curve::Curve::save_cells) and
    /// [`Curve::save_summaries`](crate::curve::Curve::save_summaries) write of the curve, which is never there as a whole.
    /// In memory are one repeat, and of every cell the metrics that are summarised, 8 bytes each: medians and
    /// quartiles are exact. The records are read twice.
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
        cells: &Path,
        summary: &Path,
        metrics: &[Metric],
        bootstrap: Option<Bootstrap>,
    ) -> Result<Tables, Error> {
        let repeats = self.splits.repeats();
        let mut merged = MergedRepeats::of(self, records)?;
        merged.check_complete()?;
        let outline = self.outline()?.0;
        let axis = Task::new(self)?.axis_values(outline.axis);
        let groups = axis.len().saturating_mul(outline.arms.len());
        let values = groups.saturating_mul(metrics.len()).saturating_mul(repeats);
        reserve("the values of all repeats", list::<f64>(values))?;
        let mut gathered = Gathered::new(outline.axis, axis, outline.arms.len(), metrics, repeats);
        let (mut extent, mut failures) = (Extent::default(), Vec::new());
        for repeat in 0..repeats {
            let Some(of_repeat) = merged.get(repeat)? else { continue };
            extent.add(&of_repeat.cells);
            of_repeat.cells.iter().for_each(|cell| gathered.add(cell));
            failures.extend(of_repeat.failures);
        }
        if let (0, Some(Failure { error, .. })) = (extent.count, failures.first()) {
            return Err(error.clone());
        }
        let summaries = gathered.all_summaries(bootstrap)?;
        drop(gathered);
        let failed = |e| Error::io(cells, &e);
        let table = CellTable::new(&extent, &outline.arms);
        let mut file = WholeFile::create(cells)?;
        file.write_all(&table.header()).map_err(failed)?;
        let mut rows = table.rows(file);
        for repeat in 0..repeats {
            let Some(of_repeat) = merged.get(repeat)? else { continue };
            of_repeat.cells.iter().try_for_each(|cell| rows.push(cell)).map_err(failed)?;
        }
        rows.finish().map_err(failed)?.finish()?;
        outline.save_summary_tables(summary, metrics, &summaries)?;
        Ok(Tables { cells: extent.count, summaries, failures, complete: true })
    }
}
