//! Ridge regression on random features with any kernel spectrum, in the limit of many samples and features.
//!
//! The features are `g_j(x) = Σ √ℓᵢ w_ij φᵢ(x)`, `j = 1..k`, on `n` samples. The kernel is `(1/k) Σ g_j g_j`, with
//! ridge `δ` (penalty `kδ` added to the sum of squares). The target is `Σ vᵢ φᵢ`; the label noise has variance `σ²`. A
//! tail of infinitely many small eigenvalues has mass `t`, and the target has energy `v_t²` in it. With
//! ```text
//! z = Σ m s + t/κ,   q = Σ m s²,   s = ℓ/(ℓ + κ),   (n − z)(k − z) = kδ/κ,   z < min(n, k)
//! b₀ = Σ v² (1−s)² + v_t²,   c₁ = Σ v² s(1−s),   B = b₀ + c₁ (z−q)/(k−q)
//! D = (q(k−z) + z(z−q)) / (n(k−q)),   excess = (B + σ²D)/(1 − D),   train = ((n−z)/n)² (excess + σ²)
//! ```
//! # References
//! Simon et al., arXiv:2311.14646; Bach, arXiv:2303.01372; Defilippis, Loureiro and Misiakiewicz, arXiv:2405.15699;
//! Atanasov, Zavatone-Veth and Pehlevan (2024). The split is that of Adlam and Pennington, arXiv:2011.03321.

use super::check;
use super::spectrum::{Energies, PopulationSpectrum};
use crate::Error;
use crate::machine::memory::{list, reserve};

/// A population for random-feature regression: a kernel's spectrum, a target and the noise.
///
/// # Examples
/// ```
/// use double_descent::theory::random_features::RandomFeatureModel;
/// use double_descent::theory::spectrum::PopulationSpectrum;
///
/// let spectrum = PopulationSpectrum::power_law(1000, 1.5)?;
/// let target: Vec<f64> = spectrum.values().iter().map(|l| l * l).collect();
/// let model = RandomFeatureModel::new(spectrum, &target, 0.1)?;
/// // Model-wise curve with 50 samples and a small ridge: a finite peak near 50 features.
/// let points: Vec<[f64; 3]> = (1..=200).map(|k| [50.0, f64::from(k), 1e-3]).collect();
/// let curve = model.curve(&points)?;
/// let peak = (0..200).max_by(|&a, &b| curve[a].excess.total_cmp(&curve[b].excess)).unwrap();
/// assert!(peak.abs_diff(49) < 3);
/// assert_eq!(model.at(50.0, 50.0, 0.0)?.excess, f64::INFINITY);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RandomFeatureModel {
    spectrum: PopulationSpectrum,
    energies: Energies,
    noise: f64,
    tail: f64,
    tail_energy: f64,
}

/// The predictions of the theory at a given `n`, `k` and `δ`, from [`RandomFeatureModel::at`]. Symbols are those of the
/// [module](self).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RandomFeatureRisk {
    /// The deterministic scale `κ`; 0 if the regression is least squares in all dimensions of a finite population.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub kappa: f64,
    /// `κ₁ = κ (k − z)/k`, the scale of the kernel of the drawn features.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub feature_kappa: f64,
    /// `z`, the degrees of freedom.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub df1: f64,
    /// `q = Σ m s²`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub df2: f64,
    /// The test error without the noise of the test targets.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub excess: f64,
    /// The mean squared error on the noisy training labels.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub train: f64,
    /// The split of the excess; its parts add up to `excess`.
    pub split: VarianceSplit,
    /// The excess of the mean over infinitely many feature draws on the same data.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub ensemble: f64,
    /// The ridge at which infinitely many features give the same `κ`: `δ k/(k − z) = κ (n − z)`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub effective_ridge: f64,
}

/// The symmetric split of the excess over data, features and label noise, in [`RandomFeatureRisk::split`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VarianceSplit {
    /// `b₀`, the squared bias.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub bias: f64,
    /// The variance due to samples alone.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub data: f64,
    /// The variance due to features alone.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub features: f64,
    /// The variance due to samples and features together.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub data_features: f64,
    /// The variance due to samples and label noise together.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub data_noise: f64,
    /// The variance due to all three together.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub all: f64,
}

impl VarianceSplit {
    /// Returns the label-noise part in the split of d'Ascoli, Refinetti, Biroli and Krzakala (arXiv:2003.01054).
    ///
    /// They average first over the noise, then over the features, then over the samples. The rest is
    /// [`VarianceSplit::bias`].
    #[must_use]
    pub fn label_noise(&self) -> f64 {
        self.data_noise + self.all
    }

    /// Returns the part of the random features in that order, including interactions with the samples.
    #[must_use]
    pub fn initialisation(&self) -> f64 {
        self.features + self.data_features
    }

    /// Returns the part of the samples in that order: [`VarianceSplit::data`].
    #[must_use]
    pub fn sampling(&self) -> f64 {
        self.data
    }

    /// Returns the sum of all parts: the excess.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.bias + self.data + self.features + self.data_features + self.data_noise + self.all
    }
}

impl RandomFeatureRisk {
    /// Returns `R₁ − R_∞`: the extra excess of one feature draw over the mean of infinitely many.
    ///
    /// Without a ridge and for `k > n` it is `n/(k − n) (A + σ²)`, `A = Σ v² (1 − s) + v_t²`.
    #[must_use]
    pub fn width_penalty(&self) -> f64 {
        self.split.features + self.split.data_features + self.split.all
    }

    /// Returns the excess of the mean over `members` independent feature draws on the same data.
    ///
    /// It is `R_∞ + (R₁ − R_∞)/K`, with `R_∞` = [`RandomFeatureRisk::ensemble`].
    ///
    /// # Errors
    /// [`Error::Domain`] without members.
    ///
    /// # References
    /// Ruben et al., *No free lunch from random feature ensembles*, arXiv:2412.05418.
    pub fn of_members(&self, members: usize) -> Result<f64, Error> {
        check::members(Some(members))?;
        Ok(check::of_members(self.excess, self.ensemble, Some(members)))
    }
}

impl RandomFeatureModel {
    /// A model with this spectrum, target and noise.
    ///
    /// `energy[i]` is the target's `Σ v²` over the whole eigenspace of the i-th eigenvalue; `noise` is `σ²`.
    ///
    /// # Errors
    /// [`Error::Shape`] for lists of different lengths, [`Error::Domain`] for an energy or a noise that is negative or
    /// not finite, [`Error::Memory`].
    pub fn new(spectrum: PopulationSpectrum, energy: &[f64], noise: f64) -> Result<Self, Error> {
        check::non_negative("noise variance", noise)?;
        reserve("a random-feature model", list::<f64>(energy.len()))?;
        let energies = spectrum.energies(energy)?;
        Ok(Self { spectrum, energies, noise, tail: 0.0, tail_energy: 0.0 })
    }

    /// Adds a tail of infinitesimal eigenvalues with total `mass`, and the target's `energy` in it.
    ///
    /// # Errors
    /// [`Error::Domain`] if either is negative or not finite.
    ///
    /// # References
    /// A tail of infinitesimal eigenvalues: Mei and Montanari, arXiv:1908.05355, is the case of one eigenvalue and a
    /// tail.
    pub fn with_tail(mut self, mass: f64, energy: f64) -> Result<Self, Error> {
        self.tail = check::non_negative("mass of the tail", mass)?;
        self.tail_energy = check::non_negative("target energy in the tail", energy)?;
        Ok(self)
    }

    /// Returns the risk for `n` samples, `k` features and ridge `δ ≥ 0` (penalty `kδ` added to the sum of squares).
    /// Infinite at `n = k`, `δ = 0`, unless the population has fewer dimensions.
    ///
    /// # Accuracy
    /// 1e-10 relative for `δ` of 1e-300 to 1e300 and `n/k` of 1 ± 1e-12: the only differences taken are `rank − n`,
    /// `rank − k` and `n − k`. The formula itself is a limit: finite sizes deviate by `O(1/n)`.
    ///
    /// # Errors
    /// [`Error::Domain`] for `n` or `k` that is not positive and finite, or `δ` that is negative or not finite.
    ///
    /// # References
    /// Simon et al., arXiv:2311.14646; Defilippis, Loureiro and Misiakiewicz, arXiv:2405.15699.
    pub fn at(&self, n: f64, k: f64, ridge: f64) -> Result<RandomFeatureRisk, Error> {
        self.near([n, k, ridge], None)
    }

    /// Returns [`RandomFeatureModel::at`] for many triples `[n, k, δ]` along a curve.
    ///
    /// The search for each fixed point starts from the one before. A point then takes about four passes over the
    /// distinct eigenvalues, 50 µs for 10,000 of them.
    ///
    /// # Errors
    /// As [`RandomFeatureModel::at`]; [`Error::Memory`].
    pub fn curve(&self, points: &[[f64; 3]]) -> Result<Vec<RandomFeatureRisk>, Error> {
        reserve("a curve of theory", list::<RandomFeatureRisk>(points.len()))?;
        let mut last = None;
        let risk = |&point: &[f64; 3]| {
            let risk = self.near(point, last)?;
            last = Some(risk.kappa);
            Ok(risk)
        };
        points.iter().map(risk).collect()
    }

    fn near(&self, [n, k, ridge]: [f64; 3], start: Option<f64>) -> Result<RandomFeatureRisk, Error> {
        check::positive("samples", n)?;
        check::positive("features", k)?;
        check::non_negative("ridge", ridge)?;
        let (least, apart) = (n.min(k), (n - k).abs());
        // Solves x (x + |n − k|) = kδ/κ for x = min(n, k) − z, by square roots so that nothing overflows.
        let gap = |kappa: f64| {
            let root = 2.0 * k.sqrt() * (ridge / kappa).sqrt();
            let width = apart.hypot(root);
            if width == 0.0 {
                return (0.0, 0.0);
            }
            let x = 0.5 * root * (root / (apart + width));
            (x, 0.5 * root * (root / (2.0 * width)))
        };
        let bounds = [ridge / n, 4.0 * (k / least) * (ridge / least)];
        let kappa = self.spectrum.kappa([self.tail, least, least - self.spectrum.rank()], bounds, gap, start);
        Ok(self.read([n, k, ridge], kappa, |kappa| gap(kappa).0))
    }

    fn read(&self, [n, k, ridge]: [f64; 3], kappa: f64, gap: impl Fn(f64) -> f64) -> RandomFeatureRisk {
        let sums = self.spectrum.sums(kappa);
        let mass = if self.tail > 0.0 { self.tail / kappa } else { 0.0 };
        let x = if kappa > 0.0 { gap(kappa) } else { n.min(k) - self.spectrum.rank() };
        let (free_n, free_k) = (x + (n - k).max(0.0), x + (k - n).max(0.0));
        let (z, q, between) = (sums.s + mass, sums.ss, sums.sc + mass);
        let (rest_n, rest_k) = (free_n + between, free_k + between);
        let target = self.spectrum.target_sums(&self.energies, kappa);
        let (b0, c1) = (target.cc * target.unit + self.energies.at_zero + self.tail_energy, target.sc);
        // D and 1 − D, both times (k − q), so that no product overflows. At κ = 0 the factor k − rank cancels, and may
        // be 0.
        let pole = free_n / n * free_k + between / n * (free_n + free_k);
        let (over, again) = if kappa > 0.0 {
            let dof = self.spectrum.squares_over(sums, kappa, n) * free_k + z / n * between;
            (check::ratio(dof, pole), check::ratio(between * (between / rest_n), pole))
        } else {
            (check::ratio(q, free_n), 0.0)
        };
        let noise_alone = if sums.s > 0.0 { self.spectrum.squares_over(sums, kappa, rest_n) } else { 0.0 };
        let features = if between > 0.0 { c1 * (between / rest_k) } else { 0.0 };
        let times = |a: f64, b: f64| if a == 0.0 { 0.0 } else { a * b };
        let bias = b0 + features;
        let split = VarianceSplit {
            bias: b0,
            data: times(b0, noise_alone),
            features,
            data_features: times(bias, again) + times(features, noise_alone),
            data_noise: times(self.noise, noise_alone),
            all: times(self.noise, again),
        };
        let excess = bias + times(bias + self.noise, over);
        // If the excess is infinite, the fit interpolates and the training error is 0, its limit.
        let train = if free_n == 0.0 { 0.0 } else { free_n / n * (free_n / n * (excess + self.noise)) };
        // κ (k − z)/k and κ (n − z). The smaller difference may underflow, so it is computed from the other one and δ.
        let feature_kappa = if k <= n && free_n > 0.0 { ridge / free_n } else { kappa * (free_k / k) };
        let effective_ridge = if n <= k && free_k > 0.0 { ridge * (k / free_k) } else { kappa * free_n };
        RandomFeatureRisk {
            kappa,
            feature_kappa,
            df1: z,
            df2: q,
            excess,
            train,
            split,
            ensemble: split.bias + split.data + split.data_noise,
            effective_ridge,
        }
    }
}
