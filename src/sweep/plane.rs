//! Sweeps over the n × p plane: nested training sets × nested feature maps.

use super::cells::unless_all_failed;
use super::{Arm, Grid, Observer, Splits, gather};
use crate::curve::{ArmLabel, Axis, Cell, Curve, Failure, Metric, Provenance, Surface};
use crate::dataset::Dataset;
use crate::features::{FeatureMap, checked, zeros};
use crate::filter::{MinNorm, SpectralFilter};
use crate::nested::{Engine, Plane, PlaneFit, Request};
use crate::svd::leading_times;
use crate::{Error, user_code};
use ndarray::{Array2, ArrayRef2, Axis as Along, CowArray, Ix2, concatenate, s};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Test inputs that are mapped at once: their features stay small, whatever the number of test rows.
pub(super) const BLOCK: usize = 512;

/// Fits on the first `n` of a random order of training inputs and the first `p` features of a map, for every `n` and
/// `p` of two lists, tested on a table of its own: model-wise curves, sample-wise curves, the whole grid.
///
/// All cells of a repeat share two factorisations ([`Plane`]); features of test inputs are made in blocks and
/// forgotten. Estimators other than the minimum norm cost an SVD of `min(n, p)²` a cell, which all of them share;
/// arms that differ in their targets alone (label noise) share everything.
///
/// # Examples
/// ```
/// use double_descent::curve::Metric;
/// use double_descent::dataset::Dataset;
/// use double_descent::features::Coordinates;
/// use double_descent::sweep::{Maps, PlaneSweep};
/// use ndarray::s;
///
/// let all = Dataset::diabetes();
/// let part = |rows: std::ops::Range<usize>| {
///     let (x, y) = (all.features().slice(s![rows.clone(), ..]), all.targets().slice(s![rows, ..]));
///     Dataset::new("diabetes", x.to_owned(), y.to_owned())
/// };
/// let sweep = PlaneSweep {
///     samples: vec![4, 8, 40],
///     features: (1..=10).collect(),
///     ..PlaneSweep::new(part(0..300)?, part(300..442)?, Maps::same(Coordinates::new(10)), 20, 0)
/// };
/// let surface = sweep.run()?;
/// let curve = surface.over_features(8).unwrap(); // n = 8, every p
/// assert_eq!(curve.highest(0, Metric::TestMse).unwrap().p, 8);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Belkin, Hsu, Ma and Mandal, *Reconciling modern machine-learning practice and the bias-variance trade-off*,
/// PNAS 2019; Nakkiran et al., *Deep double descent*, ICLR 2020, appendix D.
#[derive(Clone, Debug)]
pub struct PlaneSweep {
    /// Raw training inputs and targets; a repeat trains on the first rows of an order of its own.
    pub train: Dataset,
    /// Raw test inputs and targets.
    pub test: Dataset,
    /// The feature map of each repeat.
    pub maps: Maps,
    /// Training set sizes `n`.
    pub samples: Vec<usize>,
    /// Numbers of features `p`.
    pub features: Vec<usize>,
    /// What is fitted in each cell.
    pub arms: Vec<PlaneArm>,
    /// Which rows train.
    pub splits: Splits,
    /// Which quantities cells report: errors, norms, error rates of two outputs or more, smallest singular values,
    /// which cost some tens of triangular solves a cell. Others are an error, but in [`Metric::ALL`], which asks for
    /// whatever there is.
    pub metrics: Vec<Metric>,
    /// How many repeats at once; `None`: as many as the machine has threads. No result depends on it. Each holds
    /// its reflections, `N × P` numbers for the largest `n` and `p`, and some squares of the smaller of the two.
    pub threads: Option<usize>,
}

/// The feature map of each repeat.
#[derive(Clone)]
pub struct Maps(Arc<MapOf>);

type MapOf = dyn Fn(usize) -> Result<Arc<dyn FeatureMap>, Error> + Send + Sync;

impl Maps {
    /// Drawn anew: `draw(repeat)` is the map of that repeat, always the same one.
    pub fn drawn<M: FeatureMap + 'static>(
        draw: impl Fn(usize) -> Result<M, Error> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(move |repeat| draw(repeat).map(|map| Arc::new(map) as Arc<dyn FeatureMap>)))
    }

    /// One map for all repeats.
    pub fn same(map: impl FeatureMap + 'static) -> Self {
        let map: Arc<dyn FeatureMap> = Arc::new(map);
        Self(Arc::new(move |_| Ok(Arc::clone(&map))))
    }

    /// The map of a repeat.
    ///
    /// # Errors
    /// Those of drawing it.
    pub fn of(&self, repeat: usize) -> Result<Arc<dyn FeatureMap>, Error> {
        user_code::call(|| format!("the drawing of the map of repeat {repeat}"), || (self.0)(repeat))?
    }
}

impl fmt::Debug for Maps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Maps").field(&self.of(0)).finish()
    }
}

/// What is fitted in each cell of a [`PlaneSweep`].
#[derive(Clone, Debug)]
pub struct PlaneArm {
    /// The name and the value of its knob.
    pub label: ArmLabel,
    /// The estimator.
    pub estimator: Arc<dyn SpectralFilter>,
    /// Training targets in place of those of the table, row by row (label noise).
    pub targets: Option<Arc<Array2<f64>>>,
    /// Test targets in place of those of the table (errors on noisy labels).
    pub test_targets: Option<Arc<Array2<f64>>>,
}

impl PlaneArm {
    /// An estimator on the targets of the table.
    pub fn new(name: impl Into<String>, setting: Option<f64>, estimator: Arc<dyn SpectralFilter>) -> Self {
        let label = ArmLabel { name: name.into(), setting };
        Self { label, estimator, targets: None, test_targets: None }
    }

    /// `min_norm`: minimum-norm least squares.
    #[must_use]
    pub fn min_norm() -> Self {
        Self::new("min_norm", None, Arc::new(MinNorm::default()))
    }

    /// The same with other training targets (`N × k`), e.g. noisy labels; `setting` says how noisy.
    #[must_use]
    pub fn trained_on(mut self, setting: Option<f64>, targets: Array2<f64>) -> Self {
        (self.label.setting, self.targets) = (setting, Some(Arc::new(targets)));
        self
    }

    /// The same, tested on other targets (`M × k`).
    #[must_use]
    pub fn tested_on(mut self, targets: Array2<f64>) -> Self {
        self.test_targets = Some(Arc::new(targets));
        self
    }
}

impl PlaneSweep {
    /// A sweep of minimum-norm fits with errors, norms and, for two outputs or more, error rates; set `samples` and
    /// `features`.
    #[must_use]
    pub fn new(train: Dataset, test: Dataset, maps: Maps, repeats: usize, seed: u64) -> Self {
        let mut metrics = vec![Metric::TrainMse, Metric::TestMse, Metric::CoefficientNorm];
        if train.targets().ncols() > 1 {
            metrics.push(Metric::TestErrorRate);
        }
        Self {
            train,
            test,
            maps,
            samples: Vec::new(),
            features: Vec::new(),
            arms: vec![PlaneArm::min_norm()],
            splits: Splits::Drawn { repeats, seed },
            metrics,
            threads: None,
        }
    }

    /// Runs all repeats.
    ///
    /// # Errors
    /// Lists that are empty, hold 0 or a value twice or more than there is, targets that do not fit
    /// ([`Error::Empty`], [`Error::Domain`], [`Error::Shape`], [`Error::NonFinite`]), a metric that cells do not have
    /// ([`Error::Unsupported`]), no threads to be had. A cell that fails does not end the sweep, nor take others along:
    /// it is in [`Curve::failures`] under its `n` and `p`. Where all fail, the error is the first one's.
    pub fn run(&self) -> Result<Surface, Error> {
        self.run_with(&())
    }

    /// [`PlaneSweep::run`] with somebody watching, repeat by repeat, who may stop it.
    ///
    /// # Errors
    /// Those of [`PlaneSweep::run`].
    pub fn run_with(&self, observer: &dyn Observer) -> Result<Surface, Error> {
        let (plane, orders) = self.begin()?;
        let all = 0..orders.len();
        unless_all_failed(self.measure_repeats(&plane, &orders, all, self.threads, observer)?)
            .map(Surface::new)
    }

    /// What all repeats share, and the rows of each.
    pub(super) fn begin(&self) -> Result<(Plane, Vec<Vec<usize>>), Error> {
        let mut plane = Plane::new(&self.samples, &self.features)?;
        if self.metrics.contains(&Metric::SmallestSingularValue) {
            plane = plane.with_smallest_singular_value();
        }
        self.reserve()?;
        let most = self.samples.iter().copied().max().unwrap_or(0);
        Ok((plane, self.splits.orders(self.train.len(), most)?))
    }

    /// The cells of some repeats.
    pub(super) fn measure_repeats(
        &self,
        plane: &Plane,
        orders: &[Vec<usize>],
        repeats: Range<usize>,
        threads: Option<usize>,
        observer: &dyn Observer,
    ) -> Result<Curve, Error> {
        let most = self.features.iter().copied().max().unwrap_or(0);
        let grid = Grid { axis: vec![most], repeats: repeats.len(), threads, batch: 1 };
        let visited = grid.run_from(repeats.start, observer, |places| {
            places.iter().map(|place| Ok(self.repeat(plane, place.repeat, &orders[place.repeat]))).collect()
        })?;
        let mut curve = self.outline(orders.len());
        let mut by_svd = Vec::new();
        for (place, result) in visited {
            let Some(result) = result else {
                curve.complete = false;
                continue;
            };
            let found = result.unwrap_or_else(|error| Found::failed(plane, place.repeat, &error));
            by_svd.extend(found.by_svd.into_iter().map(|p| (place.repeat, p)));
            curve.cells.extend(found.cells);
            curve.failures.extend(found.failures);
        }
        curve.provenance.by_svd = by_svd;
        Ok(curve)
    }

    /// The curve without cells.
    pub(super) fn outline(&self, repeats: usize) -> Curve {
        let arms = self.arms.iter().map(|arm| arm.label.clone()).collect();
        Curve::new(Axis::Features, arms, self.provenance(repeats))
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let outputs = self.train.targets().ncols();
        Error::check_len("columns of the test targets", outputs, self.test.targets().ncols())?;
        let inputs = self.train.features().ncols();
        Error::check_len("columns of the test inputs", inputs, self.test.features().ncols())?;
        if self.arms.is_empty() {
            return Err(Error::Empty { what: "the list of arms" });
        }
        self.check_metrics()?;
        if let Some(&n) = self.samples.iter().find(|&&n| n > self.train.len()) {
            let must_be = "at most the number of training rows";
            return Err(Error::Domain { what: "a training set size n", value: n as f64, must_be });
        }
        Arm::check_labels(self.arms.iter().map(|arm| &arm.label))?;
        for arm in &self.arms {
            let tables = [
                ("training targets of an arm", &arm.targets, self.train.targets()),
                ("test targets of an arm", &arm.test_targets, self.test.targets()),
            ];
            for (what, own, table) in tables {
                if let Some(own) = own {
                    Error::check_len(what, table.nrows(), own.nrows())?;
                    Error::check_len(what, outputs, own.ncols())?;
                    Error::check_finite(what, own.view())?;
                }
            }
        }
        Ok(())
    }

    /// All cells of one repeat.
    fn repeat(&self, plane: &Plane, repeat: usize, order: &[usize]) -> Found {
        let map = match self.maps.of(repeat) {
            Ok(map) => map,
            Err(error) => return Found::failed(plane, repeat, &error),
        };
        let mut found = Found::default();
        self.find(plane, &*map, (repeat, order), &mut found);
        found.cells.sort_by_key(|cell| (cell.n, cell.p));
        found.failures.sort_by_key(|failure| (failure.n, failure.p));
        found
    }

    /// Adds the cells of a part of the plane. Where something in it fails, its halves are measured on their own, until
    /// only the cells that fail by themselves are left.
    fn find(
        &self,
        plane: &Plane,
        map: &dyn FeatureMap,
        (repeat, order): (usize, &[usize]),
        found: &mut Found,
    ) {
        let (samples, _) = plane.largest();
        let part = || "the work on a part of the plane".into();
        let measured = user_code::call(part, || self.measure(plane, map, repeat, &order[..samples]));
        match (measured.flatten(), plane.halves()) {
            (Ok((cells, by_svd)), _) => {
                found.cells.extend(cells);
                found.by_svd.extend(by_svd);
            }
            (Err(_), Some(halves)) => {
                for half in &halves {
                    self.find(half, map, (repeat, order), found);
                }
            }
            (Err(error), None) => found.failures.extend(Found::failed(plane, repeat, &error).failures),
        }
    }

    /// The cells of a part of the plane in one repeat, and the `p` of those whose minimum norm an SVD found.
    fn measure(
        &self,
        plane: &Plane,
        map: &dyn FeatureMap,
        repeat: usize,
        order: &[usize],
    ) -> Result<(Vec<Cell>, Vec<usize>), Error> {
        let (_, most) = plane.largest();
        let inputs = gather(self.train.features(), order);
        let outputs = self.train.targets().ncols();
        let (mut tables, mut requests) = (Vec::<Arc<Array2<f64>>>::new(), Vec::new());
        let own: Arc<Array2<f64>> = Arc::new(gather(self.train.targets(), order));
        for arm in &self.arms {
            let targets = match &arm.targets {
                Some(targets) => Arc::new(gather(targets, order)),
                None => Arc::clone(&own),
            };
            let place = tables.iter().position(|table| *table == targets).unwrap_or_else(|| {
                tables.push(targets);
                tables.len() - 1
            });
            let outputs = place * outputs..(place + 1) * outputs;
            requests.push(Request { estimator: &*arm.estimator, outputs });
        }
        let views: Vec<_> = tables.iter().map(|table| table.view()).collect();
        let y = concatenate(Along(1), &views).map_err(|_| Error::Empty { what: "the targets" })?;
        let fits = plane.fits_of_map(map, &inputs, &y, &requests)?;
        let scores = self.score(map, &fits, most)?;
        let by_svd = fits.iter().filter(|fit| fit.engine == Engine::Svd).map(|fit| fit.p).collect();
        let cells = fits.iter().zip(&scores).flat_map(|(fit, scores)| {
            scores.iter().enumerate().map(move |(arm, score)| self.cell(repeat, fit, arm, score))
        });
        Ok((cells.collect(), by_svd))
    }

    fn cell(&self, repeat: usize, fit: &PlaneFit, arm: usize, score: &Score) -> Cell {
        let wanted = |metric: Metric| self.metrics.contains(&metric);
        let (rows, outputs) = (self.test.len() as f64, self.test.targets().ncols());
        let norm = || fit.coefficients[arm].iter().fold(0.0, |norm: f64, v| norm.hypot(*v));
        Cell {
            repeat,
            n: fit.n,
            p: fit.p,
            arm,
            train_mse: wanted(Metric::TrainMse).then_some(fit.train_mse[arm]),
            test_mse: wanted(Metric::TestMse).then_some(score.squares / (rows * outputs as f64)),
            test_error_rate: score.wrong.filter(|_| outputs > 1).map(|wrong| wrong as f64 / rows),
            coefficient_norm: wanted(Metric::CoefficientNorm).then(norm),
            smallest_singular_value: fit.smallest_singular_value,
            rank: fit.rank,
            ..Cell::default()
        }
    }

    /// The test errors of all fits, for each one for each arm.
    fn score(&self, map: &dyn FeatureMap, fits: &[PlaneFit], most: usize) -> Result<Vec<Vec<Score>>, Error> {
        let wrong = self.metrics.contains(&Metric::TestErrorRate).then_some(0);
        let mut scores = vec![vec![Score { squares: 0.0, wrong }; self.arms.len()]; fits.len()];
        let mut by_features: Vec<usize> = (0..fits.len()).collect();
        by_features.sort_by_key(|&index| fits[index].p);
        let entries = fits.iter().flat_map(|fit| &fit.coefficients).map(Array2::len).sum();
        let mut coefficients = zeros("the coefficients", entries, 1)?;
        let mut rest = coefficients.as_slice_mut().unwrap_or_default();
        let mut groups = Vec::new();
        for same in by_features.chunk_by(|&a, &b| fits[a].p == fits[b].p) {
            let parts = || same.iter().flat_map(|&index| &fits[index].coefficients);
            let size = (fits[same[0]].p, parts().map(Array2::ncols).sum());
            let beside = rest.split_off_mut(..size.0 * size.1).unwrap_or_default();
            let mut first = 0;
            for part in parts() {
                for (to, from) in beside.chunks_exact_mut(size.1).zip(part.rows()) {
                    to[first..].iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                }
                first += part.ncols();
            }
            groups.push((same, &*beside, size));
        }
        let outputs = self.test.targets().ncols();
        let targets = self.arms.iter().map(|arm| {
            Targets::new(arm.test_targets.as_deref().unwrap_or(self.test.targets()), wrong.is_some())
        });
        let targets: Vec<_> = targets.collect();
        let (mut features, mut predictions) =
            (zeros("test features", self.test.len().min(BLOCK), most)?, Vec::new());
        for first in (0..self.test.len()).step_by(BLOCK) {
            let rows = first..self.test.len().min(first + BLOCK);
            let mut features = features.slice_mut(s![..rows.len(), ..]);
            checked::write_columns(
                map,
                &self.test.features().slice(s![rows.clone(), ..]),
                0..most,
                &mut features,
            )?;
            for (same, coefficients, size) in &groups {
                predict(&features, (coefficients, *size), &mut predictions);
                let mut column = 0;
                for &index in *same {
                    for (targets, score) in targets.iter().zip(&mut scores[index]) {
                        for (row, prediction) in rows.clone().zip(predictions.chunks_exact(size.1)) {
                            score.add(&prediction[column..column + outputs], targets, row);
                        }
                        column += outputs;
                    }
                }
            }
        }
        if scores.iter().flatten().all(|score| score.squares.is_finite()) {
            return Ok(scores);
        }
        Err(Error::Overflow { what: "the test error" })
    }

    fn provenance(&self, repeats: usize) -> Provenance {
        let mut estimators: Vec<String> = Vec::new();
        for arm in &self.arms {
            let words = user_code::description(|| arm.estimator.describe());
            if !estimators.contains(&words) {
                estimators.push(words);
            }
        }
        let map = self
            .maps
            .of(0)
            .map_or_else(|error| error.to_string(), |map| user_code::description(|| map.describe()));
        Provenance {
            data: self.train.name().into(),
            rows: Some(self.train.len()),
            preparation: map,
            sampling: self.splits.describe(repeats),
            seed: self.splits.seed(),
            estimator: estimators.join("; "),
            engine: Engine::Nested,
            ..Provenance::default()
        }
    }
}

/// `features[.., ..p] · coefficients` (`p ×` outputs), row by row.
fn predict(
    features: &ArrayRef2<f64>,
    (coefficients, (p, outputs)): (&[f64], (usize, usize)),
    predictions: &mut Vec<f64>,
) {
    let (rows, width) = features.dim();
    let x = features.as_slice().unwrap_or_default();
    predictions.resize(rows * outputs, 0.0);
    leading_times((x, width), coefficients, predictions, (rows, outputs, p));
}

/// Test targets.
struct Targets<'a> {
    table: CowArray<'a, f64, Ix2>,
    /// The place of the largest, row by row, where error rates are wanted.
    classes: Vec<usize>,
}

impl<'a> Targets<'a> {
    fn new(table: &'a Array2<f64>, classified: bool) -> Self {
        let table = table.as_standard_layout();
        let classes = if classified { table.rows().into_iter().map(largest).collect() } else { Vec::new() };
        Self { table, classes }
    }
}

/// What a repeat gives.
#[derive(Default)]
struct Found {
    cells: Vec<Cell>,
    failures: Vec<Failure>,
    /// The `p` of cells whose minimum norm an SVD found.
    by_svd: Vec<usize>,
}

impl Found {
    /// Nothing, for one reason.
    fn failed(plane: &Plane, repeat: usize, error: &Error) -> Self {
        let failure = |(n, p)| Failure { repeat, n, p, error: error.clone() };
        Self { failures: plane.places().map(failure).collect(), ..Self::default() }
    }
}

/// Sums over test rows.
#[derive(Clone, Copy, Debug)]
struct Score {
    squares: f64,
    /// Rows whose largest output is not that of the targets, where they are counted.
    wrong: Option<usize>,
}

impl Score {
    fn add(&mut self, prediction: &[f64], targets: &Targets<'_>, row: usize) {
        let target = targets.table.row(row);
        self.squares += prediction.iter().zip(target).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        if let Some(wrong) = &mut self.wrong {
            *wrong += usize::from(largest(prediction) != targets.classes[row]);
        }
    }
}

/// The place of the first largest entry.
fn largest<'a>(row: impl IntoIterator<Item = &'a f64>) -> usize {
    let first = (0, f64::NEG_INFINITY);
    row.into_iter().enumerate().fold(first, |best, (i, &v)| if v > best.1 { (i, v) } else { best }).0
}
