//! A sweep and its record: what is missing is computed, and all of it becomes a result.

use super::collect::{collect, identified};
use super::{Record, Repeat, Shard, Shards, Workload, merge};
use crate::Error;
use crate::curve::{Curve, Surface};
use crate::nested::Engine;
use crate::sweep::{BATCH, Observer, Sweep};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A part of a run that a kill may cost should take about a second: so many operations.
const PART: f64 = 2e9;

impl Sweep {
    /// This sweep with a record: what a run computes is kept in the file as it comes, and a run that was stopped, at any
    /// moment and by anything, goes on where it was, with a result of the same bytes. One with more repeats adds to the
    /// record. [`shard`](Recording::shard) makes it a part of the work.
    ///
    /// # Errors
    /// Those of [`identity`](Self::identity) and of [`Record::open`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::{dataset::Dataset, sweep::Sweep};
    /// use std::ops::ControlFlow;
    ///
    /// # let dir = std::env::temp_dir().join(format!("double-descent-sweep-{}", std::process::id()));
    /// # std::fs::create_dir_all(&dir).unwrap();
    /// # let path = dir.join("diabetes.record");
    /// let sweep = Sweep::new(Dataset::diabetes(), 1..=20, 12, 0);
    /// let impatient = |_: usize, _: usize| ControlFlow::Break(());
    /// let part = sweep.record(&path)?.run(&impatient)?;
    /// assert!(!part.complete);
    /// let curve = sweep.record(&path)?.run(&())?; // goes on
    /// assert_eq!(curve, sweep.run()?);
    ///
    /// let shards = [0, 1, 2].map(|k| dir.join(format!("shard-{k}.record")));
    /// for (k, path) in shards.iter().enumerate() {
    ///     sweep.record(path)?.shard(k, 3)?.run(&())?; // each on a machine of its own
    /// }
    /// assert_eq!(sweep.merge(&shards)?, curve);
    /// # std::fs::remove_dir_all(&dir).unwrap();
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn record(&self, path: impl AsRef<Path>) -> Result<Recording<'_>, Error> {
        let record = Record::open(path.as_ref(), &identified(self)?)?;
        Ok(Recording { record, sweep: self, shard: 0..self.splits.repeats() })
    }

    /// The result of one run from the records of shards, in any order; repeats that two of them have must be equal. Beside
    /// the result it holds one repeat, and where each stands.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with the repeats that are missing; [`Error::File`] for a record of another experiment, or
    /// one whose repeats differ from another's; those of [`Sweep::run`], [`Error::Memory`], [`Error::Io`].
    pub fn merge(&self, records: &[impl AsRef<Path>]) -> Result<Curve, Error> {
        merge::merge(self, records)
    }

    /// [`merge`](Self::merge) of a sweep over a plane.
    ///
    /// # Errors
    /// Those of [`merge`](Self::merge) and of [`Surface::new`].
    pub fn merge_surface(&self, records: &[impl AsRef<Path>]) -> Result<Surface, Error> {
        self.spread(self.merge(records)?)
    }

    /// The folder of this sweep's shards: a plan that names it, and a record for each.
    ///
    /// # Errors
    /// Those of [`identity`](Self::identity).
    pub fn shards(&self, folder: impl Into<PathBuf>) -> Result<Shards<Repeat>, Error> {
        let shards = Shards::new(folder, &identified(self)?, self.splits.repeats());
        Ok(shards.with_workload(self.workload()?))
    }

    /// What its repeats cost, all of them the same: that of [`Sweep::estimate`], in equal parts.
    ///
    /// # Errors
    /// Those of [`Sweep::estimate`].
    pub fn workload(&self) -> Result<Workload, Error> {
        let repeats = self.splits.repeats();
        Ok(Workload::equal(repeats, self.estimate()?.flops / repeats.max(1) as f64))
    }

    /// The repeats that are in none of some records.
    ///
    /// # Errors
    /// As [`Sweep::merge`], but for what is missing.
    pub fn missing(&self, records: &[impl AsRef<Path>]) -> Result<Vec<usize>, Error> {
        merge::missing(self, records)
    }
}

/// A sweep and the record of what it has computed: [`Sweep::record`].
#[derive(Debug)]
pub struct Recording<'a> {
    record: Record<Repeat>,
    sweep: &'a Sweep,
    shard: Range<usize>,
}

impl Recording<'_> {
    /// The same for one of `of` shards, `k` from 0: repeats `⌊k R / of⌋` up to `⌊(k + 1) R / of⌋` of all `R`. A shard
    /// computes the very numbers of one run, each into a record of its own, anywhere; `merge` puts them together.
    ///
    /// # Errors
    /// [`Error::Domain`] for no shards, or a `k` that is not under `of`.
    pub fn shard(self, k: usize, of: usize) -> Result<Self, Error> {
        Ok(Self { shard: Shard::new(k, of)?.range(self.sweep.splits.repeats()), ..self })
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
    pub fn run(&self, observer: &dyn Observer) -> Result<Curve, Error> {
        self.compute(observer)?;
        let present = self.record.present(self.sweep.splits.repeats());
        collect(self.sweep, present, |repeat| self.record.get(repeat))
    }

    /// [`run`](Self::run) without a result, for a shard whose record is merged later: it holds the repeats that are being
    /// computed, and no others. `true` comes back when all is there, `false` if the observer stopped the run. Whether
    /// something is to be computed again [`missing`](Self::missing) says.
    ///
    /// # Errors
    /// What is wrong with the sweep as a whole, as [`Sweep::run`], and those of [`Record::run`]. Cells that fail are
    /// recorded.
    pub fn compute(&self, observer: &dyn Observer) -> Result<bool, Error> {
        let missing = self.missing().len();
        if missing == 0 {
            return Ok(true);
        }
        let ready = self.sweep.begin()?;
        let threads = self.sweep.threads;
        let workers = threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into));
        // Repeats side by side, or, of fewer than there are threads, the cells of each.
        let by_cell = missing < workers && ready.engine() == Engine::Svd;
        let (across, within) = if by_cell { (Some(1), threads) } else { (threads, Some(1)) };
        let tables = ready.tables()?;
        let repeats = |range: Range<usize>| {
            let curve = ready.repeats(tables.as_ref(), range.clone(), within, &())?;
            Ok(split(curve, &range))
        };
        // Enough parts for every thread to have work until the end.
        let parts = missing.div_ceil(workers.saturating_mul(4).max(1));
        let each = self.sweep.workload()?.largest();
        let at_once = (1..=BATCH.min(parts)).rev().find(|&count| count as f64 * each <= PART);
        self.record.run(self.shard.clone(), at_once.unwrap_or(1), across, observer, repeats)
    }

    /// [`run`](Self::run) of a sweep over a plane: [`Sweep::surface`].
    ///
    /// # Errors
    /// Those of [`run`](Self::run) and of [`Sweep::surface`].
    pub fn surface(&self, observer: &dyn Observer) -> Result<Surface, Error> {
        self.sweep.check_surface()?;
        self.sweep.spread(self.run(observer)?)
    }
}

/// The cells of a range, repeat by repeat.
fn split(curve: Curve, range: &Range<usize>) -> Vec<Repeat> {
    let empty = |repeat| Repeat { repeat, ..Repeat::default() };
    let mut repeats: Vec<Repeat> = range.clone().map(empty).collect();
    let mut with = |repeat: usize, add: &mut dyn FnMut(&mut Repeat)| {
        if let Some(repeat) = repeats.get_mut(repeat.wrapping_sub(range.start)) {
            add(repeat);
        }
    };
    for cell in curve.cells {
        with(cell.repeat, &mut |repeat| repeat.cells.push(cell));
    }
    for failure in curve.failures {
        with(failure.repeat, &mut |repeat| repeat.failures.push(failure.clone()));
    }
    for (repeat, value) in curve.provenance.by_svd {
        with(repeat, &mut |repeat| repeat.by_svd.push(value));
    }
    repeats
}
