//! Every arm of one cell from its factorisation, without touching a test row.
//!
//! A fit is `β = V α` with one coefficient per mode, `α = g ∘ Uᵀ y`. Over the whole table its errors
//! are in `A V α − B` ([`Compressed`]); on the training rows they are `U (σ ∘ α − Uᵀ y)` and what of
//! `y` lies outside the span of `U`. The test rows are all others, so their sums are differences of
//! the two: the training rows are the smaller part, except where few test rows are left, and those are
//! then used as they are.

use super::Arm;
use super::prefixes::{Prefixes, Sums};
use crate::Error;
use crate::ablation::Adversary;
use crate::curve::Cell;
use crate::dataset::Dataset;
use crate::filter::{MinNorm, SpectralFilter};
use crate::risk::Compressed;
use crate::svd::{Backend, LastMode, Svd};
use crate::teacher::ideal_beta;
use ndarray::{Array1, Array2, ArrayView1, Axis};
use std::borrow::Cow;

/// What all cells of a sweep share.
pub(super) struct Study<'a> {
    data: &'a Dataset,
    arms: &'a [Arm],
    table: Compressed,
    /// `β*` of all rows, `p × k`.
    ideal: Array2<f64>,
}

impl<'a> Study<'a> {
    pub(super) fn new(data: &'a Dataset, arms: &'a [Arm], backend: &dyn Backend) -> Result<Self, Error> {
        let table = Compressed::with_backend(data.features(), data.targets(), backend)?;
        let ideal = ideal_beta(&table, backend)?;
        Ok(Self { data, arms, table, ideal })
    }

    /// The cells of all arms for the training set of `rows`, whose features `svd` factorises.
    pub(super) fn evaluate(
        &self,
        svd: &Svd,
        rows: &[usize],
        scratch: &mut Scratch,
    ) -> Result<Vec<Cell>, Error> {
        let held_out = HeldOut::new(self, rows);
        let y = self.data.targets().select(Axis(0), rows);
        let modes = Modes {
            svd,
            images: svd.vt().dot(&held_out.table.features.t()),
            ones: svd.u().sum_axis(Axis(0)),
            last: svd.last_mode(&y)?,
            held_out,
        };
        let outputs: Vec<Output<'_>> =
            (0..y.ncols()).map(|k| Output::new(&modes, y.column(k), k, self.ideal.column(k))).collect();
        let (n, p) = svd.shape();
        let cell = |(index, arm): (usize, &Arm)| {
            scratch.set_gains(arm, svd);
            let mut mean = Metrics::default();
            for output in &outputs {
                mean.add(&output.metrics(arm, scratch), outputs.len());
            }
            Ok(Cell {
                n,
                p,
                arm: index,
                smallest_singular_value: Some(svd.smallest_nonzero().unwrap_or(0.0)),
                rank: svd.rank(),
                ..mean.finite()?.cell(arm)
            })
        };
        self.arms.iter().enumerate().map(cell).collect()
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
        if rows > study.table.features.nrows() {
            return Self { table: Cow::Borrowed(&study.table), complement: true, rows };
        }
        let mut trains = vec![false; study.data.len()];
        training.iter().for_each(|&row| trains[row] = true);
        let test: Vec<usize> = (0..trains.len()).filter(|&row| !trains[row]).collect();
        let table = Compressed::direct(
            study.data.features().select(Axis(0), &test),
            study.data.targets().select(Axis(0), &test),
        );
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
    last: Option<LastMode>,
}

/// One output of one cell: the projections that all arms read.
struct Output<'a> {
    modes: &'a Modes<'a>,
    sigma: &'a [f64],
    /// `vᵣ·β*`.
    teacher: Vec<f64>,
    /// `uᵣ·y`, and the sums over `U Uᵀ y − y`: what no fit reaches.
    measured: Targets,
    /// `uᵣ·X β* = σᵣ vᵣ·β*`: targets without residuals.
    ideal: Targets,
    /// Prefixes of the minimum-norm fit against the targets of the table.
    fits: Prefixes<'a>,
    /// Prefixes of the teacher against its own predictions.
    biases: Prefixes<'a>,
}

/// Training targets in the modes' coordinates.
struct Targets {
    projections: Vec<f64>,
    outside: Sums,
}

impl<'a> Output<'a> {
    fn new(modes: &'a Modes<'a>, y: ArrayView1<'_, f64>, output: usize, ideal: ArrayView1<'_, f64>) -> Self {
        let (svd, table) = (modes.svd, &*modes.held_out.table);
        let sigma = svd.spectrum().singular_values();
        let projections = svd.u().t().dot(&y);
        let mut outside = y.mapv(|target| -target);
        for (column, coefficient) in svd.u().columns().into_iter().zip(&projections) {
            outside.scaled_add(*coefficient, &column);
        }
        let gains = MinNorm::default().gains(svd.spectrum());
        let teacher = svd.vt().dot(&ideal).to_vec();
        let prefixes = |base: Vec<f64>, target: ArrayView1<'_, f64>| {
            Prefixes::new(modes.images.view(), table.ones.view(), base, target)
        };
        Self {
            modes,
            sigma,
            fits: prefixes((&projections * &gains).to_vec(), table.targets.column(output)),
            biases: prefixes(teacher.clone(), table.features.dot(&ideal).view()),
            measured: Targets {
                projections: projections.to_vec(),
                outside: Sums { errors: outside.sum(), squares: outside.dot(&outside) },
            },
            ideal: Targets {
                projections: sigma.iter().zip(&teacher).map(|(s, t)| s * t).collect(),
                outside: Sums::default(),
            },
            teacher,
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn metrics(&self, arm: &Arm, scratch: &mut Scratch) -> Metrics {
        let noise_free = arm.ablation.is_without_residuals();
        let shown = arm.ablation.test_modes().unwrap_or(usize::MAX).min(self.sigma.len());
        let (test_kick, train_kick) = match arm.adversary {
            Some(Adversary::TestDatum { strength }) => (strength, 0.0),
            Some(Adversary::TrainingTargets { strength }) => (0.0, strength),
            None => (0.0, 0.0),
        };
        let n = self.modes.svd.u().nrows() as f64;
        let m = self.modes.held_out.rows as f64;
        let mut metrics = Metrics::default();
        for (opposite, sign) in [(true, -1.0), (false, 1.0)] {
            if opposite && arm.adversary.is_none() {
                continue;
            }
            let train = self.fit(scratch, noise_free, sign * train_kick);
            let shift = sign * test_kick * self.shift(&scratch.alpha[..shown]);
            let sums = self.test_sums(scratch, shown, noise_free);
            // The mean of (error + shift)².
            let test = sums.squares / m + shift * (2.0 * sums.errors / m + shift);
            if opposite {
                metrics.opposite = test;
            } else {
                (metrics.train, metrics.test) = (train / n, test);
            }
        }
        let bias = self.bias_sums(scratch, shown);
        metrics.bias_squared = (bias.errors / m).powi(2);
        metrics.mean_squared_bias = bias.squares / m;
        metrics
    }

    /// Fills `scratch.alpha` with the fit to targets moved by `kick · u_last` and returns the sum of
    /// squared errors on those.
    fn fit(&self, scratch: &mut Scratch, noise_free: bool, kick: f64) -> f64 {
        let Scratch { gains, alpha, .. } = scratch;
        let targets = self.targets(noise_free);
        let mut squares = targets.outside.squares;
        alpha.clear();
        for mode in 0..self.sigma.len() {
            let kicked = match self.modes.last {
                Some(last) if last.index == mode => last.sign * kick,
                _ => 0.0,
            };
            let target = targets.projections[mode] + kicked;
            let coefficient = gains[mode] * target;
            squares += self.train_error(mode, coefficient, target).powi(2);
            alpha.push(coefficient);
        }
        squares
    }

    /// `σ α − u·y`; exactly 0 for a mode that is fitted by `1/σ`.
    fn train_error(&self, mode: usize, coefficient: f64, target: f64) -> f64 {
        let sigma = self.sigma[mode];
        if sigma.recip() * target == coefficient { 0.0 } else { sigma * coefficient - target }
    }

    /// What a step of 1 along `v_last` adds to every prediction.
    fn shift(&self, shown: &[f64]) -> f64 {
        self.modes.last.map_or(0.0, |last| last.sign * shown.get(last.index).unwrap_or(&0.0))
    }

    /// Sums over the test rows of the errors of the fit in `scratch.alpha`, as far as it is shown.
    fn test_sums(&self, scratch: &mut Scratch, shown: usize, noise_free: bool) -> Sums {
        let Scratch { alpha, row, .. } = scratch;
        let prefixes = if noise_free { &self.biases } else { &self.fits };
        let table = prefixes.sums(&alpha[..shown], row);
        let targets = self.targets(noise_free);
        self.without_training(table, targets.outside, |mode| {
            let coefficient = if mode < shown { alpha[mode] } else { 0.0 };
            self.train_error(mode, coefficient, targets.projections[mode])
        })
    }

    /// Sums over the test rows of the bias `x·(V diag(g σ) Vᵀ − I) β*`.
    fn bias_sums(&self, scratch: &mut Scratch, shown: usize) -> Sums {
        let Scratch { gains, alpha, row, .. } = scratch;
        alpha.clear();
        alpha.extend((0..shown).map(|mode| {
            // A gain of 1/σ keeps the mode, whatever the rounding of the product.
            let kept = gains[mode] == self.sigma[mode].recip();
            self.teacher[mode] * if kept { 1.0 } else { gains[mode] * self.sigma[mode] }
        }));
        let table = self.biases.sums(alpha, row);
        self.without_training(table, Sums::default(), |mode| {
            self.sigma[mode] * (alpha.get(mode).unwrap_or(&0.0) - self.teacher[mode])
        })
    }

    /// Takes the training rows off, whose errors are `U e` plus what is outside the span of `U`.
    fn without_training(&self, table: Sums, outside: Sums, e: impl Fn(usize) -> f64) -> Sums {
        if !self.modes.held_out.complement {
            return table;
        }
        let mut sums =
            Sums { errors: table.errors - outside.errors, squares: table.squares - outside.squares };
        for (mode, ones) in self.modes.ones.iter().enumerate() {
            let error = e(mode);
            sums.errors -= ones * error;
            sums.squares -= error * error;
        }
        sums.squares = sums.squares.max(0.0);
        sums
    }

    fn targets(&self, noise_free: bool) -> &Targets {
        if noise_free { &self.ideal } else { &self.measured }
    }
}

/// Work space of one worker.
#[derive(Default)]
pub(super) struct Scratch {
    gains: Vec<f64>,
    alpha: Vec<f64>,
    row: Vec<f64>,
}

impl Scratch {
    fn set_gains(&mut self, arm: &Arm, svd: &Svd) {
        let spectrum = svd.spectrum();
        self.gains.resize(spectrum.singular_values().len(), 0.0);
        arm.estimator.write_gains(spectrum, &mut self.gains);
        arm.ablation.cut_gains(spectrum.singular_values(), &mut self.gains);
    }
}

/// Means over rows; over outputs too once all are added.
#[derive(Default)]
struct Metrics {
    train: f64,
    test: f64,
    opposite: f64,
    bias_squared: f64,
    mean_squared_bias: f64,
}

impl Metrics {
    #[allow(clippy::cast_precision_loss)]
    fn add(&mut self, other: &Self, outputs: usize) {
        let k = outputs as f64;
        self.train += other.train / k;
        self.test += other.test / k;
        self.opposite += other.opposite / k;
        self.bias_squared += other.bias_squared / k;
        self.mean_squared_bias += other.mean_squared_bias / k;
    }

    fn finite(self) -> Result<Self, Error> {
        let named = [
            ("the training error", self.train),
            ("the test error", self.test + self.opposite),
            ("the bias", self.bias_squared + self.mean_squared_bias),
        ];
        match named.iter().find(|(_, value)| !value.is_finite()) {
            Some((what, _)) => Err(Error::Overflow { what }),
            None => Ok(self),
        }
    }

    fn cell(&self, arm: &Arm) -> Cell {
        Cell {
            train_mse: Some(self.train),
            test_mse: Some(self.test),
            test_mse_opposite: arm.adversary.map(|_| self.opposite),
            bias_squared: Some(self.bias_squared),
            mean_squared_bias: Some(self.mean_squared_bias),
            ..Cell::default()
        }
    }
}
