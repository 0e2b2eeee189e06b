//! The Marchenko–Pastur law: the eigenvalues of `XᵀX/n` for `n` samples of `γn` independent features of variance 1.
//!
//! # References
//! Marchenko and Pastur (1967); the Shannon transform: Tulino and Verdú (2004).

use std::f64::consts::{FRAC_PI_2, PI};

use super::check;
use crate::Error;

/// The law at one ratio `γ` = features / samples.
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

    /// `(1 ∓ √γ)²`, without cancellation at `γ = 1`.
    #[must_use]
    pub fn edges(&self) -> [f64; 2] {
        let root = self.gamma.sqrt();
        [((1.0 - self.gamma) / (1.0 + root)).powi(2), (1.0 + root).powi(2)]
    }

    /// The mass at 0, `(1 − 1/γ)₊`.
    #[must_use]
    pub fn atom(&self) -> f64 {
        ((self.gamma - 1.0) / self.gamma).max(0.0)
    }

    /// `√((λ₊ − x)(x − λ₋)) / (2πγx)` between the edges, 0 elsewhere; without the atom.
    #[must_use]
    pub fn density(&self, x: f64) -> f64 {
        let [low, high] = self.edges();
        if !(x > low && x < high) {
            return 0.0;
        }
        ((high - x) * (x - low)).sqrt() / (2.0 * PI * self.gamma * x)
    }

    /// The mass at or below `x`, the atom included; 1e-10 absolute.
    #[must_use]
    pub fn cdf(&self, x: f64) -> f64 {
        let [low, high] = self.edges();
        if x < low {
            return if x < 0.0 { 0.0 } else { self.atom() };
        }
        if x >= high {
            return 1.0;
        }
        let width = high - low;
        let side = |sine: f64| sine.clamp(-1.0, 1.0).asin() + FRAC_PI_2;
        let product = (low * high).sqrt();
        let mut sum = ((high - x) * (x - low)).max(0.0).sqrt()
            + 0.5 * (low + high) * side((2.0 * x - low - high) / width);
        if product > 0.0 && x > 0.0 {
            sum -= product * side(((low + high) * x - 2.0 * low * high) / (x * width));
        }
        (self.atom() + sum / (2.0 * PI * self.gamma)).clamp(0.0, 1.0)
    }

    /// `κ` with `κ = λ + γκ/(1 + κ)`.
    fn kappa(self, lambda: f64) -> f64 {
        let b = (self.gamma - 1.0) + lambda;
        let root = b.hypot(2.0 * lambda.sqrt());
        if b > 0.0 { 0.5 * b + 0.5 * root } else { 2.0 * (lambda / (root - b)) }
    }

    /// `∫ dF/(x + λ)` and `∫ dF/(x + λ)²` for `λ > 0`, the atom included; 1e-10 relative. Infinite where they do not
    /// fit.
    ///
    /// # Errors
    /// [`Error::Domain`] for `λ` that is not positive and finite.
    pub fn resolvent(&self, lambda: f64) -> Result<[f64; 2], Error> {
        let kappa = self.kappa(check::positive("lambda", lambda)?);
        let inverse = (1.0 + kappa).recip();
        let m = (kappa / lambda) * inverse;
        let pole = lambda / kappa + self.gamma * inverse * (kappa * inverse);
        Ok([m, m * (m / pole)])
    }

    /// `∫ xᵏ dF`, the Narayana polynomial `Σ γʳ/(r+1) C(k, r) C(k−1, r)`; 1 for `k = 0`.
    #[must_use]
    pub fn moment(&self, k: u32) -> f64 {
        let k = f64::from(k);
        let (mut term, mut sum, mut r) = (1.0, 1.0, 0.0);
        // Each term from the one before it: C(k, r) C(k−1, r) / (r+1) gains (k−r)(k−1−r) / ((r+1)(r+2)).
        while r + 1.0 < k {
            term *= self.gamma * ((k - r) / (r + 1.0)) * ((k - 1.0 - r) / (r + 2.0));
            sum += term;
            r += 1.0;
        }
        sum
    }

    /// `∫ x⁻ʲ dF` over `x > 0`, `j` = 1, 2, 3; infinite at `γ = 1`.
    #[must_use]
    pub fn inverse_moments(&self) -> [f64; 3] {
        let (ratio, gap) = (self.gamma.min(self.gamma.recip()), (self.gamma - 1.0).abs());
        // 1 − 1/γ from γ − 1, which is exact near 1.
        let rest = if self.gamma > 1.0 { gap / self.gamma } else { gap };
        let scale = |j: i32| if self.gamma > 1.0 { self.gamma.powi(-j - 1) } else { 1.0 };
        [scale(1) / rest, scale(2) / rest.powi(3), scale(3) * (1.0 + ratio) / rest.powi(5)]
    }

    /// `∫ ln(1 + x/ε) dF` for `ε > 0`; 1e-10 relative.
    ///
    /// # Errors
    /// [`Error::Domain`] for `ε` that is not positive and finite.
    pub fn shannon(&self, epsilon: f64) -> Result<f64, Error> {
        let kappa = self.kappa(check::positive("epsilon", epsilon)?);
        let share = self.gamma / (1.0 + kappa);
        Ok(kappa.recip().ln_1p() + ((share * (kappa / epsilon)).ln_1p() - share) / self.gamma)
    }

    /// The mean logarithm of the eigenvalues that are not 0.
    #[must_use]
    pub fn mean_log(&self) -> f64 {
        let gap = self.gamma - 1.0;
        if gap == 0.0 {
            -1.0
        } else if gap < 0.0 {
            gap / self.gamma * (-self.gamma).ln_1p() - 1.0
        } else {
            self.gamma.ln() - 1.0 - gap * (gap / self.gamma).ln()
        }
    }
}
