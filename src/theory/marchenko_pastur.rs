//! The Marchenko–Pastur law: the eigenvalues of `XᵀX/n` for `n` samples of `γn` independent features with variance 1.
//!
//! # References
//! Marchenko and Pastur (1967); the Shannon transform: Tulino and Verdú (2004).

use std::f64::consts::{FRAC_2_PI, PI};

use super::check;
use super::gauss_legendre::graded;
use crate::Error;
use crate::machine::doubled::Doubled;

/// The Marchenko–Pastur law at a ratio `γ` = features / samples, with its moments and transforms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarchenkoPastur {
    gamma: f64,
}

impl MarchenkoPastur {
    /// The law at `γ`.
    ///
    /// # Errors
    /// [`Error::Domain`] for `γ` that is not positive and finite.
    pub fn new(gamma: f64) -> Result<Self, Error> {
        Ok(Self { gamma: check::positive("gamma", gamma)? })
    }

    /// Returns the edges `(1 ∓ √γ)²`, without cancellation near `γ = 1`.
    ///
    /// # References
    /// Marchenko and Pastur, Mathematics of the USSR-Sbornik 1 (1967).
    #[must_use]
    pub fn edges(&self) -> [f64; 2] {
        let root = self.gamma.sqrt();
        [((1.0 - self.gamma) / (1.0 + root)).powi(2), (1.0 + root).powi(2)]
    }

    /// Returns `x − λ₋` and `λ₊ − x`, which are `2√γ ± (x − 1 − γ)`, accurate to rounding even at the edges.
    fn inside(self, x: f64) -> [f64; 2] {
        if x.is_infinite() {
            return [x, -x];
        }
        let root = self.gamma.sqrt();
        let root_rest = (-root).mul_add(root, self.gamma) / (2.0 * root);
        [1.0, -1.0].map(|sign| {
            let mut sum = Doubled::from(sign * x);
            for term in [sign, sign * self.gamma, -2.0 * root, -2.0 * root_rest] {
                sum.subtract_product(term, 1.0);
            }
            sum.value()
        })
    }

    /// Returns the mass at 0, `(1 − 1/γ)₊`.
    #[must_use]
    pub fn atom(&self) -> f64 {
        ((self.gamma - 1.0) / self.gamma).max(0.0)
    }

    /// Returns the density `√((λ₊ − x)(x − λ₋)) / (2πγx)` between the edges, 0 elsewhere.
    ///
    /// The atom at 0 is not included. NaN for NaN.
    ///
    /// # References
    /// Marchenko and Pastur, Mathematics of the USSR-Sbornik 1 (1967).
    #[must_use]
    pub fn density(&self, x: f64) -> f64 {
        let [above, below] = self.inside(x);
        if above <= 0.0 || below <= 0.0 {
            return 0.0;
        }
        (above / self.gamma).sqrt() * ((below / self.gamma).sqrt() / (2.0 * PI * x))
    }

    /// Returns the mass at or below `x`, including the atom.
    ///
    /// Accurate to 1e-12 relative, even in the tail at the lower edge. NaN for NaN.
    ///
    /// # References
    /// The integral of [`MarchenkoPastur::density`].
    #[must_use]
    pub fn cdf(&self, x: f64) -> f64 {
        if x.is_nan() {
            return x;
        }
        let [above, below] = self.inside(x);
        if above <= 0.0 {
            return if x < 0.0 { 0.0 } else { self.atom() };
        }
        if below <= 0.0 {
            return 1.0;
        }
        // x − λ₋ = 4 √γ sin²(θ/2).
        let share = (above / (4.0 * self.gamma.sqrt())).clamp(0.0, 1.0);
        (self.atom() + self.below(2.0 * share.sqrt().asin(), f64::INFINITY, |_| 1.0)).min(1.0)
    }

    /// Returns `∫ f dF` over `x > 0`, for `f` smooth in `ln x` beyond `1/rate`, and smooth in `x` below. With
    /// `x = (1 − √γ)² + 4 √γ sin²(θ/2)`
    /// ```text
    /// dF = (2/π) sin² θ / x dθ,   0 < θ < π
    /// ```
    pub(super) fn mean(self, rate: f64, f: impl FnMut(f64) -> f64) -> f64 {
        self.below(PI, rate.recip(), f)
    }

    fn below(self, end: f64, scale: f64, mut f: impl FnMut(f64) -> f64) -> f64 {
        let root = self.gamma.sqrt();
        let apart = (1.0 - self.gamma) / (1.0 + root);
        // The integrand changes over the distance at which x leaves its least value, or over `scale` for f.
        let least = if apart == 0.0 { f64::INFINITY } else { apart.abs() / (2.0 * root.sqrt()) };
        let near = least.min((scale / root).sqrt());
        let sum = graded(end, 0.25 * near, |angle| {
            let (wave, sine) = ((0.5 * angle).sin(), angle.sin());
            let x = apart * apart + 4.0 * root * wave * wave;
            f(x) * sine * (sine / x)
        });
        FRAC_2_PI * sum
    }

    /// Returns `∫ e^(−sx) dF` and `∫ x e^(−sx) dF` for `s ≥ 0`, including the atom, accurate to 1e-12 relative.
    ///
    /// The second is `e^(−s(1+γ)) I₁(2√γ s)/(√γ s)`, with the modified Bessel function `I₁`.
    ///
    /// # Errors
    /// [`Error::Domain`] for `s` that is negative or not finite.
    ///
    /// # References
    /// The integral against the density, a Bessel function; derived and checked for this crate.
    pub fn laplace(&self, s: f64) -> Result<[f64; 2], Error> {
        check::non_negative("s", s)?;
        let bulk = self.mean(s, |x| (-s * x).exp());
        Ok([self.atom() + bulk, self.mean(s, |x| x * (-s * x).exp())])
    }

    /// Returns the solution of `κ = λ + γκ/(1 + κ)`, `λ ≥ 0`.
    pub(super) fn kappa(self, lambda: f64) -> f64 {
        if lambda == 0.0 {
            return (self.gamma - 1.0).max(0.0);
        }
        let b = (self.gamma - 1.0) + lambda;
        let root = b.hypot(2.0 * lambda.sqrt());
        if b > 0.0 { 0.5 * b + 0.5 * root } else { 2.0 * (lambda / (root - b)) }
    }

    /// Returns `∫ dF/(x + λ)` and `∫ dF/(x + λ)²` for `λ > 0`, including the atom, accurate to 1e-10 relative.
    ///
    /// The first is `κ/(λ (1 + κ))`, where `κ` solves `κ = λ + γκ/(1 + κ)`. Infinite on overflow.
    ///
    /// # Errors
    /// [`Error::Domain`] for `λ` that is not positive and finite.
    ///
    /// # References
    /// The Stieltjes transform of Marchenko and Pastur (1967) at `−λ`, and its derivative.
    pub fn resolvent(&self, lambda: f64) -> Result<[f64; 2], Error> {
        let kappa = self.kappa(check::positive("lambda", lambda)?);
        if kappa.is_infinite() {
            // κ/(1 + κ) is 1, and λ so large that 1/λ² is 0.
            return Ok([lambda.recip(), 0.0]);
        }
        let inverse = (1.0 + kappa).recip();
        let m = kappa * inverse / lambda;
        let pole = lambda / kappa + self.gamma * inverse * (kappa * inverse);
        Ok([m, m * (m / pole)])
    }

    /// Returns `∫ xᵏ dF`, the Narayana polynomial `Σ γʳ/(r+1) C(k, r) C(k−1, r)`; 1 for `k = 0`, infinite on overflow.
    ///
    /// # References
    /// Narayana numbers: Tulino and Verdú, *Random matrix theory and wireless communications*, 2004.
    #[must_use]
    pub fn moment(&self, k: u32) -> f64 {
        let k = f64::from(k);
        let (mut term, mut sum, mut r) = (1.0, 1.0, 0.0);
        // Each term follows from the one before: C(k, r) C(k−1, r) / (r+1) gains (k−r)(k−1−r) / ((r+1)(r+2)). This
        // ratio falls in r, so the sum can stop at a term that is small and below the one before.
        while r + 1.0 < k && sum < f64::INFINITY {
            let ratio = self.gamma * ((k - r) / (r + 1.0)) * ((k - 1.0 - r) / (r + 2.0));
            term *= ratio;
            sum += term;
            r += 1.0;
            if ratio < 0.5 && term < 1e-17 * sum {
                break;
            }
        }
        sum
    }

    /// Returns `∫ x⁻ʲ dF` over `x > 0` for `j` = 1, 2, 3; infinite at `γ = 1`.
    ///
    /// For `γ < 1` they are `1/(1 − γ)`, `1/(1 − γ)³` and `(1 + γ)/(1 − γ)⁵`; for `γ > 1`, `γ^(−j−1)` times these
    /// values at `1/γ`.
    ///
    /// # References
    /// Derivatives of [`MarchenkoPastur::resolvent`] at 0.
    #[must_use]
    pub fn inverse_moments(&self) -> [f64; 3] {
        let (ratio, gap) = (self.gamma.min(self.gamma.recip()), (self.gamma - 1.0).abs());
        // 1 − 1/γ from γ − 1, which is exact near 1.
        let rest = if self.gamma > 1.0 { gap / self.gamma } else { gap };
        let scale = |j: i32| if self.gamma > 1.0 { self.gamma.powi(-j - 1) } else { 1.0 };
        [scale(1) / rest, scale(2) / rest.powi(3), scale(3) * (1.0 + ratio) / rest.powi(5)]
    }

    /// Returns the Shannon transform `∫ ln(1 + x/ε) dF` for `ε > 0`, accurate to 1e-10 relative.
    ///
    /// # Errors
    /// [`Error::Domain`] for `ε` that is not positive and finite.
    ///
    /// # References
    /// Tulino and Verdú, *Random matrix theory and wireless communications*, 2004.
    pub fn shannon(&self, epsilon: f64) -> Result<f64, Error> {
        let kappa = self.kappa(check::positive("epsilon", epsilon)?);
        if kappa.is_infinite() {
            // κ is γ + ε to rounding.
            let share = (1.0 + epsilon / self.gamma).recip();
            let inverse = 0.5 / (0.5 * self.gamma + 0.5 * epsilon);
            return Ok(inverse + ((self.gamma / epsilon).ln_1p() - share) / self.gamma);
        }
        let share = self.gamma / (1.0 + kappa);
        // ln(κ/ε), even if κ/ε is near 1 or overflows.
        let rest = share * (kappa / epsilon);
        let log = if rest.is_finite() { rest.ln_1p() } else { kappa.ln() - epsilon.ln() };
        Ok(kappa.recip().ln_1p() + (log - share) / self.gamma)
    }

    /// Returns the mean logarithm of the non-zero eigenvalues.
    ///
    /// It is `−1 − (1 − γ) ln(1 − γ)/γ` for `γ < 1`, −1 at 1, `ln γ − 1 − (γ − 1) ln(1 − 1/γ)` above. Accurate to 1e-12
    /// relative, but absolute near the zero at about 1.6.
    ///
    /// # References
    /// The limit of [`MarchenkoPastur::shannon`] for `ε → 0`.
    #[must_use]
    pub fn mean_log(&self) -> f64 {
        // The eigenvalues of XXᵀ/n are γ times those of another such matrix, with ratio 1/γ.
        let ratio = self.gamma.min(self.gamma.recip());
        let scale = self.gamma.max(1.0).ln();
        if ratio == 1.0 {
            return scale - 1.0;
        }
        if ratio < 0.1 {
            // −Σ γʲ / (j (j + 1)).
            let terms = (1..=20).rev().map(|j| f64::from(j * (j + 1)).recip());
            return scale - terms.fold(0.0, |sum, term| ratio * (term + sum));
        }
        let gap = (self.gamma - 1.0).abs();
        if self.gamma < 1.0 {
            -gap / self.gamma * gap.ln() - 1.0
        } else {
            scale - 1.0 - gap * (gap / self.gamma).ln()
        }
    }
}
