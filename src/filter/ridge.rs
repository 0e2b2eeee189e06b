//! Ridge regression, with a penalty of either sign.

use super::{MinNorm, SpectralFilter, Spectrum, gain};
use crate::Error;

/// Ridge regression: the minimiser of `‖Xβ − y‖² + λ ‖β‖²`.
///
/// The penalty is relative to the sum of squares: a penalty `λₘ` relative to the mean of squares is `λ = n λₘ`. Gain
/// `σ/(σ² + λ)`, residual factor `λ/(σ² + λ)`.
///
/// - `λ > 0`: the formulas hold for the singular values over the default cutoff, `max(n, p) ε σ₁`. Those below may be
///   nothing but rounding error, and a weak penalty would give them gains of up to `1/(2√λ)`. Their gain is 0.
/// - `λ = 0`: the limit, with the same gains as [`MinNorm`] with its default cutoff.
/// - `λ < 0` down to `−σ_r²`, where `σ_r` is the smallest singular value over that cutoff: the fit `Xᵀ(XXᵀ + λI)⁺y` in
///   the row space of `X`. Each kept mode is enlarged, not shrunk. If few directions carry the signal and many weak
///   ones already act as a penalty, the best penalty is negative (Kobak, Lomond and Sanchez, *The optimal ridge penalty
///   for real-world high-dimensional data can be zero or negative*, JMLR 2020). At `−σ_r²` and below there is no such
///   fit: [`Error::Unsupported`] names the limit.
///
/// [`Ridge::with_degrees_of_freedom`] and [`Ridge::with_training_loss`] choose the penalty for a given effect.
///
/// # Examples
/// ```
/// use double_descent::filter::{Ridge, SpectralFilter, Spectrum};
///
/// let spectrum = Spectrum::new(2, 2, &[2.0, 1.0]);
/// assert_eq!(Ridge::new(4.0)?.gains(spectrum).to_vec(), [0.25, 0.2]);
/// assert_eq!(Ridge::new(-0.5)?.gains(spectrum).to_vec(), [2.0 / 3.5, 2.0]);
/// assert_eq!(Ridge::limit(spectrum), Some(-1.0));
/// assert!(Ridge::new(-1.0)?.check(spectrum).is_err());
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ridge {
    lambda: f64,
}

impl Ridge {
    /// Ridge with penalty `lambda`, in squared units of the features.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `lambda` is finite. How far below 0 it may be depends on the spectrum: fits call
    /// [`SpectralFilter::check`].
    pub fn new(lambda: f64) -> Result<Self, Error> {
        if lambda.is_finite() {
            return Ok(Self { lambda });
        }
        Err(Error::Domain { what: "the ridge penalty", value: lambda, must_be: "finite" })
    }

    /// Returns `λ`.
    #[must_use]
    pub fn lambda(&self) -> f64 {
        self.lambda
    }

    /// Returns `−σ_r²`, which the penalty must exceed; `None` if no singular value is over the cutoff.
    #[must_use]
    pub fn limit(spectrum: Spectrum<'_>) -> Option<f64> {
        smallest_kept(spectrum).map(|s| -(s * s))
    }
}

impl SpectralFilter for Ridge {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        let lambda = self.lambda;
        if lambda == 0.0 {
            return MinNorm::default().write_gains(spectrum, gains);
        }
        if lambda < 0.0 {
            return spectrum.write(gains, 0.0, |s| s / lowered_square(s, lambda));
        }
        if smallest_kept(spectrum).is_none_or(|least| (lambda / least).is_finite()) {
            // `gain::ridge` without its branch, so that the loop vectorises.
            return spectrum.write(gains, 0.0, |s| (s + lambda / s).recip());
        }
        spectrum.write(gains, 0.0, |s| gain::ridge(lambda, s));
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, gains: &[f64], residuals: &mut [f64]) {
        let lambda = self.lambda;
        if lambda == 0.0 {
            return MinNorm::default().write_residuals(spectrum, gains, residuals);
        }
        if lambda > 0.0 {
            return spectrum.write(residuals, 1.0, |s| gain::ridge_residual(lambda, s));
        }
        spectrum.write(residuals, 1.0, |s| lambda / lowered_square(s, lambda));
    }

    fn penalty(&self) -> Option<f64> {
        // Only penalties of 0 and above have curves without an SVD.
        (self.lambda >= 0.0).then_some(self.lambda)
    }

    fn check(&self, spectrum: Spectrum<'_>) -> Result<(), Error> {
        let reach = (-self.lambda).sqrt(); // NaN for λ > 0
        match smallest_kept(spectrum) {
            Some(s) if reach >= s => {
                let limit = -(s * s);
                let reason = format!(
                    "a ridge penalty of {:e} on this data must exceed −σ_r² = {limit:e}, where σ_r = {s:e} is the \
                     smallest singular value above the cutoff; take a larger penalty",
                    self.lambda
                );
                Err(Error::Unsupported { reason })
            }
            _ => Ok(()),
        }
    }

    fn describe(&self) -> String {
        format!("ridge, λ = {:e}", self.lambda)
    }
}

/// Returns the smallest singular value over the default cutoff.
fn smallest_kept(spectrum: Spectrum<'_>) -> Option<f64> {
    spectrum.rank().checked_sub(1).map(|last| spectrum.singular_values()[last])
}

/// Returns `σ² + λ` for `λ < 0`, rounded once if `σ²` neither overflows nor underflows: near the limit almost all of it
/// cancels.
fn lowered_square(sigma: f64, lambda: f64) -> f64 {
    if (1e-140..1e140).contains(&sigma) {
        return sigma.mul_add(sigma, lambda);
    }
    let root = (-lambda).sqrt();
    (sigma - root) * (sigma + root)
}
