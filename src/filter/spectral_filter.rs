//! What an estimator is: gains of a spectrum.

use super::gain;
use crate::Error;
use crate::spectrum::Spectrum;
use ndarray::Array1;

/// An estimator, as its gain on each singular direction.
pub trait SpectralFilter: std::fmt::Debug + Send + Sync {
    /// Writes the gains `g`, one per singular value, of `β̂ = V diag(g) Uᵀ y`.
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]);

    /// Writes the residual factors `1 − σ g`, one per singular value: what the fit leaves of a target along each
    /// direction, and of a teacher. `gains` are those of [`SpectralFilter::write_gains`].
    ///
    /// The default is `λ / (σ² + λ)` for a filter with a [`penalty`](SpectralFilter::penalty) `λ > 0`. For any other it
    /// is the difference itself, which is good to `ε_mach` and no better: one within that of 0 is 0. Where small factors
    /// matter, write them without the subtraction; the flow above leaves `exp(−t σ²)`.
    fn write_residuals(&self, spectrum: Spectrum<'_>, gains: &[f64], residuals: &mut [f64]) {
        let lambda = self.penalty().filter(|&lambda| lambda > 0.0);
        for ((left, g), &s) in residuals.iter_mut().zip(gains).zip(spectrum.singular_values()) {
            *left = lambda.map_or_else(|| gain::difference(*g, s), |lambda| gain::ridge_residual(lambda, s));
        }
    }

    /// The gains as an array of their own, for a look at them; fits ask [`SpectralFilter::write_gains`].
    fn gains(&self, spectrum: Spectrum<'_>) -> Array1<f64> {
        let mut gains = vec![0.0; spectrum.singular_values().len()];
        self.write_gains(spectrum, &mut gains);
        gains.into()
    }

    /// The `λ` with which this filter minimises `‖Xβ − y‖² + λ‖β‖²`, whatever the spectrum; 0 for the minimum
    /// norm at machine precision. `None`, the default, says that it does something else. Curves of
    /// such estimators need no SVD: see [`nested`](crate::nested).
    fn penalty(&self) -> Option<f64> {
        None
    }

    /// Whether the estimator exists on this spectrum: descent with too large a step has none. Asked before the gains.
    ///
    /// # Errors
    /// The filter's own, for a spectrum that it cannot serve.
    fn check(&self, _: Spectrum<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// In words, for a caption.
    fn describe(&self) -> String {
        format!("{self:?}")
    }
}
