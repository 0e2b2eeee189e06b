//! Ridge and ridgeless regression on features with any covariance, in the limit of many samples and features.
//!
//! The penalty `λ ‖b‖²` is added to the mean of squares, that is `nλ ‖b‖²` to their sum. With eigenvalues `ℓ` of
//! multiplicity `m`, the target's energy `b` in each eigenspace, and noise of variance `σ²`,
//! ```text
//! κ = λ + (κ/n) Σ m ℓ/(ℓ+κ),   df_j = Σ m (ℓ/(ℓ+κ))ʲ
//! excess = (Σ b ℓ (κ/(ℓ+κ))² + σ² df₂/n) / (1 − df₂/n),   train = (λ/κ)² (excess + σ²)
//! ```
//! # References
//! Dobriban and Wager, arXiv:1507.03003; Hastie, Montanari, Rosset and Tibshirani (HMRT), arXiv:1903.08560; Wu and Xu,
//! arXiv:2006.05800; Cheng and Montanari, arXiv:2210.08571; Simon et al., arXiv:2110.03922.

use super::check;
use super::marchenko_pastur::MarchenkoPastur;
use super::spectrum::{Energies, PopulationSpectrum};
use crate::Error;
use crate::machine::memory::{list, reserve};

/// A population: the spectrum of its covariance, a target and the noise.
///
/// # Examples
/// ```
/// use double_descent::theory::ridge::SpectralPopulation;
/// use double_descent::theory::spectrum::PopulationSpectrum;
///
/// // 100 features of variance 4 and 300 of variance 1, each group with half of the target.
/// let spectrum = PopulationSpectrum::with_multiplicities(&[4.0, 1.0], &[100.0, 300.0])?;
/// let population = SpectralPopulation::new(spectrum, &[0.5, 0.5], 1.0)?;
/// let (ridgeless, ridge) = (population.at(200.0, 0.0)?, population.at(200.0, 0.5)?);
/// assert!(ridge.variance < ridgeless.variance && ridge.bias > ridgeless.bias);
/// assert_eq!(ridgeless.train, 0.0);
/// assert_eq!(population.at(400.0, 0.0)?.excess, f64::INFINITY); // n = p
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SpectralPopulation {
    pub(super) spectrum: PopulationSpectrum,
    /// `b`, as listed.
    energy: Vec<f64>,
    /// `b ℓ`: the mean square of the target on each eigenspace.
    pub(super) signal: Energies,
    pub(super) noise: f64,
}

/// The predictions of the theory at a given `n` and `λ`, from [`SpectralPopulation::at`]. Symbols are those of the
/// [module](self).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RidgeRisk {
    /// The effective ridge `κ ≥ λ`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub kappa: f64,
    /// `df₁`, the degrees of freedom of the fit.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub df1: f64,
    /// `df₂`, the same sum with squared terms.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub df2: f64,
    /// The part of the excess caused by the target.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub bias: f64,
    /// The part caused by label noise.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub variance: f64,
    /// The test error without the noise of the test targets: bias + variance.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub excess: f64,
    /// The mean squared error on the noisy training labels.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub train: f64,
    /// The cost of overfitting, `E₀ = n/(n − df₂)`; infinite at the threshold.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub cost: f64,
}

impl SpectralPopulation {
    /// A population with this spectrum, target and noise.
    ///
    /// `energy[i]` is `Σ (v·β)²` over the whole i-th eigenspace; `noise` is `σ²`. For noise with covariance `Ω`, pass
    /// [`mean_noise`] of its diagonal.
    ///
    /// # Errors
    /// [`Error::Shape`] for lists of different lengths, [`Error::Domain`] for an energy or a noise that is negative or
    /// not finite, [`Error::Overflow`] if `Σ b ℓ` does not fit into `f64`, [`Error::Memory`].
    pub fn new(spectrum: PopulationSpectrum, energy: &[f64], noise: f64) -> Result<Self, Error> {
        check::energies("target energy", spectrum.len(), energy)?;
        check::non_negative("noise variance", noise)?;
        reserve("a population", list::<[f64; 3]>(energy.len()))?;
        let signal: Vec<f64> = energy.iter().zip(spectrum.values()).map(|(b, l)| b * l).collect();
        if signal.iter().sum::<f64>().is_infinite() {
            return Err(Error::Overflow { what: "the energy of the target's values" });
        }
        let signal = spectrum.energies(&signal)?;
        Ok(Self { spectrum, energy: energy.to_vec(), signal, noise })
    }

    /// Returns the risk for `n` samples and penalty `λ ≥ 0`, added to the mean of squares; infinite at `λ = 0` and `n`
    /// = rank.
    ///
    /// # Accuracy
    /// 1e-10 relative for `λ` of 0, 1e-300 to 1e300 and `n`/rank of 1 ± 1e-12, if
    /// multiplicities are whole numbers (sums of others are rounded, which matters as near to the threshold as that).
    /// The formula itself is a limit: finite
    /// sizes deviate by `O(1/n)`, near the threshold by `O(1/|n − d|)`.
    ///
    /// If the rank is above `n`, `λ` may be negative, above the lowest value with a solution (where `df₂ = n`). Close
    /// to that value, `κ` has half the digits.
    ///
    /// # Errors
    /// [`Error::Domain`] for `n` that is not positive and finite, or `λ` that is too low or not finite.
    ///
    /// # References
    /// HMRT, arXiv:1903.08560, and Simon et al., arXiv:2110.03922, in the form given in this module.
    pub fn at(&self, n: f64, lambda: f64) -> Result<RidgeRisk, Error> {
        let kappa = self.scale(n, lambda, None)?;
        Ok(self.read(kappa, n, lambda))
    }

    /// As [`SpectralPopulation::at`], with `spare` = `n` − rank given, if it is known more accurately than `n` and the
    /// rank.
    pub(super) fn at_spare(&self, n: f64, spare: f64, lambda: f64) -> Result<RidgeRisk, Error> {
        let kappa = self.scale_with_spare([n, spare], lambda, None)?;
        Ok(self.read_with_spare(kappa, [n, spare], lambda))
    }

    /// Returns [`SpectralPopulation::at`] for many pairs `[n, λ]` along a curve.
    ///
    /// The search for each fixed point starts from the one before, which halves the passes over the spectrum.
    ///
    /// # Errors
    /// As [`SpectralPopulation::at`]; [`Error::Memory`].
    pub fn curve(&self, points: &[[f64; 2]]) -> Result<Vec<RidgeRisk>, Error> {
        reserve("a curve of theory", list::<RidgeRisk>(points.len()))?;
        let mut last = None;
        let risk = |&[n, lambda]: &[f64; 2]| {
            let kappa = self.scale(n, lambda, last)?;
            last = Some(kappa);
            Ok(self.read(kappa, n, lambda))
        };
        points.iter().map(risk).collect()
    }

    /// As [`SpectralPopulation::at`], for test points with another covariance that has the same eigenvectors.
    ///
    /// `test[i]`, `τ` below, is its eigenvalue on the i-th eigenspace. Bias, variance and excess are those on the test
    /// points; all other fields are those of [`SpectralPopulation::at`].
    /// ```text
    /// excess = Σ b τ c² + (Σ m τ ℓ/(ℓ+κ)² / n) (Σ b ℓ c² + σ²) / (1 − df₂/n),   c = κ/(ℓ+κ)
    /// ```
    /// # Errors
    /// As [`SpectralPopulation::at`]; [`Error::Shape`] unless `test` has one entry per eigenvalue, [`Error::Domain`]
    /// for one that is negative or not finite.
    ///
    /// # References
    /// Patil, Du and Tibshirani, *Optimal ridge regularization for out-of-distribution prediction*, 2024,
    /// arXiv:2404.01233.
    pub fn at_test(&self, n: f64, lambda: f64, test: &[f64]) -> Result<RidgeRisk, Error> {
        check::energies("test covariance", self.spectrum.len(), test)?;
        let kappa = self.scale(n, lambda, None)?;
        let own = self.read(kappa, n, lambda);
        let (mut bias, mut spread) = (0.0, 0.0);
        let listed = self.spectrum.values().iter().zip(self.spectrum.multiplicities());
        for (((&value, &count), &energy), &test) in listed.zip(&self.energy).zip(test) {
            if value > 0.0 {
                let inverse = (value + kappa).recip();
                let c = kappa * inverse;
                bias += energy * test * c * c;
                spread += count * (test * inverse) * (value * inverse);
            } else {
                bias += energy * test;
            }
        }
        let spread = spread / n;
        // own.bias is Σ b ℓ c² / pole, own.cost is 1 / pole.
        let bias = bias + if own.bias == 0.0 { 0.0 } else { spread * own.bias };
        let variance =
            if self.noise == 0.0 || spread == 0.0 { 0.0 } else { self.noise * (spread * own.cost) };
        Ok(RidgeRisk { bias, variance, excess: bias + variance, ..own })
    }

    pub(super) fn scale(&self, n: f64, lambda: f64, start: Option<f64>) -> Result<f64, Error> {
        self.scale_with_spare([n, n - self.spectrum.rank()], lambda, start)
    }

    fn scale_with_spare(&self, [n, spare]: [f64; 2], lambda: f64, start: Option<f64>) -> Result<f64, Error> {
        check::positive("samples", n)?;
        if lambda < 0.0 && lambda.is_finite() {
            return self.negative_scale(n, lambda);
        }
        check::non_negative("lambda", lambda)?;
        let gap = |kappa: f64| {
            let x = n * (lambda / kappa);
            (x, x)
        };
        // κ ≤ λ + trace/n.
        let high = (2.0 * lambda.max(self.spectrum.trace() / n)).min(f64::MAX);
        Ok(self.spectrum.kappa([0.0, n, spare], [lambda, high], gap, start))
    }

    /// Returns the `κ` at which `df₂ = n`, above which `λ(κ)` grows; 0 if the rank is at most `n`.
    pub(super) fn turn(&self, n: f64, kappa: f64) -> f64 {
        if kappa == 0.0 {
            return 0.0;
        }
        // At `kappa`, df₂ < df₁ = n; as κ → 0, df₂ tends to the rank.
        let (mut low, mut high) = (f64::MIN_POSITIVE, kappa);
        while high > low * (1.0 + 1e-15) {
            let middle = low.sqrt() * high.sqrt();
            if middle <= low || middle >= high {
                break;
            }
            if self.spectrum.spare(n, middle) > 0.0 { high = middle } else { low = middle }
        }
        high
    }

    /// Returns `λ(κ) = κ (n − df₁)/n`.
    pub(super) fn penalty(&self, n: f64, kappa: f64) -> f64 {
        let split = self.spectrum.split(kappa);
        kappa * (((n - split.rank) + (split.strong - split.weak)) / n)
    }

    fn negative_scale(&self, n: f64, lambda: f64) -> Result<f64, Error> {
        let zero = self.scale(n, 0.0, None)?;
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

    pub(super) fn read(&self, kappa: f64, n: f64, lambda: f64) -> RidgeRisk {
        self.read_with_spare(kappa, [n, n - self.spectrum.rank()], lambda)
    }

    fn read_with_spare(&self, kappa: f64, [n, spare]: [f64; 2], lambda: f64) -> RidgeRisk {
        let sums = self.spectrum.sums(kappa);
        // (n − df₁)/n = λ/κ.
        let free = if kappa > 0.0 { lambda / kappa } else { spare / n };
        let pole = free + sums.sc / n;
        let target = self.spectrum.target_sums(&self.signal, kappa);
        let bias = if target.cc == 0.0 { 0.0 } else { target.cc * (target.unit / pole) };
        let variance = check::ratio(self.noise * self.spectrum.squares_over(sums, kappa, n), pole);
        // The test error with noise, (bare + σ²)/pole. If it is infinite, the fit interpolates.
        let own = bias + check::ratio(self.noise, pole);
        RidgeRisk {
            kappa,
            df1: sums.s,
            df2: sums.ss,
            bias,
            variance,
            excess: bias + variance,
            train: if free == 0.0 { 0.0 } else { free * (free * own) },
            cost: pole.recip(),
        }
    }
}

/// Returns the risk of ridge on isotropic features, `p/n → γ`, `‖β‖² = r²`. The penalty `λ` is added to the mean of
/// squares.
///
/// This is [`SpectralPopulation::at`] in closed form, with `df₁` and `df₂` in units of `n`. `κ` solves
/// `κ² + (1 − γ − λ)κ = λ`, and with the Stieltjes transform `m = ∫ dF/(x+λ)` of the Marchenko–Pastur law and
/// `m₂ = ∫ dF/(x+λ)²`
/// ```text
/// bias = r² λ² m₂,   variance = σ² γ (m − λ m₂)
/// ```
/// Infinite at `γ = 1`, `λ = 0` with noise. 1e-10 relative for `λ` of 0, 1e-300 to 1e300.
///
/// # Errors
/// [`Error::Domain`] for `γ` that is not positive and finite, or another argument that is negative or not finite.
///
/// # References
/// Dobriban and Wager, arXiv:1507.03003; HMRT, arXiv:1903.08560.
pub fn isotropic(gamma: f64, lambda: f64, r2: f64, noise: f64) -> Result<RidgeRisk, Error> {
    let law = MarchenkoPastur::new(gamma)?;
    check::non_negative("lambda", lambda)?;
    check::non_negative("r2", r2)?;
    check::non_negative("noise variance", noise)?;
    let kappa = law.kappa(lambda);
    let inverse = (1.0 + kappa).recip();
    let (s, c) = (inverse, kappa * inverse);
    let free = if kappa > 0.0 { lambda / kappa } else { (1.0 - gamma).max(0.0) };
    let pole = free + gamma * s * c;
    // c ≤ pole and γs ≤ 1: in this order nothing underflows early.
    let bias = r2 * c * check::ratio(c, pole);
    let variance = if noise == 0.0 { 0.0 } else { noise * (gamma * s) * check::ratio(s, pole) };
    let own = bias + check::ratio(noise, pole);
    Ok(RidgeRisk {
        kappa,
        df1: gamma * s,
        df2: gamma * s * s,
        bias,
        variance,
        excess: bias + variance,
        train: if free == 0.0 { 0.0 } else { free * (free * own) },
        cost: pole.recip(),
    })
}

/// Returns `tr Ω / n`, the mean of the noise variances.
///
/// If the design's law is invariant under rotations of the samples, the expected test error of ridge depends on the
/// noise covariance `Ω` only through it.
///
/// # Errors
/// [`Error::Empty`] without entries, [`Error::Domain`] for an entry that is negative or not finite.
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

/// Returns the best penalty for isotropic features, `λ* = σ²γ/r²`, and its excess, in the limit `p/n → γ`.
///
/// The penalty is added to the mean of squares. The excess is `(a + √(a² + 4 r² σ²))/2` with `a = r² (1 − 1/γ) − σ²`.
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
    let cross = 2.0 * r2.sqrt() * noise.sqrt();
    let excess = if noise == 0.0 && gamma <= 1.0 {
        0.0
    } else if gamma > 1.0 {
        let a = r2 * ((gamma - 1.0) / gamma) - noise;
        let root = a.hypot(cross);
        if a > 0.0 { 0.5 * (a + root) } else { 0.5 * cross * check::ratio(cross, root - a) }
    } else {
        // −γa, so that 1/γ does not overflow.
        let a = r2 * (1.0 - gamma) + gamma * noise;
        gamma * noise * check::ratio(2.0 * r2, a.hypot(gamma * cross) + a)
    };
    Ok((gamma * (noise / r2), excess))
}
