//! Shards of a crossed study: one index per size, with all of its fits.

use super::{Merged, Payload, Record, Shard, Shards, Workload};
use crate::Error;
use crate::risk::Decomposition;
use crate::sweep::{Crossed, ErrorSplit, Observer};
use std::ops::Range;
use std::path::Path;

/// The numbers of a split before those of its [`Decomposition`]: `n`, `p`, the arm, and how many follow.
const HEAD: usize = 4;

/// Every split as numbers: `n`, `p`, arm, count, and that many numbers of its decomposition.
impl Payload for Vec<ErrorSplit> {
    const KIND: &'static str = "error splits 1";

    fn encode(&self, bytes: &mut Vec<u8>) {
        let mut numbers = Vec::new();
        for split in self {
            let parts = split.parts.to_numbers();
            numbers.extend([split.n, split.p, split.arm, parts.len()].map(|count| count as f64));
            numbers.extend(parts);
        }
        numbers.encode(bytes);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let numbers = Vec::<f64>::decode(bytes)?;
        let (mut splits, mut rest) = (Self::new(), &numbers[..]);
        while !rest.is_empty() {
            let (head, after) = rest.split_at_checked(HEAD)?;
            let [n, p, arm, length] = [0, 1, 2, 3].map(|i| count(head[i]));
            let (parts, after) = after.split_at_checked(length?)?;
            splits.push(ErrorSplit { n: n?, p: p?, arm: arm?, parts: Decomposition::from_numbers(parts)? });
            rest = after;
        }
        Some(splits)
    }
}

/// The whole number that a float represents exactly, if any.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked by comparing
fn count(number: f64) -> Option<usize> {
    let count = number as usize;
    (count as f64 == number && number < 2_f64.powi(53)).then_some(count)
}

impl Crossed {
    /// The folder of this study's shards.
    ///
    /// Its indices are the sizes, in the order of [`Crossed::run`]. Larger sizes cost more, so they are distributed by
    /// cost ([`Workload`]).
    ///
    /// # Errors
    /// Those of [`Crossed::identity`].
    pub fn shards(&self, folder: impl Into<std::path::PathBuf>) -> Result<Shards<Vec<ErrorSplit>>, Error> {
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
        let (sets, draws, seeds) = (self.splits.repeats(), self.draws, self.seeds);
        let [designs, targets] = [sets * seeds, draws * sizes.outputs].map(|count| count as f64);
        let levels = (sets + draws + seeds + 1) as f64;
        let cost = |(n, p): (usize, usize)| {
            let tests = if seeds > 1 { sizes.tests } else { sizes.tests.min(p + sizes.outputs) } as f64;
            let (r, n, p) = (n.min(p) as f64, n as f64, p as f64);
            let fit = 8.0 * n * p * r + 2.0 * tests * p * r + 2.0 * (n + tests) * r * targets;
            designs * (fit + 20.0 * levels * tests * targets * self.arms.len() as f64)
        };
        Ok(self.places_of(&sizes).into_iter().map(cost).collect())
    }

    /// Computes what a shard's record still lacks, and returns the indices of the sizes still missing afterwards: none,
    /// unless the observer stopped the run.
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
        let record = Record::<Vec<ErrorSplit>>::open(record, &self.identity()?)?;
        let indices = self.workload()?.indices(shard);
        if !record.missing(indices.iter().copied()).is_empty() {
            let ready = self.ready()?;
            let work = |range: Range<usize>| range.map(|index| self.at_place(index, &ready)).collect();
            record.run_some(indices.iter().copied(), 1, self.threads, observer, work)?;
        }
        Ok(record.missing(indices))
    }

    /// Merges the records of shards, in any order, into the result of one run.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with the missing sizes; [`Error::File`] for a record of another study, or one whose
    /// results differ from those of another record; [`Error::Io`]; those of [`Crossed::identity`].
    pub fn merge(&self, records: &[impl AsRef<Path>]) -> Result<Vec<ErrorSplit>, Error> {
        let count = self.places()?.len();
        let mut merged = Merged::<Vec<ErrorSplit>>::of(&self.identity()?, count, records)?;
        merged.check_complete()?;
        let mut splits = Vec::new();
        for index in 0..count {
            splits.extend(merged.get(index)?.unwrap_or_default());
        }
        Ok(splits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array4};

    #[test]
    fn splits_come_back_to_the_bit() {
        let grid =
            Array4::from_shape_fn((4, 3, 2, 5), |(i, j, k, x)| ((7 * i + 3 * j + k) as f64).sin() + x as f64);
        let parts = Decomposition::new(&grid, &Array1::zeros(5)).unwrap();
        let splits: Vec<ErrorSplit> =
            (0..3).map(|arm| ErrorSplit { n: 1 << 40, p: 7, arm, parts: parts.clone() }).collect();
        let mut bytes = Vec::new();
        splits.encode(&mut bytes);
        assert_eq!(Vec::<ErrorSplit>::decode(&bytes).unwrap(), splits);
        for end in 1..bytes.len() {
            let read = Vec::<ErrorSplit>::decode(&bytes[..end]);
            assert!(read.is_none_or(|read| read.len() < 3 && splits.starts_with(&read)), "{end}");
        }
        let wild = [f64::NAN, -1.0, 1e300, 2.5].map(|length| vec![1.0, 1.0, 0.0, length]);
        for numbers in wild {
            let mut bytes = Vec::new();
            numbers.encode(&mut bytes);
            assert!(Vec::<ErrorSplit>::decode(&bytes).is_none());
        }
    }
}
