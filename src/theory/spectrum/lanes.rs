//! Sums over a spectrum in lanes.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::LANES;
use crate::machine::instructions::arch;
use pulp::Simd;

/// The terms of `N` sums. Multiplications, divisions and additions, each rounded once, so that every instruction set
/// gives the same bits.
pub(super) trait Terms<const N: usize> {
    /// The terms of some values and their weights.
    fn of<S: Simd>(&self, simd: S, value: S::f64s, weight: S::f64s) -> [S::f64s; N];
}

/// Returns the sums of all terms, each in [`LANES`] partial sums. The number of values, and of weights, is a multiple
/// of [`LANES`].
pub(super) fn in_lanes<const N: usize>(values: &[f64], weights: &[f64], terms: impl Terms<N>) -> [f64; N] {
    arch().dispatch(InLanes { values, weights, terms })
}

struct InLanes<'a, T, const N: usize> {
    values: &'a [f64],
    weights: &'a [f64],
    terms: T,
}

impl<T: Terms<N>, const N: usize> pulp::WithSimd for InLanes<'_, T, N> {
    type Output = [f64; N];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [f64; N] {
        let Self { values, weights, terms } = self;
        let (values, weights) = (S::as_simd_f64s(values).0, S::as_simd_f64s(weights).0);
        let registers = LANES / S::F64_LANES;
        // Only the first registers are used: their number depends on the instruction set.
        let mut sums = [[simd.splat_f64s(0.0); LANES]; N];
        for (values, weights) in values.chunks_exact(registers).zip(weights.chunks_exact(registers)) {
            for i in 0..registers {
                let terms = terms.of(simd, values[i], weights[i]);
                for (sums, term) in sums.iter_mut().zip(terms) {
                    sums[i] = simd.add_f64s(sums[i], term);
                }
            }
        }
        sums.map(|sums| {
            let mut lanes = [0.0; LANES];
            S::as_mut_simd_f64s(&mut lanes).0.copy_from_slice(&sums[..registers]);
            lanes.iter().sum()
        })
    }
}
