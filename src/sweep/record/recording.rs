//! A sweep with its record: computes what is missing and turns the whole record into a result.

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

/// Target work of a part that a kill may lose, in floating-point operations: about a second.
const PART: f64 = 2e9;

impl Sweep {
    /// Opens this sweep's record, or starts it.
    ///
    /// A run stores results in the file as they are computed. A run that was stopped, at any moment and for any reason,
    /// resumes where it was, with a result of the same bytes. The same sweep with more repeats adds to the record.
    /// [`shard`](Recording::shard) limits a run to a part of the work.
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
    /// let curve = sweep.record(&path)?.run(&())?; // resumes
    /// assert_eq!(curve, sweep.run()?);
    ///
    /// let shards = [0, 1, 2].map(|k| dir.join(format!("shard-{k}.record")));
    /// for (k, path) in shards.iter().enumerate() {
    ///     sweep.record(path)?.shard(k, 3)?.run(&())?; // each on a different machine
    /// }
    /// assert_eq!(sweep.merge(&shards)?, curve);
    /// # std::fs::remove_dir_all(&dir).unwrap();
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn record(&self, path: impl AsRef<Path>) -> Result<Recording<'_>, Error> {
        self.record_by(path, Cut::Repeats)
    }

    /// [`record`](Self::record) whose indices may be parts of repeats, as given by [`Shards::cut`].
    ///
    /// # Errors
    /// Those of [`record`](Self::record); [`Error::Unsupported`] for a cut that the engine does not support.
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

    /// Merges the records of shards, in any order, into the result of one run.
    ///
    /// Repeats that are in two records must be equal. Besides the result, only one repeat and the positions of all
    /// repeats are held in memory.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with the missing repeats; [`Error::File`] for a record of another experiment, or one
    /// whose repeats differ from those of another record; those of [`Sweep::run`], [`Error::Memory`], [`Error::Io`].
    pub fn merge(&self, records: &[impl AsRef<Path>]) -> Result<Curve, Error> {
        merge::merge(self, records)
    }

    /// [`merge`](Self::merge) for a sweep over a plane.
    ///
    /// # Errors
    /// Those of [`merge`](Self::merge); [`Error::Unsupported`] if only a parameter varies.
    pub fn merge_surface(&self, records: &[impl AsRef<Path>]) -> Result<Surface, Error> {
        self.spread(self.merge(records)?)
    }

    /// The folder of this sweep's shards: a plan that identifies the sweep, and a record for each shard.
    ///
    /// The indices are whole repeats, unless the plan in the folder says otherwise.
    ///
    /// # Errors
    /// Those of [`identity`](Self::identity).
    pub fn shards(&self, folder: impl Into<PathBuf>) -> Result<Shards<Repeat>, Error> {
        self.shards_for(folder, 1)
    }

    /// [`shards`](Self::shards) for `of` shards. If the sweep has fewer repeats, the indices are [parts of
    /// repeats](Self::finest_cut), unless a plan in the folder says otherwise. [`Shards::cut`] says which.
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
        // An unreadable plan is reported when it is needed.
        let cut = match Plan::read(&folder) {
            Ok(Some(plan)) => cut_of(&plan.identity),
            _ if of > self.splits.repeats() => self.finest_cut()?,
            _ => Cut::Repeats,
        };
        let shards = Shards::new(folder, &identified_by(self, cut)?, 0);
        Ok(shards.with_workload(self.workload_by(cut)?))
    }

    /// The cost of its repeats: that of [`Sweep::estimate`], in equal parts.
    ///
    /// # Errors
    /// Those of [`Sweep::estimate`].
    pub fn workload(&self) -> Result<Workload, Error> {
        let repeats = self.splits.repeats();
        Ok(Workload::equal(repeats, self.estimate()?.flops / repeats.max(1) as f64))
    }

    /// The repeats that are in none of the given records, or not with all of their parts.
    ///
    /// # Errors
    /// Those of [`Sweep::merge`], except for missing repeats.
    pub fn missing(&self, records: &[impl AsRef<Path>]) -> Result<Vec<usize>, Error> {
        merge::missing(self, records)
    }
}

/// What it computes, in words: `repeats 0..=4`, or `p = 10, 20 of repeat 0`.
impl fmt::Display for Recording<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.shard.is_empty() {
            return f.write_str("nothing");
        }
        f.write_str(&self.indices.in_words(&self.shard))
    }
}

/// A sweep and the record of its results: [`Sweep::record`].
#[derive(Debug)]
pub struct Recording<'a> {
    record: Record<Repeat>,
    sweep: &'a Sweep,
    indices: Indices,
    /// The indices of this shard.
    shard: Vec<usize>,
}

impl Recording<'_> {
    /// Limits the recording to one of `of` shards, with `k` from 0.
    ///
    /// The shard has repeats `⌊k R / of⌋` up to `⌊(k + 1) R / of⌋` of all `R`, or parts of repeats of about equal cost
    /// ([`Sweep::shards_for`]). Each shard computes exactly the numbers of a single run, into its own record, on any
    /// machine; `merge` combines them.
    ///
    /// # Errors
    /// [`Error::Domain`] for no shards, or a `k` that is not below `of`.
    pub fn shard(self, k: usize, of: usize) -> Result<Self, Error> {
        let shard = self.sweep.workload_by(self.indices.cut())?.indices(Shard::new(k, of)?);
        Ok(Self { shard, ..self })
    }

    /// The repeats, or parts of them, that a run will compute.
    #[must_use]
    pub fn missing(&self) -> Vec<usize> {
        self.record.missing(self.shard.iter().copied())
    }

    /// What has been repaired in the record: [`Record::notices`].
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        self.record.notices()
    }

    /// Computes what is missing, records it as it is computed, and returns everything in the record: exactly the result
    /// of a run without a record.
    ///
    /// If repeats are still missing (those of other shards, or because the observer stopped the run), the result is not
    /// [complete](Curve::complete).
    ///
    /// The observer counts only the repeats that are computed now. Cells that failed for a reason that may be temporary
    /// (memory, devices, your own code) are recorded, and the next run computes their repeats again.
    ///
    /// # Errors
    /// Those of a run without a record ([`Sweep::run`]), and those of [`Record::run`] and [`Record::get`].
    pub fn run(&self, observer: &dyn Observer) -> Result<Curve, Error> {
        self.compute(observer)?;
        let present = self.record.present(self.indices.count()).div_ceil(self.indices.each().max(1));
        collect(self.sweep, present, |repeat, cells| {
            let mut found = self.indices.whole(repeat, |index| self.record.get(index))?;
            cells.extend(found.iter_mut().flat_map(|found| found.cells.drain(..)));
            Ok(found)
        })
    }

    /// [`run`](Self::run) without a result, for a shard whose record is merged later.
    ///
    /// Holds only the repeats being computed. Returns `true` if all of the shard is in the record, `false` if the
    /// observer stopped the run. [`missing`](Self::missing) says whether anything must be computed again.
    ///
    /// # Errors
    /// Errors in the sweep as a whole, as for [`Sweep::run`], and those of [`Record::run`]. Cells that fail are
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
        // Run repeats in parallel, or, if there are fewer than threads, the cells of each.
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
            // One by one: each payload is written and dropped.
            let mut outline = ready.outline();
            Ok(parts.into_iter().map(move |part| self.payload(ready, &mut outline, part)))
        };
        // Enough parts that every thread has work until the end.
        let parts = missing.div_ceil(workers.saturating_mul(4).max(1));
        let each = self.sweep.workload_by(self.indices.cut())?.largest();
        let at_once = (1..=BATCH.min(parts)).rev().find(|&count| count as f64 * each <= PART).unwrap_or(1);
        // Keep the parts of a plane together, so that what they share is computed once.
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
                // Parts store places, so that the parts of a repeat can be put in order.
                payload.by_svd.extend(by_svd.map(|value| if is_whole { value } else { place.unwrap_or(0) }));
            }
        }
        payload.failures = std::mem::take(&mut outline.failures);
        payload
    }

    /// [`run`](Self::run) for a sweep over a plane: [`Sweep::surface`].
    ///
    /// # Errors
    /// Those of [`run`](Self::run) and of [`Sweep::surface`].
    pub fn surface(&self, observer: &dyn Observer) -> Result<Surface, Error> {
        self.sweep.check_surface()?;
        self.sweep.spread(self.run(observer)?)
    }
}
