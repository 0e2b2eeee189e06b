//! Tables of cells and of their summaries, from cells that come part by part and are not kept.

use super::cells::Grid;
use super::table_parts::{Writer, at_once};
use crate::Error;
use crate::curve::{
    Bootstrap, Cell, CellTable, Curve, Extent, Failure, Gathered, Metric, Provenance, Summary, Text,
};
use crate::machine::memory::{list, reserve};
use crate::machine::spare::Spare;
use crate::machine::whole_file::WholeFile;
use std::io::Write;
use std::path::Path;
use std::thread;

/// What the tables of a run are made of: [`Sweep::merge_tables`], [`Measurements::save_tables`].
///
/// [`Measurements::save_tables`]: super::Measurements::save_tables
/// [`Sweep::merge_tables`]: super::Sweep::merge_tables
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

/// The cells of a run in parts, each of some repeats, in order.
pub(super) trait CellParts: Sync {
    /// How many parts there are.
    fn count(&self) -> usize;

    /// How many repeats a part has.
    fn repeats(&self, part: usize) -> usize;

    /// How many cells come before a part.
    fn before(&self, part: usize) -> usize;

    /// Gives the cells of a part to `each`, which happens once; what of it is no cell goes into `rest`.
    fn unfold(&self, part: usize, rest: &mut Curve, each: impl FnMut(&Cell)) -> Result<(), Error>;
}

/// Tables that are to be written.
pub(super) struct TablesOf<'a> {
    /// The curve without cells.
    pub(super) outline: Curve,
    /// The values of its axis, ascending.
    pub(super) axis: Vec<f64>,
    pub(super) repeats: usize,
    /// Of all cells.
    pub(super) extent: Extent,
    pub(super) threads: Option<usize>,
    /// Those that are summarised, and how.
    pub(super) metrics: &'a [Metric],
    pub(super) bootstrap: Option<Bootstrap>,
    /// The two files.
    pub(super) cells: &'a Path,
    pub(super) summary: &'a Path,
}

/// A part as text, its values, and what of it is no cell.
type Tabled = (Text, Gathered, Curve);

impl TablesOf<'_> {
    /// Writes them: each part becomes text on one of several threads, and all go into the file in order.
    pub(super) fn save(self, parts: &impl CellParts) -> Result<Tables, Error> {
        let Self { mut outline, axis, repeats, extent, threads, metrics, bootstrap, cells, summary } = self;
        let (kind, arms) = (outline.axis, outline.arms.len());
        // More than one cell of an arm and axis value are in a repeat of a plane.
        let slots = axis.len().saturating_mul(arms);
        let each = extent.count.div_ceil(slots.saturating_mul(repeats).max(1)).max(1);
        let values = slots.saturating_mul(metrics.len()).saturating_mul(each);
        reserve("the values of all repeats", list::<f64>(values.saturating_mul(repeats)))?;
        let empty = |repeats| Gathered::new(kind, axis.clone(), arms, metrics, repeats * each);
        let mut gathered = empty(repeats);
        let table = CellTable::new(&extent, &outline.arms);
        let side_by_side = |count| Grid { axis: (0..count).collect(), repeats: 1, threads, batch: 1 };
        let workers = side_by_side(parts.count().max(1)).workers();
        let (spare_texts, spare_values) = (Spare::new(), Spare::<Gathered>::new());
        let tabled = |part: usize| -> Result<Tabled, Error> {
            let mut rest = Curve::new(kind, Vec::new(), Provenance::default());
            let mut rows = table.rows_after(parts.before(part), spare_texts.take().unwrap_or_default());
            let mut of_part = spare_values.take().unwrap_or_else(|| empty(1));
            of_part.clear(parts.repeats(part) * each);
            parts.unfold(part, &mut rest, |cell| {
                of_part.add(cell);
                rows.push(cell);
            })?;
            Ok((rows.finish(), of_part, rest))
        };
        let mut summaries = Vec::new();
        thread::scope(|scope| {
            let mut file = WholeFile::create(cells)?;
            file.write_all(&table.header()).map_err(|e| Error::io(cells, &e))?;
            let mut writer = Writer::new((file, cells, &spare_texts), (workers > 1).then_some(scope))?;
            for first in (0..parts.count()).step_by(at_once(workers)) {
                let grid = side_by_side(at_once(workers).min(parts.count() - first));
                let done =
                    grid.run(&(), |places| places.iter().map(|at| tabled(first + at.axis_value)).collect())?;
                for result in done.into_iter().filter_map(|(_, result)| result) {
                    let (text, of_part, rest) = result?;
                    writer.write(text)?;
                    gathered.append(&of_part);
                    spare_values.give(of_part);
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
