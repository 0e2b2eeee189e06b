//! Sums over a spectrum at a given `κ`, and the fixed point behind every deterministic equivalent.

// All terms must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::lanes::{Terms, in_lanes};
use super::{Energies, LANES, PopulationSpectrum};
use pulp::Simd;

/// Sums over a spectrum at a given `κ`, with `s = ℓ / (ℓ + κ)` and `c = κ / (ℓ + κ)`.
#[derive(Clone, Copy, Debug)]
pub(in crate::theory) struct Sums {
    /// `Σ m s`.
    pub(in crate::theory) s: f64,
    /// `Σ m s²`.
    pub(in crate::theory) ss: f64,
    /// `Σ m s c`, without the cancellation of `Σ m s − Σ m s²`.
    pub(in crate::theory) sc: f64,
}

/// The parts of `Σ m s − n = weak − strong + (rank − n)` at a given `κ`, where `rank` counts the eigenvalues above `κ`.
///
/// `strong` is the unfitted part of strong directions, `weak` the fitted part of weak ones. Both are small if `Σ m s`
/// is nearly a whole number of directions.
#[derive(Clone, Copy, Debug)]
pub(in crate::theory) struct Split {
    /// `Σ m` over `ℓ > κ`.
    pub(in crate::theory) rank: f64,
    /// `Σ m c` over `ℓ > κ`.
    pub(in crate::theory) strong: f64,
    /// `Σ m s` over `ℓ ≤ κ`.
    pub(in crate::theory) weak: f64,
    /// `Σ m s c` over `ℓ > κ`.
    strong_slope: f64,
    /// `Σ m s c` over `ℓ ≤ κ`.
    weak_slope: f64,
}

/// Sums over a target's energies `e` on eigenvalues above 0.
#[derive(Clone, Copy, Debug)]
pub(in crate::theory) struct TargetSums {
    /// `Σ e c²` in units of `unit`.
    pub(in crate::theory) cc: f64,
    /// The largest `c`, from the smallest eigenvalue: `c²` itself may underflow.
    pub(in crate::theory) unit: f64,
    /// `Σ e s c`.
    pub(in crate::theory) sc: f64,
}

/// `m s`, `m s²` and `m s c`.
struct Shares {
    kappa: f64,
}

impl Terms<3> for Shares {
    #[inline(always)]
    fn of<S: Simd>(&self, simd: S, value: S::f64s, count: S::f64s) -> [S::f64s; 3] {
        let kappa = simd.splat_f64s(self.kappa);
        let inverse = simd.div_f64s(simd.splat_f64s(1.0), simd.add_f64s(value, kappa));
        let (s, c) = (simd.mul_f64s(value, inverse), simd.mul_f64s(kappa, inverse));
        let weighted = simd.mul_f64s(count, s);
        [weighted, simd.mul_f64s(weighted, s), simd.mul_f64s(weighted, c)]
    }
}

/// `m q` and `m q (1 − q)`, where `q` is the smaller of `s` and `c`.
struct SmallerShares {
    kappa: f64,
}

impl Terms<2> for SmallerShares {
    #[inline(always)]
    fn of<S: Simd>(&self, simd: S, value: S::f64s, count: S::f64s) -> [S::f64s; 2] {
        let kappa = simd.splat_f64s(self.kappa);
        let inverse = simd.div_f64s(simd.splat_f64s(1.0), simd.add_f64s(value, kappa));
        let less = simd.mul_f64s(simd.min_f64s(value, kappa), inverse);
        let more = simd.mul_f64s(simd.max_f64s(value, kappa), inverse);
        let weighted = simd.mul_f64s(count, less);
        [weighted, simd.mul_f64s(weighted, more)]
    }
}

/// `e c²` in units of the largest `c`, which is `κ / largest`, and `e s c`.
struct TargetShares {
    kappa: f64,
    largest: f64,
}

impl Terms<2> for TargetShares {
    #[inline(always)]
    fn of<S: Simd>(&self, simd: S, value: S::f64s, energy: S::f64s) -> [S::f64s; 2] {
        let (kappa, largest) = (simd.splat_f64s(self.kappa), simd.splat_f64s(self.largest));
        let inverse = simd.div_f64s(simd.splat_f64s(1.0), simd.add_f64s(value, kappa));
        let weighted = simd.mul_f64s(energy, simd.mul_f64s(kappa, inverse));
        let (c, s) = (simd.mul_f64s(largest, inverse), simd.mul_f64s(value, inverse));
        [simd.mul_f64s(weighted, c), simd.mul_f64s(weighted, s)]
    }
}

impl PopulationSpectrum {
    /// Returns `Σ m s² / d` for a divisor `d` that is at least of the order of `Σ m s`.
    ///
    /// If the `s` are below 10⁻¹⁵⁵ their squares underflow, although this quotient does not.
    pub(in crate::theory) fn squares_over(&self, sums: Sums, kappa: f64, divisor: f64) -> f64 {
        if sums.ss > 1e-280 || sums.s == 0.0 {
            return sums.ss / divisor;
        }
        let largest = self.merged[0] / (self.merged[0] + kappa);
        let in_units = self.merged().map(|(value, count)| {
            let s = value / (value + kappa);
            count * s * (s / largest)
        });
        in_units.sum::<f64>() / divisor * largest
    }

    pub(in crate::theory) fn sums(&self, kappa: f64) -> Sums {
        let [s, ss, sc] = in_lanes(&self.merged, &self.merged_counts, Shares { kappa });
        Sums { s, ss, sc }
    }

    pub(in crate::theory) fn split(&self, kappa: f64) -> Split {
        let (values, counts) = (&self.merged[..], &self.merged_counts[..]);
        let cut = values[..self.ranks.len() - 1].partition_point(|&value| value > kappa);
        // Whole chunks of strong directions, then the chunk that has both kinds, then whole chunks of weak ones.
        let start = cut / LANES * LANES;
        let end = (start + LANES).min(values.len());
        let [mut strong, mut strong_slope] = smaller_shares(&values[..start], &counts[..start], kappa);
        let [mut weak, mut weak_slope] = smaller_shares(&values[end..], &counts[end..], kappa);
        if start < end {
            let mut parts = [[0.0; LANES]; 2];
            for i in 0..LANES {
                parts[usize::from(start + i >= cut)][i] = counts[start + i];
            }
            let [of_strong, of_weak] = parts.map(|part| smaller_shares(&values[start..end], &part, kappa));
            strong += of_strong[0];
            strong_slope += of_strong[1];
            weak += of_weak[0];
            weak_slope += of_weak[1];
        }
        Split { rank: self.ranks[cut], strong, weak, strong_slope, weak_slope }
    }

    /// Returns `n − Σ m s²`, without cancellation except between `n` and a rank.
    pub(in crate::theory) fn spare(&self, n: f64, kappa: f64) -> f64 {
        let (mut rank, mut left, mut seen) = (0.0, 0.0, 0.0);
        for (value, count) in self.merged() {
            let inverse = (value + kappa).recip();
            let (s, c) = (value * inverse, kappa * inverse);
            if value > kappa {
                rank += count;
                left += count * c * (1.0 + s);
            } else {
                seen += count * s * s;
            }
        }
        (n - rank) + (left - seen)
    }

    pub(in crate::theory) fn target_sums(&self, energies: &Energies, kappa: f64) -> TargetSums {
        let largest = self.lowest.min(f64::MAX) + kappa;
        let [cc, sc] = in_lanes(&self.merged, &energies.merged, TargetShares { kappa, largest });
        TargetSums { cc, unit: kappa / largest, sc }
    }

    /// Solves `Σ m s + tail/κ + x = least` for `κ`; returns 0 if there is no positive root.
    ///
    /// `gap(κ)` is `(x, −dx/d ln κ)`, with `x` decreasing in `κ`; `spare` is `least − rank`; `bounds` are a lower and
    /// an upper bound on the root that hold for any spectrum; `start` is a guess, such as the root of a neighbouring
    /// problem.
    ///
    /// The method is Newton's in `ln κ` inside a bracket, applied to the logarithm of the ratio of two sums of positive
    /// terms ([`Split`]), so the only difference taken is `least` minus a rank. The slope of that logarithm is at least
    /// ½ for any spectrum, so the relative error of `κ` is a few units of rounding. Its second derivative is at most
    /// twice the first, so a step below 1e-8 leaves an error of its square, 1e-16, and another pass would gain nothing.
    pub(in crate::theory) fn kappa(
        &self,
        [tail, least, spare]: [f64; 3],
        bounds: [f64; 2],
        gap: impl Fn(f64) -> (f64, f64),
        start: Option<f64>,
    ) -> f64 {
        let floor = if spare < 0.0 { -spare / self.rank * self.lowest } else { 0.0 };
        let mut low = bounds[0].max(tail / least).max(floor);
        if low <= 0.0 {
            return 0.0;
        }
        let mut high = bounds[1].max(2.0 * (self.trace / least + tail / least)).max(low).min(f64::MAX);
        // The bounds are rounded; a root at a bound must stay inside the bracket.
        (low, high) = (low * (1.0 - 1e-14), (high * (1.0 + 1e-14)).min(f64::MAX));
        let mut kappa =
            start.filter(|&start| start > low && start < high).unwrap_or(low.sqrt() * high.sqrt());
        let mut previous = f64::INFINITY;
        for _ in 0..300 {
            let split = self.split(kappa);
            let (x, slope) = gap(kappa);
            let mass = tail / kappa;
            let free = if split.rank == self.rank { spare } else { least - split.rank };
            let above = split.weak + mass + x + (-free).max(0.0);
            let below = split.strong + free.max(0.0);
            let value = (below / above).ln();
            let growth = split.strong_slope / below + (split.weak_slope + mass + slope) / above;
            if value > 0.0 {
                high = kappa;
            } else {
                low = kappa;
            }
            let step = -value / growth;
            let newton = kappa * step.exp();
            // Bisect if the Newton step leaves the bracket, or is more than half the previous step.
            if newton > low && newton < high && step.abs() <= 0.5 * previous {
                if step.abs() < 1e-8 {
                    return newton;
                }
                previous = step.abs();
                kappa = newton;
            } else if step.abs() < 1e-14 || high <= low * (1.0 + 4e-16) {
                return kappa;
            } else {
                kappa = low.sqrt() * high.sqrt();
                previous = (high / low).ln();
            }
        }
        kappa
    }
}

/// Returns `Σ m q` and `Σ m q (1 − q)` over whole chunks, where `q` is the smaller of `s` and `c`.
fn smaller_shares(values: &[f64], counts: &[f64], kappa: f64) -> [f64; 2] {
    in_lanes(values, counts, SmallerShares { kappa })
}
