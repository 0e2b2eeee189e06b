//! Shards of a crossed study: one index per size, with all of its fits.

use super::bytes::{Bytes, put_count};
use super::log::few;
use super::{Merged, Payload, Record, Shard, Shards, Workload, failure_bytes};
use crate::Error;
use crate::risk::Decomposition;
use crate::sweep::{Crossed, ErrorSplit, ErrorSplits, Observer, SplitFailure};
use std::ops::Range;
use std::path::Path;

/// ```text
/// splits: count, each n, p, arm, the numbers of its decomposition
///        · failures: count, each n, p, arm if it is one, error
/// ```
///
/// A size of a record was always visited, so whether all were is not stored.
impl Payload for ErrorSplits {
    const KIND: &'static str = "error splits 2";

    fn encode(&self, bytes: &mut Vec<u8>) {
        put_count(bytes, self.splits.len());
        for split in &self.splits {
            let parts = split.parts.to_numbers();
            for count in [split.n, split.p, split.arm, parts.len()] {
                put_count(bytes, count);
            }
            parts.encode(bytes);
        }
        put_count(bytes, self.failures.len());
        for failure in &self.failures {
            put_count(bytes, failure.n);
            put_count(bytes, failure.p);
            put_count(bytes, usize::from(failure.arm.is_some()));
            if let Some(arm) = failure.arm {
                put_count(bytes, arm);
            }
            failure_bytes::put(bytes, &failure.error);
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        let splits = bytes.list(|bytes| {
            let [n, p, arm] = [bytes.count()?, bytes.count()?, bytes.count()?];
            let parts = Decomposition::from_numbers(&bytes.list(Bytes::number)?)?;
            Some(ErrorSplit { n, p, arm, parts })
        })?;
        let failures = bytes.list(|bytes| {
            let [n, p] = [bytes.count()?, bytes.count()?];
            let arms = bytes.list(Bytes::count)?;
            let error = failure_bytes::get(bytes)?;
            (arms.len() <= 1).then(|| SplitFailure { n, p, arm: arms.first().copied(), error })
        })?;
        bytes.0.is_empty().then_some(Self { splits, failures, complete: true })
    }

    fn is_final(&self) -> bool {
        self.failures.iter().all(|failure| failure_bytes::is_final(&failure.error))
    }
}

impl Crossed {
    /// The folder of this study's shards.
    ///
    /// Its indices are the sizes, in the order of [`Crossed::run`]. Larger sizes cost more, so they are distributed by
    /// cost ([`Workload`]).
    ///
    /// # Errors
    /// Those of [`Crossed::identity`].
    pub fn shards(&self, folder: impl Into<std::path::PathBuf>) -> Result<Shards<ErrorSplits>, Error> {
        let shards = Shards::new(folder, &self.identity()?, 0);
        Ok(shards.with_workload(self.workload()?))
    }

    /// The costs of its sizes, in the order of [`Crossed::run`].
    ///
    /// # Errors
    /// Those of the source, when it determines its sizes.
    pub fn workload(&self) -> Result<Workload, Error> {
        Ok(Workload::of(self.costs()?))
    }

    /// Floating-point operations at each place, up to a factor of about two: fits, predictions, and the means of the
    /// grid for each level that the jackknife leaves out.
    fn costs(&self) -> Result<Vec<f64>, Error> {
        let sizes = self.sizes()?;
        let [sets, draws, seeds, outputs] =
            [self.splits.repeats(), self.draws, self.seeds, sizes.outputs].map(|count| count as f64);
        let (designs, targets, levels) = (sets * seeds, draws * outputs, sets + draws + seeds + 1.0);
        let cost = |(n, p): (usize, usize)| {
            let tests = if self.seeds > 1 { sizes.tests } else { sizes.tests.min(p + sizes.outputs) } as f64;
            let (r, n, p) = (n.min(p) as f64, n as f64, p as f64);
            let fit = 8.0 * n * p * r + 2.0 * tests * p * r + 2.0 * (n + tests) * r * targets;
            designs * (fit + 20.0 * levels * tests * targets * self.arms.len() as f64)
        };
        Ok(self.places_of(&sizes).into_iter().map(cost).collect())
    }

    /// Computes what a shard's record still lacks, and returns the indices of the sizes still missing afterwards: none,
    /// unless the observer stopped the run, or a size failed for a reason that may pass, such as a panic of the caller's
    /// code: the next run computes it again.
    ///
    /// # Errors
    /// Those of [`Crossed::run`], of [`Record::open`] and of [`Record::run`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::dataset::Dataset;
    /// use double_descent::sweep::{Crossed, Shard, Source, Splits};
    /// use ndarray::Array2;
    ///
    /// # let dir = std::env::temp_dir().join(format!("double-descent-crossed-{}", std::process::id()));
    /// let data = Dataset::diabetes();
    /// let table = |range: std::ops::Range<usize>| {
    ///     let part = |t: &Array2<f64>| t.slice(ndarray::s![range.clone(), ..]).to_owned();
    ///     Dataset::new("diabetes", part(data.features()), part(data.targets())).unwrap()
    /// };
    /// let (train, test) = (table(0..200), table(200..442));
    /// let source = Source::TrainTest { train, test };
    /// let study = Crossed {
    ///     samples: vec![5, 10, 20, 40],
    ///     ..Crossed::of(source, Splits::Drawn { repeats: 6, seed: 0 })
    /// };
    /// let shards = study.shards(&dir)?;
    /// for k in [1, 0] {
    ///     let shard = Shard::new(k, 2)?;
    ///     assert!(study.compute_shard(shard, &shards.begin(shard)?, &())?.is_empty());
    /// }
    /// assert_eq!(study.merge(&shards.records()?)?, study.run()?);
    /// # std::fs::remove_dir_all(&dir).unwrap();
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn compute_shard(
        &self,
        shard: Shard,
        record: impl AsRef<Path>,
        observer: &dyn Observer,
    ) -> Result<Vec<usize>, Error> {
        let record = record.as_ref();
        let record = Record::<ErrorSplits>::open(record, &self.identity()?)?;
        let indices = self.workload()?.indices(shard);
        if !record.missing(indices.iter().copied()).is_empty() {
            let ready = self.ready()?;
            let work = |range: Range<usize>| Ok(range.map(|index| self.at_place(index, &ready)).collect());
            record.run_some(indices.iter().copied(), 1, self.threads, observer, work)?;
        }
        Ok(record.missing(indices))
    }

    /// Merges the records of shards, in any order, into the result of one run.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with the missing sizes; [`Error::File`] for a record of another study, or one whose
    /// results differ from those of another record; [`Error::Io`]; those of [`Crossed::identity`].
    pub fn merge(&self, records: &[impl AsRef<Path>]) -> Result<ErrorSplits, Error> {
        let places = self.places()?;
        let count = places.len();
        let mut merged = Merged::<ErrorSplits>::of(&self.identity()?, count, records)?;
        merged.check_complete_of(|missing| {
            let size = |index: &usize| places.get(*index).map(|(n, p)| format!("n = {n}, p = {p}"));
            let first = missing.first().and_then(size).unwrap_or_default();
            format!("size{} {} ({first} first)", if missing.len() == 1 { "" } else { "s" }, few(missing))
        })?;
        let mut all = ErrorSplits::none();
        for index in 0..count {
            if let Some(found) = merged.get(index)? {
                all.append(found);
            }
        }
        all.checked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array4};

    #[test]
    fn splits_and_failures_come_back_to_the_bit() {
        let grid =
            Array4::from_shape_fn((4, 3, 2, 5), |(i, j, k, x)| ((7 * i + 3 * j + k) as f64).sin() + x as f64);
        let parts = Decomposition::new(&grid, &Array1::zeros(5)).unwrap();
        let split = |arm| ErrorSplit { n: 1 << 40, p: 7, arm, parts: parts.clone() };
        let error = Error::Overflow { what: "the test error" };
        let failure = |arm| SplitFailure { n: 5, p: 1 << 30, arm, error: error.clone() };
        let failures = vec![failure(None), failure(Some(2))];
        let all = ErrorSplits { splits: (0..3).map(split).collect(), failures, complete: true };
        let mut bytes = Vec::new();
        all.encode(&mut bytes);
        assert_eq!(ErrorSplits::decode(&bytes), Some(all));
        // Nothing that was cut short, or goes on, is read as something else.
        assert!((0..bytes.len()).all(|end| ErrorSplits::decode(&bytes[..end]).is_none()));
        bytes.push(0);
        assert!(ErrorSplits::decode(&bytes).is_none());
    }
}
