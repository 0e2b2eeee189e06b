//! Which loss an iterative method descends: times and steps mean nothing without it.

use super::Spectrum;

/// The loss of a method that runs in time or steps, by its normalisation. Its Hessian has the eigenvalues
/// `μ = c σ²`; a step `h` on one loss is a step `h c/c'` on another.
///
/// A literature value of a learning rate or a time is tied to one of these: deep learning's mean squared error is
/// [`Loss::Mean`], whose `c` falls with `n`, so that a fixed step is a smaller one on more samples.
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
    /// `c`, for a matrix of `n` rows.
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

    /// The formula, for a caption.
    #[must_use]
    pub fn formula(self) -> &'static str {
        match self {
            Self::HalfSum => "½‖Xβ − y‖²",
            Self::HalfMean => "‖Xβ − y‖²/(2n)",
            Self::Mean => "‖Xβ − y‖²/n",
            Self::Sum => "‖Xβ − y‖²",
        }
    }

    /// The eigenvalues `μ = c σ²` of the Hessian, one per singular value.
    pub(super) fn eigenvalues(self, spectrum: Spectrum<'_>) -> impl Iterator<Item = f64> {
        let c = self.curvature(spectrum.shape().0);
        spectrum.singular_values().iter().map(move |&s| c * s * s)
    }
}

/// Writes `shrinkage(μ) / σ`, the gains of a method that is known by `1 − residual factor`; 0 where `σ` is 0.
pub(super) fn write_gains(
    loss: Loss,
    spectrum: Spectrum<'_>,
    gains: &mut [f64],
    shrinkage: impl Fn(f64) -> f64,
) {
    let sigma = spectrum.singular_values();
    for ((gain, mu), &s) in gains.iter_mut().zip(loss.eigenvalues(spectrum)).zip(sigma) {
        *gain = if s > 0.0 { shrinkage(mu) / s } else { 0.0 };
    }
}

/// Writes the residual factors.
pub(super) fn write_residuals(
    loss: Loss,
    spectrum: Spectrum<'_>,
    residuals: &mut [f64],
    residual: impl Fn(f64) -> f64,
) {
    for (left, mu) in residuals.iter_mut().zip(loss.eigenvalues(spectrum)) {
        *left = residual(mu);
    }
}
