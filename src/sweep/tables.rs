//! Tables of cells and of their summaries, from cells that come part by part and are not kept.

use super::cells::Grid;
use super::table_parts::{Room, Writer, at_once};
use crate::Error;
use crate::curve::{
    Axis, Bootstrap, Cell, CellTable, Curve, Extent, Failure, Gathered, Metric, Provenance, Slots, Summary,
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

/// A part as text with its values, and what of it is no cell.
type Tabled = (Room, Curve);

impl TablesOf<'_> {
    /// Writes them: each part becomes text on one of several threads, and all go into the file in order.
    pub(super) fn save(self, parts: &impl CellParts) -> Result<Tables, Error> {
        let Self { mut outline, axis, repeats, extent, threads, metrics, bootstrap, cells, summary } = self;
        let slots = Slots::new(outline.axis, axis, outline.arms.len(), metrics);
        // More than one cell of an arm and axis value are in a repeat of a plane.
        let room =
            repeats.saturating_mul(extent.count.div_ceil(slots.count().saturating_mul(repeats).max(1)));
        reserve("the values of all repeats", list::<f64>(slots.values().saturating_mul(room)))?;
        let mut gathered = Gathered::new(&slots, room);
        let (rooms, kind) = (Spare::new(), outline.axis);
        let table = CellTable::new(&extent, &outline.arms);
        let side_by_side = |count| Grid { axis: (0..count).collect(), repeats: 1, threads, batch: 1 };
        let workers = side_by_side(parts.count().max(1)).workers();
        let text =
            |part: usize| tabled((parts, part), &table, (kind, &slots), rooms.take().unwrap_or_default());
        let mut summaries = Vec::new();
        thread::scope(|scope| {
            let mut file = WholeFile::create(cells)?;
            file.write_all(&table.header()).map_err(|e| Error::io(cells, &e))?;
            let mut writer = Writer::new((file, cells), &rooms, (workers > 1).then_some(scope))?;
            for first in (0..parts.count()).step_by(at_once(workers)) {
                let grid = side_by_side(at_once(workers).min(parts.count() - first));
                let done =
                    grid.run(&(), |places| places.iter().map(|at| text(first + at.axis_value)).collect())?;
                for result in done.into_iter().filter_map(|(_, result)| result) {
                    let (room, rest) = result?;
                    gathered.append(&room.values);
                    writer.write(room)?;
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

fn tabled(
    (parts, part): (&impl CellParts, usize),
    table: &CellTable,
    (kind, slots): (Axis, &Slots<'_>),
    room: Room,
) -> Result<Tabled, Error> {
    let Room { text, mut values } = room;
    let mut rest = Curve::new(kind, Vec::new(), Provenance::default());
    let mut rows = table.rows_after(parts.before(part), text);
    values.clear();
    parts.unfold(part, &mut rest, |cell| {
        values.add(cell, slots);
        rows.push(cell);
    })?;
    Ok((Room { text: rows.finish(), values }, rest))
}
