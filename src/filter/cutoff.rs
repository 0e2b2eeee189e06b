//! The singular values that count as non-zero: the crate's rule for numerical rank.

use super::spectrum::Spectrum;
use crate::Error;

/// The bound that a singular value must strictly exceed to count as non-zero.
///
/// A bound must be finite and at least 0; the functions that take a cutoff check it.
///
/// Other libraries hide this choice, although it can hide the peak: a relative cutoff of 1e-6 flattens double descent
/// entirely. Here every fit takes the cutoff as a value and reports it.
///
/// The inequality is strict because an all-zero matrix has the relative cutoff 0 and must have rank 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Cutoff {
    /// `max(n, p) · ε · σ₁`, ε = 2.2e-16. On exactly rank-deficient matrices, the largest spurious singular value of a
    /// backward stable SVD stays below about a tenth of this.
    #[default]
    MachinePrecision,
    /// `rcond · σ₁`, for the given `rcond`.
    Relative(#[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))] f64),
    /// The bound itself, in the units of the singular values. `Absolute(0.0)` drops exact zeros
    /// only.
    Absolute(#[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))] f64),
}

/// Returns the rounding error in a singular value of 0, relative to the largest one, for an `n × p` matrix.
#[inline]
pub(crate) fn rounding(n: usize, p: usize) -> f64 {
    n.max(p) as f64 * f64::EPSILON
}

impl Cutoff {
    /// Returns the absolute bound for a spectrum, in the units of the singular values.
    #[must_use]
    pub fn value(self, spectrum: Spectrum<'_>) -> f64 {
        let largest = spectrum.singular_values().first().copied().unwrap_or(0.0);
        match self {
            Self::MachinePrecision => {
                let (n, p) = spectrum.shape();
                rounding(n, p) * largest
            }
            Self::Relative(rcond) => rcond * largest,
            Self::Absolute(bound) => bound,
        }
    }

    /// Returns the default cutoff of an `n × p` matrix, for use on a smaller matrix with the same singular values.
    pub(crate) fn of_matrix((n, p): (usize, usize), singular_values: &[f64]) -> Self {
        Self::Absolute(Self::default().value(Spectrum::new(n, p, singular_values)))
    }

    /// Checks the bound.
    ///
    /// # Errors
    /// [`Error::Domain`] if the bound is negative, NaN or infinite.
    pub(crate) fn check(self) -> Result<(), Error> {
        let value = match self {
            Self::MachinePrecision => return Ok(()),
            Self::Relative(value) | Self::Absolute(value) => value,
        };
        if value.is_finite() && value >= 0.0 {
            return Ok(());
        }
        Err(Error::Domain { what: "the singular value cutoff", value, must_be: "finite and ≥ 0" })
    }
}

impl std::fmt::Display for Cutoff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MachinePrecision => f.write_str("σ > max(n, p) ε σ₁"),
            Self::Relative(rcond) => write!(f, "σ > {rcond:e} σ₁"),
            Self::Absolute(bound) => write!(f, "σ > {bound:e}"),
        }
    }
}
