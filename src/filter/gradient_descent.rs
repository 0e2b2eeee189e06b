//! Gradient descent, and averages of its iterates.

use super::loss::{self, Loss};
use super::schedule::Schedule;
use super::{Length, SpectralFilter, Spectrum};
use crate::Error;
use std::borrow::Cow;

/// `k` steps of gradient descent from 0, `β ← β − h ∇L(β)`, with any [`Schedule`] of step sizes.
///
/// Residual factor `∏ (1 − h_j μ)`, with `μ = c σ²` the eigenvalues of the Hessian of the [`Loss`] (Landweber 1951 for
/// a constant step). Descent diverges for steps of `2/μ₁` or more: a fit with such a step fails with
/// [`Error::StepTooLarge`].
///
/// # Examples
/// ```
/// use double_descent::filter::{GradientDescent, Loss, Schedule, SpectralFilter, Spectrum};
///
/// let descent = GradientDescent::new(Schedule::Constant(0.1), 3, Loss::HalfSum)?;
/// let gains = descent.gains(Spectrum::new(1, 1, &[2.0]));
/// assert!((gains[0] - (1.0 - 0.6_f64.powi(3)) / 2.0).abs() < 1e-15);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GradientDescent {
    schedule: Schedule,
    length: Length,
    /// For a length in steps; empty for a length in epochs, which depends on `n`.
    stretches: Vec<(f64, usize)>,
    loss: Loss,
}

impl GradientDescent {
    /// Gradient descent stopped after `length`, in steps or epochs ([`Length`]).
    ///
    /// # Errors
    /// [`Error::Domain`] for a step size that is negative or not finite, a drop's factor outside (0, 1], or batches of
    /// no rows; [`Error::Empty`] for a list without sizes, or a period or warm-up of no steps; [`Error::Resource`] for
    /// more than 2²⁰ stretches of equal step sizes. For a length in epochs, the fit reports the last, as it depends on
    /// `n`.
    pub fn new(schedule: Schedule, length: impl Into<Length>, loss: Loss) -> Result<Self, Error> {
        schedule.check()?;
        let length = length.into().checked()?;
        let stretches = match length {
            Length::Steps(steps) => schedule.stretches(steps)?,
            Length::Epochs { .. } => Vec::new(),
        };
        Ok(Self { schedule, length, stretches, loss })
    }

    /// Returns the length of the run.
    #[must_use]
    pub fn length(&self) -> Length {
        self.length
    }

    /// Returns the step size and length of each stretch of equal steps, for `n` rows.
    fn stretches(&self, n: usize) -> Result<Cow<'_, [(f64, usize)]>, Error> {
        match self.length {
            Length::Steps(_) => Ok(Cow::Borrowed(&self.stretches)),
            length @ Length::Epochs { .. } => self.schedule.stretches(length.steps(n)).map(Cow::Owned),
        }
    }

    /// Returns the map `μ ↦ of(product)`, with `∏ (1 − h μ)` given as `ln|∏|` and whether the product is negative.
    fn each(&self, spectrum: Spectrum<'_>, of: impl Fn((f64, bool)) -> f64) -> impl Fn(f64) -> f64 {
        let stretches = self.stretches(spectrum.shape().0).unwrap_or_default();
        // `check` has already reported the error; a caller that goes on anyway gets NaN.
        let is_defined = !stretches.is_empty() || self.length.steps(spectrum.shape().0) == 0;
        move |mu| if is_defined { of(logarithm(&stretches, mu)) } else { f64::NAN }
    }
}

/// Returns `ln|∏ (1 − h μ)|`, and whether the product is negative.
fn logarithm(stretches: &[(f64, usize)], mu: f64) -> (f64, bool) {
    let (mut sum, mut negative) = (0.0, false);
    for &(h, length) in stretches {
        let hm = h * mu;
        // ln_1p is accurate as h μ → 0. For h μ > 1 the factor is negative, of magnitude h μ − 1.
        sum += length as f64 * if hm <= 1.0 { (-hm).ln_1p() } else { (hm - 1.0).ln() };
        negative ^= hm > 1.0 && length % 2 == 1;
    }
    (sum, negative)
}

impl SpectralFilter for GradientDescent {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        let shrinkage =
            self.each(spectrum, |(sum, negative)| if negative { 1.0 + sum.exp() } else { -sum.exp_m1() });
        loss::write_gains(self.loss, spectrum, gains, shrinkage);
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        let residual = self.each(spectrum, |(sum, negative)| if negative { -sum.exp() } else { sum.exp() });
        loss::write_residuals(self.loss, spectrum, residuals, residual);
    }

    fn check(&self, spectrum: Spectrum<'_>) -> Result<(), Error> {
        let stretches = self.stretches(spectrum.shape().0)?;
        let largest = stretches.iter().map(|stretch| stretch.0).fold(0.0, f64::max);
        within_limit(largest, 2.0, self.loss, spectrum)
    }

    fn describe(&self) -> String {
        format!(
            "gradient descent on {}, {}, {}",
            self.loss.formula(),
            self.schedule.describe(),
            self.length.describe()
        )
    }
}

/// The mean of the iterates `β₀ … β_{k−1}` of gradient descent with a constant step (Polyak–Ruppert averaging).
///
/// Residual factor `(1 − (1 − h μ)ᵏ) / (k h μ)`, with `μ = c σ²` the eigenvalues of the Hessian of the [`Loss`]. A fit
/// with `h ≥ 2/μ₁` fails with [`Error::StepTooLarge`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AveragedDescent {
    step: f64,
    length: Length,
    loss: Loss,
}

impl AveragedDescent {
    /// The mean of the first `length` iterates, starting with `β₀`; for epochs ([`Length`]), one iterate per step.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `step` is finite and at least 0 and there is at least one iterate, and for batches of
    /// no rows.
    pub fn new(step: f64, length: impl Into<Length>, loss: Loss) -> Result<Self, Error> {
        super::checked("a step size", step)?;
        let length = length.into().checked()?;
        if length.steps(1) == 0 {
            return Err(Error::Domain {
                what: "the number of averaged iterates",
                value: 0.0,
                must_be: "at least 1",
            });
        }
        Ok(Self { step, length, loss })
    }

    fn residual(&self, mu: f64, steps: usize) -> f64 {
        let (hm, k) = (self.step * mu, steps as f64);
        if hm == 0.0 {
            return 1.0;
        }
        let moved = if hm <= 1.0 {
            -(k * (-hm).ln_1p()).exp_m1()
        } else {
            let size = (k * (hm - 1.0).ln()).exp();
            1.0 - if steps % 2 == 1 { -size } else { size }
        };
        moved / (k * hm)
    }

    /// Returns `1 − residual`, by its series if `k h μ` is small and the difference would cancel.
    fn shrinkage(&self, mu: f64, steps: usize) -> f64 {
        let (hm, k) = (self.step * mu, steps as f64);
        if k * hm > 0.5 {
            return 1.0 - self.residual(mu, steps);
        }
        // (1 − (1 − x)ᵏ)/(k x) = Σ_j C(k, j + 1)/k · (−x)ʲ: each term is the one before times −x (k − j)/(j + 1).
        let (mut term, mut sum) = (1.0, 0.0);
        for j in 1..60 {
            term *= -hm * (k - f64::from(j)) / f64::from(j + 1);
            sum -= term;
            if term.abs() <= f64::EPSILON * sum.abs() * 0.1 {
                break;
            }
        }
        sum
    }
}

impl SpectralFilter for AveragedDescent {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        let steps = self.length.steps(spectrum.shape().0);
        loss::write_gains(self.loss, spectrum, gains, |mu| self.shrinkage(mu, steps));
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        let steps = self.length.steps(spectrum.shape().0);
        loss::write_residuals(self.loss, spectrum, residuals, |mu| self.residual(mu, steps));
    }

    fn check(&self, spectrum: Spectrum<'_>) -> Result<(), Error> {
        within_limit(self.step, 2.0, self.loss, spectrum)
    }

    fn describe(&self) -> String {
        format!(
            "average of the iterates of gradient descent on {}, step {:e}, {}",
            self.loss.formula(),
            self.step,
            self.length.describe()
        )
    }
}

/// Checks that the iteration is stable, `step · μ₁ < limit`.
///
/// # Errors
/// [`Error::StepTooLarge`], with the bound that the step must stay below.
pub(super) fn within_limit(step: f64, limit: f64, loss: Loss, spectrum: Spectrum<'_>) -> Result<(), Error> {
    let largest = loss.eigenvalues(spectrum).fold(0.0, f64::max);
    if step == 0.0 || step * largest < limit {
        return Ok(());
    }
    Err(Error::StepTooLarge { step, limit: limit / largest })
}
