//! Minimum-norm least squares on Gaussian features: exact for every number of samples and features.
//!
//! Every excess is the test error without the test's own noise. See [`super::noise`] for the noise term alone.

use super::{check, noise};
use crate::Error;

/// Bias and variance of an excess risk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Excess {
    /// What the target causes.
    pub bias: f64,
    /// What the label noise causes.
    pub variance: f64,
}

impl Excess {
    /// Bias + variance.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.bias + self.variance
    }
}

fn levels(r2: f64, noise: f64) -> Result<(), Error> {
    check::non_negative("r2", r2)?;
    check::non_negative("noise variance", noise).map(drop)
}

/// `r²(1 − n/p)₊` and `σ²` times [`noise::gaussian`], for features `N(0, I_p)` and `‖β‖² = r²`. Infinite for
/// `|n − p| ≤ 1` with noise, finite without.
///
/// # Errors
/// [`Error::Domain`] for `r²` or `σ²` that is negative or not finite.
///
/// # References
/// Nakkiran, arXiv:1912.07242; Belkin, Hsu and Xu, arXiv:1903.07571.
pub fn excess(n: usize, p: usize, r2: f64, noise: f64) -> Result<Excess, Error> {
    levels(r2, noise)?;
    let bias = if p > n { r2 * ((p - n) as f64 / p as f64) } else { 0.0 };
    let factor = noise::gaussian(n, p);
    Ok(Excess { bias, variance: if noise == 0.0 { 0.0 } else { noise * factor } })
}

/// The variance of the excess over designs and Gaussian noise; infinite for `|n − p| ≤ 3` with noise.
/// ```text
/// 2 σ⁴ p (n−1) / ((n−p−1)² (n−p−3))                                   n > p + 3
/// 2 r⁴ n (p−n) / (p² (p+2)) + 2 σ⁴ n (p−1) / ((p−n−1)² (p−n−3))        p > n + 3
/// ```
/// What a mean of `N` repeats is off by is its square root over `√N`.
///
/// # Errors
/// As [`excess`].
///
/// # References
/// The moments of the inverse Wishart and of the Beta distribution.
pub fn excess_variance(n: usize, p: usize, r2: f64, noise: f64) -> Result<f64, Error> {
    levels(r2, noise)?;
    let (samples, features) = (n as f64, p as f64);
    let bias = if p > n {
        2.0 * r2 * r2 * samples * (features - samples) / (features * features * (features + 2.0))
    } else {
        0.0
    };
    let (short, long) = (n.min(p), n.max(p));
    if noise == 0.0 || short == 0 {
        return Ok(bias);
    }
    if long - short <= 3 {
        return Ok(f64::INFINITY);
    }
    let gap = (long - short) as f64;
    let spread = short as f64 * (long - 1) as f64 / ((gap - 1.0).powi(2) * (gap - 3.0));
    Ok(bias + 2.0 * noise * noise * spread)
}

/// The excess of a fit with an intercept that is not penalised (centred by the training means): with `N = n − 1`,
/// `σ²/n + (1 + 1/n)` times [`excess`] at `N`. The peak moves to `p = n − 1`.
///
/// # Errors
/// As [`excess`]; [`Error::Domain`] without samples.
pub fn excess_with_intercept(n: usize, p: usize, r2: f64, noise: f64) -> Result<f64, Error> {
    if n == 0 {
        return Err(Error::Domain { what: "samples", value: 0.0, must_be: "at least 1" });
    }
    let samples = n as f64;
    Ok(noise / samples + (1.0 + 1.0 / samples) * excess(n - 1, p, r2, noise)?.total())
}

/// The excess where `p` features carry `seen = ‖β_T‖²` and the features left out `unseen`: that of noise
/// `σ² + unseen`, and `unseen` itself. Belkin, Hsu and Xu's test error is this plus `σ²`. For `p` of `D` features at
/// random, `seen = r² p/D`.
///
/// # Errors
/// As [`excess`].
///
/// # References
/// Belkin, Hsu and Xu, arXiv:1903.07571; HMRT, arXiv:1903.08560 (misspecified model).
pub fn weak_features(n: usize, p: usize, seen: f64, unseen: f64, noise: f64) -> Result<f64, Error> {
    check::non_negative("energy left out", unseen)?;
    Ok(unseen + excess(n, p, seen, noise + unseen)?.total())
}

/// The limit of [`excess`] at `p/n → γ`: `σ²γ/(1−γ)`, or `r²(1−1/γ)` and `σ²/(γ−1)`; infinite at `γ = 1` with noise.
///
/// # Errors
/// [`Error::Domain`] for `γ` that is not positive and finite, or a level that is negative or not finite.
///
/// # References
/// HMRT, arXiv:1903.08560.
pub fn limit(gamma: f64, r2: f64, noise: f64) -> Result<Excess, Error> {
    check::positive("gamma", gamma)?;
    levels(r2, noise)?;
    let gap = gamma - 1.0;
    let bias = if gap > 0.0 { r2 * (gap / gamma) } else { 0.0 };
    Ok(Excess { bias, variance: check::ratio(noise * gamma.min(1.0), gap.abs()) })
}
