//! A sweep and its record: what is missing is computed, and all of it becomes a result.

use super::{Identity, Record, Repeat};
use crate::Error;
use crate::curve::{Cell, Curve};
use crate::memory::{list, reserve};
use crate::sweep::Observer;
use crate::sweep::cells::unless_all_failed;
use std::fmt;
use std::ops::Range;
use std::path::Path;

/// The cells of a range of repeats, computed on the thread that asks.
pub(in crate::sweep) type Compute<'a> = Box<dyn Fn(Range<usize>) -> Result<Curve, Error> + Sync + 'a>;

/// What a record needs to know of a sweep, whichever engine runs it.
pub(in crate::sweep) trait Experiment: Sync {
    /// Everything that decides the numbers, checked.
    fn identity(&self) -> Result<Identity, Error>;
    fn repeats(&self) -> usize;
    /// Cells of one repeat, if none fails.
    fn cells(&self) -> usize;
    fn threads(&self) -> Option<usize>;
    /// Repeats that are worth computing together.
    fn at_once(&self) -> Result<usize, Error>;
    /// What all repeats share, made once.
    fn begin(&self) -> Result<Compute<'_>, Error>;
    /// The curve without cells.
    fn outline(&self) -> Result<Curve, Error>;
}

/// A sweep and the record of what it has computed: [`Sweep::record`](crate::sweep::Sweep::record),
/// [`PlaneSweep::record`](crate::sweep::PlaneSweep::record). `T` is the result, a [`Curve`] or a
/// [`Surface`](crate::curve::Surface).
pub struct Recording<'a, T> {
    record: Record<Repeat>,
    experiment: &'a dyn Experiment,
    shard: Range<usize>,
    result: fn(Curve) -> T,
}

impl<'a, T> Recording<'a, T> {
    pub(super) fn open(
        experiment: &'a dyn Experiment,
        path: &Path,
        result: fn(Curve) -> T,
    ) -> Result<Self, Error> {
        let record = Record::open(path, &experiment.identity()?)?;
        Ok(Self { record, experiment, shard: 0..experiment.repeats(), result })
    }

    /// The same for one of `of` shards, `k` from 0: repeats `⌊k R / of⌋` up to `⌊(k + 1) R / of⌋` of all `R`. A shard
    /// computes the very numbers of one run, each into a record of its own, anywhere; `merge` puts them together.
    ///
    /// # Errors
    /// [`Error::Domain`] for no shards, or a `k` that is not under `of`.
    pub fn shard(self, k: usize, of: usize) -> Result<Self, Error> {
        if of == 0 {
            return Err(Error::Domain { what: "the number of shards", value: 0.0, must_be: "at least 1" });
        }
        if k >= of {
            let must_be = "from 0 and under the number of shards";
            return Err(Error::Domain { what: "a shard", value: k as f64, must_be });
        }
        Ok(Self { shard: slice(self.experiment.repeats(), k, of), ..self })
    }

    /// The repeats that a run will compute.
    #[must_use]
    pub fn missing(&self) -> Vec<usize> {
        self.record.missing(self.shard.clone())
    }

    /// What has been mended: [`Record::notices`].
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        self.record.notices()
    }

    /// Computes what is missing, records it as it comes, and gives all that the record has: the very result of one run
    /// without a record. Where repeats are missing still (of other shards, or because the observer stopped the run) the
    /// result is not [complete](Curve::complete).
    ///
    /// The observer counts repeats, those alone that are computed now. Cells that failed for a reason that another day
    /// may not see (memory, devices, the caller's own code) are recorded, and their repeats are computed again by the
    /// next run.
    ///
    /// # Errors
    /// Those of a run without a record, and those of [`Record::run`].
    pub fn run(&self, observer: &dyn Observer) -> Result<T, Error> {
        if !self.missing().is_empty() {
            let compute = self.experiment.begin()?;
            let repeats = |range: Range<usize>| Ok(split(compute(range.clone())?, &range));
            let (at_once, threads) = (self.experiment.at_once()?, self.experiment.threads());
            // Enough parts for every thread to have work until the end.
            let workers =
                threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into));
            let parts = self.missing().len().div_ceil(workers.saturating_mul(4).max(1));
            self.record.run(self.shard.clone(), at_once.min(parts), threads, observer, repeats)?;
        }
        let repeats = self.experiment.repeats();
        let present = self.record.present(repeats);
        collect(self.experiment, present, |repeat| self.record.get(repeat)).map(self.result)
    }
}

impl<T> fmt::Debug for Recording<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("record", &self.record)
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
}

/// The `k`-th of `of` slices of so many repeats.
fn slice(repeats: usize, k: usize, of: usize) -> Range<usize> {
    // Whole parts and remainders apart: k · repeats may not fit.
    let (each, over) = (repeats / of, repeats % of);
    let start =
        |k: usize| k * each + usize::try_from(k as u128 * over as u128 / of as u128).unwrap_or(usize::MAX);
    start(k)..start(k + 1)
}

/// The cells of a range, repeat by repeat.
fn split(curve: Curve, range: &Range<usize>) -> Vec<Repeat> {
    let empty = |repeat| Repeat { repeat, ..Repeat::default() };
    let mut repeats: Vec<Repeat> = range.clone().map(empty).collect();
    let place = |repeat: usize| repeat.wrapping_sub(range.start);
    for cell in curve.cells {
        repeats.get_mut(place(cell.repeat)).into_iter().for_each(|repeat| repeat.cells.push(cell));
    }
    for failure in curve.failures {
        if let Some(repeat) = repeats.get_mut(place(failure.repeat)) {
            repeat.failures.push(failure);
        }
    }
    for (repeat, value) in curve.provenance.by_svd {
        repeats.get_mut(place(repeat)).into_iter().for_each(|repeat| repeat.by_svd.push(value));
    }
    repeats
}

/// The curve of all repeats that `get` has, in their order; `present` of them. Beside the curve it holds one repeat.
pub(super) fn collect(
    experiment: &dyn Experiment,
    present: usize,
    mut get: impl FnMut(usize) -> Result<Option<Repeat>, Error>,
) -> Result<Curve, Error> {
    let count = present.saturating_mul(experiment.cells());
    reserve("the cells of a record", list::<Cell>(count))?;
    let mut curve = experiment.outline()?;
    curve.cells.reserve_exact(count);
    for repeat in 0..experiment.repeats() {
        let Some(Repeat { cells, failures, by_svd, .. }) = get(repeat)? else {
            curve.complete = false;
            continue;
        };
        curve.cells.extend(cells);
        curve.failures.extend(failures);
        curve.provenance.by_svd.extend(by_svd.into_iter().map(|value| (repeat, value)));
    }
    unless_all_failed(curve)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_a_partition() {
        for repeats in [0, 1, 6, 7, 100, 10_000] {
            for of in [1, 2, 7, 13, 20_000] {
                let mut next = 0;
                for k in 0..of {
                    let slice = slice(repeats, k, of);
                    assert_eq!(slice.start, next);
                    assert!(slice.len().abs_diff(repeats / of) <= 1);
                    next = slice.end;
                }
                assert_eq!(next, repeats);
            }
        }
        assert_eq!(slice(usize::MAX, 1, 2).end, usize::MAX);
    }
}
