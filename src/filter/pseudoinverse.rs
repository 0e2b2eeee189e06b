//! The pseudoinverse of all modes, or of some.

use super::{SpectralFilter, Spectrum};
use crate::Error;
use crate::filter::cutoff::Cutoff;

/// Writes the residual factors of a filter whose gains are all `1/σ` or 0.
fn kept_or_dropped(gains: &[f64], residuals: &mut [f64]) {
    for (left, &gain) in residuals.iter_mut().zip(gains) {
        *left = if gain == 0.0 { 1.0 } else { 0.0 };
    }
}

/// Minimum-norm least squares, `β̂ = X⁺ y`: the minimiser of `‖Xβ − y‖` of least norm.
///
/// Gain `1/σ` for `σ >` cutoff, else 0; the default cutoff is `max(n, p) ε σ₁`. There is no hidden ridge.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MinNorm {
    cutoff: Cutoff,
}

impl MinNorm {
    /// The minimum norm with a given cutoff in place of `max(n, p) ε σ₁`.
    ///
    /// # Errors
    /// [`Error::Domain`] if the cutoff is negative or not finite.
    pub fn with_cutoff(cutoff: Cutoff) -> Result<Self, Error> {
        cutoff.check()?;
        Ok(Self { cutoff })
    }

    /// Returns the cutoff.
    #[must_use]
    pub fn cutoff(&self) -> Cutoff {
        self.cutoff
    }
}

impl SpectralFilter for MinNorm {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        let cutoff = self.cutoff.value(spectrum);
        for (gain, &s) in gains.iter_mut().zip(spectrum.singular_values()) {
            *gain = if s > cutoff { s.recip() } else { 0.0 };
        }
    }

    fn write_residuals(&self, _: Spectrum<'_>, gains: &[f64], residuals: &mut [f64]) {
        kept_or_dropped(gains, residuals);
    }

    fn penalty(&self) -> Option<f64> {
        (self.cutoff == Cutoff::MachinePrecision).then_some(0.0)
    }

    fn describe(&self) -> String {
        format!("minimum norm, {}", self.cutoff)
    }
}

/// The pseudoinverse of the modes with `σ ≥ cutoff`, where the cutoff is absolute.
///
/// Gain `1/σ` for these modes; modes with `σ < cutoff` or `σ = 0` are dropped. Schaeffer et al. 2023 ablate the first
/// factor of the test error this way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truncated {
    cutoff: f64,
}

impl Truncated {
    /// Keeps the modes with `σ ≥ cutoff`, in the units of the singular values.
    ///
    /// # Errors
    /// [`Error::Domain`] if the cutoff is negative or not finite.
    pub fn new(cutoff: f64) -> Result<Self, Error> {
        Cutoff::Absolute(cutoff).check()?;
        Ok(Self { cutoff })
    }
}

impl SpectralFilter for Truncated {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        for (gain, &s) in gains.iter_mut().zip(spectrum.singular_values()) {
            *gain = if s >= self.cutoff && s > 0.0 { s.recip() } else { 0.0 };
        }
    }

    fn write_residuals(&self, _: Spectrum<'_>, gains: &[f64], residuals: &mut [f64]) {
        kept_or_dropped(gains, residuals);
    }

    fn describe(&self) -> String {
        format!("truncated, σ ≥ {:e}", self.cutoff)
    }
}

/// The pseudoinverse of the `k` leading modes: principal component regression.
///
/// Gain `1/σ` for the `k` largest singular values, else 0. Modes that [`MinNorm`] drops by default are dropped here
/// too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeadingModes(
    /// Number of modes to keep; a number above the rank keeps all.
    pub usize,
);

impl SpectralFilter for LeadingModes {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        MinNorm::default().write_gains(spectrum, gains);
        gains.iter_mut().skip(self.0).for_each(|gain| *gain = 0.0);
    }

    fn write_residuals(&self, _: Spectrum<'_>, gains: &[f64], residuals: &mut [f64]) {
        kept_or_dropped(gains, residuals);
    }

    fn describe(&self) -> String {
        format!("{} leading modes", self.0)
    }
}
