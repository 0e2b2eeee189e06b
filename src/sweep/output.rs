//! One output column of one cell: the fits of every arm, and their errors.

use super::coordinates::Coordinates;
use super::held_out::HeldOut;
use super::metrics::Metrics;
use super::test_errors::{Prefixes, Sums, TestErrors, Training};
use super::{Arm, Start};
use crate::Error;
use crate::factors::ablation::Adversary;
use crate::filter::{MinNorm, Response, SpectralFilter};
use crate::machine::rooms::recycle;
use crate::machine::spread::norm;
use crate::risk::interpolants::expected_excess_of;
use crate::svd::{LastMode, Projection, Right, Svd};
use ndarray::{Array1, Array2, ArrayView1, Axis, CowArray, s};
use std::ops::Range;
use std::sync::Arc;

/// The factorisation of one cell's features.
pub(super) enum Factorised {
    Whole(Svd),
    /// Without `U`; the targets are the study's, followed by a column of ones.
    Projected(Projection),
}

impl Factorised {
    /// Everything except `U`.
    pub(super) fn right(&self) -> &Right {
        match self {
            Self::Whole(svd) => svd.right(),
            Self::Projected(projection) => projection.right(),
        }
    }

    /// `U`, if it was computed.
    pub(super) fn u(&self) -> Option<&Array2<f64>> {
        match self {
            Self::Whole(svd) => Some(svd.u()),
            Self::Projected(_) => None,
        }
    }

    /// The features are in these coordinates. If there are any, the features were centred, and the direction that this
    /// removed from the rows does not count.
    pub(super) fn know(&mut self, coordinates: Option<&Coordinates>) {
        match self {
            _ if coordinates.is_none() => {}
            Self::Whole(svd) => svd.know_centred(),
            Self::Projected(projection) => projection.know_centred(),
        }
    }

    /// The mode that adversaries use; the given columns of the targets `y` fix its sign.
    pub(super) fn last_mode(
        &self,
        y: &Array2<f64>,
        columns: Range<usize>,
    ) -> Result<Option<LastMode>, Error> {
        match self {
            Self::Whole(svd) => svd.last_mode(&y.slice(s![.., columns])),
            Self::Projected(projection) => Ok(projection.last_mode(columns)),
        }
    }

    /// Returns the memory of its vectors to the pool for another cell.
    pub(super) fn recycle(self) {
        if let Self::Projected(projection) = self {
            projection.recycle();
        }
    }

    /// `Uᵀ 1`.
    fn ones(&self) -> Array1<f64> {
        match self {
            Self::Whole(svd) => svd.u().sum_axis(Axis(0)),
            Self::Projected(projection) => projection.along(projection.targets() - 1).to_owned(),
        }
    }

    /// `Uᵀ y` for a column of the targets, and the sums over `U Uᵀ y − y`.
    fn along(&self, y: &Array2<f64>, column: usize) -> (Vec<f64>, Sums) {
        match self {
            Self::Whole(svd) => {
                let y = y.column(column);
                let along = svd.u().t().dot(&y).into_raw_vec_and_offset().0;
                let mut beyond = y.mapv(|target| -target);
                for (column, coefficient) in svd.u().columns().into_iter().zip(&along) {
                    beyond.scaled_add(*coefficient, &column);
                }
                (along, Sums { errors: beyond.sum(), squares: beyond.dot(&beyond) })
            }
            Self::Projected(projection) => {
                let ones = projection.targets() - 1;
                let errors = -projection.beyond(column, ones);
                let squares = projection.beyond(column, column);
                (projection.along(column).to_vec(), Sums { errors, squares })
            }
        }
    }
}

/// State shared by all outputs of one cell.
pub(super) struct Modes<'a> {
    of: &'a Factorised,
    svd: &'a Right,
    held_out: HeldOut<'a>,
    /// `A vᵣ` as rows.
    images: Array2<f64>,
    /// `Uᵀ 1`.
    ones: Array1<f64>,
    /// `1/σ`.
    inverse: Vec<f64>,
}

impl<'a> Modes<'a> {
    pub(super) fn new(of: &'a Factorised, held_out: HeldOut<'a>) -> Self {
        let svd = of.right();
        Self {
            of,
            svd,
            images: held_out.images(svd.vt()),
            ones: of.ones(),
            inverse: svd.singular_values().iter().map(|s| s.recip()).collect(),
            held_out,
        }
    }

    pub(super) fn inverse(&self) -> &[f64] {
        &self.inverse
    }

    /// Everything in the factorisation except `U`.
    pub(super) fn svd(&self) -> &Right {
        self.svd
    }

    /// `U`, if it was computed.
    pub(super) fn u(&self) -> Option<&Array2<f64>> {
        self.of.u()
    }

    /// `A vᵣ` as rows.
    pub(super) fn images(&self) -> &Array2<f64> {
        &self.images
    }

    /// The sum of the squared lengths of the test rows, in the given unit.
    pub(super) fn squares(&self, unit: f64) -> f64 {
        let features = &self.held_out.table.features;
        let all = features.iter().map(|v| (v / unit) * (v / unit)).sum::<f64>();
        let trained = || self.svd.singular_values().iter().map(|s| (s / unit) * (s / unit)).sum::<f64>();
        if self.held_out.complement { (all - trained()).max(0.0) } else { all }
    }

    /// What a random start with this standard deviation adds to the test error.
    pub(super) fn expected_excess(&self, deviation: f64) -> Result<f64, Error> {
        let (table, m) = (&*self.held_out.table, self.held_out.rows as f64);
        // If the table contains training rows, they lie in the span of the modes and add nothing.
        Ok(expected_excess_of(self.svd, deviation, table)? * (table.rows() as f64 / m))
    }

    /// Returns the memory of its images to the pool for another cell.
    pub(super) fn recycle(self) {
        recycle(self.images);
    }

    /// Whether the tested table contains the training rows, and the number of test rows without them.
    pub(super) fn held_out(&self) -> (bool, usize) {
        (self.held_out.complement, self.held_out.rows)
    }
}

/// A column of the best linear model, and its predictions for the tested rows, if known.
type OfIdeal<'a> = (ArrayView1<'a, f64>, Option<ArrayView1<'a, f64>>);

/// One output of one cell: the projections that all arms share.
pub(super) struct Output<'a> {
    modes: &'a Modes<'a>,
    /// The training targets.
    y: ArrayView1<'a, f64>,
    /// The mode that adversaries use; the targets of all outputs fix its sign.
    last: Option<LastMode>,
    /// Fits of the measured targets; the base is the minimum-norm fit.
    fits: TestErrors<'a>,
    /// Fits to targets without residuals, `X β*`; the base is the teacher itself. `None` if no arm needs them.
    noise_free: Option<TestErrors<'a>>,
}

impl<'a> Output<'a> {
    /// Creates the output that trains on column `trained` of `y` and is tested on column `tested` of the test targets.
    pub(super) fn new(
        modes: &'a Modes<'a>,
        (y, trained): (&'a Array2<f64>, usize),
        tested: usize,
        (ideal, last): (Option<OfIdeal<'_>>, Option<LastMode>),
        scratch: &mut Scratch,
    ) -> Self {
        let (svd, table) = (modes.svd, &*modes.held_out.table);
        let sigma = svd.spectrum().singular_values();
        let (projections, outside) = modes.of.along(y, trained);
        let training = |targets: Vec<f64>, outside: Sums| Training {
            sigma,
            inverse: &modes.inverse,
            ones: modes.ones.as_slice().unwrap_or(&[]),
            targets,
            outside,
        };
        let mut test_errors = |base: Vec<f64>, target: ArrayView1<'_, f64>, training| {
            let (rows, complement) = ((modes.images.view(), table.ones.view()), modes.held_out.complement);
            let room = scratch.prefixes.pop().unwrap_or_default();
            TestErrors::new(rows, base, target, (training, complement), room)
        };
        let mut min_norm = vec![0.0; sigma.len()];
        MinNorm::default().write_gains(svd.spectrum(), &mut min_norm);
        for (coefficient, along) in min_norm.iter_mut().zip(&projections) {
            *coefficient *= along;
        }
        let noise_free = ideal.map(|(beta, images)| {
            let teacher = svd.vt().dot(&beta).into_raw_vec_and_offset().0;
            let predictions = sigma.iter().zip(&teacher).map(|(s, t)| s * t).collect();
            let targets = images.map_or_else(|| CowArray::from(table.features.dot(&beta)), CowArray::from);
            test_errors(teacher, targets.view(), training(predictions, Sums::default()))
        });
        let fits = test_errors(min_norm, table.targets.column(tested), training(projections, outside));
        Self { modes, y: y.column(trained), last, fits, noise_free }
    }

    /// Returns its memory to `scratch` for another cell.
    pub(super) fn recycle(self, scratch: &mut Scratch) {
        let errors = [Some(self.fits), self.noise_free].into_iter().flatten();
        scratch.prefixes.extend(errors.map(TestErrors::into_prefixes));
    }

    /// `uᵣ·y`.
    pub(super) fn along(&self) -> &[f64] {
        &self.fits.training.targets
    }

    /// The squared norm of the part of the targets outside all modes.
    pub(super) fn outside(&self) -> f64 {
        self.fits.training.outside.squares
    }

    /// The part of a row's target outside the first modes; `u` are the row's entries in the modes.
    pub(super) fn beyond(&self, row: usize, modes: usize, u: &ArrayView1<'_, f64>) -> f64 {
        (0..modes).fold(self.y[row], |rest, mode| rest - u[mode] * self.along()[mode])
    }

    /// The errors of an arm's fits.
    fn fits_of(&self, arm: &Arm) -> &TestErrors<'a> {
        self.noise_free.as_ref().filter(|_| arm.ablation.is_without_residuals()).unwrap_or(&self.fits)
    }

    pub(super) fn metrics(&self, arm: &Arm, scratch: &mut Scratch, with_norm: bool) -> Metrics {
        let fits = self.fits_of(arm);
        let shown = arm.ablation.test_modes().unwrap_or(usize::MAX).min(self.modes.inverse.len());
        let (test_kick, train_kick) = match arm.adversary {
            Some(Adversary::TestDatum { strength }) => (strength, 0.0),
            Some(Adversary::TrainingTargets { strength }) => (0.0, strength),
            None => (0.0, 0.0),
        };
        let n = self.modes.svd.shape().0 as f64;
        let m = self.modes.held_out.rows as f64;
        let mut metrics = Metrics::default();
        let bias = if let Some(kept) = scratch.prefix.filter(|_| train_kick == 0.0) {
            // The fit is a prefix of the base, so all its sums are known.
            let seen = kept.min(shown);
            let shift = test_kick * self.shift(&fits.base[..seen]);
            metrics.train = fits.prefix_trained(kept).squares / n;
            metrics.test = fits.prefix(seen).shifted(shift, m);
            metrics.opposite = fits.prefix(seen).shifted(-shift, m);
            if with_norm {
                metrics.norm = norm(&fits.base[..kept]);
            }
            self.noise_free.as_ref().map(|errors| errors.prefix(seen)).unwrap_or_default()
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

    /// Training error and norm of the fit with the gains in `scratch`, which then holds its coefficients.
    pub(super) fn fitted(&self, scratch: &mut Scratch, with_norm: bool) -> Metrics {
        let train = self.fit(&self.fits, scratch, 0.0) / self.modes.svd.shape().0 as f64;
        let norm = if with_norm { norm(&scratch.alpha) } else { 0.0 };
        Metrics { train, norm, ..Metrics::default() }
    }

    /// The sum of squared test errors of a fit, from its predictions for the table, which are overwritten.
    pub(super) fn missed(&self, predictions: &mut [f64], coefficients: &[f64]) -> f64 {
        self.fits.of_predictions(predictions, coefficients).squares
    }

    /// The coefficients that test rows see, one per mode, and the adversary's shift of every prediction.
    pub(super) fn solution(&self, arm: &Arm, scratch: &mut Scratch) -> (Vec<f64>, f64) {
        let fits = self.fits_of(arm);
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

    /// The predictions at the training rows and their targets, in the coordinates of the fit. (An adversary moves all
    /// outputs of a row alike, so the row's class stays the same.)
    pub(super) fn at_training_rows(
        &self,
        arm: &Arm,
        scratch: &mut Scratch,
        u: &Array2<f64>,
    ) -> [Array1<f64>; 2] {
        let fits = self.fits_of(arm);
        let kick = match arm.adversary {
            Some(Adversary::TrainingTargets { strength }) => strength,
            _ => 0.0,
        };
        self.fit(fits, scratch, kick);
        let sigma = self.modes.svd.singular_values();
        let fitted: Array1<f64> = scratch.alpha.iter().zip(sigma).map(|(alpha, s)| alpha * s).collect();
        let targets = if arm.ablation.is_without_residuals() {
            u.dot(&ArrayView1::from(&fits.training.targets[..]))
        } else {
            self.y.to_owned()
        };
        [u.dot(&fitted), targets]
    }

    /// Fills `scratch.alpha` with the fit to targets moved by `kick · u_last` and returns the sum of squared errors on
    /// those targets.
    fn fit(&self, fits: &TestErrors<'_>, scratch: &mut Scratch, kick: f64) -> f64 {
        let Scratch { response: Response { gains, residuals }, alpha, .. } = scratch;
        let training = &fits.training;
        // Only the last mode's target moves, so the loops over all modes stay free of branches.
        let kicked = self.last.filter(|_| kick != 0.0);
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

    /// What a unit step along `v_last` adds to every prediction.
    fn shift(&self, shown: &[f64]) -> f64 {
        self.last.map_or(0.0, |last| last.sign * shown.get(last.index).unwrap_or(&0.0))
    }

    /// Sums over the test rows of the bias `x·(V diag(g σ) Vᵀ − I) β*`: the errors of the arm's gains on targets
    /// without residuals.
    fn bias(&self, scratch: &mut Scratch, shown: usize) -> Sums {
        self.noise_free_errors(scratch, shown, 0.0)
    }

    /// Sums over the test rows of errors on targets without residuals, with training targets moved by `kick · u_last`.
    /// They come from each coefficient's distance from the teacher's, `g kick − (1 − g σ) v·β*`, or the teacher's whole
    /// coefficient if the mode is not shown.
    fn noise_free_errors(&self, scratch: &mut Scratch, shown: usize, kick: f64) -> Sums {
        let Some(noise_free) = &self.noise_free else { return Sums::default() };
        let Scratch { response: Response { gains, residuals }, deviations, row, .. } = scratch;
        deviations.clear();
        let teacher = &noise_free.base;
        let shown = shown.min(teacher.len());
        deviations
            .extend(residuals.iter().zip(&teacher[..shown]).map(|(left, teacher)| 0.0 - left * teacher));
        deviations.extend(teacher[shown..].iter().map(|teacher| -teacher));
        if let Some(last) = self.last.filter(|last| kick != 0.0 && last.index < shown) {
            let kicked = gains[last.index] * (last.sign * kick);
            deviations[last.index] = kicked - residuals[last.index] * teacher[last.index];
        }
        let (n, p) = self.modes.svd.shape();
        noise_free.deviating(deviations, n >= p, row)
    }
}

/// Workspace of one worker.
#[derive(Default)]
pub(super) struct Scratch {
    /// The estimator queried last in this cell, and its answer: many arms share one estimator.
    asked: Option<Arc<dyn SpectralFilter>>,
    answer: Response,
    /// [`prefix`](Self::prefix) of the answer.
    answered: Option<usize>,
    /// The answer after some arm's ablation, and that arm's cutoff.
    response: Response,
    cutoff: Option<f64>,
    /// The number of leading modes kept, if the gains are `1/σ` for those and 0 for the rest.
    prefix: Option<usize>,
    alpha: Vec<f64>,
    deviations: Vec<f64>,
    row: Vec<f64>,
    /// Memory of finished cells, for reuse.
    prefixes: Vec<Prefixes>,
}

impl Scratch {
    /// Gains and residual factors of the line set last.
    pub(super) fn response(&self) -> (&[f64], &[f64]) {
        (&self.response.gains, &self.response.residuals)
    }

    /// The coefficients of the last fit.
    pub(super) fn coefficients(&self) -> &[f64] {
        &self.alpha
    }

    /// Whether the gains are those of the minimum norm on leading modes, whose errors are known.
    pub(super) fn is_prefix(&self) -> bool {
        self.prefix.is_some()
    }

    /// Everything that determines an arm's errors, if its gains are those of the minimum norm on leading modes and it
    /// has neither an adversary nor a start other than 0: how many modes are kept, how many of them test rows see, and
    /// whether the targets have no residuals.
    pub(super) fn prefix_of(&self, arm: &Arm) -> Option<(usize, usize, bool)> {
        let kept = self.prefix.filter(|_| arm.adversary.is_none() && arm.start == Start::Zero)?;
        let seen = arm.ablation.test_modes().unwrap_or(usize::MAX).min(kept);
        Some((kept, seen, arm.ablation.is_without_residuals()))
    }

    /// Forgets the estimator queried last; call before another cell.
    pub(super) fn forget(&mut self) {
        self.asked = None;
    }

    pub(super) fn set_gains(&mut self, arm: &Arm, svd: &Right, inverse: &[f64]) -> Result<(), Error> {
        let same = self.asked.as_ref().is_some_and(|asked| Arc::ptr_eq(asked, &arm.estimator));
        let cutoff = arm.ablation.cutoff();
        if same && self.cutoff == cutoff {
            return Ok(());
        }
        let sigma = svd.spectrum().singular_values();
        if !same {
            self.asked = None;
            self.answer.ask(arm.estimator.as_ref(), svd.spectrum())?;
            self.asked = Some(Arc::clone(&arm.estimator));
            self.answered = leading(&mut self.answer, inverse, svd.rank());
        }
        if !same || self.answered.is_none() {
            self.response.clone_from(&self.answer);
            self.prefix = self.answered;
        }
        let Response { gains, residuals } = &mut self.response;
        if let (Some(most), Some(last)) = (self.answered, self.prefix) {
            // Singular values descend, so a cutoff on leading modes leaves fewer leading modes.
            let is_cut = |s: f64| cutoff.is_some_and(|cutoff| s < cutoff);
            let kept = most.min(sigma.iter().take_while(|s| !is_cut(**s)).count());
            if kept < last {
                gains[kept..last].fill(0.0);
                residuals[kept..last].fill(1.0);
            } else {
                gains[last..kept].copy_from_slice(&self.answer.gains[last..kept]);
                residuals[last..kept].copy_from_slice(&self.answer.residuals[last..kept]);
            }
            self.prefix = Some(kept);
        } else {
            arm.ablation.cut_gains(sigma, gains);
            self.prefix = leading(&mut self.response, inverse, svd.rank());
        }
        self.cutoff = cutoff;
        Ok(())
    }
}

/// The number of leading modes that a response keeps, at most the rank, if its gains are `1/σ` for those and 0 for the
/// rest. Also sets the residual factor of every mode without gain to 1.
fn leading(response: &mut Response, inverse: &[f64], rank: usize) -> Option<usize> {
    let Response { gains, residuals } = response;
    let (mut kept, mut rest_is_zero) = (0, true);
    for (mode, ((gain, left), inverse)) in gains.iter().zip(residuals).zip(inverse).enumerate() {
        if *gain == 0.0 {
            *left = 1.0;
        } else if kept == mode && gain == inverse && *left == 0.0 {
            // A weak penalty may round to the same gain and still leave a residual.
            kept += 1;
        } else {
            rest_is_zero = false;
        }
    }
    // The base keeps the first `rank` modes.
    (rest_is_zero && kept <= rank).then_some(kept)
}
