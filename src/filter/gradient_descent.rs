//! Gradient descent and what is made of its iterates.

use super::loss::{self, Loss};
use super::schedule::Schedule;
use super::{SpectralFilter, Spectrum};
use crate::Error;

/// `k` steps of gradient descent from 0, `β ← β − h ∇L(β)`, with any [`Schedule`] of step sizes.
///
/// Residual factor `∏ (1 − h_j μ)`, with `μ = c σ²` the eigenvalues of the Hessian of the [`Loss`] (Landweber 1951
/// for a constant step). Descent diverges from the step `2/μ₁` on: a step of that size is an error.
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
    steps: usize,
    stretches: Vec<(f64, usize)>,
    loss: Loss,
}

impl GradientDescent {
    /// After `steps` steps.
    ///
    /// # Errors
    /// [`Error::Domain`] for a step size that is negative or not finite; [`Error::Empty`] for an empty schedule;
    /// [`Error::Resource`] for one that changes more than 2²⁰ times.
    pub fn new(schedule: Schedule, steps: usize, loss: Loss) -> Result<Self, Error> {
        schedule.check()?;
        let stretches = schedule.stretches(steps)?;
        Ok(Self { schedule, steps, stretches, loss })
    }

    /// How many steps.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// `ln|∏ (1 − h μ)|`, and whether the product is negative.
    fn logarithm(&self, mu: f64) -> (f64, bool) {
        let (mut sum, mut negative) = (0.0, false);
        for &(h, length) in &self.stretches {
            let hm = h * mu;
            // Exact as h μ → 0; over 1 the factor is negative, and its size h μ − 1.
            sum += length as f64 * if hm <= 1.0 { (-hm).ln_1p() } else { (hm - 1.0).ln() };
            negative ^= hm > 1.0 && length % 2 == 1;
        }
        (sum, negative)
    }
}

impl SpectralFilter for GradientDescent {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        loss::write_gains(self.loss, spectrum, gains, |mu| match self.logarithm(mu) {
            (sum, false) => -sum.exp_m1(),
            (sum, true) => 1.0 + sum.exp(),
        });
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        loss::write_residuals(self.loss, spectrum, residuals, |mu| match self.logarithm(mu) {
            (sum, false) => sum.exp(),
            (sum, true) => -sum.exp(),
        });
    }

    fn check(&self, spectrum: Spectrum<'_>) -> Result<(), Error> {
        let largest = self.stretches.iter().map(|stretch| stretch.0).fold(0.0, f64::max);
        within_limit(largest, 2.0, self.loss, spectrum)
    }

    fn describe(&self) -> String {
        format!(
            "gradient descent on {}, {}, {} steps",
            self.loss.formula(),
            self.schedule.describe(),
            self.steps
        )
    }
}

/// The mean of the iterates `β₀ … β_{k−1}` of gradient descent with a constant step, Polyak and Ruppert's average.
///
/// Residual factor `(1 − (1 − h μ)ᵏ) / (k h μ)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AveragedDescent {
    step: f64,
    steps: usize,
    loss: Loss,
}

impl AveragedDescent {
    /// The mean of `steps` iterates, the start among them.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `step` is finite and at least 0 and `steps` at least 1.
    pub fn new(step: f64, steps: usize, loss: Loss) -> Result<Self, Error> {
        super::checked("a step size", step)?;
        if steps == 0 {
            return Err(Error::Domain {
                what: "the number of averaged iterates",
                value: 0.0,
                must_be: "at least 1",
            });
        }
        Ok(Self { step, steps, loss })
    }

    fn residual(&self, mu: f64) -> f64 {
        let (hm, k) = (self.step * mu, self.steps as f64);
        if hm == 0.0 {
            return 1.0;
        }
        let moved = if hm <= 1.0 {
            -(k * (-hm).ln_1p()).exp_m1()
        } else {
            let size = (k * (hm - 1.0).ln()).exp();
            1.0 - if self.steps % 2 == 1 { -size } else { size }
        };
        moved / (k * hm)
    }

    /// `1 − residual`; for small `k h μ` by its series, where the difference would cancel.
    fn shrinkage(&self, mu: f64) -> f64 {
        let (hm, k) = (self.step * mu, self.steps as f64);
        if k * hm > 0.5 {
            return 1.0 - self.residual(mu);
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
        loss::write_gains(self.loss, spectrum, gains, |mu| self.shrinkage(mu));
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        loss::write_residuals(self.loss, spectrum, residuals, |mu| self.residual(mu));
    }

    fn check(&self, spectrum: Spectrum<'_>) -> Result<(), Error> {
        within_limit(self.step, 2.0, self.loss, spectrum)
    }

    fn describe(&self) -> String {
        format!(
            "average of {} iterates of gradient descent on {}, step {:e}",
            self.steps,
            self.loss.formula(),
            self.step
        )
    }
}

/// Whether `step · μ₁ < limit`, the bound of a stable iteration.
///
/// # Errors
/// [`Error::StepTooLarge`], which names the largest step there is.
pub(super) fn within_limit(step: f64, limit: f64, loss: Loss, spectrum: Spectrum<'_>) -> Result<(), Error> {
    let largest = loss.eigenvalues(spectrum).fold(0.0, f64::max);
    if step * largest < limit {
        return Ok(());
    }
    Err(Error::StepTooLarge { step, limit: limit / largest })
}
