//! What a sweep has measured, on its way into tables of its cells without a curve of them.

use super::cells::Grid;
use super::engine::Repeats;
use super::run::Ready;
use super::table_parts::{Part, Writer, at_once};
use super::{Observer, Sweep, Tables};
use crate::Error;
use crate::curve::{Bootstrap, CellTable, Curve, Gathered, Metric, Provenance};
use crate::machine::memory::{list, reserve};
use crate::machine::whole_file::WholeFile;
use std::fmt;
use std::path::Path;
use std::thread;

/// What the fits of a sweep give, cell by cell in a third of the memory that a [`Curve`](crate::curve::Curve) takes:
/// [`Sweep::measure`].
pub struct Measurements<'a> {
    ready: Ready<'a>,
    found: Repeats,
}

impl Sweep {
    /// [`Sweep::run_with`] where tables are all that is asked for.
    ///
    /// # Errors
    /// Those of [`Sweep::run`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::{curve::Metric, dataset::Dataset, sweep::Sweep};
    ///
    /// # let dir = std::env::temp_dir().join(format!("double-descent-measured-{}", std::process::id()));
    /// # std::fs::create_dir_all(&dir).unwrap();
    /// let sweep = Sweep::new(Dataset::diabetes(), 1..=20, 12, 0);
    /// let (cells, summary) = (dir.join("cells.csv"), dir.join("summary.csv"));
    /// let tables = sweep.measure(&())?.save_tables(&cells, &summary, &[Metric::TestMse], None)?;
    /// assert_eq!(tables.summaries[0], sweep.run()?.summaries(Metric::TestMse, None)?);
    /// # std::fs::remove_dir_all(&dir).unwrap();
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn measure(&self, observer: &dyn Observer) -> Result<Measurements<'_>, Error> {
        let ready = self.begin()?;
        let tables = ready.tables()?;
        let found = ready.measure(tables.as_ref(), 0..ready.count(), self.threads, observer)?;
        drop(tables);
        // Where every cell failed, the first one's reason.
        let places = || found.iter().flat_map(|(_, places)| places);
        let is_empty = places().flatten().all(|measured| measured.lines.is_empty());
        let reason = places().flatten().find_map(|measured| measured.failures.first());
        match reason {
            Some((_, error)) if is_empty && places().all(Option::is_some) => Err(error.clone()),
            _ => Ok(Measurements { ready, found }),
        }
    }
}

impl Measurements<'_> {
    /// Writes the very tables that [`Curve::save_cells`](crate::curve::Curve::save_cells) and
    /// [`Curve::save_summaries`](crate::curve::Curve::save_summaries) write of the curve, which is never there as a whole.
    ///
    /// # Errors
    /// Those of [`Curve::save_cells`](crate::curve::Curve::save_cells) and of
    /// [`Curve::save_summaries`](crate::curve::Curve::save_summaries).
    pub fn save_tables(
        self,
        cells: &Path,
        summary: &Path,
        metrics: &[Metric],
        bootstrap: Option<Bootstrap>,
    ) -> Result<Tables, Error> {
        let Self { ready, found } = self;
        let mut outline = ready.outline();
        let axis = ready.axis_values(outline.axis);
        let values = axis.len().saturating_mul(outline.arms.len()).saturating_mul(metrics.len());
        reserve("the values of all repeats", list::<f64>(values.saturating_mul(found.len())))?;
        let (kind, arms) = (outline.axis, outline.arms.len());
        let empty = |repeats| Gathered::new(kind, axis.clone(), arms, metrics, repeats);
        let (mut gathered, extent) = (empty(found.len()), ready.extent(&found));
        let table = CellTable::new(&extent, &outline.arms);
        let parts = Part::all(found);
        let side_by_side =
            |count| Grid { axis: (0..count).collect(), repeats: 1, threads: ready.threads(), batch: 1 };
        let workers = side_by_side(parts.len().max(1)).workers();
        let text = |part: &Part| {
            let (before, repeats) = part.take();
            let (mut gathered, mut rest) =
                (empty(repeats.len()), Curve::new(kind, Vec::new(), Provenance::default()));
            let mut rows = table.rows_after(before, Vec::new());
            let mut written = Ok(());
            for (repeat, places) in repeats {
                for measured in places {
                    ready.unfold(&mut rest, repeat, measured, |cell| {
                        gathered.add(cell);
                        if written.is_ok() {
                            written = rows.push(cell);
                        }
                    });
                }
            }
            let text = written.and_then(|()| rows.finish()).map_err(|e| Error::io(cells, &e))?;
            Ok((text, gathered, rest))
        };
        let mut summaries = Vec::new();
        thread::scope(|scope| {
            let mut writer = Writer::new(WholeFile::create(cells)?, cells, (workers > 1).then_some(scope))?;
            writer.write(table.header())?;
            for parts in parts.chunks(at_once(workers)) {
                let grid = side_by_side(parts.len());
                let done =
                    grid.run(&(), |places| places.iter().map(|at| text(&parts[at.axis_value])).collect())?;
                for result in done.into_iter().filter_map(|(_, result)| result) {
                    let (text, of_part, rest) = result?;
                    writer.write(text)?;
                    gathered.append(of_part);
                    outline.failures.extend(rest.failures);
                    outline.provenance.by_svd.extend(rest.provenance.by_svd);
                    outline.complete &= rest.complete;
                }
            }
            // The system takes the file while summaries are made.
            writer.end();
            gathered.check(bootstrap, workers)?;
            if !metrics.is_empty() {
                let one = |metric| gathered.summaries(metric, bootstrap);
                let grid = side_by_side(metrics.len());
                let done = grid.run(&(), |places| places.iter().map(|at| one(at.axis_value)).collect())?;
                for result in done.into_iter().filter_map(|(_, result)| result) {
                    summaries.push(result?);
                }
            }
            writer.finish()
        })?;
        outline.save_summary_tables(summary, metrics, &summaries)?;
        let (failures, complete) = (outline.failures, outline.complete);
        Ok(Tables { cells: extent.count, summaries, failures, complete })
    }
}

impl fmt::Debug for Measurements<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measurements").field("repeats", &self.found.len()).finish_non_exhaustive()
    }
}
