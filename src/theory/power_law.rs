//! Decay exponents of the excess of kernel ridge regression in the number of samples, for power-law spectra.
//!
//! The eigenvalues are `i^−α`, and the target's energies on them are `v² = bℓ = i^(−1−2αr)`. `α > 1` is the capacity of
//! the kernel, `r > 0` the smoothness of the target. With a penalty `λ = n^−s` added to the mean of squares,
//! `κ ∝ n^(−min(s, α))`, the bias is of order `κ^(2 min(r, 1))` and the variance `σ² κ^(−1/α)/n`.
//!
//! # References
//! Caponnetto and De Vito, Foundations of Computational Mathematics 7 (2007), for the best penalty; Cui, Loureiro,
//! Krzakala and Zdeborová, arXiv:2105.15785, for everything else.

use super::check;
use crate::Error;

/// The powers of `1/n` at which bias and variance fall, from [`with_penalty`] or [`best_penalty`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Exponents {
    /// The bias falls as `n^−bias`, up to a logarithm at `r = 1`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub bias: f64,
    /// The variance falls as `n^−variance`; 0 if it stays constant, as it does without a penalty.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub variance: f64,
}

impl Exponents {
    /// Returns the exponent of the excess with noise: the smaller of the two.
    #[must_use]
    pub fn excess(&self) -> f64 {
        self.bias.min(self.variance)
    }
}

/// Returns the exponents for a penalty `λ = n^−s`. For `s ≥ α`, infinity included, they are those without a penalty.
///
/// The bias falls as `n^(−2 min(s, α) min(r, 1))`, the variance as `n^(−(α − min(s, α))/α)`.
///
/// # Errors
/// [`Error::Domain`] for `α ≤ 1`, `r ≤ 0` or `s < 0`, or one that is not finite (`s` may be infinite).
///
/// # References
/// Cui, Loureiro, Krzakala and Zdeborová, arXiv:2105.15785.
pub fn with_penalty(alpha: f64, r: f64, s: f64) -> Result<Exponents, Error> {
    checked(alpha, r)?;
    if s.is_nan() || s < 0.0 {
        return Err(Error::Domain { what: "exponent of the penalty", value: s, must_be: "≥ 0" });
    }
    let scale = s.min(alpha);
    Ok(Exponents { bias: 2.0 * scale * r.min(1.0), variance: (alpha - scale) / alpha })
}

/// Returns the `s` of the best penalty under noise, `α/(1 + 2α min(r, 1))`, and the exponents for it.
///
/// Both exponents are `2α min(r, 1)/(1 + 2α min(r, 1))`.
///
/// # Errors
/// [`Error::Domain`] for `α ≤ 1` or `r ≤ 0`, or one that is not finite.
///
/// # Examples
/// ```
/// use double_descent::theory::power_law::{best_penalty, with_penalty};
///
/// let (s, best) = best_penalty(2.0, 0.5)?;
/// assert!((s - 2.0 / 3.0).abs() < 1e-15 && (best.excess() - 2.0 / 3.0).abs() < 1e-15);
/// // Without a penalty the noise stays, and without noise the excess falls as n^(−2α min(r, 1)).
/// let none = with_penalty(2.0, 0.5, f64::INFINITY)?;
/// assert_eq!([none.bias, none.variance], [2.0, 0.0]);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Caponnetto and De Vito, Foundations of Computational Mathematics 7 (2007).
pub fn best_penalty(alpha: f64, r: f64) -> Result<(f64, Exponents), Error> {
    checked(alpha, r)?;
    let s = alpha / (1.0 + 2.0 * alpha * r.min(1.0));
    Ok((s, with_penalty(alpha, r, s)?))
}

fn checked(alpha: f64, r: f64) -> Result<(), Error> {
    if !(alpha > 1.0 && alpha.is_finite()) {
        return Err(Error::Domain {
            what: "exponent of the eigenvalues",
            value: alpha,
            must_be: "finite and > 1",
        });
    }
    check::positive("smoothness of the target", r).map(drop)
}
