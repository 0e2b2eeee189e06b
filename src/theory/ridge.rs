//! RidgeRisk and ridgeless regression on features of any covariance, in the limit of many samples and features.
//!
//! The penalty is `λ ‖b‖²` beside the mean of squares, `nλ ‖b‖²` beside their sum. With eigenvalues `ℓ` of multiplicity
//! `m`, the target's energy `b` in each eigenspace, and noise of variance `σ²`,
//! ```text
//! κ = λ + (κ/n) Σ m ℓ/(ℓ+κ),   df_j = Σ m (ℓ/(ℓ+κ))ʲ
//! excess = (Σ b ℓ (κ/(ℓ+κ))² + σ² df₂/n) / (1 − df₂/n),   train = (λ/κ)² (excess + σ²)
//! ```
//! # References
//! Dobriban and Wager, arXiv:1507.03003; Hastie, Montanari, Rosset and Tibshirani (HMRT), arXiv:1903.08560; Wu and Xu,
//! arXiv:2006.05800; Cheng and Montanari, arXiv:2210.08571; Simon et al., arXiv:2110.03922.

use super::check;
use super::spectrum::PopulationSpectrum;
use crate::Error;

/// A covariance, a target and the noise.
#[derive(Clone, Debug, PartialEq)]
pub struct Population {
    spectrum: PopulationSpectrum,
    energy: Vec<f64>,
    noise: f64,
}

/// What the theory says at one `n` and `λ`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RidgeRisk {
    /// The effective ridge `κ ≥ λ`.
    pub kappa: f64,
    /// `df₁`.
    pub df1: f64,
    /// `df₂`.
    pub df2: f64,
    /// The part of the excess that the target causes.
    pub bias: f64,
    /// The part that the label noise causes.
    pub variance: f64,
    /// Test error without the test's own noise: bias + variance.
    pub excess: f64,
    /// Mean squared error on the noisy training labels.
    pub train: f64,
    /// The cost of overfitting, `E₀ = n/(n − df₂)`; infinite at the threshold.
    pub cost: f64,
}

impl Population {
    /// `energy[i]` is `Σ (v·β)²` over all of the i-th eigenspace; `noise` is `σ²`. For a noise of covariance `Ω` pass
    /// [`mean_noise`] of its diagonal.
    ///
    /// # Errors
    /// [`Error::Shape`] for lists of two lengths, [`Error::Domain`] for an energy or a noise that is negative or not
    /// finite.
    pub fn new(spectrum: PopulationSpectrum, energy: &[f64], noise: f64) -> Result<Self, Error> {
        check::energies("target energy", spectrum.len(), energy)?;
        check::non_negative("noise variance", noise)?;
        Ok(Self { spectrum, energy: energy.to_vec(), noise })
    }

    /// The theory for `n` samples and penalty `λ ≥ 0`; infinite at `λ = 0` and `n` = rank.
    ///
    /// # Accuracy
    /// 1e-10 relative for `λ` of 0, 1e-300 to 1e300 and `n`/rank of 1 ± 1e-12. The formula itself is a limit: finite
    /// sizes deviate by `O(1/n)`, near the threshold by `O(1/|n − d|)`.
    ///
    /// A negative `λ` is allowed above the lowest at which a solution exists (`df₂ = n` there), where the rank is
    /// above `n`; close to that end `κ` has half the digits.
    ///
    /// # Errors
    /// [`Error::Domain`] for `n` that is not positive and finite, or `λ` that is too low or not finite.
    pub fn at(&self, n: f64, lambda: f64) -> Result<RidgeRisk, Error> {
        let scale = self.scale(n, lambda)?;
        Ok(self.read(scale, n, lambda, self.spectrum.values()))
    }

    /// As [`Population::at`], for test points of another covariance with the same eigenvectors: `test[i]` is its
    /// eigenvalue on the i-th eigenspace.
    /// ```text
    /// excess = Σ b τ c² + (Σ m τ ℓ/(ℓ+κ)² / n) (Σ b ℓ c² + σ²) / (1 − df₂/n),   c = κ/(ℓ+κ)
    /// ```
    /// # Errors
    /// As [`Population::at`]; [`Error::Shape`] or [`Error::Domain`] for `test`.
    ///
    /// # References
    /// Patil, Du and Tibshirani (2024).
    pub fn at_test(&self, n: f64, lambda: f64, test: &[f64]) -> Result<RidgeRisk, Error> {
        check::energies("test covariance", self.spectrum.len(), test)?;
        let scale = self.scale(n, lambda)?;
        Ok(self.read(scale, n, lambda, test))
    }

    fn scale(&self, n: f64, lambda: f64) -> Result<f64, Error> {
        check::positive("samples", n)?;
        if lambda < 0.0 && lambda.is_finite() {
            return self.negative_scale(n, lambda);
        }
        check::non_negative("lambda", lambda)?;
        let gap = |kappa: f64| {
            let x = n * (lambda / kappa);
            (x, x)
        };
        Ok(self.spectrum.kappa(0.0, n, [lambda, 2.0 * lambda], gap))
    }

    /// `κ` at which `df₂ = n`, from which on `λ(κ)` grows; 0 where the rank is at most `n`.
    fn turn(&self, n: f64, kappa: f64) -> f64 {
        if kappa == 0.0 {
            return 0.0;
        }
        // df₁ = n at `kappa`, and df₂ < df₁; towards 0 df₂ reaches the rank.
        let (mut low, mut high) = (f64::MIN_POSITIVE, kappa);
        while high > low * (1.0 + 1e-15) {
            let middle = low.sqrt() * high.sqrt();
            if middle <= low || middle >= high {
                break;
            }
            if self.spectrum.sums(middle).ss < n { high = middle } else { low = middle }
        }
        high
    }

    /// `λ(κ) = κ (n − df₁)/n`.
    fn penalty(&self, n: f64, kappa: f64) -> f64 {
        kappa * (((n - self.spectrum.rank()) + self.spectrum.sums(kappa).c) / n)
    }

    fn negative_scale(&self, n: f64, lambda: f64) -> Result<f64, Error> {
        let zero = self.scale(n, 0.0)?;
        let (mut low, mut high) = (self.turn(n, zero), zero);
        if low == 0.0 || self.penalty(n, low) >= lambda {
            let must_be = "≥ 0, or above the lowest penalty where the rank is above the samples";
            return Err(Error::Domain { what: "lambda", value: lambda, must_be });
        }
        loop {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                return Ok(high);
            }
            if self.penalty(n, middle) < lambda { low = middle } else { high = middle }
        }
    }

    /// The penalty of the least excess, which may be negative, and the theory there; `None` where the excess falls
    /// for ever as the penalty grows.
    ///
    /// The least of 400 values of `κ` and a golden section around it: the excess to rounding, the penalty to 1e-7 of
    /// `κ`. Of several dips closer than that grid one may be missed.
    ///
    /// # Errors
    /// [`Error::Domain`] for `n` that is not positive and finite.
    ///
    /// # References
    /// Optimal penalties below 0: Wu and Xu, arXiv:2006.05800; Patil, Du and Tibshirani (2024).
    pub fn optimal(&self, n: f64) -> Result<Option<(f64, RidgeRisk)>, Error> {
        let zero = self.scale(n, 0.0)?;
        let turn = self.turn(n, zero);
        let largest = self.spectrum.values().iter().copied().fold(0.0, f64::max);
        if largest == 0.0 {
            return Ok(Some((0.0, self.at(n, 0.0)?)));
        }
        let low = if turn > 0.0 { turn * (1.0 + 1e-9) } else { 1e-12 * largest };
        let high = 1e12 * largest.max(self.spectrum.trace() / n).min(1e288);
        let (start, length) = (low.ln(), high.ln() - low.ln());
        let at = |u: f64| {
            let kappa = u.exp();
            let lambda = self.penalty(n, kappa);
            (lambda, self.read(kappa, n, lambda, self.spectrum.values()))
        };
        let risk = |u: f64| at(u).1.excess;
        let node = |i: usize| start + length * i as f64 / 399.0;
        let risks: Vec<f64> = (0..400).map(|i| risk(node(i))).collect();
        let best = (0..400).min_by(|&a, &b| risks[a].total_cmp(&risks[b])).unwrap_or(0);
        if best == 399 {
            return Ok(None);
        }
        if best == 0 && turn == 0.0 {
            return Ok(Some((0.0, self.at(n, 0.0)?)));
        }
        let (mut left, mut right) = (node(best.saturating_sub(1)), node(best + 1));
        for _ in 0..60 {
            let (a, b) = (
                right - 0.618_033_988_749_895 * (right - left),
                left + 0.618_033_988_749_895 * (right - left),
            );
            if risk(a) <= risk(b) { right = b } else { left = a }
        }
        Ok(Some(at(0.5 * (left + right))))
    }

    fn read(&self, kappa: f64, n: f64, lambda: f64, test: &[f64]) -> RidgeRisk {
        let sums = self.spectrum.sums(kappa);
        // (n − df₁)/n = λ/κ.
        let free = if kappa > 0.0 { lambda / kappa } else { 1.0 - sums.s / n };
        let pole = free + sums.sc / n;
        let (mut bare, mut tested, mut spread) = (0.0, 0.0, 0.0);
        let spectrum = self.spectrum.values().iter().zip(self.spectrum.multiplicities());
        for (((&value, &count), &energy), &test) in spectrum.zip(&self.energy).zip(test) {
            if value > 0.0 {
                let inverse = (value + kappa).recip();
                let c = kappa * inverse;
                bare += energy * value * c * c;
                tested += energy * test * c * c;
                spread += count * (test * inverse) * (value * inverse);
            } else {
                tested += energy * test;
            }
        }
        let spread = spread / n;
        let bias = tested + if bare == 0.0 { 0.0 } else { spread * bare / pole };
        let variance = check::ratio(self.noise * spread, pole);
        let own = check::ratio(bare, pole) + check::ratio(self.noise, pole);
        RidgeRisk {
            kappa,
            df1: sums.s,
            df2: sums.ss,
            bias,
            variance,
            excess: bias + variance,
            // own is the test error with noise; where it is infinite the fit interpolates.
            train: if free == 0.0 { 0.0 } else { free * free * own },
            cost: pole.recip(),
        }
    }

    /// The mean of ridge fits on `members` subsamples of `size` of the `n` samples, drawn without replacement:
    /// `R_∞ + (R₁ − R_∞)/M`, with `κ` of `size` samples and, in `R_∞`, `1 − df₂/n` of all. `None` members: `R_∞`.
    ///
    /// # Errors
    /// As [`Population::at`]; [`Error::Domain`] for `size` above `n` or no members.
    ///
    /// # References
    /// Du, Patil and Kuchibhotla (2023).
    pub fn subsampled(&self, n: f64, size: f64, lambda: f64, members: Option<usize>) -> Result<f64, Error> {
        check::positive("samples", n)?;
        if size > n {
            return Err(Error::Domain { what: "subsample", value: size, must_be: "at most the samples" });
        }
        if members == Some(0) {
            return Err(Error::Domain { what: "members", value: 0.0, must_be: "at least 1" });
        }
        let one = self.at(size, lambda)?;
        // n − df₂ = (n − size) + (size − df₂), and size/(size − df₂) is the cost.
        let pole = (n - size) / n + (size / n) / one.cost;
        let bare: f64 = (self.spectrum.values().iter().zip(&self.energy))
            .map(|(&l, &b)| if l > 0.0 { b * l * (one.kappa / (l + one.kappa)).powi(2) } else { 0.0 })
            .sum();
        let all = check::ratio(bare + self.noise * one.df2 / n, pole);
        Ok(match members {
            None => all,
            Some(_) if one.excess == all => all,
            Some(members) => all + (one.excess - all) / members as f64,
        })
    }
}

/// `tr Ω / n`, which is all that the expected test error of ridge needs of the noise's covariance `Ω` where the
/// design's law does not change under rotations of the samples.
///
/// # Errors
/// [`Error::Empty`] without entries, [`Error::Domain`] for one that is negative or not finite.
///
/// # References
/// Lee and Lee (2023).
pub fn mean_noise(variances: &[f64]) -> Result<f64, Error> {
    if variances.is_empty() {
        return Err(Error::Empty { what: "noise variances" });
    }
    check::energies("noise variance", variances.len(), variances)?;
    Ok(variances.iter().map(|v| v / variances.len() as f64).sum())
}

/// The best penalty for isotropic features, `λ* = σ²γ/r²`, and its excess `(a + √(a² + 4 r² σ²))/2` with
/// `a = r² (1 − 1/γ) − σ²`.
///
/// # Errors
/// [`Error::Domain`] for `γ` or `r²` that is not positive and finite, or `σ²` that is negative or not finite.
///
/// # References
/// Dobriban and Wager, arXiv:1507.03003; HMRT, arXiv:1903.08560.
pub fn optimal_isotropic(gamma: f64, r2: f64, noise: f64) -> Result<(f64, f64), Error> {
    check::positive("gamma", gamma)?;
    check::positive("r2", r2)?;
    check::non_negative("noise variance", noise)?;
    let a = r2 * ((gamma - 1.0) / gamma) - noise;
    let cross = 2.0 * r2.sqrt() * noise.sqrt();
    let root = a.hypot(cross);
    let excess = if a > 0.0 { 0.5 * (a + root) } else { check::ratio(0.5 * cross * cross, root - a) };
    Ok((noise * gamma / r2, excess))
}
