//! The Fourier-series model on the circle: random rows and columns of a unitary Fourier matrix, no noise.

use super::check;
use crate::Error;

/// The limit of `E ‖β − β̂‖²` for shares `ρ_n = n/D` of the samples and `ρ_p = p/D` of the features, with
/// `E ββ* = I/D`: with `short` and `long` the smaller and the larger share,
/// `1 − short (2 − (1 − short)/(long − short))`. Infinite where the shares are equal and below 1.
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
    Ok(1.0 - 2.0 * short + short * check::ratio(1.0 - short, long - short))
}
