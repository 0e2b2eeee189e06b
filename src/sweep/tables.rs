//! Tables of cells and of their summaries, written part by part without keeping the cells.

use super::cells::{Grid, Pool};
use super::table_parts::Room;
use crate::Error;
use crate::curve::{
    Axis, Bootstrap, Cell, CellTable, Curve, Extent, Failure, Gathered, Metric, Provenance, Slots, Summary,
};
use crate::machine::memory::{list, reserve};
use crate::machine::spare::Spare;
use crate::machine::whole_file::WholeFile;
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The result of writing a run's tables: [`Sweep::merge_tables`], [`Measurements::save_tables`].
///
/// [`Measurements::save_tables`]: super::Measurements::save_tables
/// [`Sweep::merge_tables`]: super::Sweep::merge_tables
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Tables {
    /// The number of cells.
    pub cells: usize,
    /// The summaries of each requested metric.
    pub summaries: Vec<Vec<Summary>>,
    /// Cells that could not be computed.
    pub failures: Vec<Failure>,
    /// Whether every planned cell was visited; `false` if an observer stopped the sweep.
    pub complete: bool,
}

/// The cells of a run, divided into parts of consecutive repeats.
pub(super) trait CellParts: Sync {
    /// The number of parts.
    fn count(&self) -> usize;

    /// The number of cells before a part.
    fn before(&self, part: usize) -> usize;

    /// Passes each cell of a part to `each`; may be called once per part. The flag is `true` if the cell is known to
    /// equal the previous one except for its arm. Everything in the part that is not a cell goes into `rest`.
    fn unfold(&self, part: usize, rest: &mut Curve, each: impl FnMut(&Cell, bool)) -> Result<(), Error>;
}

/// Settings of the tables to write.
pub(super) struct TablesOf<'a> {
    /// The curve without cells.
    pub(super) outline: Curve,
    /// The values of its axis, ascending.
    pub(super) axis: Vec<f64>,
    /// The extent of all cells.
    pub(super) extent: Extent,
    pub(super) threads: Option<usize>,
    /// The summarised metrics.
    pub(super) metrics: &'a [Metric],
    pub(super) bootstrap: Option<Bootstrap>,
    /// The two output files.
    pub(super) cells: &'a Path,
    pub(super) summary: &'a Path,
}

/// The number of parts per thread that are made together. Larger means less waiting for one another, and more texts in
/// memory while a slow part holds up the parts after it.
const AHEAD: usize = 16;

/// A part as text with its values, and everything in the part that is not a cell.
type Tabled = (Room, Curve);

impl TablesOf<'_> {
    /// Writes both tables: parts are formatted in parallel, and written to the file in order.
    pub(super) fn save(self, parts: &impl CellParts) -> Result<Tables, Error> {
        let Self { mut outline, axis, extent, threads, metrics, bootstrap, cells, summary } = self;
        let workers = side_by_side(parts.count().max(metrics.len()).max(1), threads).workers();
        let (pool, threads) = match threads {
            _ if workers == 1 => (Pool::Here, Some(1)),
            None => (Pool::Machine, None),
            Some(_) => (Pool::of(workers)?, None),
        };
        let slots = Slots::new(outline.axis, axis, outline.arms.len(), metrics);
        // The values with their arms, and sorted copies, one metric per worker.
        let copies = metrics.len().saturating_add(1 + metrics.len().min(workers));
        reserve("the values of all repeats", list::<f64>(extent.count.saturating_mul(copies)))?;
        let mut gathered = Gathered::new(&slots, extent.count, bootstrap);
        let (rooms, kind) = (Spare::new(), outline.axis);
        let table = CellTable::new(&extent, &outline.arms);
        let text =
            |part: usize| tabled((parts, part), &table, (kind, &slots), rooms.take().unwrap_or_default());
        let mut file = WholeFile::create(cells)?;
        let written = |result: std::io::Result<()>| result.map_err(|e| Error::io(cells, &e));
        written(file.write_all(&table.header()))?;
        let mut rests = Vec::new();
        let mut take_in = |(room, rest): Tabled| {
            gathered.append(&room.values);
            written(file.write_all(room.text.bytes()))?;
            rooms.give(room);
            rests.push(rest);
            Ok(())
        };
        let ahead = workers.saturating_mul(AHEAD);
        pool.run(|| {
            (0..parts.count()).step_by(ahead).try_for_each(|first| {
                let parts = first..parts.count().min(first.saturating_add(ahead));
                in_order(parts, side_by_side(workers, threads), text, &mut take_in)
            })
        })?;
        for rest in rests {
            outline.failures.extend(rest.failures);
            outline.provenance.by_svd.extend(rest.provenance.by_svd);
            outline.complete &= rest.complete;
        }
        let counts = gathered.check(workers)?;
        let summarise = || -> Result<Vec<Vec<Summary>>, Error> {
            if metrics.is_empty() {
                return Ok(Vec::new());
            }
            let one = |metric| gathered.summaries(metric, &counts);
            let done = side_by_side(metrics.len(), threads)
                .run(&(), |places| places.iter().map(|at| one(at.axis_value)).collect())?;
            done.into_iter().filter_map(|(_, result)| result).collect()
        };
        let summaries = finish_beside(file, workers, || pool.run(summarise))?;
        outline.save_summary_tables(summary, metrics, &summaries)?;
        let (failures, complete) = (outline.failures, outline.complete);
        Ok(Tables { cells: extent.count, summaries, failures, complete })
    }
}

/// Calls `make` for each part on the threads of `grid`, one place each, and passes the results to `take_in` one by one,
/// in order.
fn in_order<T: Send>(
    parts: Range<usize>,
    grid: Grid,
    make: impl Fn(usize) -> Result<T, Error> + Sync,
    take_in: impl FnMut(T) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    let begun = AtomicUsize::new(parts.start);
    // The part whose turn it is, and what was made of parts after it.
    let turns = Mutex::new((parts.start, BTreeMap::new(), take_in));
    let work = || loop {
        let part = begun.fetch_add(1, Ordering::Relaxed);
        if part >= parts.end {
            return Ok(());
        }
        let made = make(part)?;
        let (turn, later, take_in) = &mut *turns.lock().unwrap_or_else(PoisonError::into_inner);
        later.insert(part, made);
        while let Some(made) = later.remove(turn) {
            take_in(made)?;
            *turn += 1;
        }
    };
    let done = grid.run(&(), |places| places.iter().map(|_| work()).collect())?;
    done.into_iter().filter_map(|(_, result)| result).collect()
}

/// Finishes a file while `work` runs. If there are several workers, a separate thread does so, so that no worker waits
/// for the disk.
fn finish_beside<T>(
    file: WholeFile,
    workers: usize,
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    if workers == 1 {
        let done = work()?;
        return file.finish().map(|()| done);
    }
    thread::scope(|scope| {
        let finishing = thread::Builder::new().spawn_scoped(scope, || file.finish());
        let finishing =
            finishing.map_err(|e| Error::Resource { reason: format!("a thread that writes: {e}") })?;
        let done = work();
        let died = || Error::Resource { reason: "the thread that writes a table panicked".into() };
        finishing.join().unwrap_or_else(|_| Err(died()))?;
        done
    })
}

/// A grid of `count` independent pieces of work.
fn side_by_side(count: usize, threads: Option<usize>) -> Grid {
    Grid { axis: (0..count).collect(), repeats: 1, threads, batch: 1 }
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
    parts.unfold(part, &mut rest, |cell, is_repeated| {
        if is_repeated {
            values.add_again(cell.arm, slots);
            rows.push_again(cell);
        } else {
            values.add(cell, slots);
            rows.push(cell);
        }
    })?;
    Ok((Room { text: rows.finish(), values }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes in 40 parts on some threads; the first is not made until others are, if there is another thread.
    fn taken(
        threads: usize,
        make: impl Fn(usize) -> Result<usize, Error> + Sync,
    ) -> (Vec<usize>, Option<Error>) {
        let (made, mut taken) = (AtomicUsize::new(0), Vec::new());
        let make = |part| {
            while threads > 1 && part == 0 && made.load(Ordering::Relaxed) < 5 {
                thread::yield_now();
            }
            made.fetch_add(1, Ordering::Relaxed);
            make(part)
        };
        let result = in_order(0..40, side_by_side(threads, Some(threads)), make, |part| {
            taken.push(part);
            if part == 30 { Err(Error::Empty { what: "part 30" }) } else { Ok(()) }
        });
        (taken, result.err())
    }

    #[test]
    fn parts_are_taken_in_order_up_to_the_first_error() {
        let up_to = |last| (0..last).collect::<Vec<_>>();
        for threads in [1, 2, 8] {
            // The file cannot be written.
            assert_eq!(taken(threads, Ok), (up_to(31), Some(Error::Empty { what: "part 30" })));
            // A part cannot be made.
            let fails = |part| if part == 20 { Err(Error::Empty { what: "part 20" }) } else { Ok(part) };
            assert_eq!(taken(threads, fails), (up_to(20), Some(Error::Empty { what: "part 20" })));
            let (taken, error) = taken(threads, |part| if part == 10 { panic!("part 10") } else { Ok(part) });
            assert!(taken == up_to(10) && matches!(error, Some(Error::UserCode { .. })), "{error:?}");
        }
    }
}
