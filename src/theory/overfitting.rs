//! Effective ranks and the bounds of benign overfitting, all up to universal constants that no theorem states.
//!
//! The exact cost of overfitting of one spectrum is [`super::ridge::RidgeRisk::cost`].

use super::check;
use crate::Error;

/// Eigenvalues from the largest down, none of them 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Tail {
    values: Vec<f64>,
    /// `Σ_{i>k} ℓ` and `Σ_{i>k} ℓ²`, summed from the smallest.
    sums: Vec<[f64; 2]>,
}

impl Tail {
    /// Sorts `values` and drops zeros.
    ///
    /// # Errors
    /// [`Error::Empty`] if nothing is left, [`Error::Domain`] for a value that is negative, not finite or above 10¹⁵⁰
    /// (its square must fit).
    pub fn new(values: &[f64]) -> Result<Self, Error> {
        for &value in values {
            if !(0.0..=1e150).contains(&value) {
                return Err(Error::Domain { what: "eigenvalue", value, must_be: "between 0 and 1e150" });
            }
        }
        let mut values: Vec<f64> = values.iter().copied().filter(|&v| v > 0.0).collect();
        if values.is_empty() {
            return Err(Error::Empty { what: "spectrum without its zeros" });
        }
        values.sort_by(|a, b| b.total_cmp(a));
        let mut sums = vec![[0.0; 2]; values.len() + 1];
        for k in (0..values.len()).rev() {
            sums[k] = [sums[k + 1][0] + values[k], sums[k + 1][1] + values[k] * values[k]];
        }
        Ok(Self { values, sums })
    }

    /// `r_k = Σ_{i>k} ℓ / ℓ_{k+1}` and `R_k = (Σ_{i>k} ℓ)² / Σ_{i>k} ℓ²`; `None` for `k` at or past the rank.
    ///
    /// # References
    /// Bartlett, Long, Lugosi and Tsigler, arXiv:1906.11300.
    #[must_use]
    pub fn effective_ranks(&self, k: usize) -> Option<[f64; 2]> {
        let first = self.values.get(k)?;
        let [sum, squares] = self.sums[k];
        // Scaled, so that squares of small values do not vanish.
        let big = if squares > 1e-280 {
            sum * (sum / squares)
        } else {
            let scaled: f64 = self.values[k..].iter().rev().map(|v| (v / first).powi(2)).sum();
            (sum / first).powi(2) / scaled
        };
        Some([sum / first, big])
    }

    /// `k* = min {k : r_k ≥ b n}` and the size of the noise term, `k*/n + n/R_{k*}`, up to constants; `None` where no
    /// such `k` exists: the bound says nothing.
    ///
    /// # Errors
    /// [`Error::Domain`] for `n` or `b` that is not positive and finite.
    pub fn benign(&self, n: f64, b: f64) -> Result<Option<(usize, f64)>, Error> {
        check::positive("samples", n)?;
        check::positive("constant b", b)?;
        let ranks = (0..self.values.len()).filter_map(|k| Some((k, self.effective_ranks(k)?)));
        Ok(ranks.into_iter().find(|(_, [r, _])| *r >= b * n).map(|(k, [_, big])| (k, k as f64 / n + n / big)))
    }

    /// The size of the noise term of ridge with penalty `λ` beside the sum of squares,
    /// `k/n + n Σ_{i>k} ℓ² / (λ + Σ_{i>k} ℓ)²`, up to constants; 0 beyond `k/n` without a tail.
    ///
    /// # Errors
    /// [`Error::Domain`] for `n` that is not positive and finite, or `λ` that is negative or not finite.
    ///
    /// # References
    /// Tsigler and Bartlett, arXiv:2009.14286.
    pub fn ridge_noise(&self, k: usize, n: f64, lambda: f64) -> Result<f64, Error> {
        check::positive("samples", n)?;
        check::non_negative("lambda", lambda)?;
        let [sum, squares] = self.sums[k.min(self.values.len())];
        let root = squares.sqrt() / (lambda + sum);
        Ok(k as f64 / n + if sum == 0.0 { 0.0 } else { n * root * root })
    }
}

/// The cost of overfitting of eigenvalues `i^−α`, `α > 1`, without ridge, for many samples: `n/(n − df₂) → α`, since
/// `df₁ ∝ κ^(−1/α)` and `df₁ − df₂ = −d df₁ / d ln κ = df₁/α`. Between 1 (benign) and ∞ (catastrophic): tempered.
///
/// # Errors
/// [`Error::Domain`] for `α` of 1 or below, or not finite.
///
/// # References
/// Mallinar et al. (2022); Zhou et al. (2023).
pub fn power_law_cost(alpha: f64) -> Result<f64, Error> {
    if alpha > 1.0 && alpha.is_finite() {
        return Ok(alpha);
    }
    Err(Error::Domain { what: "exponent", value: alpha, must_be: "finite and > 1" })
}
