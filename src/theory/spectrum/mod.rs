//! The eigenvalues of a covariance or a kernel.

mod fixed_point;
mod lanes;

use crate::machine::order::sort_indices;
use std::f64::consts::TAU;

use super::check;
use crate::Error;
use crate::machine::memory::{list, reserve};

/// The number of lanes of a sum, which the compiler turns into vector instructions.
const LANES: usize = 8;

/// Eigenvalues with multiplicities; zeros are allowed, and contribute nothing.
///
/// Multiplicities are real numbers: either counts, used with a number of samples `n`, or weights that add up to 1, used
/// with `1/γ` in place of `n`. Equal eigenvalues are merged, so the cost of a pass of the solver depends on the number
/// of distinct ones.
///
/// # Examples
/// ```
/// use double_descent::theory::spectrum::PopulationSpectrum;
///
/// let spectrum = PopulationSpectrum::with_multiplicities(&[4.0, 1.0], &[10.0, 90.0])?;
/// assert_eq!([spectrum.rank(), spectrum.trace()], [100.0, 130.0]);
/// assert_eq!(spectrum.effective_dimension(1.0)?, 10.0 * 0.8 + 90.0 * 0.5);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PopulationSpectrum {
    values: Vec<f64>,
    counts: Vec<f64>,
    rank: f64,
    trace: f64,
    /// The distinct values above 0, descending, padded to whole lanes with values of multiplicity 0.
    merged: Vec<f64>,
    merged_counts: Vec<f64>,
    /// The cumulative multiplicity of the first `i` distinct values, for `i` from 0 to their number.
    ranks: Vec<f64>,
    /// The index in `merged` of each of `values`; `None` for 0.
    places: Vec<Option<usize>>,
    lowest: f64,
}

/// A target's energy on each merged eigenvalue, and on eigenvalues of 0.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::theory) struct Energies {
    merged: Vec<f64>,
    pub(in crate::theory) at_zero: f64,
}

impl Energies {
    /// Returns the total energy.
    pub(in crate::theory) fn total(&self) -> f64 {
        self.merged.iter().sum::<f64>() + self.at_zero
    }
}

impl PopulationSpectrum {
    /// The spectrum with each of `values` once.
    ///
    /// # Errors
    /// As [`PopulationSpectrum::with_multiplicities`].
    pub fn new(values: &[f64]) -> Result<Self, Error> {
        reserve("a spectrum", list::<f64>(values.len()))?;
        Self::with_multiplicities(values, &vec![1.0; values.len()])
    }

    /// The spectrum with each `values[i]` repeated `multiplicities[i]` times.
    ///
    /// # Errors
    /// [`Error::Empty`] without values, [`Error::Shape`] for lists of different lengths, [`Error::Domain`] for a value
    /// that is neither 0 nor between 10⁻³⁰⁰ and 10³⁰⁰, or a multiplicity that is not positive and finite,
    /// [`Error::Overflow`] for a trace or a rank above 10³⁰⁵, [`Error::Memory`].
    pub fn with_multiplicities(values: &[f64], multiplicities: &[f64]) -> Result<Self, Error> {
        if values.is_empty() {
            return Err(Error::Empty { what: "spectrum" });
        }
        Error::check_len("multiplicities of the spectrum", values.len(), multiplicities.len())?;
        for (&value, &count) in values.iter().zip(multiplicities) {
            if value != 0.0 && !(1e-300..=1e300).contains(&value) {
                let must_be = "0, or between 1e-300 and 1e300";
                return Err(Error::Domain { what: "eigenvalue", value, must_be });
            }
            check::positive("multiplicity", count)?;
        }
        let pairs = || values.iter().zip(multiplicities);
        let rank: f64 = pairs().map(|(&value, &count)| if value > 0.0 { count } else { 0.0 }).sum();
        let trace: f64 = pairs().map(|(value, count)| value * count).sum();
        if rank.max(trace) > 1e305 {
            return Err(Error::Overflow { what: "the trace of the spectrum" });
        }
        reserve("a spectrum", list::<[f64; 9]>(values.len()))?;
        let mut order: Vec<usize> = (0..values.len()).filter(|&i| values[i] > 0.0).collect();
        sort_indices(&mut order, &|a, b| values[b].total_cmp(&values[a]));
        let (mut merged, mut merged_counts) = (Vec::<f64>::new(), Vec::new());
        let mut places = vec![None; values.len()];
        for i in order {
            if merged.last() == Some(&values[i]) {
                let last = merged.len() - 1;
                merged_counts[last] += multiplicities[i];
            } else {
                merged.push(values[i]);
                merged_counts.push(multiplicities[i]);
            }
            places[i] = Some(merged.len() - 1);
        }
        let lowest = merged.last().copied().unwrap_or(f64::INFINITY);
        let mut ranks = vec![0.0];
        ranks.extend(merged_counts.iter().scan(0.0, |sum, count| {
            *sum += count;
            Some(*sum)
        }));
        let whole = merged.len().next_multiple_of(LANES);
        merged.resize(whole, 1.0);
        merged_counts.resize(whole, 0.0);
        Ok(Self {
            values: values.to_vec(),
            counts: multiplicities.to_vec(),
            rank,
            trace,
            merged,
            merged_counts,
            ranks,
            places,
            lowest,
        })
    }

    /// The spectrum `i^−α` for `i = 1..=count`.
    ///
    /// # Errors
    /// [`Error::Domain`] for `α` that is negative or not finite, and as [`PopulationSpectrum::with_multiplicities`].
    pub fn power_law(count: usize, alpha: f64) -> Result<Self, Error> {
        check::non_negative("exponent", alpha)?;
        reserve("a spectrum", list::<f64>(count))?;
        Self::new(&(1..=count).map(|i| (i as f64).powf(-alpha)).collect::<Vec<_>>())
    }

    /// The limiting spectrum of many features with covariance `ρ^|i−j|`.
    ///
    /// It has `count` values of the symbol `(1 − ρ²)/(1 − 2ρ cos θ + ρ²)` at the nodes of a trapezoidal rule. Sums over
    /// them approximate the integrals to a relative error of `|ρ|^count`.
    ///
    /// # Errors
    /// [`Error::Domain`] for `|ρ| ≥ 1`, and as [`PopulationSpectrum::with_multiplicities`].
    ///
    /// # References
    /// The symbol of the Toeplitz matrix `ρ^|i−j|` (Szegő).
    pub fn autoregressive(count: usize, rho: f64) -> Result<Self, Error> {
        check::correlation(rho)?;
        reserve("a spectrum", list::<f64>(count))?;
        let value = |i: usize| {
            let half = 0.5 * TAU * (i as f64 + 0.5) / count as f64;
            // 1 − 2ρ cos θ + ρ² without cancellation, for either sign of ρ.
            let wave = if rho > 0.0 { half.sin() } else { half.cos() };
            let size = rho.abs();
            (1.0 - size) * (1.0 + size) / ((1.0 - size).powi(2) + 4.0 * size * wave * wave)
        };
        Self::new(&(0..count).map(value).collect::<Vec<_>>())
    }

    /// The spectrum of features with variance 1 and pairwise correlation `ρ`.
    ///
    /// It is `1 − ρ + pρ` once, along the vector of ones, and `1 − ρ` for the rest.
    ///
    /// # Errors
    /// [`Error::Domain`] for `ρ` outside [0, 1), and as [`PopulationSpectrum::with_multiplicities`] for fewer than 2
    /// features.
    ///
    /// # References
    /// The eigenvalues of `(1 − ρ)I + ρ11ᵀ`.
    pub fn equicorrelated(features: usize, rho: f64) -> Result<Self, Error> {
        if !(0.0..1.0).contains(&rho) {
            return Err(Error::Domain { what: "correlation", value: rho, must_be: "at least 0 and below 1" });
        }
        let p = features as f64;
        Self::with_multiplicities(&[1.0 - rho + p * rho, 1.0 - rho], &[1.0, p - 1.0])
    }

    /// Returns the number of listed eigenvalues, without multiplicities.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns false: a spectrum has at least one eigenvalue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns the eigenvalues, in the order given.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Returns the multiplicities of the listed eigenvalues.
    #[must_use]
    pub fn multiplicities(&self) -> &[f64] {
        &self.counts
    }

    /// Returns the rank: the sum of the multiplicities of non-zero eigenvalues.
    #[must_use]
    pub fn rank(&self) -> f64 {
        self.rank
    }

    /// Returns the trace `Σ m ℓ`.
    #[must_use]
    pub fn trace(&self) -> f64 {
        self.trace
    }

    /// Returns the effective dimension `Σ m ℓ/(ℓ + z)`, `z > 0`: roughly, the number of directions with `ℓ > z`.
    ///
    /// For the eigenvalues of `XᵀX` and a ridge penalty `z` added to the sum of squares, these are the degrees of
    /// freedom of the fit.
    ///
    /// # Errors
    /// [`Error::Domain`] for `z` that is not positive and finite.
    ///
    /// # References
    /// `MacKay`, Neural Computation 4 (1992); Maddox, Benton and Wilson, arXiv:2003.02139.
    pub fn effective_dimension(&self, z: f64) -> Result<f64, Error> {
        Ok(self.sums(check::positive("z", z)?).s)
    }

    /// Returns the distinct eigenvalues above 0, descending, with their multiplicities.
    pub(in crate::theory) fn merged(&self) -> impl Iterator<Item = (f64, f64)> + Clone + '_ {
        let pairs = self.merged.iter().copied().zip(self.merged_counts.iter().copied());
        pairs.filter(|&(_, count)| count > 0.0)
    }

    /// Returns the largest and the smallest eigenvalue above 0; `None` if there is none.
    pub(in crate::theory) fn extremes(&self) -> Option<[f64; 2]> {
        (self.rank > 0.0).then(|| [self.merged[0], self.lowest])
    }

    /// Checks the energies of the listed eigenvalues, and sums them over merged eigenvalues.
    pub(in crate::theory) fn energies(&self, listed: &[f64]) -> Result<Energies, Error> {
        check::energies("target energy", self.values.len(), listed)?;
        let mut energies = Energies { merged: vec![0.0; self.merged.len()], at_zero: 0.0 };
        for (&place, energy) in self.places.iter().zip(listed) {
            match place {
                Some(place) => energies.merged[place] += energy,
                None => energies.at_zero += energy,
            }
        }
        Ok(energies)
    }

    /// Returns the distinct eigenvalues above 0, with the target's energy on each.
    pub(in crate::theory) fn targets<'a>(
        &'a self,
        energies: &'a Energies,
    ) -> impl Iterator<Item = (f64, f64)> + Clone + 'a {
        self.merged.iter().copied().zip(energies.merged.iter().copied())
    }
}
