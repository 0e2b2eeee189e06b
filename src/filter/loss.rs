//! The loss that an iterative method descends, which sets the scale of its times and steps.

use super::Spectrum;

/// The squared loss of an iterative method, by its normalisation.
///
/// Its Hessian has the eigenvalues `μ = c σ²`. A step or time `h` on one loss equals `h c/c'` on another, whose
/// constant is `c'`.
///
/// A learning rate or training time from the literature belongs to one of these. The mean squared error of deep
/// learning is [`Loss::Mean`], whose `c` falls with `n`, so a fixed step has less effect on more samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loss {
    /// `½‖Xβ − y‖²`: `c = 1`.
    #[default]
    HalfSum,
    /// `‖Xβ − y‖² / (2n)`: `c = 1/n`.
    HalfMean,
    /// `‖Xβ − y‖² / n`, the mean squared error: `c = 2/n`.
    Mean,
    /// `‖Xβ − y‖²`: `c = 2`.
    Sum,
}

impl Loss {
    /// Returns `c` for a matrix of `n` rows.
    #[must_use]
    pub fn curvature(self, n: usize) -> f64 {
        let n = n as f64;
        match self {
            Self::HalfSum => 1.0,
            Self::HalfMean => n.recip(),
            Self::Mean => 2.0 / n,
            Self::Sum => 2.0,
        }
    }

    /// Returns the formula, for a caption.
    #[must_use]
    pub fn formula(self) -> &'static str {
        match self {
            Self::HalfSum => "½‖Xβ − y‖²",
            Self::HalfMean => "‖Xβ − y‖²/(2n)",
            Self::Mean => "‖Xβ − y‖²/n",
            Self::Sum => "‖Xβ − y‖²",
        }
    }

    /// Returns the eigenvalues `μ = c σ²` of the Hessian, one per singular value.
    pub(super) fn eigenvalues(self, spectrum: Spectrum<'_>) -> impl Iterator<Item = f64> {
        let c = self.curvature(spectrum.shape().0);
        spectrum.singular_values().iter().map(move |&s| c * s * s)
    }

    /// Returns `c σ²`, or the largest float if it overflows: its product with a time or step of 0 is then 0, not NaN.
    fn capped(c: f64, sigma: f64) -> f64 {
        (c * sigma * sigma).min(f64::MAX)
    }
}

/// Writes the gains `shrinkage(μ) / σ`, where the shrinkage is `1 − residual factor`; 0 beyond the rank.
pub(super) fn write_gains(
    loss: Loss,
    spectrum: Spectrum<'_>,
    gains: &mut [f64],
    shrinkage: impl Fn(f64) -> f64,
) {
    let c = loss.curvature(spectrum.shape().0);
    spectrum.write(gains, 0.0, |s| shrinkage(Loss::capped(c, s)) / s);
}

/// Writes the residual factors `residual(μ)`; 1 beyond the rank.
pub(super) fn write_residuals(
    loss: Loss,
    spectrum: Spectrum<'_>,
    residuals: &mut [f64],
    residual: impl Fn(f64) -> f64,
) {
    let c = loss.curvature(spectrum.shape().0);
    spectrum.write(residuals, 1.0, |s| residual(Loss::capped(c, s)));
}
