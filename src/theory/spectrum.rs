//! The eigenvalues of a covariance or a kernel, and the fixed point that every deterministic equivalent solves.

use super::check;
use crate::Error;

/// Eigenvalues with multiplicities; zeros are kept, and count for nothing.
///
/// Multiplicities are real numbers: counts beside a number of samples, or weights that add up to 1 beside `1/γ`.
#[derive(Clone, Debug, PartialEq)]
pub struct PopulationSpectrum {
    values: Vec<f64>,
    counts: Vec<f64>,
}

/// The sums over a spectrum at one `κ`, with `s = ℓ / (ℓ + κ)` and `c = κ / (ℓ + κ)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sums {
    /// `Σ m s`.
    pub(super) s: f64,
    /// `Σ m s²`.
    pub(super) ss: f64,
    /// `Σ m s c`, without the cancellation of `Σ m s − Σ m s²`.
    pub(super) sc: f64,
    /// `Σ m c` over the eigenvalues that are not 0.
    pub(super) c: f64,
}

impl PopulationSpectrum {
    /// Each of `values` once.
    ///
    /// # Errors
    /// As [`PopulationSpectrum::with_multiplicities`].
    pub fn new(values: &[f64]) -> Result<Self, Error> {
        Self::with_multiplicities(values, &vec![1.0; values.len()])
    }

    /// `values[i]`, `multiplicities[i]` times.
    ///
    /// # Errors
    /// [`Error::Empty`] without values, [`Error::Shape`] for lists of two lengths, [`Error::Domain`] for a value that
    /// is negative, not finite or above 10³⁰⁰, or a multiplicity that is not positive and finite.
    pub fn with_multiplicities(values: &[f64], multiplicities: &[f64]) -> Result<Self, Error> {
        if values.is_empty() {
            return Err(Error::Empty { what: "spectrum" });
        }
        Error::check_len("multiplicities of the spectrum", values.len(), multiplicities.len())?;
        for (&value, &count) in values.iter().zip(multiplicities) {
            if !(0.0..=1e300).contains(&value) {
                return Err(Error::Domain { what: "eigenvalue", value, must_be: "between 0 and 1e300" });
            }
            check::positive("multiplicity", count)?;
        }
        Ok(Self { values: values.to_vec(), counts: multiplicities.to_vec() })
    }

    /// The number of eigenvalues listed, without multiplicities.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Never true: a spectrum has at least one eigenvalue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The eigenvalues, in the order given.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Their multiplicities.
    #[must_use]
    pub fn multiplicities(&self) -> &[f64] {
        &self.counts
    }

    /// The multiplicities of all eigenvalues that are not 0, added up.
    #[must_use]
    pub fn rank(&self) -> f64 {
        self.pairs().map(|(value, count)| if value > 0.0 { count } else { 0.0 }).sum()
    }

    /// `Σ m ℓ`.
    #[must_use]
    pub fn trace(&self) -> f64 {
        self.pairs().map(|(value, count)| value * count).sum()
    }

    fn pairs(&self) -> impl Iterator<Item = (f64, f64)> {
        self.values.iter().copied().zip(self.counts.iter().copied())
    }

    pub(super) fn sums(&self, kappa: f64) -> Sums {
        let (mut s, mut ss, mut sc, mut c) = (0.0, 0.0, 0.0, 0.0);
        for (value, count) in self.pairs() {
            if value > 0.0 {
                let inverse = (value + kappa).recip();
                let (one, other) = (value * inverse, kappa * inverse);
                let weighted = count * one;
                s += weighted;
                ss += weighted * one;
                sc += weighted * other;
                c += count * other;
            }
        }
        Sums { s, ss, sc, c }
    }

    /// `κ` with `Σ m s + tail/κ + x = least`, where `gap(κ)` is `(x, −dx/d ln κ)`, `x` falling in `κ`; `bounds` are
    /// values of `κ` at or below and at or above the root for any spectrum. 0 where nothing holds `κ` up.
    ///
    /// Newton in `ln κ` inside a bracket, on positive terms alone (no difference but `rank − least`): the relative
    /// error of `κ` is a few units of rounding times its condition, on both sides of `rank = least`.
    pub(super) fn kappa(
        &self,
        tail: f64,
        least: f64,
        bounds: [f64; 2],
        gap: impl Fn(f64) -> (f64, f64),
    ) -> f64 {
        let rank = self.rank();
        let excess = rank - least;
        let lowest = self.values.iter().copied().filter(|&v| v > 0.0).fold(f64::INFINITY, f64::min);
        let floor = if excess > 0.0 { excess / rank * lowest } else { 0.0 };
        let mut low = bounds[0].max(tail / least).max(floor);
        if low <= 0.0 {
            return 0.0;
        }
        let mut high = bounds[1].max(2.0 * ((self.trace() + tail) / least)).max(low);
        // The bounds are rounded; a root at one of them must stay inside.
        (low, high) = (low * (1.0 - 1e-14), high * (1.0 + 1e-14));
        let mut kappa = low.sqrt() * high.sqrt();
        let mut previous = f64::INFINITY;
        for _ in 0..300 {
            let sums = self.sums(kappa);
            let (x, slope) = gap(kappa);
            let mass = tail / kappa;
            let (left, right) = (sums.c + (-excess).max(0.0), mass + x + excess.max(0.0));
            let value = (left / right).ln();
            if value > 0.0 {
                high = kappa;
            } else {
                low = kappa;
            }
            let step = -value / (sums.sc / left + (mass + slope) / right);
            let newton = kappa * step.exp();
            // A Newton step that leaves the bracket or does not halve the step before it gives way to bisection.
            if newton > low && newton < high && step.abs() <= 0.5 * previous {
                previous = step.abs();
                kappa = newton;
            } else if step.abs() < 1e-14 || high <= low * (1.0 + 4e-16) {
                return kappa;
            } else {
                let middle = low.sqrt() * high.sqrt();
                previous = (high / low).ln();
                kappa = middle;
            }
            if step.abs() < 2e-16 {
                return kappa;
            }
        }
        kappa
    }
}
