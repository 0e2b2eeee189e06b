//! Eigenvalues of a symmetric tridiagonal matrix, by bisection with Sturm counts.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use crate::machine::instructions::arch;

/// Counts computed in parallel: a single one would wait for its divisions.
const LANES: usize = 32;
/// Halvings after which an interval is as short as rounding allows.
const HALVINGS: usize = 60;
/// Points evaluated together for each end of the spectrum.
const PLACES: usize = LANES / 2;
/// Rounds after which an end is known to a millionth: `17⁵ = 1.4e6`.
const ROUNDS: usize = 5;

/// A positive definite symmetric tridiagonal matrix `T`.
#[derive(Clone, Debug)]
pub(crate) struct Tridiagonal {
    pub(crate) diagonal: Vec<f64>,
    /// Off-diagonal entries, with a final 0.
    pub(crate) below: Vec<f64>,
}

impl Tridiagonal {
    /// `T x`.
    pub(super) fn times(&self, x: &[f64]) -> Vec<f64> {
        let Self { diagonal, below } = self;
        let before = |i: usize| if i > 0 { below[i - 1] * x[i - 1] } else { 0.0 };
        let after = |i: usize| if i + 1 < x.len() { below[i] * x[i + 1] } else { 0.0 };
        (0..x.len()).map(|i| before(i) + diagonal[i] * x[i] + after(i)).collect()
    }

    /// `B` of `T = BᵀB`, upper bidiagonal: each diagonal entry with the entry to its right; `None` if `T` is not
    /// positive definite.
    pub(crate) fn cholesky(&self) -> Option<Vec<(f64, f64)>> {
        let mut beside = 0.0;
        let rows = self.diagonal.iter().zip(&self.below);
        rows.map(|(entry, below)| {
            let pivot = entry - beside * beside;
            // False for NaN.
            let root = (pivot > 0.0).then(|| pivot.sqrt())?;
            beside = below / root;
            Some((root, beside))
        })
        .collect()
    }

    /// Returns bounds on all eigenvalues, each within some millionths of the largest; `None` if there are no
    /// eigenvalues or the lower bound is not positive.
    pub(super) fn ends(&self) -> Option<[f64; 2]> {
        let n = self.diagonal.len();
        // No eigenvalue exceeds the largest absolute row sum (Gershgorin).
        let beside = |i: usize| self.below[i].abs() + if i > 0 { self.below[i - 1].abs() } else { 0.0 };
        let top = (0..n).map(|i| self.diagonal[i] + beside(i)).fold(0.0, f64::max);
        let are_numbers = self.diagonal.iter().chain(&self.below).all(|v| v.is_finite());
        if !are_numbers || top.is_infinite() || top <= 0.0 {
            return None;
        }
        arch().dispatch(Ends { matrix: self, top })
    }

    /// Counts the eigenvalues below each point: the negative pivots of `T − x`.
    #[inline(always)]
    fn counts(&self, at: &[f64; LANES]) -> [f64; LANES] {
        let (mut counts, mut pivots, mut square) = ([0.0; LANES], [1.0; LANES], 0.0);
        for (diagonal, below) in self.diagonal.iter().zip(&self.below) {
            for ((pivot, count), x) in pivots.iter_mut().zip(&mut counts).zip(at) {
                let next = (diagonal - x) - square / *pivot;
                // A pivot of 0 is treated as a rounding error.
                *pivot = if next.abs() < f64::MIN_POSITIVE { -f64::MIN_POSITIVE } else { next };
                *count += if *pivot < 0.0 { 1.0 } else { 0.0 };
            }
            square = below * below;
        }
        counts
    }

    /// Returns all eigenvalues between the ends, descending, each to within some rounding errors of the largest.
    pub(super) fn values(&self, ends: [f64; 2]) -> Vec<f64> {
        arch().dispatch(Values { matrix: self, ends })
    }
}

/// The ends of the spectrum between 0 and `top`.
struct Ends<'a> {
    matrix: &'a Tridiagonal,
    top: f64,
}

impl pulp::WithSimd for Ends<'_> {
    type Output = Option<[f64; 2]>;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Option<[f64; 2]> {
        let Self { matrix, top } = self;
        // Number of eigenvalues smaller than the least and than the largest.
        let smaller = [0.0, matrix.diagonal.len() as f64 - 1.0];
        let (mut low, mut high) = ([0.0; 2], [top; 2]);
        for _ in 0..ROUNDS {
            let at: [f64; LANES] = std::array::from_fn(|i| {
                let (end, share) = (i / PLACES, (i % PLACES + 1) as f64 / (PLACES + 1) as f64);
                (high[end] - low[end]).mul_add(share, low[end])
            });
            let counts = matrix.counts(&at);
            for end in 0..2 {
                let (at, counts) = (&at[end * PLACES..][..PLACES], &counts[end * PLACES..][..PLACES]);
                let under = counts.iter().take_while(|count| **count <= smaller[end]).count();
                low[end] = if under > 0 { at[under - 1] } else { low[end] };
                high[end] = at.get(under).copied().unwrap_or(high[end]);
            }
        }
        (low[0] > 0.0).then_some([low[0], high[1]])
    }
}

struct Values<'a> {
    matrix: &'a Tridiagonal,
    ends: [f64; 2],
}

impl pulp::WithSimd for Values<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Vec<f64> {
        let Self { matrix, ends } = self;
        let n = matrix.diagonal.len();
        let mut values = Vec::with_capacity(n);
        for from in (0..n).step_by(LANES) {
            let (mut low, mut high) = ([ends[0]; LANES], [ends[1]; LANES]);
            // Number of eigenvalues smaller than each one sought.
            let smaller: [f64; LANES] = std::array::from_fn(|i| n.saturating_sub(from + i + 1) as f64);
            for _ in 0..HALVINGS {
                let middle: [f64; LANES] = std::array::from_fn(|i| 0.5 * (low[i] + high[i]));
                let counts = matrix.counts(&middle);
                for i in 0..LANES {
                    let is_over = counts[i] > smaller[i];
                    high[i] = if is_over { middle[i] } else { high[i] };
                    low[i] = if is_over { low[i] } else { middle[i] };
                }
            }
            values.extend((0..LANES.min(n - from)).map(|i| f64::midpoint(low[i], high[i])));
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    /// Eigenvalues of the second difference are `2 − 2 cos(kπ/(n + 1))`; here 1 is added to the diagonal.
    #[test]
    fn of_the_second_difference() {
        for n in [1, 2, 5, 32, 33, 200] {
            let mut below = vec![-1.0; n];
            below[n - 1] = 0.0;
            let matrix = Tridiagonal { diagonal: vec![3.0; n], below };
            let ends = matrix.ends().unwrap();
            let right = |k: usize| 3.0 + 2.0 * (PI * k as f64 / (n + 1) as f64).cos();
            assert!(ends[0] <= right(n) && ends[0] > right(n) - 1e-4, "{n}: {ends:?}");
            assert!(ends[1] >= right(1) && ends[1] < right(1) + 1e-4, "{n}: {ends:?}");
            for (k, found) in matrix.values(ends).iter().enumerate() {
                assert!((found - right(k + 1)).abs() <= 8.0 * f64::EPSILON * 5.0, "{n}, {k}: {found}");
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_ends() {
        let of = |diagonal: &[f64], below: &[f64]| Tridiagonal {
            diagonal: diagonal.to_vec(),
            below: below.to_vec(),
        };
        assert!(of(&[1.0, 1.0], &[2.0, 0.0]).ends().is_none());
        assert!(of(&[-1.0], &[0.0]).ends().is_none());
        assert!(of(&[f64::NAN, 1.0], &[0.0, 0.0]).ends().is_none());
        assert!(of(&[], &[]).ends().is_none());
        assert!(of(&[1e-9, 1.0], &[0.0, 0.0]).ends().is_none(), "not to a millionth");
    }
}
