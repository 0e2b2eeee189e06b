//! The constants of an activation `s` that random-feature theory needs, for `G ~ N(0, 1)`:
//! `μ₀ = E s(G)`, `μ₁ = E G s(G)`, `μ*² = E s(G)² − μ₀² − μ₁²`.
//!
//! # References
//! Mei and Montanari, arXiv:1908.05355.

use std::f64::consts::{FRAC_1_PI, FRAC_2_PI, PI};

use super::check;
use super::random_features::{RandomFeatureModel, RandomFeatureRisk};
use super::spectrum::PopulationSpectrum;
use crate::Error;

/// `μ₀`, `μ₁` and `μ*²`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HermiteCoefficients {
    /// `E s(G)`; the theory does not see it, but features with a mean should be centred in experiments.
    pub mean: f64,
    /// `E G s(G)`.
    pub linear: f64,
    /// `μ*²`, what is neither constant nor linear.
    pub rest: f64,
}

impl HermiteCoefficients {
    fn of(mean: f64, linear: f64, square: f64) -> Self {
        Self { mean, linear, rest: (square - mean * mean - linear * linear).max(0.0) }
    }

    /// `max(x, 0)`.
    #[must_use]
    pub fn relu() -> Self {
        Self::of((0.5 * FRAC_1_PI).sqrt(), 0.5, 0.5)
    }

    /// The sign.
    #[must_use]
    pub fn sign() -> Self {
        Self::of(0.0, FRAC_2_PI.sqrt(), 1.0)
    }

    /// `cos(a x + b)`.
    #[must_use]
    pub fn cos(a: f64, b: f64) -> Self {
        let damped = (-0.5 * a * a).exp();
        let square = 0.5 * (1.0 + (2.0 * b).cos() * (-2.0 * a * a).exp());
        Self::of(b.cos() * damped, -a * b.sin() * damped, square)
    }

    /// `sin(a x)`.
    #[must_use]
    pub fn sin(a: f64) -> Self {
        Self::of(0.0, a * (-0.5 * a * a).exp(), -0.5 * (-2.0 * a * a).exp_m1())
    }

    /// `erf(a x)`.
    #[must_use]
    pub fn erf(a: f64) -> Self {
        let width = 1.0 + 2.0 * a * a;
        Self::of(0.0, 2.0 * a / (PI * width).sqrt(), FRAC_2_PI * (2.0 * a * a / width).asin())
    }

    /// `tanh(x)`, by [`HermiteCoefficients::smooth`].
    #[must_use]
    pub fn tanh() -> Self {
        Self::smooth(f64::tanh)
    }

    /// A smooth `s` (analytic near the real line, growing more slowly than `exp(x²/8)`), by the trapezoidal rule with
    /// step 1/16 on ±14: 1e-13 of `E s²` for tanh, softplus, GELU and the like. Steps and kinks are not for it.
    pub fn smooth(s: impl Fn(f64) -> f64) -> Self {
        let nodes: Vec<(f64, f64, f64)> = (-224..=224)
            .map(|i| {
                let x = f64::from(i) / 16.0;
                (x, s(x), (-0.5 * x * x).exp() / (16.0 * (2.0 * PI).sqrt()))
            })
            .collect();
        let mean = nodes.iter().map(|(_, s, w)| w * s).sum::<f64>();
        let linear = nodes.iter().map(|(x, s, w)| w * x * s).sum::<f64>();
        // The square of what is left, instead of a difference of squares.
        let rest = nodes.iter().map(|(x, s, w)| w * (s - mean - linear * x).powi(2)).sum();
        Self { mean, linear, rest }
    }

    /// Mei and Montanari's random-feature regression at `ψ₁ = N/d` features and `ψ₂ = n/d` samples, with penalty
    /// `(Nλ/d) ‖a‖²` beside the mean of squares: the target is linear of energy `linear` plus a part that is not, of
    /// energy `rest`; the label noise is `τ²`. Test error without the test's noise.
    ///
    /// It is the case `ℓ = μ₁²`, `t = μ*²`, `δ = ψ₂ λ` of [`RandomFeatureModel`]; a linear activation is in it too.
    ///
    /// # Errors
    /// [`Error::Domain`] for a ratio that is not positive and finite, or another argument that is negative or not
    /// finite.
    ///
    /// # References
    /// Mei and Montanari, *The generalization error of random features regression*, arXiv:1908.05355.
    pub fn random_features(
        &self,
        [psi1, psi2]: [f64; 2],
        lambda: f64,
        [linear, rest]: [f64; 2],
        noise: f64,
    ) -> Result<RandomFeatureRisk, Error> {
        check::non_negative("lambda", lambda)?;
        let spectrum = PopulationSpectrum::new(&[self.linear * self.linear])?;
        let kernel = RandomFeatureModel::new(spectrum, &[linear], noise)?.with_tail(self.rest, rest)?;
        kernel.at(psi2, psi1, psi2 * lambda)
    }
}
