//! Effective ranks and the bounds of benign overfitting, up to universal constants that the theorems leave open.
//!
//! The exact cost of overfitting for a given spectrum is [`super::ridge::RidgeRisk::cost`].

use super::check;
use crate::Error;
use crate::machine::memory::{list, reserve};
use crate::machine::order::sort_indices;

/// The non-zero eigenvalues of a covariance in descending order, with the effective ranks and bounds that follow from
/// them.
#[derive(Clone, Debug, PartialEq)]
pub struct Tail {
    values: Vec<f64>,
    /// The index of each of `values` in the input list.
    order: Vec<usize>,
    listed: usize,
    /// `Σ_{i>k} ℓ` and `Σ_{i>k} ℓ²` for each `k`, summed from the smallest.
    sums: Vec<[f64; 2]>,
}

impl Tail {
    /// Sorts `values` and drops zeros.
    ///
    /// # Errors
    /// [`Error::Empty`] if nothing is left, [`Error::Domain`] for a value that is negative, not finite or above 10¹⁵⁰
    /// (its square must not overflow), [`Error::Memory`].
    pub fn new(values: &[f64]) -> Result<Self, Error> {
        for &value in values {
            if !(0.0..=1e150).contains(&value) {
                return Err(Error::Domain { what: "eigenvalue", value, must_be: "between 0 and 1e150" });
            }
        }
        reserve("a spectrum", list::<[f64; 5]>(values.len()))?;
        let listed = values.len();
        let mut order: Vec<usize> = (0..listed).filter(|&i| values[i] > 0.0).collect();
        if order.is_empty() {
            return Err(Error::Empty { what: "spectrum without its zeros" });
        }
        sort_indices(&mut order, &|a, b| values[b].total_cmp(&values[a]));
        let values: Vec<f64> = order.iter().map(|&i| values[i]).collect();
        let mut sums = vec![[0.0; 2]; values.len() + 1];
        for k in (0..values.len()).rev() {
            sums[k] = [sums[k + 1][0] + values[k], sums[k + 1][1] + values[k] * values[k]];
        }
        Ok(Self { values, order, listed, sums })
    }

    /// Returns the effective ranks `r_k = Σ_{i>k} ℓ / ℓ_{k+1}` and `R_k = (Σ_{i>k} ℓ)² / Σ_{i>k} ℓ²`; `None` for `k` at
    /// or past the rank.
    ///
    /// # References
    /// Bartlett, Long, Lugosi and Tsigler, arXiv:1906.11300.
    #[must_use]
    pub fn effective_ranks(&self, k: usize) -> Option<[f64; 2]> {
        let first = self.values.get(k)?;
        let [sum, squares] = self.sums[k];
        // Scaled, so that squares of small values do not underflow.
        let big = if squares > 1e-280 {
            sum * (sum / squares)
        } else {
            let scaled: f64 = self.values[k..].iter().rev().map(|v| (v / first).powi(2)).sum();
            (sum / first).powi(2) / scaled
        };
        Some([sum / first, big])
    }

    /// Returns `k* = min {k : r_k ≥ b n}` and the order of the noise term, `k*/n + n/R_{k*}`, up to constants.
    ///
    /// `None` if no such `k` exists: then the bound says nothing.
    ///
    /// # Errors
    /// [`Error::Domain`] for `n` or `b` that is not positive and finite.
    ///
    /// # References
    /// Bartlett, Long, Lugosi and Tsigler, arXiv:1906.11300.
    pub fn benign(&self, n: f64, b: f64) -> Result<Option<(usize, f64)>, Error> {
        check::positive("samples", n)?;
        check::positive("constant b", b)?;
        let ranks = (0..self.values.len()).filter_map(|k| Some((k, self.effective_ranks(k)?)));
        Ok(ranks.into_iter().find(|(_, [r, _])| *r >= b * n).map(|(k, [_, big])| (k, k as f64 / n + n / big)))
    }

    /// Returns the order of the target's term in the bound of [`Tail::benign`], `‖θ‖² ‖Σ‖ max(√(r₀/n), r₀/n)`, up to
    /// constants.
    ///
    /// # Errors
    /// [`Error::Domain`] for `n` that is not positive and finite, or `‖θ‖²` that is negative or not finite.
    ///
    /// # References
    /// Bartlett, Long, Lugosi and Tsigler, arXiv:1906.11300.
    pub fn benign_bias(&self, n: f64, norm2: f64) -> Result<f64, Error> {
        check::positive("samples", n)?;
        check::non_negative("norm of the target", norm2)?;
        let share = self.sums[0][0] / self.values[0] / n;
        Ok(norm2 * self.values[0] * share.sqrt().max(share))
    }

    /// Returns Zhou et al.'s bound on the cost of overfitting without ridge, `E₀ ≤ (1 − k/n)⁻² (1 − n/R_k)⁻¹`, `k < n`.
    ///
    /// Infinite if `R_k ≤ n`.
    ///
    /// # Errors
    /// [`Error::Domain`] for `n` that is not positive and finite, or `k` of at least `n`.
    ///
    /// # References
    /// Zhou et al., arXiv:2306.13185.
    pub fn cost_bound(&self, k: usize, n: f64) -> Result<f64, Error> {
        check::positive("samples", n)?;
        let strong = k as f64;
        if strong >= n {
            return Err(Error::Domain {
                what: "strong directions",
                value: strong,
                must_be: "below the samples",
            });
        }
        let share = match self.effective_ranks(k) {
            Some([_, big]) if big > n => (big - n) / big,
            _ => return Ok(f64::INFINITY),
        };
        Ok((n / (n - strong)).powi(2) / share)
    }

    /// Returns the order of the target's term of ridge, `Σ_{i>k} ℓθ² + Σ_{i≤k} θ²/ℓ ((λ + Σ_{i>k} ℓ)/n)²`, up to
    /// constants.
    ///
    /// The penalty `λ` is added to the sum of squares. `energy[i]` is `θ²` along the i-th eigenvalue, in input order.
    ///
    /// # Errors
    /// [`Error::Domain`] for `n` that is not positive and finite, or another value that is negative or not finite,
    /// [`Error::Shape`] unless there is one energy per eigenvalue.
    ///
    /// # References
    /// Tsigler and Bartlett, arXiv:2009.14286.
    pub fn ridge_bias(&self, k: usize, n: f64, lambda: f64, energy: &[f64]) -> Result<f64, Error> {
        check::positive("samples", n)?;
        check::non_negative("lambda", lambda)?;
        check::energies("target energy", self.listed, energy)?;
        let k = k.min(self.values.len());
        let scale = (lambda + self.sums[k][0]) / n;
        let pairs = || self.values.iter().zip(self.order.iter().map(|&i| energy[i]));
        let strong: f64 = pairs().take(k).map(|(l, b)| b * scale * (scale / l)).sum();
        Ok(pairs().skip(k).map(|(l, b)| l * b).sum::<f64>() + strong)
    }

    /// Returns the order of the noise term of ridge, `k/n + n Σ_{i>k} ℓ² / (λ + Σ_{i>k} ℓ)²`, up to constants.
    ///
    /// The penalty `λ` is added to the sum of squares. Without a tail, the term is `k/n`.
    ///
    /// # Errors
    /// [`Error::Domain`] for `n` that is not positive and finite, or `λ` that is negative or not finite.
    ///
    /// # References
    /// Tsigler and Bartlett, arXiv:2009.14286.
    pub fn ridge_noise(&self, k: usize, n: f64, lambda: f64) -> Result<f64, Error> {
        check::positive("samples", n)?;
        check::non_negative("lambda", lambda)?;
        let strong = k as f64 / n;
        let Some([_, rank]) = self.effective_ranks(k) else { return Ok(strong) };
        let sum = self.sums[k][0];
        let share = sum / (lambda + sum);
        Ok(strong + n / rank * share * share)
    }
}

/// The behaviour of ridgeless fits for many samples, by the limit of the cost of overfitting, from
/// [`Verdict::of_limit`] or [`Decay::verdict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Verdict {
    /// The cost of overfitting tends to 1: nothing is lost by fitting the noise.
    Benign,
    /// The cost tends to a number above 1: a share of the noise is never averaged out.
    Tempered,
    /// The cost tends to infinity.
    Catastrophic,
}

impl Verdict {
    /// Returns the verdict for a limiting cost `E₀ ≥ 1`.
    ///
    /// # Errors
    /// [`Error::Domain`] for a cost below 1 or NaN.
    ///
    /// # References
    /// Mallinar et al., *Benign, tempered, or catastrophic: a taxonomy of overfitting*, 2022, arXiv:2207.06569; Zhou et
    /// al., *An agnostic view on the cost of overfitting in (kernel) ridge regression*, 2023, arXiv:2306.13185.
    pub fn of_limit(cost: f64) -> Result<Self, Error> {
        if cost == 1.0 {
            return Ok(Self::Benign);
        }
        if cost > 1.0 {
            return Ok(if cost.is_finite() { Self::Tempered } else { Self::Catastrophic });
        }
        Err(Error::Domain { what: "cost of overfitting", value: cost, must_be: "at least 1" })
    }
}

/// The decay of the eigenvalues of a covariance or a kernel, in their index `i`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Decay {
    /// `i^−α`, `α > 1`.
    Power(f64),
    /// `i⁻¹ (ln i)^−β`, `β > 1`: almost the slowest decay with a finite trace.
    Logarithmic(f64),
    /// `e^(−ai)`, `a > 0`, or any decay faster than every power.
    Exponential(f64),
}

impl Decay {
    /// Returns the limit of the cost of overfitting `E₀ = n/(n − df₂)` for many samples, without ridge.
    ///
    /// It is `α` for a power law, since `df₁ ∝ κ^(−1/α)` and `df₁ − df₂ = −d df₁/d ln κ = df₁/α`; 1 for the logarithmic
    /// decay; infinite for the exponential. [`RidgeRisk::cost`](super::ridge::RidgeRisk::cost) is the cost of a given
    /// spectrum at a given `n`.
    ///
    /// # Errors
    /// [`Error::Domain`] for an exponent outside its range.
    ///
    /// # References
    /// Mallinar et al., arXiv:2207.06569; Simon et al., arXiv:2110.03922.
    pub fn cost(self) -> Result<f64, Error> {
        match self {
            Self::Power(alpha) => power_law_cost(alpha),
            Self::Logarithmic(beta) => power_law_cost(beta).map(|_| 1.0),
            Self::Exponential(rate) => check::positive("rate of decay", rate).map(|_| f64::INFINITY),
        }
    }

    /// Returns [`Verdict::of_limit`] of [`Decay::cost`].
    ///
    /// # Errors
    /// As [`Decay::cost`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::theory::overfitting::{Decay, Verdict};
    ///
    /// assert_eq!(Decay::Power(2.0).verdict()?, Verdict::Tempered);
    /// assert_eq!(Decay::Logarithmic(2.0).verdict()?, Verdict::Benign);
    /// assert_eq!(Decay::Exponential(0.1).verdict()?, Verdict::Catastrophic);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn verdict(self) -> Result<Verdict, Error> {
        Verdict::of_limit(self.cost()?)
    }
}

/// Returns the limiting cost of overfitting for eigenvalues `i^−α`, `α > 1`, without ridge.
///
/// For many samples, `n/(n − df₂) → α`, since `df₁ ∝ κ^(−1/α)` and `df₁ − df₂ = −d df₁ / d ln κ = df₁/α`. This lies
/// between 1 (benign) and ∞ (catastrophic): tempered.
///
/// # Errors
/// [`Error::Domain`] for `α` of 1 or below, or not finite.
///
/// # References
/// Mallinar et al., arXiv:2207.06569; Zhou et al., arXiv:2306.13185.
pub fn power_law_cost(alpha: f64) -> Result<f64, Error> {
    if alpha > 1.0 && alpha.is_finite() {
        return Ok(alpha);
    }
    Err(Error::Domain { what: "exponent", value: alpha, must_be: "finite and > 1" })
}
