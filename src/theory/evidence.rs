//! The model evidence of Bayesian linear regression, in the limit of many samples and features.

use std::f64::consts::TAU;

use super::check;
use super::marchenko_pastur::MarchenkoPastur;
use crate::Error;

/// The true parameters, and the model's prior beliefs about them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beliefs {
    /// `r² = ‖β‖²`, the true energy.
    pub energy: f64,
    /// `σ₀²`, the true variance of the label noise.
    pub noise: f64,
    /// `T`: the model's prior variance of each coefficient is `T/n`.
    pub prior: f64,
    /// `σ²`, the model's variance of the label noise.
    pub model_noise: f64,
}

/// Returns the limit of the log evidence `(1/n) E log p(y | X)` for isotropic features, `p/n → γ`.
///
/// With `λ = σ²/T`, the Marchenko–Pastur law `F` and `κ = λ + γκ/(1 + κ)`, it is
/// ```text
/// −½ [ ln 2πσ² + γ ∫ ln(1 + x/λ) dF + (r²/(1 + κ) + σ₀²/κ)/T ]
/// ```
/// where `1/(1 + κ) = 1 − λm` and `1/κ = (1 − γ(1 − λm))/λ`, `m = ∫ dF/(x + λ)`. Accurate to 1e-10 of its largest term.
/// It has no peak at `γ = 1`.
///
/// # Errors
/// [`Error::Domain`] for `γ`, `T` or `σ²` that is not positive and finite, or another value that is negative or not
/// finite.
///
/// # References
/// `MacKay`, Neural Computation 4 (1992), for the evidence. Its mean follows from the Shannon transform (Tulino and
/// Verdú, 2004) and the Stieltjes transform.
pub fn limit(gamma: f64, beliefs: Beliefs) -> Result<f64, Error> {
    let law = MarchenkoPastur::new(gamma)?;
    check::non_negative("r2", beliefs.energy)?;
    check::non_negative("noise variance", beliefs.noise)?;
    let prior = check::positive("prior variance", beliefs.prior)?;
    let noise = check::positive("noise variance of the model", beliefs.model_noise)?;
    let lambda = check::positive("noise over prior", noise / prior)?;
    let kappa = law.kappa(lambda);
    let misfit = beliefs.energy / (1.0 + kappa) + beliefs.noise / kappa;
    Ok(-0.5 * (TAU.ln() + noise.ln() + gamma * law.shannon(lambda)? + misfit / prior))
}
