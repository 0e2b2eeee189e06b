//! The flow through the iterates of gradient descent.

use super::gradient_descent::within_limit;
use super::loss::{self, Loss};
use super::{SpectralFilter, Spectrum, checked};
use crate::Error;

/// The flow that passes through every iterate of gradient descent with step `h`, stopped at time `t`.
///
/// At `t = k h` it equals exactly `k` steps. Residual factor `(1 − h μ)^{t/h}`, with `μ = c σ²` the eigenvalues of the
/// Hessian of the [`Loss`]: a mode decays at the rate
/// `−ln(1 − h μ)/h`, which is `μ` to first order in `h` ([`GradientFlow`](super::GradientFlow)) and `μ + h μ²/2` to
/// second order ([`RegularisedFlow`](super::RegularisedFlow)). For `h μ₁ ≥ 1` a step of descent reaches or crosses 0,
/// and no such flow exists: the fit fails with [`Error::StepTooLarge`]. `h = 0` is plain gradient flow. Rosca, Wu, Qin
/// and Dherin 2023, *On a continuous time model of gradient descent dynamics and instability in deep learning*.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrincipalFlow {
    time: f64,
    step: f64,
    loss: Loss,
}

impl PrincipalFlow {
    /// The flow through gradient descent with step size `step`, stopped at `time`.
    ///
    /// # Errors
    /// [`Error::Domain`] unless both are finite and at least 0.
    pub fn new(time: f64, step: f64, loss: Loss) -> Result<Self, Error> {
        let time = checked("the time of a gradient flow", time)?;
        Ok(Self { time, step: checked("a step size", step)?, loss })
    }

    fn exponent(&self, mu: f64) -> f64 {
        let hm = self.step * mu;
        // ln(1 − x)/x rounds to −1 for x < ε.
        if hm < f64::EPSILON { -mu * self.time } else { self.time / self.step * (-hm).ln_1p() }
    }
}

impl SpectralFilter for PrincipalFlow {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        loss::write_gains(self.loss, spectrum, gains, |mu| -self.exponent(mu).exp_m1());
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        loss::write_residuals(self.loss, spectrum, residuals, |mu| self.exponent(mu).exp());
    }

    fn check(&self, spectrum: Spectrum<'_>) -> Result<(), Error> {
        within_limit(self.step, 1.0, self.loss, spectrum)
    }

    fn describe(&self) -> String {
        let (loss, step, time) = (self.loss.formula(), self.step, self.time);
        format!("principal flow on {loss}, step {step:e}, t = {time:e}")
    }
}
