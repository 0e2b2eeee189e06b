//! Minimum-norm least squares on Gaussian features: exact formulas for any number of samples and features.
//!
//! An excess is the test error without the noise of the test targets. See [`super::noise`] for the noise term alone.

use super::{check, noise};
use crate::Error;

/// Bias and variance of an excess risk: the test error without the noise of the test targets.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Excess {
    /// The part caused by the target: the excess without label noise.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub bias: f64,
    /// The part caused by label noise in the training targets.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub variance: f64,
}

impl Excess {
    /// Returns bias + variance.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.bias + self.variance
    }
}

fn levels(r2: f64, noise: f64) -> Result<(), Error> {
    check::non_negative("r2", r2)?;
    check::non_negative("noise variance", noise).map(drop)
}

/// Returns the expected excess for features `N(0, I_p)` and `‖β‖² = r²`.
///
/// The bias is `r²(1 − n/p)₊`, the variance `σ²` times [`noise::gaussian`]. For `|n − p| ≤ 1` the variance is infinite
/// with noise, and 0 without.
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

/// Returns the variance of the excess over designs and Gaussian noise; infinite for `|n − p| ≤ 3` with noise.
/// ```text
/// 2 σ⁴ p (n−1) / ((n−p−1)² (n−p−3))                                   n > p + 3
/// 2 r⁴ n (p−n) / (p² (p+2)) + 2 σ⁴ n (p−1) / ((p−n−1)² (p−n−3))        p > n + 3
/// ```
/// The standard error of a mean over `N` repeats is its square root over `√N`.
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
        let share = samples * (features - samples) / (features * features * (features + 2.0));
        2.0 * (r2 * (share * r2))
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
    Ok(bias + 2.0 * noise * (spread * noise))
}

/// Returns the expected excess of a fit with an unpenalised intercept (centred by the training means).
///
/// It is `σ²/n + (1 + 1/n) E`, where `E` is the [`excess`] at `n − 1` samples. The peak moves to `p = n − 1`.
///
/// # Errors
/// As [`excess`]; [`Error::Domain`] without samples.
///
/// # References
/// [`excess`] on the `n − 1` contrasts of the rows, which are independent of the row mean; derived and checked for this
/// crate.
pub fn excess_with_intercept(n: usize, p: usize, r2: f64, noise: f64) -> Result<f64, Error> {
    if n == 0 {
        return Err(Error::Domain { what: "samples", value: 0.0, must_be: "at least 1" });
    }
    let samples = n as f64;
    Ok(noise / samples + (1.0 + 1.0 / samples) * excess(n - 1, p, r2, noise)?.total())
}

/// Returns the expected mean squared training residual, `σ² (1 − p/n)₊`.
///
/// Exact for Gaussian features of any covariance. With an intercept, it is the value at `n − 1` samples times
/// `(n − 1)/n`. If features are left out, replace `σ²` by `σ² + unseen` (see [`weak_features`]).
///
/// # Errors
/// [`Error::Domain`] for `σ²` that is negative or not finite.
///
/// # References
/// The `n` residuals span `n − p` dimensions.
pub fn train_error(n: usize, p: usize, noise: f64) -> Result<f64, Error> {
    check::non_negative("noise variance", noise)?;
    Ok(if n > p { noise * ((n - p) as f64 / n as f64) } else { 0.0 })
}

/// Returns the effective number of parameters at test points, `p⁰ = n E ‖s(x₀)‖²` for predictions `s(x₀)·y`.
///
/// It is `n` times [`noise::gaussian`], infinite for `|n − p| ≤ 1`. On the training points it is `min(n, p)`. Label
/// noise adds `σ² p⁰/n` to the test error of any linear smoother.
///
/// # References
/// Curth, Jeffares and van der Schaar, *A U-turn on double descent*, arXiv:2310.18988 (definition); the mean of the
/// inverse Wishart distribution.
#[must_use]
pub fn effective_parameters(n: usize, p: usize) -> f64 {
    if n == 0 { 0.0 } else { n as f64 * noise::gaussian(n, p) }
}

/// Returns the excess if the fit uses `p` features with energy `seen = ‖β_T‖²` and leaves out features with `unseen`.
///
/// It is the [`excess`] for noise `σ² + unseen`, plus `unseen` itself. Belkin, Hsu and Xu's test error is this plus
/// `σ²`. For `p` random features out of `D`, `seen = r² p/D`.
///
/// # Errors
/// As [`excess`]; [`Error::Domain`] for `unseen` that is negative or not finite.
///
/// # References
/// Belkin, Hsu and Xu, arXiv:1903.07571; HMRT, arXiv:1903.08560 (misspecified model).
pub fn weak_features(n: usize, p: usize, seen: f64, unseen: f64, noise: f64) -> Result<f64, Error> {
    check::non_negative("energy left out", unseen)?;
    Ok(unseen + excess(n, p, seen, noise + unseen)?.total())
}

/// Returns [`weak_features`] for `p` random features out of `D`, `‖β‖² = r²`: `seen = r² p/D`, the rest unseen.
///
/// # Errors
/// As [`excess`]; [`Error::Domain`] for `p` above `D` or no dimensions.
///
/// # References
/// Belkin, Hsu and Xu, arXiv:1903.07571 (Gaussian model, random subset).
pub fn random_subset(n: usize, p: usize, dimensions: usize, r2: f64, noise: f64) -> Result<f64, Error> {
    check::non_negative("r2", r2)?;
    if p > dimensions || dimensions == 0 {
        return Err(Error::Domain { what: "features", value: p as f64, must_be: "at most the dimensions" });
    }
    let all = dimensions as f64;
    weak_features(n, p, r2 * (p as f64 / all), r2 * ((dimensions - p) as f64 / all), noise)
}

/// Bias and variances over training sets, from [`split`]; they add up to [`weak_features`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Split {
    /// The excess of the mean fit over all training sets.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub bias_squared: f64,
    /// The variance due to the training inputs alone.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub inputs: f64,
    /// The variance due to inputs and label noise together. (The variance due to noise alone is 0.)
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub inputs_and_noise: f64,
}

impl Split {
    /// Returns the sum of the three parts.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.bias_squared + self.inputs + self.inputs_and_noise
    }
}

/// Returns the symmetric split of the excess of [`weak_features`] over training inputs and label noise.
///
/// With `π = min(1, n/p)` and the noise factor `F` of [`noise::gaussian`],
/// ```text
/// bias² = ‖β_U‖² + ‖β_T‖² (1 − π)²        V_X = ‖β_T‖² π (1 − π) + ‖β_U‖² F        V_Xε = σ² F
/// ```
/// since `E X⁺X = π I` and `E X⁺ = 0` for rows whose law is invariant under rotations and sign changes. The features
/// left out, `β_U`, act as noise on the fit, but this noise comes with the inputs.
///
/// # Errors
/// As [`weak_features`].
///
/// # References
/// Adlam and Pennington, arXiv:2011.03321 (the split); Belkin, Hsu and Xu, arXiv:1903.07571 (its sum).
pub fn split(n: usize, p: usize, seen: f64, unseen: f64, noise: f64) -> Result<Split, Error> {
    levels(seen, noise)?;
    check::non_negative("energy left out", unseen)?;
    let factor = noise::gaussian(n, p);
    let times = |level: f64| if level == 0.0 { 0.0 } else { level * factor };
    let missed = if p > n { (p - n) as f64 / p as f64 } else { 0.0 };
    Ok(Split {
        bias_squared: unseen + seen * missed * missed,
        inputs: seen * missed * (1.0 - missed) + times(unseen),
        inputs_and_noise: times(noise),
    })
}

/// A limit for features that carry only part of the target, from [`misspecified_limit`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Misspecified {
    /// The energy of the features left out, which no fit can learn.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub unseen: f64,
    /// The excess on the features in use, with the features left out counted as noise.
    pub seen: Excess,
}

impl Misspecified {
    /// Returns the test error without the noise of the test targets: the sum of the three parts.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.unseen + self.seen.total()
    }
}

/// Returns the limit of [`weak_features`] at `p/n → γ`, if the features in use carry the share `share` of `r²`.
///
/// It is [`limit`] for energy `share · r²` and noise `σ² + (1 − share) r²`.
///
/// # Errors
/// As [`limit`]; [`Error::Domain`] for a share outside [0, 1].
///
/// # References
/// Hastie, Montanari, Rosset and Tibshirani (HMRT), arXiv:1903.08560 (misspecified model).
pub fn misspecified_limit(gamma: f64, r2: f64, share: f64, noise: f64) -> Result<Misspecified, Error> {
    check::share("share of the target", share)?;
    levels(r2, noise)?;
    let unseen = r2 * (1.0 - share);
    Ok(Misspecified { unseen, seen: limit(gamma, r2 * share, noise + unseen)? })
}

/// Returns the limit of [`excess`] at `p/n → γ`.
///
/// For `γ < 1` the bias is 0 and the variance `σ²γ/(1−γ)`; for `γ > 1` they are `r²(1−1/γ)` and `σ²/(γ−1)`. With noise,
/// infinite at `γ = 1`.
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
