//! Descent with momentum: Polyak's heavy ball and Nesterov's accelerated gradient.

use super::gradient_descent::within_limit;
use super::loss::{self, Loss};
use super::{Length, SpectralFilter, Spectrum, checked};
use crate::Error;

/// `k` steps of the heavy ball from rest at 0, `β ← β − η ∇L(β) + m (β − β_before)`.
///
/// Residual factor `p_k(μ)` with `p₀ = 1`, `p₁ = 1 − ημ`, `p_{j+1} = (1 + m − ημ) p_j − m p_{j−1}` (Polyak 1964), with
/// `μ = c σ²` the eigenvalues of the Hessian of the [`Loss`]. Stable for `η μ₁ < 2 (1 + m)`: a fit with any other step
/// fails with [`Error::StepTooLarge`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeavyBall {
    step: f64,
    momentum: f64,
    length: Length,
    loss: Loss,
}

impl HeavyBall {
    /// The heavy ball with step size `step` (`η`) and momentum `momentum` (`m`), stopped after `length`, in steps or
    /// epochs ([`Length`]).
    ///
    /// # Errors
    /// [`Error::Domain`] unless `step` is finite and at least 0 and `momentum` in [0, 1), and for batches of no rows;
    /// [`Error::Resource`] for more than 2²⁴ steps, as each is computed for every singular value. For a length in
    /// epochs, the fit reports the latter, as it depends on `n`.
    pub fn new(step: f64, momentum: f64, length: impl Into<Length>, loss: Loss) -> Result<Self, Error> {
        checked("a step size", step)?;
        let length = checked_length(length.into())?;
        Ok(Self { step, momentum: check_momentum(momentum)?, length, loss })
    }

    fn run(&self, mu: f64, steps: usize) -> Run {
        let mut run = Run::default();
        for _ in 0..steps {
            run.advance(self.momentum, self.step * mu * run.left);
        }
        run
    }
}

impl SpectralFilter for HeavyBall {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        let steps = self.length.steps(spectrum.shape().0);
        loss::write_gains(self.loss, spectrum, gains, |mu| self.run(mu, steps).moved);
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        let steps = self.length.steps(spectrum.shape().0);
        loss::write_residuals(self.loss, spectrum, residuals, |mu| self.run(mu, steps).left);
    }

    fn check(&self, spectrum: Spectrum<'_>) -> Result<(), Error> {
        check_steps(self.length.steps(spectrum.shape().0))?;
        within_limit(self.step, 2.0 * (1.0 + self.momentum), self.loss, spectrum)
    }

    fn describe(&self) -> String {
        let (loss, step, m, length) = (self.loss.formula(), self.step, self.momentum, self.length.describe());
        format!("heavy ball on {loss}, step {step:e}, momentum {m}, {length}")
    }
}

/// `k` steps of Nesterov's accelerated gradient from 0: `z = β + m_k (β − β_before)`, `β ← z − η ∇L(z)`.
///
/// Residual factor `p_k(μ)` with `p₋₁ = p₀ = 1`, `p_{j+1} = (1 − ημ) ((1 + m_j) p_j − m_j p_{j−1})`. The momentum is
/// `m_j = j/(j + 3)` (Nesterov 1983; Su, Boyd and Candès 2014) or constant, and `μ = c σ²` are the eigenvalues of the
/// Hessian of the [`Loss`]. A step of `(2 + 2m)/((1 + 2m) μ₁)` or more diverges in the long run: a fit with it fails
/// with [`Error::StepTooLarge`]. For the growing momentum, `m = 1` there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nesterov {
    step: f64,
    momentum: Option<f64>,
    length: Length,
    loss: Loss,
}

impl Nesterov {
    /// The method with step size `step` (`η`) and momentum `j/(j + 3)`, stopped after `length`, in steps or epochs
    /// ([`Length`]).
    ///
    /// # Errors
    /// [`Error::Domain`] unless `step` is finite and at least 0, and for batches of no rows; [`Error::Resource`] for
    /// more than 2²⁴ steps, as each is computed for every singular value. For a length in epochs, the fit reports the
    /// latter, as it depends on `n`.
    pub fn new(step: f64, length: impl Into<Length>, loss: Loss) -> Result<Self, Error> {
        let length = checked_length(length.into())?;
        Ok(Self { step: checked("a step size", step)?, momentum: None, length, loss })
    }

    /// The same method with a constant momentum.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `momentum` is in [0, 1).
    pub fn with_momentum(mut self, momentum: f64) -> Result<Self, Error> {
        self.momentum = Some(check_momentum(momentum)?);
        Ok(self)
    }

    fn run(&self, mu: f64, steps: usize) -> Run {
        let mut run = Run::default();
        let pull = self.step * mu;
        for j in 0..steps {
            let m = self.momentum.unwrap_or(j as f64 / (j as f64 + 3.0));
            // The gradient is taken at z, whose residual factor is p_j − m d_j.
            let ahead = m * run.last;
            run.advance(m, pull * (run.left - ahead));
        }
        run
    }
}

impl SpectralFilter for Nesterov {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        let steps = self.length.steps(spectrum.shape().0);
        loss::write_gains(self.loss, spectrum, gains, |mu| self.run(mu, steps).moved);
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        let steps = self.length.steps(spectrum.shape().0);
        loss::write_residuals(self.loss, spectrum, residuals, |mu| self.run(mu, steps).left);
    }

    fn check(&self, spectrum: Spectrum<'_>) -> Result<(), Error> {
        check_steps(self.length.steps(spectrum.shape().0))?;
        // |p| stays bounded while ημ < (2 + 2m)/(1 + 2m); j/(j + 3) comes close to 1.
        let m = self.momentum.unwrap_or(1.0);
        within_limit(self.step, (2.0 + 2.0 * m) / (1.0 + 2.0 * m), self.loss, spectrum)
    }

    fn describe(&self) -> String {
        let momentum = self.momentum.map_or("j/(j + 3)".to_owned(), |m| m.to_string());
        let (loss, step, length) = (self.loss.formula(), self.step, self.length.describe());
        format!("Nesterov's descent on {loss}, step {step:e}, momentum {momentum}, {length}")
    }
}

/// The state of one mode: the fitted fraction of the target (`1 − p`), the rest (`p`), and the last change of the
/// fitted fraction. Both fractions are tracked, so that neither is a difference of nearly equal numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) moved: f64,
    pub(super) left: f64,
    last: f64,
}

impl Default for Run {
    fn default() -> Self {
        Self { moved: 0.0, left: 1.0, last: 0.0 }
    }
}

impl Run {
    /// Takes one step: `momentum` times the last change, plus the gradient term.
    pub(super) fn advance(&mut self, momentum: f64, gradient: f64) {
        self.last = momentum * self.last + gradient;
        self.moved += self.last;
        self.left -= self.last;
    }
}

/// The largest number of steps; they take a few seconds for a hundred singular values.
const MOST_STEPS: usize = 1 << 24;

/// Checks a length, and its number of steps if that does not depend on the data.
pub(super) fn checked_length(length: Length) -> Result<Length, Error> {
    match length.checked()? {
        Length::Steps(steps) => check_steps(steps)?,
        Length::Epochs { .. } => {}
    }
    Ok(length)
}

pub(super) fn check_steps(steps: usize) -> Result<(), Error> {
    if steps <= MOST_STEPS {
        return Ok(());
    }
    let reason =
        format!("{steps} steps, taken one by one, are more than 2^24; a gradient flow takes any time");
    Err(Error::Resource { reason })
}

pub(super) fn check_momentum(momentum: f64) -> Result<f64, Error> {
    if (0.0..1.0).contains(&momentum) {
        Ok(momentum)
    } else {
        Err(Error::Domain { what: "a momentum", value: momentum, must_be: "at least 0 and less than 1" })
    }
}
