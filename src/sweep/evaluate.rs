//! Every arm of one cell from its factorisation, without touching a test row.
//!
//! A fit is `β = V α` with one coefficient per mode, `α = g ∘ Uᵀ y`. Over the whole table its errors
//! are in `A V α − B` ([`Compressed`]); on the training rows they are `U (σ ∘ α − Uᵀ y)` and what of
//! `y` lies outside the span of `U`. The test rows are all others, so their sums are differences of
//! the two: the training rows are the smaller part, except where few test rows are left, and those are
//! then used as they are.

use super::error_rates::ErrorRates;
use super::test_errors::{Sums, TestErrors, Training};
use super::{Arm, Place, gather};
use crate::Error;
use crate::ablation::Adversary;
use crate::curve::{Cell, Metric};
use crate::dataset::Dataset;
use crate::filter::{MinNorm, Response, SpectralFilter};
use crate::nested::Point;
use crate::risk::Compressed;
use crate::svd::{Backend, LastMode, Svd};
use crate::teacher::ideal_beta;
use ndarray::{Array1, Array2, ArrayView1, Axis};
use std::borrow::Cow;
use std::sync::Arc;

/// What all cells of a sweep share.
pub(super) struct Study<'a> {
    pub(super) data: &'a Dataset,
    arms: &'a [Arm],
    table: Compressed,
    /// `β*` of all rows, `p × k`.
    pub(super) ideal: Array2<f64>,
    /// Whether cells have error rates.
    pub(super) counts_errors: bool,
    /// Whether cells have norms of coefficients.
    pub(super) measures_norms: bool,
}

impl<'a> Study<'a> {
    pub(super) fn new(data: &'a Dataset, arms: &'a [Arm], backend: &dyn Backend) -> Result<Self, Error> {
        let table = Compressed::with_backend(data.features(), data.targets(), backend)?;
        let ideal = ideal_beta(&table, backend)?;
        Ok(Self { data, arms, table, ideal, counts_errors: false, measures_norms: true })
    }

    /// The whole table, compressed.
    pub(super) fn table(&self) -> &Compressed {
        &self.table
    }

    /// Whether `n` training rows leave more test rows than the compressed table has.
    pub(super) fn has_room(&self, n: usize) -> bool {
        self.data.len().saturating_sub(n) > self.table.features.nrows()
    }

    /// All arms for the training set of `rows`, whose features `svd` factorises.
    pub(super) fn evaluate(
        &self,
        svd: &Svd,
        rows: &[usize],
        scratch: &mut Scratch,
    ) -> Result<Measured, Error> {
        let held_out = HeldOut::new(self, rows);
        let y = gather(self.data.targets(), rows);
        let modes = Modes {
            svd,
            images: svd.vt().dot(&held_out.table.features.t()),
            ones: svd.u().sum_axis(Axis(0)),
            inverse: svd.singular_values().iter().map(|s| s.recip()).collect(),
            last: svd.last_mode(&y)?,
            held_out,
        };
        let outputs: Vec<Output<'_>> =
            (0..y.ncols()).map(|k| Output::new(&modes, y.column(k), k, self.ideal.column(k))).collect();
        scratch.asked = None;
        let rates = self.counts_errors.then(|| ErrorRates::new(self, svd, rows));
        let mut metrics = |arm: &Arm| {
            scratch.set_gains(arm, svd, &modes.inverse)?;
            let mut mean = Metrics::default();
            let mut solutions = Vec::new();
            for output in &outputs {
                mean.add(&output.metrics(arm, scratch, self.measures_norms), outputs.len());
                if rates.is_some() {
                    solutions.push(output.solution(arm, scratch));
                }
            }
            mean.error_rate = rates.as_ref().map(|rates| rates.of(arm, &solutions)).transpose()?;
            mean.finite()
        };
        let (mut arms, mut failures) = (Vec::with_capacity(self.arms.len()), Vec::new());
        for (index, arm) in self.arms.iter().enumerate() {
            match metrics(arm) {
                Ok(metrics) => arms.push((index, metrics)),
                Err(error) => failures.push(error),
            }
        }
        Ok(Measured {
            arms,
            failures,
            smallest_singular_value: svd.smallest_nonzero().unwrap_or(0.0),
            rank: svd.rank(),
        })
    }

    /// The rows of the tidy table for what was measured at one place.
    pub(super) fn cells(
        &self,
        measured: Measured,
        place: Place,
        wanted: &Wanted,
    ) -> impl Iterator<Item = Cell> {
        let p = self.data.features().ncols();
        let (smallest, rank) = (measured.smallest_singular_value, measured.rank);
        measured.arms.into_iter().map(move |(index, metrics)| Cell {
            repeat: place.repeat,
            n: place.axis_value,
            p,
            arm: index,
            train_mse: wanted.train.then_some(metrics.train),
            test_mse: wanted.test.then_some(metrics.test),
            test_mse_opposite: self.arms[index]
                .adversary
                .filter(|_| wanted.opposite)
                .map(|_| metrics.opposite),
            test_error_rate: metrics.error_rate,
            bias_squared: wanted.bias_squared.then_some(metrics.bias_squared),
            mean_squared_bias: wanted.mean_squared_bias.then_some(metrics.mean_squared_bias),
            smallest_singular_value: wanted.smallest.then_some(smallest),
            coefficient_norm: wanted.norm.then_some(metrics.norm),
            rank,
            ..Cell::default()
        })
    }
}

/// Which metrics a sweep asks for.
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Wanted {
    train: bool,
    test: bool,
    opposite: bool,
    bias_squared: bool,
    mean_squared_bias: bool,
    smallest: bool,
    norm: bool,
}

impl Wanted {
    pub(super) fn new(metrics: &[Metric]) -> Self {
        let has = |metric| metrics.contains(&metric);
        Self {
            train: has(Metric::TrainMse),
            test: has(Metric::TestMse),
            opposite: has(Metric::TestMseOpposite),
            bias_squared: has(Metric::BiasSquared),
            mean_squared_bias: has(Metric::MeanSquaredBias),
            smallest: has(Metric::SmallestSingularValue),
            norm: has(Metric::CoefficientNorm),
        }
    }
}

/// What one factorisation gives.
pub(super) struct Measured {
    /// By the arm's index; arms that failed are left out.
    arms: Vec<(usize, Metrics)>,
    /// Why they did.
    pub(super) failures: Vec<Error>,
    smallest_singular_value: f64,
    rank: usize,
}

impl Measured {
    /// Bytes that one holds beside itself.
    pub(super) fn bytes(arms: usize) -> usize {
        crate::memory::list::<(usize, Metrics)>(arms)
    }

    /// What points of nested curves give, one for each arm.
    pub(super) fn from_points(points: &[&Point]) -> Self {
        let metrics = |(arm, point): (usize, &&Point)| {
            let test = point.test_mse.unwrap_or(f64::NAN);
            (arm, Metrics { train: point.train_mse, test, norm: point.norm, ..Metrics::default() })
        };
        Self {
            arms: points.iter().enumerate().map(metrics).collect(),
            failures: Vec::new(),
            smallest_singular_value: points
                .first()
                .and_then(|point| point.smallest_singular_value)
                .unwrap_or(0.0),
            rank: points.first().map_or(0, |point| point.rank),
        }
    }
}

/// The rows that do not train: as the whole table less the training rows, or as they are.
struct HeldOut<'a> {
    table: Cow<'a, Compressed>,
    /// Whether the training rows are in `table` and must be taken off.
    complement: bool,
    /// How many there are.
    rows: usize,
}

impl<'a> HeldOut<'a> {
    fn new(study: &'a Study<'_>, training: &[usize]) -> Self {
        let rows = study.data.len() - training.len();
        // With as few rows as the compressed table has, using them costs no more, and a difference
        // of two sums would cancel.
        if study.has_room(training.len()) {
            return Self { table: Cow::Borrowed(&study.table), complement: true, rows };
        }
        let mut trains = vec![false; study.data.len()];
        for &row in training {
            trains[row] = true;
        }
        let test: Vec<usize> = (0..trains.len()).filter(|&row| !trains[row]).collect();
        let table =
            Compressed::direct(gather(study.data.features(), &test), gather(study.data.targets(), &test));
        Self { table: Cow::Owned(table), complement: false, rows }
    }
}

/// What all outputs of one cell share.
struct Modes<'a> {
    svd: &'a Svd,
    held_out: HeldOut<'a>,
    /// `A vᵣ` as rows.
    images: Array2<f64>,
    /// `Uᵀ 1`.
    ones: Array1<f64>,
    /// `1/σ`.
    inverse: Vec<f64>,
    last: Option<LastMode>,
}

/// One output of one cell: the projections that all arms read.
struct Output<'a> {
    modes: &'a Modes<'a>,
    /// Fits of the measured targets; the base is the minimum-norm fit.
    fits: TestErrors<'a>,
    /// Fits of targets without residuals, `X β*`; the base is the teacher itself.
    noise_free: TestErrors<'a>,
}

impl<'a> Output<'a> {
    fn new(modes: &'a Modes<'a>, y: ArrayView1<'_, f64>, output: usize, ideal: ArrayView1<'_, f64>) -> Self {
        let (svd, table) = (modes.svd, &*modes.held_out.table);
        let sigma = svd.spectrum().singular_values();
        let projections = svd.u().t().dot(&y);
        let mut beyond = y.mapv(|target| -target);
        for (column, coefficient) in svd.u().columns().into_iter().zip(&projections) {
            beyond.scaled_add(*coefficient, &column);
        }
        let training = |targets: Vec<f64>, outside: Sums| Training {
            sigma,
            inverse: &modes.inverse,
            ones: modes.ones.as_slice().unwrap_or(&[]),
            targets,
            outside,
        };
        let test_errors = |base: Vec<f64>, target: ArrayView1<'_, f64>, training| {
            let complement = modes.held_out.complement;
            TestErrors::new(modes.images.view(), table.ones.view(), base, target, training, complement)
        };
        let min_norm = &projections * &MinNorm::default().gains(svd.spectrum());
        let outside = Sums { errors: beyond.sum(), squares: beyond.dot(&beyond) };
        let teacher = svd.vt().dot(&ideal).to_vec();
        let predictions = sigma.iter().zip(&teacher).map(|(s, t)| s * t).collect();
        Self {
            modes,
            fits: test_errors(
                min_norm.to_vec(),
                table.targets.column(output),
                training(projections.to_vec(), outside),
            ),
            noise_free: test_errors(
                teacher,
                table.features.dot(&ideal).view(),
                training(predictions, Sums::default()),
            ),
        }
    }

    fn metrics(&self, arm: &Arm, scratch: &mut Scratch, with_norm: bool) -> Metrics {
        let fits = if arm.ablation.is_without_residuals() { &self.noise_free } else { &self.fits };
        let shown = arm.ablation.test_modes().unwrap_or(usize::MAX).min(self.modes.inverse.len());
        let (test_kick, train_kick) = match arm.adversary {
            Some(Adversary::TestDatum { strength }) => (strength, 0.0),
            Some(Adversary::TrainingTargets { strength }) => (0.0, strength),
            None => (0.0, 0.0),
        };
        let n = self.modes.svd.u().nrows() as f64;
        let m = self.modes.held_out.rows as f64;
        let mut metrics = Metrics::default();
        let bias = if let Some(kept) = scratch.prefix.filter(|_| train_kick == 0.0) {
            // The fit is a prefix of the base, and all its sums are known.
            let seen = kept.min(shown);
            let shift = test_kick * self.shift(&fits.base[..seen]);
            metrics.train = fits.prefix_trained(kept).squares / n;
            metrics.test = fits.prefix(seen).shifted(shift, m);
            metrics.opposite = fits.prefix(seen).shifted(-shift, m);
            if with_norm {
                metrics.norm = norm(&fits.base[..kept]);
            }
            self.noise_free.prefix(seen)
        } else {
            for sign in [-1.0, 1.0] {
                let train = self.fit(fits, scratch, sign * train_kick);
                let shift = sign * test_kick * self.shift(&scratch.alpha[..shown]);
                let sums = if arm.ablation.is_without_residuals() {
                    self.noise_free_errors(scratch, shown, sign * train_kick)
                } else {
                    fits.sums(&scratch.alpha[..shown], &mut scratch.row)
                };
                let test = sums.shifted(shift, m);
                if sign < 0.0 {
                    metrics.opposite = test;
                }
                (metrics.train, metrics.test) = (train / n, test);
            }
            if with_norm {
                metrics.norm = norm(&scratch.alpha);
            }
            self.bias(scratch, shown)
        };
        metrics.bias_squared = (bias.errors / m).powi(2);
        metrics.mean_squared_bias = bias.squares / m;
        metrics
    }

    /// The coefficients that test rows see, one per mode, and what the adversary adds to every prediction.
    fn solution(&self, arm: &Arm, scratch: &mut Scratch) -> (Vec<f64>, f64) {
        let fits = if arm.ablation.is_without_residuals() { &self.noise_free } else { &self.fits };
        let (test_kick, train_kick) = match arm.adversary {
            Some(Adversary::TestDatum { strength }) => (strength, 0.0),
            Some(Adversary::TrainingTargets { strength }) => (0.0, strength),
            None => (0.0, 0.0),
        };
        self.fit(fits, scratch, train_kick);
        let shown = arm.ablation.test_modes().unwrap_or(usize::MAX).min(scratch.alpha.len());
        let seen = scratch.alpha[..shown].to_vec();
        let shift = test_kick * self.shift(&seen);
        (seen, shift)
    }

    /// Fills `scratch.alpha` with the fit to targets moved by `kick · u_last` and returns the sum of
    /// squared errors on those.
    fn fit(&self, fits: &TestErrors<'_>, scratch: &mut Scratch, kick: f64) -> f64 {
        let Scratch { response: Response { gains, residuals }, alpha, .. } = scratch;
        let training = &fits.training;
        // Only the last mode's target moves: the loops over all are left without a question.
        let kicked = self.modes.last.filter(|_| kick != 0.0);
        let kicked = kicked.map(|last| (last.index, training.targets[last.index] + last.sign * kick));
        alpha.clear();
        alpha.extend(gains.iter().zip(&training.targets).map(|(gain, target)| gain * target));
        let square = |(left, target): (&f64, &f64)| (left * target) * (left * target);
        let Some((index, target)) = kicked else {
            let modes = residuals.iter().zip(&training.targets);
            return modes.fold(training.outside.squares, |sum, mode| sum + square(mode));
        };
        alpha[index] = gains[index] * target;
        let modes = residuals.iter().zip(&training.targets).enumerate();
        modes.fold(training.outside.squares, |sum, (mode, (left, of_mode))| {
            sum + square((left, if mode == index { &target } else { of_mode }))
        })
    }

    /// What a step of 1 along `v_last` adds to every prediction.
    fn shift(&self, shown: &[f64]) -> f64 {
        self.modes.last.map_or(0.0, |last| last.sign * shown.get(last.index).unwrap_or(&0.0))
    }

    /// Sums over the test rows of the bias `x·(V diag(g σ) Vᵀ − I) β*`: the errors of the arm's gains on
    /// targets without residuals.
    fn bias(&self, scratch: &mut Scratch, shown: usize) -> Sums {
        self.noise_free_errors(scratch, shown, 0.0)
    }

    /// Sums over the test rows of errors on targets without residuals, those of training moved by `kick · u_last`:
    /// by how far each coefficient is from the teacher's, `g kick − (1 − g σ) v·β*`, or all of it where the mode is
    /// not shown.
    fn noise_free_errors(&self, scratch: &mut Scratch, shown: usize, kick: f64) -> Sums {
        let Scratch { response: Response { gains, residuals }, deviations, row, .. } = scratch;
        deviations.clear();
        let teacher = &self.noise_free.base;
        let shown = shown.min(teacher.len());
        deviations
            .extend(residuals.iter().zip(&teacher[..shown]).map(|(left, teacher)| 0.0 - left * teacher));
        deviations.extend(teacher[shown..].iter().map(|teacher| -teacher));
        if let Some(last) = self.modes.last.filter(|last| kick != 0.0 && last.index < shown) {
            let kicked = gains[last.index] * (last.sign * kick);
            deviations[last.index] = kicked - residuals[last.index] * teacher[last.index];
        }
        let (n, p) = self.modes.svd.shape();
        self.noise_free.deviating(deviations, n >= p, row)
    }
}

/// Work space of one worker.
#[derive(Default)]
pub(super) struct Scratch {
    /// The estimator that was asked last in this cell, and its answer: many arms share one.
    asked: Option<Arc<dyn SpectralFilter>>,
    answer: Response,
    /// The answer, as the ablation of some arm leaves it, and its cutoff.
    response: Response,
    cutoff: Option<f64>,
    /// How many leading modes are kept, where the gains are `1/σ` for those and 0 for the rest.
    prefix: Option<usize>,
    alpha: Vec<f64>,
    deviations: Vec<f64>,
    row: Vec<f64>,
}

impl Scratch {
    fn set_gains(&mut self, arm: &Arm, svd: &Svd, inverse: &[f64]) -> Result<(), Error> {
        let same = self.asked.as_ref().is_some_and(|asked| Arc::ptr_eq(asked, &arm.estimator));
        let cutoff = arm.ablation.cutoff();
        if same && self.cutoff == cutoff {
            return Ok(());
        }
        if !same {
            self.asked = None;
            self.answer.ask(arm.estimator.as_ref(), svd.spectrum())?;
            self.asked = Some(Arc::clone(&arm.estimator));
        }
        self.response.clone_from(&self.answer);
        let Response { gains, residuals } = &mut self.response;
        arm.ablation.cut_gains(svd.spectrum().singular_values(), gains);
        for (gain, left) in gains.iter().zip(&mut *residuals) {
            if *gain == 0.0 {
                *left = 1.0;
            }
        }
        // A weak penalty may leave the rounded gain as it was, and yet leave something of the targets.
        let modes = gains.iter().zip(inverse).zip(&*residuals);
        let kept = modes.take_while(|((gain, inverse), left)| gain == inverse && **left == 0.0).count();
        let rest_is_zero = gains[kept..].iter().all(|&gain| gain == 0.0);
        // The base keeps the modes of the rank.
        self.prefix = (rest_is_zero && kept <= svd.rank()).then_some(kept);
        self.cutoff = cutoff;
        Ok(())
    }
}

/// `‖α‖ = ‖V α‖`.
fn norm(alpha: &[f64]) -> f64 {
    let squares: f64 = alpha.iter().map(|a| a * a).sum();
    if squares.is_finite() && squares > 1e-280 {
        return squares.sqrt();
    }
    // Squares leave the range of numbers: in units of a power of two, which rounds alike, they do not.
    let largest = alpha.iter().fold(0.0, |largest: f64, a| largest.max(a.abs()));
    let (unit, back) = match largest {
        0.0 => return 0.0,
        _ if largest < 1.0 => (2f64.powi(500), 2f64.powi(-500)),
        _ => (2f64.powi(-540), 2f64.powi(540)),
    };
    alpha.iter().map(|a| (a * unit) * (a * unit)).sum::<f64>().sqrt() * back
}

/// Means over rows; over outputs too once all are added.
#[derive(Default)]
struct Metrics {
    train: f64,
    test: f64,
    opposite: f64,
    bias_squared: f64,
    mean_squared_bias: f64,
    /// Of all outputs together.
    norm: f64,
    error_rate: Option<f64>,
}

impl Metrics {
    fn add(&mut self, other: &Self, outputs: usize) {
        let k = outputs as f64;
        self.train += other.train / k;
        self.test += other.test / k;
        self.opposite += other.opposite / k;
        self.bias_squared += other.bias_squared / k;
        self.mean_squared_bias += other.mean_squared_bias / k;
        self.norm = if self.norm == 0.0 { other.norm } else { norm(&[self.norm, other.norm]) };
    }

    fn finite(self) -> Result<Self, Error> {
        // None of them is negative, so that nothing infinite cancels.
        let all =
            self.train + self.test + self.opposite + self.bias_squared + self.mean_squared_bias + self.norm;
        if all.is_finite() {
            return Ok(self);
        }
        let named = [
            ("the training error", self.train),
            ("the test error", self.test + self.opposite),
            ("the bias", self.bias_squared + self.mean_squared_bias),
            ("the norm of the coefficients", self.norm),
        ];
        match named.iter().find(|(_, value)| !value.is_finite()) {
            Some((what, _)) => Err(Error::Overflow { what }),
            None => Ok(self),
        }
    }
}
