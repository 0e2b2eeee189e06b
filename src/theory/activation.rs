//! The constants of an activation function `s` that random-feature theory uses.
//!
//! For `G ~ N(0, 1)` they are `μ₀ = E s(G)`, `μ₁ = E G s(G)`, `μ*² = E s(G)² − μ₀² − μ₁²`. The first two are the
//! Hermite coefficients of degrees 0 and 1; the third is the energy of all higher degrees.
//!
//! # References
//! Mei and Montanari, arXiv:1908.05355.

use std::f64::consts::{FRAC_1_PI, FRAC_2_PI, PI, SQRT_2};

use super::check;
use super::gauss_legendre;
use super::random_features::{RandomFeatureModel, RandomFeatureRisk};
use super::spectrum::PopulationSpectrum;
use crate::{Error, error::user_code};

/// The end of the quadrature, where the normal density is 1e-88.
const END: f64 = 20.0;
/// The longest panel.
const PANEL: f64 = 0.5;

/// The constants `μ₀`, `μ₁` and `μ*²` of an activation function `s`.
///
/// The named functions give those of common activations, [`HermiteCoefficients::of`] those of any other.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HermiteCoefficients {
    /// `μ₀ = E s(G)`. The theory does not depend on it, but in experiments features with a non-zero mean should be
    /// centred.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub mean: f64,
    /// `μ₁ = E G s(G)`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub linear: f64,
    /// `μ*²`, the energy of the part that is neither constant nor linear.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub rest: f64,
}

/// Mei and Montanari's functions in the excess `F₁² 𝓑 + (τ² + F*²) 𝓥 + F*²`, from
/// [`HermiteCoefficients::mei_montanari`].
///
/// `F₁²` and `F*²` are the target's linear and nonlinear energies, `τ²` the variance of the label noise.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MeiMontanari {
    /// `χ = ν₁ ν₂ ≤ 0`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub chi: f64,
    /// `𝓑`, the excess caused by a linear target of energy 1.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub bias: f64,
    /// `𝓥`, the excess caused by noise of variance 1.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub variance: f64,
}

impl HermiteCoefficients {
    fn new(mean: f64, linear: f64, rest: f64) -> Self {
        Self { mean, linear, rest }
    }

    /// The constants of `max(x, 0)`: `μ₀ = 1/√(2π)`, `μ₁ = ½`, `μ*² = ¼ − 1/(2π)`.
    #[must_use]
    pub fn relu() -> Self {
        Self::leaky_relu(0.0)
    }

    /// The constants of `x` above 0 and `a x` below, `a` the `slope`.
    ///
    /// `μ₀ = (1 − a)/√(2π)`, `μ₁ = (1 + a)/2`, `μ*² = (1 − a)² (¼ − 1/(2π))`.
    #[must_use]
    pub fn leaky_relu(slope: f64) -> Self {
        let half = 1.0 - slope;
        // (1 + a²)/2 − (1 + a)²/4 = (1 − a)²/4.
        Self::new(
            half * (0.5 * FRAC_1_PI).sqrt(),
            0.5 * (1.0 + slope),
            half * half * (0.25 - 0.5 * FRAC_1_PI),
        )
    }

    /// The constants of `|x|`: `μ₀ = √(2/π)`, `μ₁ = 0`, `μ*² = 1 − 2/π`.
    #[must_use]
    pub fn abs() -> Self {
        Self::leaky_relu(-1.0)
    }

    /// The constants of the sign of `x`: `μ₀ = 0`, `μ₁ = √(2/π)`, `μ*² = 1 − 2/π`.
    #[must_use]
    pub fn sign() -> Self {
        Self::new(0.0, FRAC_2_PI.sqrt(), 1.0 - FRAC_2_PI)
    }

    /// The constants of 1 above 0 and 0 below: `μ₀ = ½`, `μ₁ = 1/√(2π)`, `μ*² = ¼ − 1/(2π)`.
    #[must_use]
    pub fn step() -> Self {
        Self::new(0.5, (0.5 * FRAC_1_PI).sqrt(), 0.25 - 0.5 * FRAC_1_PI)
    }

    /// The constants of `x`: `μ₀ = 0`, `μ₁ = 1`, `μ*² = 0`.
    #[must_use]
    pub fn identity() -> Self {
        Self::new(0.0, 1.0, 0.0)
    }

    /// The constants of `x²`: `μ₀ = 1`, `μ₁ = 0`, `μ*² = 2`.
    #[must_use]
    pub fn square() -> Self {
        Self::new(1.0, 0.0, 2.0)
    }

    /// The constants of `x³`: `μ₀ = 0`, `μ₁ = 3`, `μ*² = 6`.
    #[must_use]
    pub fn cube() -> Self {
        Self::new(0.0, 3.0, 6.0)
    }

    /// The constants of `cos(a x + b)`; NaN unless `b` is finite. An infinite `a` stands for the limit `|a| → ∞`.
    ///
    /// `μ₀ = cos b e^(−a²/2)`, `μ₁ = −a sin b e^(−a²/2)`, `μ*² = (1 + cos 2b e^(−2a²))/2 − μ₀² − μ₁²`.
    #[must_use]
    pub fn cos(a: f64, b: f64) -> Self {
        let w = a * a;
        let damped = (-0.5 * w).exp();
        let (sine, cosine) = b.sin_cos();
        // e^(−w) (cos² b (cosh w − 1) + sin² b (sinh w − w)), without cancellation.
        let even = 0.5 * (-w).exp_m1().powi(2);
        let linear = if damped == 0.0 { 0.0 } else { -a * sine * damped };
        Self::new(cosine * damped, linear, cosine * cosine * even + sine * sine * odd_rest(w))
    }

    /// The constants of `sin(a x)`: `μ₀ = 0`, `μ₁ = a e^(−a²/2)`, `μ*² = (1 − e^(−2a²))/2 − μ₁²`.
    #[must_use]
    pub fn sin(a: f64) -> Self {
        let w = a * a;
        let damped = (-0.5 * w).exp();
        Self::new(0.0, if damped == 0.0 { 0.0 } else { a * damped }, odd_rest(w))
    }

    /// The constants of `erf(a x)`: `μ₀ = 0`, `μ₁² = (2/π) y` and `E s² = (2/π) asin y` for `y = 2a²/(1 + 2a²)`.
    #[must_use]
    pub fn erf(a: f64) -> Self {
        let w = a * a;
        if a.is_infinite() {
            let sign = Self::sign();
            return Self::new(0.0, sign.linear.copysign(a), sign.rest);
        }
        let y = 1.0 / (1.0 + 0.5 / w);
        // asin y, without the cancellation of √(1 − y²) as y → 1.
        let angle = (2.0 * w).atan2(1f64.hypot(2.0 * a));
        let linear = 2.0 * FRAC_1_PI.sqrt() * (a / 1f64.hypot(SQRT_2 * a));
        Self::new(0.0, linear, FRAC_2_PI * arcsine_rest(y, angle))
    }

    /// The constants of `exp(a x)`. `μ*²` is infinite for `|a|` above about 18; all are NaN for a NaN.
    ///
    /// `μ₀ = e^(a²/2)`, `μ₁ = a e^(a²/2)`, `μ*² = e^(2a²) − e^(a²) (1 + a²)`.
    #[must_use]
    pub fn exp(a: f64) -> Self {
        let w = a * a;
        let mean = (0.5 * w).exp();
        if w > 1e3 {
            return Self::new(mean, a * mean, f64::INFINITY);
        }
        // e^w (e^w − 1 − w).
        let rest = if w < 1.0 { series(w, |j| 1.0 / (j + 1.0), 2.0, 0.5 * w * w) } else { w.exp_m1() - w };
        Self::new(mean, a * mean, w.exp() * rest)
    }

    /// The constants of `tanh(x)`, by quadrature.
    #[must_use]
    pub fn tanh() -> Self {
        Self::quadrature(f64::tanh, &[])
    }

    /// The constants of `1/(1 + e^(−x))`, by quadrature.
    #[must_use]
    pub fn sigmoid() -> Self {
        Self::quadrature(sigmoid, &[])
    }

    /// The constants of `ln(1 + eˣ)`, by quadrature.
    #[must_use]
    pub fn softplus() -> Self {
        Self::quadrature(|x| x.max(0.0) + (-x.abs()).exp().ln_1p(), &[])
    }

    /// The constants of `x Φ(x)`, with the normal distribution function `Φ`, by quadrature.
    #[must_use]
    pub fn gelu() -> Self {
        Self::quadrature(|x| 0.5 * x * libm::erfc(-x / SQRT_2), &[])
    }

    /// The constants of `x/(1 + e^(−x))`, also called swish, by quadrature.
    #[must_use]
    pub fn silu() -> Self {
        Self::quadrature(|x| x * sigmoid(x), &[])
    }

    /// The constants of `x` above 0 and `eˣ − 1` below, by quadrature.
    #[must_use]
    pub fn elu() -> Self {
        Self::quadrature(|x| if x > 0.0 { x } else { x.exp_m1() }, &[0.0])
    }

    /// The constants of any `s` that is smooth except at the points `breaks`, and grows more slowly than `exp(x²/8)`.
    ///
    /// Computed by Gauss–Legendre quadrature on panels of length at most ½. Accurate to 1e-12 of `E s²` if, between
    /// breaks, `s` extends analytically to a distance of ½ from the real line, as tanh and the sigmoid do.
    ///
    /// # Errors
    /// [`Error::UserCode`] for `s` that panics or returns a non-finite value, [`Error::NonFinite`] for a break that is
    /// not finite, [`Error::Overflow`] if `E s²` is not finite.
    ///
    /// # Examples
    /// ```
    /// use double_descent::theory::activation::HermiteCoefficients;
    ///
    /// let clipped = HermiteCoefficients::of(|x| x.clamp(-1.0, 1.0), &[-1.0, 1.0])?;
    /// assert!(clipped.mean.abs() < 1e-15 && (clipped.linear - 0.682_689_492_137_085_9).abs() < 1e-13);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn of(s: impl Fn(f64) -> f64, breaks: &[f64]) -> Result<Self, Error> {
        if let Some(row) = breaks.iter().position(|value| !value.is_finite()) {
            return Err(Error::NonFinite { what: "the breaks", row, column: 0, value: breaks[row] });
        }
        let part = || "the activation".to_owned();
        let mut bad = None;
        let found = user_code::call(part, || {
            Self::quadrature(
                |x| {
                    let value = s(x);
                    if !value.is_finite() {
                        bad = Some((x, value));
                    }
                    value
                },
                breaks,
            )
        })?;
        if let Some((x, value)) = bad {
            return Err(Error::UserCode { part: part(), reason: format!("it gave {value} at {x}") });
        }
        if found.rest.is_infinite() || found.linear.is_nan() || found.rest.is_nan() {
            return Err(Error::Overflow { what: "the mean square of the activation" });
        }
        Ok(found)
    }

    fn quadrature(mut s: impl FnMut(f64) -> f64, breaks: &[f64]) -> Self {
        let mut ends: Vec<f64> = breaks.iter().copied().filter(|end| end.abs() < END).collect();
        ends.extend([-END, END]);
        ends.sort_unstable_by(f64::total_cmp);
        let rule = gauss_legendre::rule();
        let mut nodes = Vec::new();
        for pair in ends.windows(2) {
            let count = ((pair[1] - pair[0]) / PANEL).ceil().max(1.0);
            let half = 0.5 * (pair[1] - pair[0]) / count;
            let mut middle = pair[0] + half;
            while middle < pair[1] && half > 0.0 {
                nodes.extend(rule.iter().map(|(node, weight)| {
                    let x = middle + half * node;
                    (x, s(x), half * weight * (-0.5 * x * x).exp() / (2.0 * PI).sqrt())
                }));
                middle += 2.0 * half;
            }
        }
        let mean: f64 = nodes.iter().map(|(_, s, w)| w * s).sum();
        let linear: f64 = nodes.iter().map(|(x, s, w)| w * x * s).sum();
        // The mean square of the remainder, instead of a difference of squares.
        let rest = nodes.iter().map(|(x, s, w)| w * (s - mean - linear * x).powi(2)).sum();
        Self::new(mean, linear, rest)
    }

    /// Returns the risk of Mei and Montanari's random-feature regression at `ψ₁ = N/d` features and `ψ₂ = n/d` samples.
    ///
    /// The penalty `(Nλ/d) ‖a‖²` is added to the mean of squares. The target has a linear part with energy `linear` and
    /// a nonlinear part with energy `rest`; the label noise has variance `τ²`. The excess is without the noise of the
    /// test targets.
    ///
    /// This is [`RandomFeatureModel`] with `ℓ = μ₁²`, `t = μ*²`, `δ = ψ₂ λ`. It includes linear activations.
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
        let square = self.linear * self.linear;
        let spectrum = PopulationSpectrum::new(&[if square < 1e-300 { 0.0 } else { square }])?;
        let kernel = RandomFeatureModel::new(spectrum, &[linear], noise)?.with_tail(self.rest, rest)?;
        kernel.at(psi2, psi1, psi2 * lambda)
    }

    /// Returns `χ`, `𝓑` and `𝓥` of the regression in [`HermiteCoefficients::random_features`].
    ///
    /// `χ = −μ*²/κ`, which is 0 for a linear activation, where Mei and Montanari's `ζ` is infinite.
    ///
    /// # Errors
    /// As [`HermiteCoefficients::random_features`].
    ///
    /// # References
    /// Mei and Montanari, arXiv:1908.05355, the main theorem (`χ` there is the product of its two fixed points).
    pub fn mei_montanari(&self, ratios: [f64; 2], lambda: f64) -> Result<MeiMontanari, Error> {
        let linear = self.random_features(ratios, lambda, [1.0, 0.0], 0.0)?;
        let noise = self.random_features(ratios, lambda, [0.0, 0.0], 1.0)?;
        let chi = if self.rest == 0.0 { 0.0 } else { -(self.rest / linear.kappa) };
        Ok(MeiMontanari { chi, bias: linear.excess, variance: noise.excess })
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Sums `first + …`, where each term is the one before times `w · ratio(j)`, with `j` counting up from `start`.
fn series(w: f64, ratio: impl Fn(f64) -> f64, start: f64, first: f64) -> f64 {
    let (mut term, mut sum, mut j) = (first, first, start);
    while term > 1e-18 * sum {
        term *= w * ratio(j);
        sum += term;
        j += 1.0;
    }
    sum
}

/// Returns `e^(−w) (sinh w − w)`.
fn odd_rest(w: f64) -> f64 {
    if w > 1e3 {
        return 0.5;
    }
    if w > 1.0 {
        return -0.5 * (-2.0 * w).exp_m1() - w * (-w).exp();
    }
    // w³/3! + w⁵/5! + …
    (-w).exp() * series(w * w, |j| 1.0 / ((2.0 * j) * (2.0 * j + 1.0)), 2.0, w * w * w / 6.0)
}

/// Returns `asin y − y`, given `y` and `angle = asin y`.
fn arcsine_rest(y: f64, angle: f64) -> f64 {
    if y > 0.5 {
        return angle - y;
    }
    // y³/6 + 3y⁵/40 + …: the ratio of terms is y² (2j − 1)²/(2j (2j + 1)).
    let ratio = |j: f64| (2.0 * j - 1.0).powi(2) / (2.0 * j * (2.0 * j + 1.0));
    series(y * y, ratio, 2.0, y * y * y / 6.0)
}
