//! Ridge regression repeated on its own residuals.

use super::{SpectralFilter, Spectrum, gain};
use crate::Error;

/// Iterated Tikhonov regularisation: `k` rounds of ridge, each on the residuals of the rounds before.
///
/// The iteration is `β ← β + (XᵀX + λI)⁻¹ Xᵀ(y − Xβ)` from 0.
///
/// Residual factor `(λ/(σ² + λ))ᵏ`. One round is [`Ridge`](super::Ridge); many rounds with a large penalty approximate
/// gradient flow at time `k/λ` (loss `½‖Xβ − y‖²`), and saturate later than ridge does (Engl, Hanke and Neubauer,
/// *Regularization of Inverse Problems*, 1996, section 5.1).
///
/// # Examples
/// ```
/// use double_descent::filter::{IteratedTikhonov, SpectralFilter, Spectrum};
///
/// let twice = IteratedTikhonov::new(1.0, 2)?;
/// let gains = twice.gains(Spectrum::new(1, 1, &[1.0]));
/// assert!((gains[0] - 0.75).abs() < 1e-15); // half is left, then a quarter
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IteratedTikhonov {
    lambda: f64,
    rounds: usize,
}

impl IteratedTikhonov {
    /// `rounds` rounds of ridge with penalty `lambda`; 0 rounds fit nothing.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `lambda` is finite and > 0.
    pub fn new(lambda: f64, rounds: usize) -> Result<Self, Error> {
        Ok(Self { lambda: checked_penalty(lambda)?, rounds })
    }
}

/// Checks a penalty for repeated fits: with `λ = 0` the first round would leave nothing for the second.
pub(super) fn checked_penalty(lambda: f64) -> Result<f64, Error> {
    if lambda > 0.0 && lambda.is_finite() {
        return Ok(lambda);
    }
    Err(Error::Domain { what: "the ridge penalty", value: lambda, must_be: "finite and > 0" })
}

impl SpectralFilter for IteratedTikhonov {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        let (root, rounds) = (self.lambda.sqrt(), self.rounds as f64);
        spectrum.write(gains, 0.0, |s| {
            // 1 − ρᵏ with ρ = 1/(1 + σ²/λ), without cancellation as σ → 0.
            let ratio = s / root;
            -(-rounds * (ratio * ratio).ln_1p()).exp_m1() / s
        });
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        let rounds = self.rounds as f64;
        spectrum.write(residuals, 1.0, |s| gain::ridge_residual(self.lambda, s).powf(rounds));
    }

    fn penalty(&self) -> Option<f64> {
        (self.rounds == 1).then_some(self.lambda)
    }

    fn describe(&self) -> String {
        format!("iterated Tikhonov, λ = {:e}, {} rounds", self.lambda, self.rounds)
    }
}
