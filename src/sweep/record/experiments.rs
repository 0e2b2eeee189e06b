//! The sweeps that have records, and what decides their numbers.

use super::identity::{Fnv, Identity, counts};
use super::merge;
use super::recording::{Compute, Experiment, Recording};
use crate::Error;
use crate::curve::{Curve, Metric, Surface};
use crate::dataset::Dataset;
use crate::features::checked;
use crate::filter::{Response, SpectralFilter, Spectrum};
use crate::memory::Estimate;
use crate::nested::Plane;
use crate::sweep::{Arm, BATCH, Maps, PlaneArm, PlaneSweep, Splits, Sweep};
use crate::user_code;
use crate::words::number;
use ndarray::{Array2, s};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A part of a run that a kill may cost should take about a second: so many operations.
const PART: f64 = 2e9;

impl Sweep {
    /// Everything that decides the numbers of this sweep, but for the number of drawn repeats: a fingerprint of the table,
    /// sizes, splits, engine, backend, metrics, arms with their settings and what their filters say and do, and the
    /// version of the crate.
    ///
    /// Code of the caller's is known by its description and by what it does to a few numbers.
    ///
    /// # Errors
    /// What is wrong with the sweep as a whole, as [`Sweep::run`].
    pub fn identity(&self) -> Result<Identity, Error> {
        self.check()?;
        let identity = Identity::new("sample-wise sweep")
            .with("data", table(&self.data))
            .with("sizes", counts(&self.sizes))
            .with("splits", splits(&self.splits))
            .with("engine", format!("{:?}", self.chosen_engine()?))
            .with("backend", self.backend.name())
            .with("metrics", names(&self.metrics));
        let with_arm = |identity: Identity, (i, arm): (usize, &Arm)| {
            estimator(identity, i, (&arm.name, arm.setting), &*arm.estimator)
                .with(&format!("arm {i}'s ablation"), format!("{:?}", arm.ablation))
                .with(&format!("arm {i}'s adversary"), format!("{:?}", arm.adversary))
        };
        Ok(self.arms.iter().enumerate().fold(identity, with_arm))
    }

    /// This sweep with a record: what a run computes is kept in the file as it comes, and a run that was stopped, at any
    /// moment and by anything, goes on where it was, with a result of the same bytes. One with more repeats adds to the
    /// record. [`shard`](Recording::shard) makes it a part of the work.
    ///
    /// # Errors
    /// Those of [`identity`](Self::identity) and of [`Record::open`](super::Record::open).
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
    pub fn record(&self, path: impl AsRef<Path>) -> Result<Recording<'_, Curve>, Error> {
        Recording::open(self, path.as_ref(), |curve| curve)
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

    /// The repeats that are in none of some records.
    ///
    /// # Errors
    /// As [`Sweep::merge`], but for what is missing.
    pub fn missing(&self, records: &[impl AsRef<Path>]) -> Result<Vec<usize>, Error> {
        merge::missing(self, records)
    }
}

impl Experiment for Sweep {
    fn identity(&self) -> Result<Identity, Error> {
        self.identity()
    }

    fn repeats(&self) -> usize {
        self.splits.repeats()
    }

    fn cells(&self) -> usize {
        self.sizes.len().saturating_mul(self.arms.len())
    }

    fn threads(&self) -> Option<usize> {
        self.threads
    }

    fn at_once(&self) -> Result<usize, Error> {
        Ok(worth_a_part(&self.estimate()?, self.repeats()))
    }

    fn begin(&self) -> Result<Compute<'_>, Error> {
        let (study, orders) = self.begin()?;
        Ok(Box::new(move |repeats: Range<usize>| {
            self.measure_repeats(&study, &orders, repeats, Some(1), &())
        }))
    }

    fn outline(&self) -> Result<Curve, Error> {
        Ok(Sweep::outline(self, self.chosen_engine()?, self.repeats()))
    }
}

impl PlaneSweep {
    /// Everything that decides the numbers of this sweep, but for the number of drawn repeats: fingerprints of the tables,
    /// sizes, maps by their description and what they make of the first input, splits, metrics, arms with their settings,
    /// targets and what their filters say and do, and the version of the crate.
    ///
    /// # Errors
    /// What is wrong with the sweep as a whole, as [`PlaneSweep::run`].
    pub fn identity(&self) -> Result<Identity, Error> {
        Plane::new(&self.samples, &self.features)?;
        self.check()?;
        let most = self.features.iter().copied().max().unwrap_or(0);
        let identity = Identity::new("sweep over a plane")
            .with("training table", table(&self.train))
            .with("test table", table(&self.test))
            .with("samples", counts(&self.samples))
            .with("features", counts(&self.features))
            .with("maps", maps(&self.maps, &self.train, most))
            .with("splits", splits(&self.splits))
            .with("metrics", names(&self.metrics));
        let own = |own: &Option<Arc<Array2<f64>>>| match own {
            Some(own) => format!("FNV-1a {:016x}", Fnv::of_numbers(own.iter()).0),
            None => "the table's".into(),
        };
        let with_arm = |identity: Identity, (i, arm): (usize, &PlaneArm)| {
            estimator(identity, i, (&arm.label.name, arm.label.setting), &*arm.estimator)
                .with(&format!("arm {i}'s targets"), own(&arm.targets))
                .with(&format!("arm {i}'s test targets"), own(&arm.test_targets))
        };
        Ok(self.arms.iter().enumerate().fold(identity, with_arm))
    }

    /// This sweep with a record: [`Sweep::record`] over the plane.
    ///
    /// # Errors
    /// Those of [`identity`](Self::identity) and of [`Record::open`](super::Record::open).
    pub fn record(&self, path: impl AsRef<Path>) -> Result<Recording<'_, Surface>, Error> {
        Recording::open(self, path.as_ref(), Surface::new)
    }

    /// The result of one run from the records of shards, in any order: [`Sweep::merge`] over the plane.
    ///
    /// # Errors
    /// Those of [`Sweep::merge`].
    pub fn merge(&self, records: &[impl AsRef<Path>]) -> Result<Surface, Error> {
        merge::merge(self, records).map(Surface::new)
    }

    /// The repeats that are in none of some records.
    ///
    /// # Errors
    /// As [`PlaneSweep::merge`], but for what is missing.
    pub fn missing(&self, records: &[impl AsRef<Path>]) -> Result<Vec<usize>, Error> {
        merge::missing(self, records)
    }
}

impl Experiment for PlaneSweep {
    fn identity(&self) -> Result<Identity, Error> {
        self.identity()
    }

    fn repeats(&self) -> usize {
        self.splits.repeats()
    }

    fn cells(&self) -> usize {
        self.samples.len().saturating_mul(self.features.len()).saturating_mul(self.arms.len())
    }

    fn threads(&self) -> Option<usize> {
        self.threads
    }

    fn at_once(&self) -> Result<usize, Error> {
        Ok(worth_a_part(&self.estimate()?, self.repeats()))
    }

    fn begin(&self) -> Result<Compute<'_>, Error> {
        let (plane, orders) = self.begin()?;
        Ok(Box::new(move |repeats: Range<usize>| {
            self.measure_repeats(&plane, &orders, repeats, Some(1), &())
        }))
    }

    fn outline(&self) -> Result<Curve, Error> {
        Ok(PlaneSweep::outline(self, self.repeats()))
    }
}

fn worth_a_part(estimate: &Estimate, repeats: usize) -> usize {
    let each = estimate.flops / repeats.max(1) as f64;
    (1..=BATCH).rev().find(|&count| count as f64 * each <= PART).unwrap_or(1)
}

/// A table by its shape and its bits.
fn table(data: &Dataset) -> String {
    let (n, p, k) = (data.len(), data.features().ncols(), data.targets().ncols());
    let bits = Fnv::of_numbers(data.features().iter().chain(data.targets())).0;
    format!("{}, {n} × {p} features and {k} targets, FNV-1a {bits:016x}", data.name())
}

fn splits(splits: &Splits) -> String {
    match splits {
        Splits::Drawn { seed, .. } => format!("drawn, seed {seed}"),
        Splits::Recorded(orders) => {
            let mut bits = Fnv::default();
            for order in orders {
                bits.add(&(order.len() as u64).to_le_bytes());
                order.iter().for_each(|&row| bits.add(&(row as u64).to_le_bytes()));
            }
            format!("{} recorded, FNV-1a {:016x}", orders.len(), bits.0)
        }
    }
}

fn names(metrics: &[Metric]) -> String {
    metrics.iter().map(|metric| metric.name()).collect::<Vec<_>>().join(", ")
}

/// An arm by its label, and its estimator by its words and by what it does to a spectrum: not every description has every
/// number.
fn estimator(
    identity: Identity,
    arm: usize,
    (name, setting): (&str, Option<f64>),
    filter: &dyn SpectralFilter,
) -> Identity {
    let label = setting.map_or(name.into(), |setting| format!("{name} {}", number(setting)));
    let gains = match Response::new(filter, Spectrum::new(6, 5, &[3.0, 1.0, 0.5, 0.1, 1e-3])) {
        Ok(response) => rounded(response.gains.iter().chain(&response.residuals)),
        Err(error) => error.to_string(),
    };
    identity
        .with(&format!("arm {arm}"), label)
        .with(&format!("arm {arm}'s estimator"), user_code::description(|| filter.describe()))
        .with(&format!("arm {arm}'s gains"), gains)
}

/// Maps by the words of the first, and by what it makes of the first training input.
fn maps(maps: &Maps, train: &Dataset, p: usize) -> String {
    let first = train.features().slice(s![..1, ..]).to_owned();
    let made = maps.of(0).and_then(|map| {
        let words = user_code::description(|| map.describe());
        let made = checked::design(&*map, &first, p)?;
        Ok(format!("{words}; features {}", rounded(made.iter())))
    });
    made.unwrap_or_else(|error| error.to_string())
}

/// Numbers to seven digits: machines may differ in the last ones of an exponential.
#[allow(clippy::cast_possible_truncation)] // rounded
fn rounded<'a>(numbers: impl IntoIterator<Item = &'a f64>) -> String {
    let mut bits = Fnv::default();
    numbers.into_iter().for_each(|&number| bits.add(&(number as f32).to_le_bytes()));
    format!("{:016x}", bits.0)
}
