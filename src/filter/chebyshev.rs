//! The Chebyshev semi-iteration: the residual polynomial of least maximum on an interval.

use super::gradient_descent::within_limit;
use super::loss::{self, Loss};
use super::momentum::{Run, check_steps, checked_length};
use super::{Length, SpectralFilter, Spectrum};
use crate::Error;

/// `k` steps of the Chebyshev semi-iteration from 0, for eigenvalues `μ = c σ²` in `[l, u]`.
///
/// `μ` are the eigenvalues of the Hessian of the [`Loss`]. Residual factor `T_k(x)/T_k(x₀)` with
/// `x = (u + l − 2μ)/(u − l)` and `x₀ = (u + l)/(u − l)`: of all polynomials of degree `k` with value 1 at 0, it has
/// the least maximum over `[l, u]`. The iteration is a heavy ball whose momentum and step size vary:
///
/// ```text
/// β_{j+1} = β_j − ω_j γ ∇L(β_j) + (ω_j − 1)(β_j − β_{j−1})      γ = 2/(u + l),   ω₀ = 1,  ω₁ = 2x₀²/(2x₀² − 1),
///                                                               ω_j = 1/(1 − ω_{j−1}/(4x₀²))
/// ```
///
/// Directions with `μ < l` are fitted slowly, which regularises. `u = l` is gradient descent with step `1/u`.
/// Eigenvalues may lie outside the interval, but for `μ ≥ u + l` the iteration diverges: the fit fails with
/// [`Error::StepTooLarge`]. `1 − 1/x₀²` is computed as a difference, so digits are lost if `l/u` is below `10⁻¹³`.
///
/// # References
/// Golub and Varga, *Chebyshev semi-iterative methods*, Numerische Mathematik 1961.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chebyshev {
    lower: f64,
    upper: f64,
    length: Length,
    loss: Loss,
}

impl Chebyshev {
    /// The iteration after `length`, for eigenvalues from `lower` to `upper` (`l`, `u`) of the Hessian of `loss`.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `0 < l ≤ u`, both finite, and for batches of no rows; [`Error::Resource`] for more than
    /// 2²⁴ steps, as each is computed for every singular value. For a length in epochs, the fit reports the latter, as
    /// it depends on `n`.
    pub fn new(lower: f64, upper: f64, length: impl Into<Length>, loss: Loss) -> Result<Self, Error> {
        let what = "an end of the interval of eigenvalues";
        if !(lower > 0.0 && lower.is_finite()) {
            return Err(Error::Domain { what, value: lower, must_be: "finite and > 0" });
        }
        if !(upper >= lower && (upper + lower).is_finite()) {
            return Err(Error::Domain { what, value: upper, must_be: "finite and at least the lower end" });
        }
        Ok(Self { lower, upper, length: checked_length(length.into())?, loss })
    }

    /// `γ`.
    fn step(&self) -> f64 {
        2.0 / (self.upper + self.lower)
    }

    fn run(&self, mu: f64, steps: usize) -> Run {
        // 1/x₀²: 0 for the interval of a single point.
        let inverse = ((self.upper - self.lower) / (self.upper + self.lower)).powi(2);
        let mut run = Run::default();
        let (mut over, pull) = (0.0, self.step() * mu);
        for j in 0..steps {
            // The momentum is ω − 1.
            let part = match j {
                0 => 0.0,
                1 => 0.5 * inverse,
                _ => 0.25 * inverse * (1.0 + over),
            };
            over = part / (1.0 - part);
            run.advance(over, (1.0 + over) * pull * run.left);
        }
        run
    }
}

impl SpectralFilter for Chebyshev {
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
        within_limit(self.step(), 2.0, self.loss, spectrum)
    }

    fn describe(&self) -> String {
        let (loss, l, u, length) = (self.loss.formula(), self.lower, self.upper, self.length.describe());
        format!("Chebyshev semi-iteration on {loss}, eigenvalues {l:e} to {u:e}, {length}")
    }
}
