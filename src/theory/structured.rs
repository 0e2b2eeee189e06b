//! Covariances with closed-form limits: two eigenvalues, a latent space, an autoregression.
//!
//! The limits are for minimum-norm least squares at `p/n → γ`. For penalties or other targets, pass the spectrum to
//! [`SpectralPopulation`].

use super::check;
use super::ridge::SpectralPopulation;
use super::spectrum::PopulationSpectrum;
use crate::Error;

/// The limit of the excess, bias plus variance, and its effective ridge, from [`autoregressive`] or [`latent_space`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ridgeless {
    /// The effective ridge `κ`; 0 for `γ ≤ 1` without a penalty.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub kappa: f64,
    /// The part of the excess caused by the target.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub bias: f64,
    /// The part caused by label noise.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub variance: f64,
}

/// Returns `κ` for eigenvalues `ℓ₁` with weight `w` and `ℓ₂` with weight `1 − w`, without a penalty.
///
/// It is the positive root of
/// ```text
/// κ² + (ℓ₁ + ℓ₂ − γ (w ℓ₁ + (1 − w) ℓ₂)) κ + ℓ₁ ℓ₂ (1 − γ) = 0
/// ```
/// 0 for `γ ≤ 1`.
///
/// # Errors
/// [`Error::Domain`] for `γ` or an eigenvalue that is not positive and finite, or a weight outside [0, 1].
///
/// # References
/// `w ℓ₁/(ℓ₁ + κ) + (1 − w) ℓ₂/(ℓ₂ + κ) = 1/γ`, the fixed point of HMRT, arXiv:1903.08560.
pub fn two_point_kappa(gamma: f64, eigenvalues: [f64; 2], weight: f64) -> Result<f64, Error> {
    check::positive("gamma", gamma)?;
    check::share("weight", weight)?;
    for value in eigenvalues {
        check::positive("eigenvalue", value)?;
    }
    if gamma <= 1.0 {
        return Ok(0.0);
    }
    // In units of the larger eigenvalue, so that nothing overflows.
    let unit = eigenvalues[0].max(eigenvalues[1]);
    let [first, second] = eigenvalues.map(|value| value / unit);
    // 1 − γw, rounded once.
    let rest = (-gamma).mul_add(weight, 1.0);
    let b = first * rest + second * ((1.0 - gamma) + gamma * weight);
    let c = first.sqrt() * second.sqrt() * (gamma - 1.0).sqrt();
    let root = b.hypot(2.0 * c);
    Ok(unit * if b > 0.0 { 2.0 * c * (c / (b + root)) } else { 0.5 * (root - b) })
}

/// Returns the limit for features with covariance `ρ^|i−j|` and a target of random direction, `E ‖β‖² = r²`.
///
/// With `a = (1 + ρ²)/(1 − ρ²)` and `S = √(a² + γ² − 1)`, for `γ > 1`
/// ```text
/// κ = S − a,   bias = r² κ/γ,   variance = σ² (γ²/(Sκ) − 1)
/// ```
/// For `γ ≤ 1` the variance is `σ² γ/(1 − γ)`, as for any covariance; infinite at `γ = 1` with noise.
///
/// # Errors
/// [`Error::Domain`] for `γ` that is not positive and finite, `|ρ| ≥ 1`, or a level that is negative or not finite.
///
/// # References
/// The fixed point of HMRT, arXiv:1903.08560, with Szegő's limit of the spectrum; derived and checked for this crate.
pub fn autoregressive(gamma: f64, rho: f64, r2: f64, noise: f64) -> Result<Ridgeless, Error> {
    check::positive("gamma", gamma)?;
    check::correlation(rho)?;
    check::non_negative("r2", r2)?;
    check::non_negative("noise variance", noise)?;
    let gap = gamma - 1.0;
    if gap <= 0.0 {
        return Ok(Ridgeless { kappa: 0.0, bias: 0.0, variance: check::ratio(noise * gamma, -gap) });
    }
    let (wide, narrow) = (1.0 + rho.abs(), 1.0 - rho.abs());
    let a = (1.0 + rho * rho) / (wide * narrow);
    // a² − 1 = (2ρ/(1 − ρ²))².
    let s = gamma.hypot(2.0 * rho / (wide * narrow));
    let kappa = gap * ((gamma + 1.0) / (s + a));
    // γ²/(Sκ) − 1 over a common denominator, which avoids cancellation.
    let spread = ((gamma / s) * a * (gamma / (gamma + 1.0)) + 1.0 / (gamma + 1.0)) / gap;
    Ok(Ridgeless { kappa, bias: r2 * (kappa / gamma), variance: noise * spread })
}

/// The limit for a latent space observed through many noisy features, from [`latent_space`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LatentSpace {
    /// `κ`, bias and variance.
    pub fit: Ridgeless,
    /// The noise that the fit sees, `σ² + unseen`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub noise: f64,
    /// The target energy that no linear function of the features can predict, `r²/(1 + μ/ψ)`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub unseen: f64,
}

impl LatentSpace {
    /// Returns the test error without `σ²`: bias, variance and `unseen`.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.fit.bias + self.fit.variance + self.unseen
    }
}

/// Returns the limit for the latent-space model, `x = Wz + u`, `y = θ·z + ξ`.
///
/// Here `z` has `ψp` dimensions, `WᵀW = (μ/ψ) I`, `Var uᵢ = 1`, `‖θ‖² = r²`, `Var ξ = σ²`. The features have
/// eigenvalues `1 + μ/ψ` with weight `ψ` and 1 with weight `1 − ψ`. The best linear predictor lies in the strong
/// directions and has `‖β‖² = r² (μ/ψ)/(1 + μ/ψ)²`. The penalty `λ ≥ 0` is added to the mean of squares; without one,
/// the result is infinite at `γ = 1`.
///
/// # Errors
/// [`Error::Domain`] for `γ` that is not positive and finite, `ψ` outside (0, 1], or another argument that is negative
/// or not finite.
///
/// # References
/// HMRT, arXiv:1903.08560 (latent space model).
pub fn latent_space(
    gamma: f64,
    psi: f64,
    mu: f64,
    [r2, noise]: [f64; 2],
    lambda: f64,
) -> Result<LatentSpace, Error> {
    check::positive("gamma", gamma)?;
    check::positive("psi", check::share("psi", psi)?)?;
    check::non_negative("mu", mu)?;
    check::non_negative("r2", r2)?;
    check::non_negative("noise variance", noise)?;
    let (strength, top) = (mu / psi, 1.0 + mu / psi);
    let unseen = r2 / top;
    let (mut values, mut counts, mut energy) =
        (vec![top], vec![gamma * psi], vec![r2 * (strength / top) / top]);
    if psi < 1.0 {
        values.push(1.0);
        counts.push(gamma * (1.0 - psi));
        energy.push(0.0);
    }
    let spectrum = PopulationSpectrum::with_multiplicities(&values, &counts)?;
    let noise = noise + unseen;
    // γψ + γ(1 − ψ) is rounded, so the distance from the threshold is computed from γ.
    let found = SpectralPopulation::new(spectrum, &energy, noise)?.at_spare(1.0, 1.0 - gamma, lambda)?;
    let fit = Ridgeless { kappa: found.kappa, bias: found.bias, variance: found.variance };
    Ok(LatentSpace { fit, noise, unseen })
}
