//! Which singular values count as non-zero: the crate's numerical policy on rank, in one place.

use super::spectrum::Spectrum;
use crate::Error;

/// The bound that a singular value must exceed (strictly) to count as non-zero.
///
/// Peers hide this choice, and with it the peak: a relative cutoff of 1e-6 flattens double descent
/// altogether. Here it is a value that every fit takes and reports.
///
/// Strict `>`: an all-zero matrix has the relative cutoff 0 and must give rank 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Cutoff {
    /// `max(n, p) · ε · σ₁`, ε = 2.2e-16. On exactly rank-deficient matrices the largest spurious
    /// singular value of a backward stable SVD stays under about a tenth of it.
    #[default]
    MachinePrecision,
    /// `rcond · σ₁`.
    Relative(f64),
    /// The bound itself, in the units of the singular values. `Absolute(0.0)` drops exact zeros
    /// only.
    Absolute(f64),
}

/// What rounding may make of a singular value of 0, in units of the largest one of an `n × p` matrix.
#[inline]
pub(crate) fn rounding(n: usize, p: usize) -> f64 {
    n.max(p) as f64 * f64::EPSILON
}

impl Cutoff {
    /// The absolute bound for a spectrum.
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

    /// The default cutoff of an `n × p` matrix, for a smaller one that has its singular values.
    pub(crate) fn of_matrix((n, p): (usize, usize), singular_values: &[f64]) -> Self {
        Self::Absolute(Self::default().value(Spectrum::new(n, p, singular_values)))
    }

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
