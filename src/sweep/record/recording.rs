//! A sweep and its record: what is missing is computed, and all of it becomes a result.

use super::collect::collect;
use super::repeats::{Indices, cut_of, identified_by};
use super::{Plan, Record, Repeat, Shard, Shards, Workload, merge};
use crate::Error;
use crate::curve::{Curve, Surface};
use crate::nested::Engine;
use crate::sweep::engine::Repeats;
use crate::sweep::run::Ready;
use crate::sweep::{BATCH, Cut, Observer, Sweep};
use std::fmt;
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
        self.record_by(path, Cut::Repeats)
    }

    /// [`record`](Self::record) whose indices may be parts of the repeats: those of [`Shards::cut`].
    ///
    /// # Errors
    /// Those of [`record`](Self::record); [`Error::Unsupported`] for parts that the engine does not have.
    pub fn record_by(&self, path: impl AsRef<Path>, cut: Cut) -> Result<Recording<'_>, Error> {
        self.check_cut(cut)?;
        let record = Record::open(path.as_ref(), &identified_by(self, cut)?)?;
        let indices = Indices::new(self, cut)?;
        Ok(Recording { record, sweep: self, shard: (0..indices.count()).collect(), indices })
    }

    fn check_cut(&self, cut: Cut) -> Result<(), Error> {
        let finest = self.finest_cut()?;
        if cut == Cut::Repeats || cut == finest {
            return Ok(());
        }
        let reason = format!("shards of this sweep are cut {finest}, or by whole repeats, not {cut}");
        Err(Error::Unsupported { reason })
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

    /// The folder of this sweep's shards: a plan that names it, and a record for each. They are whole repeats, or what the
    /// plan there says.
    ///
    /// # Errors
    /// Those of [`identity`](Self::identity).
    pub fn shards(&self, folder: impl Into<PathBuf>) -> Result<Shards<Repeat>, Error> {
        self.shards_for(folder, 1)
    }

    /// [`shards`](Self::shards), so many of them: of a sweep of fewer repeats they are
    /// [parts of the repeats](Self::finest_cut), if no plan in the folder says otherwise. [`Shards::cut`] says which.
    ///
    /// # Errors
    /// Those of [`identity`](Self::identity).
    ///
    /// # Examples
    /// ```
    /// use double_descent::{dataset::Dataset, sweep::{Cut, Shard, Sweep}};
    ///
    /// # let dir = std::env::temp_dir().join(format!("double-descent-parts-{}", std::process::id()));
    /// let sweep = Sweep::new(Dataset::diabetes(), 1..=20, 2, 0); // two repeats
    /// let shards = sweep.shards_for(&dir, 5)?;
    /// assert_eq!(shards.cut(), Cut::Samples);
    /// for k in 0..5 {
    ///     let record = sweep.record_by(shards.begin(Shard::new(k, 5)?)?, shards.cut())?;
    ///     record.shard(k, 5)?.compute(&())?;
    /// }
    /// assert_eq!(sweep.merge(&shards.records()?)?, sweep.run()?);
    /// # std::fs::remove_dir_all(&dir).unwrap();
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn shards_for(&self, folder: impl Into<PathBuf>, of: usize) -> Result<Shards<Repeat>, Error> {
        let folder = folder.into();
        // What is wrong with the plan is said when it is needed.
        let cut = match Plan::read(&folder) {
            Ok(Some(plan)) => cut_of(&plan.identity),
            _ if of > self.splits.repeats() => self.finest_cut()?,
            _ => Cut::Repeats,
        };
        let shards = Shards::new(folder, &identified_by(self, cut)?, 0);
        Ok(shards.with_workload(self.workload_by(cut)?))
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

/// What it is of, in words: `repeats 0..=4`, or `p = 10, 20 of repeat 0`.
impl fmt::Display for Recording<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.shard.is_empty() {
            return f.write_str("nothing");
        }
        f.write_str(&self.indices.in_words(&self.shard))
    }
}

/// A sweep and the record of what it has computed: [`Sweep::record`].
#[derive(Debug)]
pub struct Recording<'a> {
    record: Record<Repeat>,
    sweep: &'a Sweep,
    indices: Indices,
    /// Those of this shard.
    shard: Vec<usize>,
}

impl Recording<'_> {
    /// The same for one of `of` shards, `k` from 0: repeats `⌊k R / of⌋` up to `⌊(k + 1) R / of⌋` of all `R`, or parts of
    /// repeats of about equal cost ([`Sweep::shards_for`]). A shard
    /// computes the very numbers of one run, each into a record of its own, anywhere; `merge` puts them together.
    ///
    /// # Errors
    /// [`Error::Domain`] for no shards, or a `k` that is not under `of`.
    pub fn shard(self, k: usize, of: usize) -> Result<Self, Error> {
        let shard = self.sweep.workload_by(self.indices.cut())?.indices(Shard::new(k, of)?);
        Ok(Self { shard, ..self })
    }

    /// The repeats, or parts of them, that a run will compute.
    #[must_use]
    pub fn missing(&self) -> Vec<usize> {
        self.record.missing(self.shard.iter().copied())
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
        let present = self.record.present(self.indices.count()).div_ceil(self.indices.each().max(1));
        collect(self.sweep, present, |repeat, cells| {
            let mut found = self.indices.whole(repeat, |index| self.record.get(index))?;
            cells.extend(found.iter_mut().flat_map(|found| found.cells.drain(..)));
            Ok(found)
        })
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
        let is_whole = self.indices.cut() == Cut::Repeats;
        // Repeats side by side, or, of fewer than there are threads, the cells of each.
        let by_cell = is_whole && missing < workers && ready.engine() == Engine::Svd;
        let (across, within) = if by_cell { (Some(1), threads) } else { (threads, Some(1)) };
        let tables = ready.tables()?;
        let ready = &ready;
        let work = |range: Range<usize>| {
            let mut parts = Vec::with_capacity(range.len());
            if is_whole {
                let found = ready.measure(tables.as_ref(), range, within, &())?;
                parts.extend(found.into_iter().map(|of_repeat| vec![of_repeat]));
            } else {
                for (repeat, of_repeat) in self.indices.by_repeat(range) {
                    let part = (repeat, self.indices.part(of_repeat.clone()));
                    let found = ready.measure_part(tables.as_ref(), part, within)?;
                    parts.extend(self.indices.parted(found, of_repeat));
                }
            }
            // One after the other: they are written and forgotten.
            let mut outline = ready.outline();
            Ok(parts.into_iter().map(move |part| self.payload(ready, &mut outline, part)))
        };
        // Enough parts for every thread to have work until the end.
        let parts = missing.div_ceil(workers.saturating_mul(4).max(1));
        let each = self.sweep.workload_by(self.indices.cut())?.largest();
        let at_once = (1..=BATCH.min(parts)).rev().find(|&count| count as f64 * each <= PART).unwrap_or(1);
        // What the parts of a plane share is not made for each of them.
        let together = !is_whole && ready.shares_within();
        let at_once = if together { self.indices.each() } else { at_once };
        self.record.run_each(self.shard.iter().copied(), at_once, across, observer, work)
    }

    /// The cells of a repeat, or of a part of it.
    fn payload(&self, ready: &Ready<'_>, outline: &mut Curve, part: Repeats) -> Repeat {
        let mut payload = Repeat::default();
        let is_whole = self.indices.cut() == Cut::Repeats;
        for (repeat, places) in part {
            payload.repeat = repeat;
            let lines = places.first().and_then(Option::as_ref).map_or(0, |measured| measured.lines.len());
            payload.cells.reserve(places.len().saturating_mul(lines));
            for measured in places {
                let place = measured.as_ref().map(|measured| self.indices.place((measured.n, measured.p)));
                ready.unfold(outline, repeat, measured, |cell, _| payload.cells.push(*cell));
                let by_svd = outline.provenance.by_svd.drain(..).map(|(_, value)| value);
                // The places of parts, by which they are put in order.
                payload.by_svd.extend(by_svd.map(|value| if is_whole { value } else { place.unwrap_or(0) }));
            }
        }
        payload.failures = std::mem::take(&mut outline.failures);
        payload
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
