//! Gradient flow stopped at a time: plain, with weight decay, and corrected for the step size of gradient descent.

use super::loss::{self, Loss};
use super::{SpectralFilter, Spectrum, checked};
use crate::Error;

/// Gradient flow from 0, stopped at time `t`: `dβ/dt = −∇L(β)`.
///
/// Residual factor `exp(−μ t)`, gain `(1 − exp(−μ t))/σ`, with `μ = c σ²` the eigenvalues of the Hessian of the
/// [`Loss`]. `t → ∞` is the minimum norm, with its default cutoff. Time `t` acts much like a ridge penalty `λ = 1/t` (loss `½‖Xβ − y‖²`; Ali,
/// Kolter and Tibshirani 2019).
///
/// # Examples
/// ```
/// use double_descent::filter::{GradientFlow, Loss, SpectralFilter, Spectrum};
///
/// let flow = GradientFlow::new(0.5, Loss::HalfSum)?;
/// let gains = flow.gains(Spectrum::new(2, 2, &[2.0, 1e-9]));
/// assert!((gains[0] - (1.0 - (-2.0_f64).exp()) / 2.0).abs() < 1e-15);
/// assert!((gains[1] / 0.5e-9 - 1.0).abs() < 1e-15); // slow modes have hardly moved: t σ
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradientFlow {
    time: f64,
    loss: Loss,
}

impl GradientFlow {
    /// Gradient flow on `loss`, stopped at `time`.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `time` is finite and at least 0.
    pub fn new(time: f64, loss: Loss) -> Result<Self, Error> {
        Ok(Self { time: checked("the time of a gradient flow", time)?, loss })
    }

    /// Returns `t`.
    #[must_use]
    pub fn time(&self) -> f64 {
        self.time
    }
}

impl SpectralFilter for GradientFlow {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        loss::write_gains(self.loss, spectrum, gains, |mu| -(-mu * self.time).exp_m1());
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        loss::write_residuals(self.loss, spectrum, residuals, |mu| (-mu * self.time).exp());
    }

    fn describe(&self) -> String {
        format!("gradient flow on {}, t = {:e}", self.loss.formula(), self.time)
    }
}

/// Gradient flow with weight decay, from 0: `dβ/dt = −∇(L + ½ λ‖β‖²)`, stopped at time `t`.
///
/// Residual factor `(λ + μ exp(−(μ + λ) t)) / (μ + λ)`, with `μ = c σ²` the eigenvalues of the Hessian of the [`Loss`]
/// `L`. At `λ = 0` it is that of [`GradientFlow`]. As `t → ∞` it becomes that of ridge with penalty `λ/c`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecayedFlow {
    time: f64,
    decay: f64,
    loss: Loss,
}

impl DecayedFlow {
    /// The flow stopped at `time`, with weight decay `decay` (`λ`, in units of `μ`).
    ///
    /// # Errors
    /// [`Error::Domain`] unless both are finite and at least 0.
    pub fn new(time: f64, decay: f64, loss: Loss) -> Result<Self, Error> {
        let time = checked("the time of a gradient flow", time)?;
        Ok(Self { time, decay: checked("the weight decay of a gradient flow", decay)?, loss })
    }
}

impl SpectralFilter for DecayedFlow {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        loss::write_gains(self.loss, spectrum, gains, |mu| {
            let rate = mu + self.decay;
            if rate == 0.0 { 0.0 } else { mu / rate * -(-rate * self.time).exp_m1() }
        });
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        loss::write_residuals(self.loss, spectrum, residuals, |mu| {
            let rate = mu + self.decay;
            if rate == 0.0 { 1.0 } else { (self.decay + mu * (-rate * self.time).exp()) / rate }
        });
    }

    fn describe(&self) -> String {
        format!(
            "gradient flow on {} with weight decay {:e}, t = {:e}",
            self.loss.formula(),
            self.decay,
            self.time
        )
    }
}

/// The flow that gradient descent with step `h` follows to second order: gradient flow on `L + (h/4)‖∇L‖²`.
///
/// Residual factor `exp(−(μ + h μ²/2) t)`, with `μ = c σ²` the eigenvalues of the Hessian of the [`Loss`] `L`. Over the
/// time `h` this flow differs from one step of gradient descent by `(h μ)³/3 + O(h⁴)`; the plain flow differs by
/// `(h μ)²/2`. Barrett and Dherin 2021, *Implicit Gradient Regularization*.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegularisedFlow {
    time: f64,
    step: f64,
    loss: Loss,
}

impl RegularisedFlow {
    /// The flow of gradient descent with step size `step`, stopped at `time`.
    ///
    /// # Errors
    /// [`Error::Domain`] unless both are finite and at least 0.
    pub fn new(time: f64, step: f64, loss: Loss) -> Result<Self, Error> {
        let time = checked("the time of a gradient flow", time)?;
        Ok(Self { time, step: checked("the step of a regularised flow", step)?, loss })
    }

    /// The flow that `steps` steps of the heavy ball ([`HeavyBall`](super::HeavyBall)) follow to second order.
    ///
    /// This is the flow with step size `h (1 + m)/(1 − m)²` until time `k h/(1 − m)`: per step, the exponent of a mode
    /// falls by `hμ/(1 − m) + (1 + m)(hμ)²/(2(1 − m)³)` (Ghosh, Lyu, Zhang and Wang 2023, *Implicit regularization in
    /// heavy-ball momentum accelerated stochastic gradient descent*). The momentum takes about `1/(1 − m)` steps to
    /// build up.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `step` is finite and at least 0 and `momentum` in [0, 1), or if the time or the step
    /// size of the flow overflows.
    pub fn of_heavy_ball(steps: usize, step: f64, momentum: f64, loss: Loss) -> Result<Self, Error> {
        let rest = 1.0 - super::momentum::check_momentum(momentum)?;
        let step = checked("a step size", step)?;
        Self::new(steps as f64 * step / rest, step * (1.0 + momentum) / (rest * rest), loss)
    }

    fn exponent(&self, mu: f64) -> f64 {
        // At time 0 the step does not matter, even if its product with μ overflows.
        if self.time == 0.0 { 0.0 } else { -mu * self.time * (1.0 + 0.5 * self.step * mu) }
    }
}

impl SpectralFilter for RegularisedFlow {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        loss::write_gains(self.loss, spectrum, gains, |mu| -self.exponent(mu).exp_m1());
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        loss::write_residuals(self.loss, spectrum, residuals, |mu| self.exponent(mu).exp());
    }

    fn describe(&self) -> String {
        format!(
            "implicitly regularised gradient flow on {}, step {:e}, t = {:e}",
            self.loss.formula(),
            self.step,
            self.time
        )
    }
}
