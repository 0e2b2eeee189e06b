//! Bounds on the difference between two backward stable computations of one cell.
//!
//! The sweep's engine and the plain loop each compute the exact fit to features and targets that are off by `c ε` of
//! their norms, with `c = 10` as the engines state (`double_descent::nested`, Accuracy). Centred or scaled features are
//! differences of the raw ones, so their relative error is `e = c ε max(1, ‖X_raw‖/σ₁)`. What follows is first-order
//! perturbation theory (Wedin 1973), counted twice since there are two computations:
//!
//! ```text
//! δβ      = 2 e κ (‖β̂‖ + ‖Y‖/σ₁ + κ ‖X β̂ − Y‖/σ₁)         coefficients; the last term is that of residuals
//! δroot   = (‖A‖ δβ + 2 e κ (‖A β̂‖ + ‖Y_A‖)) / √(m k)      root mean squares over m test rows A
//! δ(root²) = δroot (2 root + δroot)
//! ```
//!
//! `κ = σ₁/σᵣ` if the estimator is a smooth function of the spectrum. An estimator that keeps or shows some modes, or
//! attacks along one, depends on individual singular vectors, which turn by `e σ₁/gap`. Then `κ = σ₁/g`, with `g` the
//! smallest of `σᵣ` and the gaps between singular values. Targets that are themselves predictions of a model are off by
//! that model's bound.

use super::plain_loop::Fit;
use ndarray::{Array2, ArrayView1};

/// The constant `c` that the engines state.
const C: f64 = 10.0;

pub fn length(table: &Array2<f64>) -> f64 {
    table.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// Bounds the error of a square, given the error of its root and the rounding of the sums.
pub fn of_square(square: f64, root: f64) -> f64 {
    root * (2.0 * square.sqrt() + root) + C * f64::EPSILON * square
}

/// Error bounds of one fit.
#[derive(Clone)]
pub struct Bounds<'a> {
    fit: &'a Fit,
    /// `e`.
    unit: f64,
    /// `κ`.
    kappa: f64,
    smooth: bool,
    /// `‖Y‖`, as given.
    targets: f64,
    residual: f64,
    largest: f64,
    /// The largest gain: the most by which the fit can amplify an error of the targets.
    gain: f64,
    /// `δβ`.
    beta: f64,
}

impl<'a> Bounds<'a> {
    /// Bounds a fit to raw features and targets. `smooth` says that the fit does not depend on individual singular
    /// vectors.
    pub fn new(fit: &'a Fit, (x, y): &(Array2<f64>, Array2<f64>), smooth: bool) -> Self {
        let sigma = fit.svd.singular_values();
        let largest = sigma[0].max(f64::MIN_POSITIVE);
        let smallest = fit.svd.smallest_nonzero().unwrap_or(largest);
        let gaps = sigma.windows(2).into_iter().map(|pair| pair[0] - pair[1]);
        let gap = if smooth { smallest } else { gaps.fold(smallest, f64::min) };
        let unit = C * f64::EPSILON * (length(&(x / &fit.scale)) / largest).max(1.0);
        let prepared = (x - &fit.shift) / &fit.scale;
        let residual = length(&(prepared.dot(&fit.beta) + &fit.constant - y));
        let mut bounds = Self {
            fit,
            unit,
            kappa: largest / gap,
            smooth,
            targets: length(y),
            residual,
            largest,
            gain: fit.gains.iter().fold(0.0, |gain: f64, g| gain.max(g.abs())),
            beta: 0.0,
        };
        bounds.beta = bounds.coefficients();
        bounds
    }

    fn coefficients(&self) -> f64 {
        let Self { unit, kappa, targets, residual, largest, .. } = self;
        2.0 * unit * kappa * (length(&self.fit.beta) + targets / largest + kappa * residual / largest)
    }

    /// Adds the effect of targets with an error of norm `off`.
    pub fn with_targets_off_by(mut self, off: f64) -> Self {
        self.beta += self.gain * off;
        self
    }

    /// Adds the effect of an adversary that moves the targets along the last left singular vector.
    pub fn with_kick(mut self, strength: f64) -> Self {
        self.targets += strength;
        self.beta = self.coefficients() + self.gain * strength * 2.0 * self.unit * self.kappa;
        self
    }

    /// Takes the worse condition number and residuals of two fits.
    pub fn worse_of(&self, other: &Self) -> Self {
        let mut worse = self.clone();
        worse.unit = self.unit.max(other.unit);
        worse.kappa = self.kappa.max(other.kappa);
        worse.targets = self.targets.max(other.targets);
        worse.residual = self.residual.max(other.residual);
        worse.largest = self.largest.min(other.largest);
        worse.beta = worse.coefficients() + other.beta;
        worse
    }

    /// Bounds the smallest singular value: rounding relative to `‖X‖`, plus 1e-12 of itself, the nested engine's search
    /// tolerance.
    pub fn of_smallest(&self, smallest: f64) -> f64 {
        2.0 * self.unit * self.largest + 1e-12 * smallest
    }

    pub fn of_coefficients(&self) -> f64 {
        self.beta
    }

    /// Bounds `Σ g σ`: the relative change of each term is at most that of `σ`.
    pub fn of_freedom(&self) -> f64 {
        2.0 * self.unit * self.kappa * self.fit.gains.len() as f64 + C * f64::EPSILON
    }

    /// Bounds the mean squared training error.
    pub fn of_train(&self, errors: &Array2<f64>) -> f64 {
        let count = (errors.len() as f64).sqrt();
        of_square((length(errors) / count).powi(2), 2.0 * self.unit * self.kappa * self.targets / count)
    }

    /// Bounds the error of the predictions at some rows, as a norm over all of them.
    pub fn of_predictions(&self, rows: &Array2<f64>) -> f64 {
        let prepared = (rows - &self.fit.shift) / &self.fit.scale;
        let predicted = length(&(prepared.dot(&self.fit.beta) + &self.fit.constant));
        // The modes of the projection rotate like those of the fit.
        let turned = if self.smooth { 0.0 } else { 2.0 * self.unit * self.kappa * length(&self.fit.beta) };
        length(&prepared) * (self.beta + turned)
            + 2.0 * self.unit * self.kappa * predicted
            + 2.0 * C * f64::EPSILON * length(&(rows / &self.fit.scale)) * length(&self.fit.beta)
    }

    /// Bounds the error of a mean square over this many rows; `off` is the norm of any other error of predictions or
    /// targets.
    pub fn of_test(
        &self,
        (rows, targets): (&Array2<f64>, &Array2<f64>),
        count: f64,
        square: f64,
        off: f64,
    ) -> f64 {
        let all = self.of_predictions(rows) + 2.0 * self.unit * self.kappa * length(targets) + off;
        of_square(square, all / (count * targets.ncols() as f64).sqrt())
    }

    /// Bounds the further error of predictions at test rows that an adversary moves along the last mode.
    pub fn of_kicked_tests(&self, strength: f64, rows: f64) -> f64 {
        let turned = 2.0 * self.unit * self.kappa * length(&self.fit.beta);
        rows.sqrt() * strength * (self.beta + turned)
    }

    /// Bounds a mean over some rows computed as a difference of two sums, each as large as the sum over all rows.
    pub fn of_difference(&self, (x, y): &(Array2<f64>, Array2<f64>), count: f64) -> f64 {
        let prepared = (x - &self.fit.shift) / &self.fit.scale;
        let all = length(&(prepared.dot(&self.fit.beta) + &self.fit.constant)) + length(y);
        4.0 * self.unit * self.kappa * all * all / (count * y.ncols() as f64)
    }

    /// Bounds the error of `‖A X⁺‖²/m`, or of its analogue with the gains instead of `1/σ`. A perturbation `δX` changes
    /// the pseudoinverse by up to `√2 ‖X⁺‖² ‖δX‖`.
    pub fn of_noise(&self, rows: &Array2<f64>, square: f64) -> f64 {
        let prepared = (rows - &self.fit.shift) / &self.fit.scale;
        let turned = 2.0 * std::f64::consts::SQRT_2 * self.unit * self.kappa * length(&prepared);
        let raw = 2.0 * C * f64::EPSILON * length(&(rows / &self.fit.scale));
        of_square(square, self.gain * (turned + raw) / (rows.nrows() as f64).sqrt())
    }

    /// Bounds the error of the same quantity if it is computed as a difference of two sums.
    pub fn of_noise_difference(&self, all: &Array2<f64>, count: f64) -> f64 {
        let prepared = (all - &self.fit.shift) / &self.fit.scale;
        4.0 * self.unit * self.kappa * (self.gain * length(&prepared)).powi(2) / count
    }

    /// Bounds the prediction error at a left-out row, over all outputs.
    pub fn of_row(&self, row: &Array2<f64>, targets: &ArrayView1<'_, f64>) -> f64 {
        self.of_predictions(row) + 2.0 * self.unit * self.kappa * targets.dot(targets).sqrt()
    }
}
