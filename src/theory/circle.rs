//! The Fourier-series model on the circle: random rows and columns of a unitary matrix, without noise.
//!
//! Of a unitary `D × D` matrix, `n` random rows are the samples, and `p` random columns are the features in use. The
//! coefficients `β` of all `D` columns have `E ββ* = I/D`. The fit has minimum norm.

use super::check;
use crate::Error;

/// Returns the limit of `E ‖β − β̂‖²` for shares `ρ_n = n/D` of the samples and `ρ_p = p/D` of the features.
///
/// With `short` and `long` the smaller and the larger share, the limit is
/// `1 − short (2 − (1 − short)/(long − short))`. Infinite if the shares are equal and below 1. Computed as
/// `1 − short + short (1 − long)/(long − short)`, a sum of positive terms.
///
/// # Errors
/// [`Error::Domain`] for a share outside (0, 1].
///
/// # References
/// Belkin, Hsu and Xu, arXiv:1903.07571 (Fourier model).
pub fn limit(samples: f64, features: f64) -> Result<f64, Error> {
    for (what, value) in [("share of samples", samples), ("share of features", features)] {
        if !(value > 0.0 && value <= 1.0) {
            return Err(Error::Domain { what, value, must_be: "above 0 and at most 1" });
        }
    }
    let (short, long) = (samples.min(features), samples.max(features));
    if short == 1.0 {
        return Ok(0.0);
    }
    Ok((1.0 - short) + short * check::ratio(1.0 - long, long - short))
}

/// Returns the mean of `‖β − β̂‖²` for `n` rows and `p` columns of a random unitary `D × D` matrix (Haar).
///
/// The random matrix replaces the Fourier matrix; the mean is exact for all sizes. With `short` and `long` the smaller
/// and the larger of `n` and `p`, it is `1 − short (2 − (D − short)/(long − short)) / D`. Infinite if they are equal
/// and below `D`.
///
/// # Errors
/// [`Error::Domain`] for `n` or `p` of 0 or above `D`.
///
/// # References
/// The model is that of Belkin, Hsu and Xu, arXiv:1903.07571; the mean of `tr (AA*)⁻¹` for a corner `A` of a random
/// unitary matrix is that of the complex Jacobi ensemble (Forrester, *Log-gases and random matrices*, 2010).
pub fn haar(n: usize, p: usize, dimensions: usize) -> Result<f64, Error> {
    for (what, value) in [("samples", n), ("features", p)] {
        if value == 0 || value > dimensions {
            let must_be = "at least 1 and at most the dimensions";
            return Err(Error::Domain { what, value: value as f64, must_be });
        }
    }
    let (short, long) = (n.min(p), n.max(p));
    if short == dimensions {
        return Ok(0.0);
    }
    let all = dimensions as f64;
    let left = check::ratio((dimensions - long) as f64, (long - short) as f64);
    Ok((dimensions - short) as f64 / all + short as f64 * left / all)
}
