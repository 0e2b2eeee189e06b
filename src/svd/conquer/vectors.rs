//! The singular vectors of a matrix that is zero except for its diagonal and first row.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::super::registers::WHOLE;
use super::secular::Secular;
use pulp::Simd;

/// Ratios multiplied together before dividing: each is over 1e-50.
const TOGETHER: usize = 4;

/// The weights for which the computed roots are exact, by Löwner's formula (Gu and Eisenstat 1995):
/// ```text
/// zⱼ² = (ω_{K−1}² − dⱼ²) Π_{i<j} (ωᵢ² − dⱼ²)/(dᵢ² − dⱼ²) Π_{j≤i<K−1} (ωᵢ² − dⱼ²)/(dᵢ₊₁² − dⱼ²)
/// ```
/// Vectors from these weights are orthogonal to working precision, however close the roots are.
pub(super) struct Weights<'a> {
    pub(super) secular: &'a Secular,
    /// Its length is a multiple of [`WHOLE`].
    pub(super) weights: &'a mut [f64],
}

impl pulp::WithSimd for Weights<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { secular, weights } = self;
        let factors = Factors { simd, secular };
        let count = secular.count();
        let poles = S::as_simd_f64s(&secular.poles).0;
        let index = S::as_simd_f64s(&secular.index).0;
        for (group, weight) in S::as_mut_simd_f64s(weights).0.iter_mut().enumerate() {
            let (pole, number) = (poles[group], index[group]);
            let mut product = factors.to_root(count - 1, pole);
            let mut i = 0;
            while i + TOGETHER < count {
                let (mut above, mut below) = (factors.to_root(i, pole), factors.to_pole(i, pole, number));
                for next in i + 1..i + TOGETHER {
                    above = simd.mul_f64s(above, factors.to_root(next, pole));
                    below = simd.mul_f64s(below, factors.to_pole(next, pole, number));
                }
                product = simd.mul_f64s(product, simd.div_f64s(above, below));
                i += TOGETHER;
            }
            for i in i..count - 1 {
                let ratio = simd.div_f64s(factors.to_root(i, pole), factors.to_pole(i, pole, number));
                product = simd.mul_f64s(product, ratio);
            }
            *weight = simd.sqrt_f64s(simd.abs_f64s(product));
        }
        for (weight, z) in weights.iter_mut().zip(&secular.z) {
            *weight = weight.copysign(*z);
        }
    }
}

/// The factors of Löwner's formula for the poles `dⱼ` of one register.
struct Factors<'a, S: Simd> {
    simd: S,
    secular: &'a Secular,
}

impl<S: Simd> Factors<'_, S> {
    /// `ωᵢ² − dⱼ²`.
    #[inline(always)]
    fn to_root(&self, i: usize, pole: S::f64s) -> S::f64s {
        let simd = self.simd;
        let nearest = simd.splat_f64s(self.secular.nearest[i]);
        let shift = simd.splat_f64s(self.secular.shift[i]);
        let difference = simd.add_f64s(simd.sub_f64s(nearest, pole), shift);
        simd.mul_f64s(difference, simd.add_f64s(simd.add_f64s(nearest, shift), pole))
    }

    /// `dᵢ² − dⱼ²` for `i < j`, `dᵢ₊₁² − dⱼ²` otherwise.
    #[inline(always)]
    fn to_pole(&self, i: usize, pole: S::f64s, number: S::f64s) -> S::f64s {
        let simd = self.simd;
        let is_under = simd.less_than_f64s(simd.splat_f64s(i as f64), number);
        let (this, next) =
            (simd.splat_f64s(self.secular.poles[i]), simd.splat_f64s(self.secular.poles[i + 1]));
        let other = simd.select_f64s(is_under, this, next);
        simd.mul_f64s(simd.sub_f64s(other, pole), simd.add_f64s(other, pole))
    }
}

/// The vectors of each root `ω`, with length 1:
/// ```text
/// vⱼ ∝ zⱼ / (dⱼ² − ω²),     uⱼ ∝ dⱼ vⱼ,  but  u ∝ −1 at the pole 0
/// ```
pub(super) struct Vectors<'a> {
    pub(super) secular: &'a Secular,
    /// Poles and weights in the order of the entries, padded to a multiple of [`WHOLE`] with weight zero.
    pub(super) poles: &'a [f64],
    pub(super) weights: &'a [f64],
    /// The index of the pole 0.
    pub(super) zero: usize,
    /// One column per root, each as long as `poles`.
    pub(super) u: &'a mut [f64],
    pub(super) v: &'a mut [f64],
}

impl pulp::WithSimd for Vectors<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { secular, poles, weights, zero, u, v } = self;
        let length = poles.len();
        debug_assert!(length.is_multiple_of(WHOLE));
        let (poles, weights) = (S::as_simd_f64s(poles).0, S::as_simd_f64s(weights).0);
        let columns = u.chunks_exact_mut(length).zip(v.chunks_exact_mut(length));
        for (i, (u, v)) in columns.enumerate() {
            let (near, by) = (simd.splat_f64s(secular.nearest[i]), simd.splat_f64s(secular.shift[i]));
            let omega = simd.add_f64s(near, by);
            let (mut squares_u, mut squares_v) = (simd.splat_f64s(0.0), simd.splat_f64s(0.0));
            let rows = S::as_mut_simd_f64s(u).0.iter_mut().zip(S::as_mut_simd_f64s(v).0);
            for ((u, v), (pole, weight)) in rows.zip(poles.iter().zip(weights)) {
                let difference = simd.sub_f64s(simd.sub_f64s(*pole, near), by);
                *v = simd.div_f64s(*weight, simd.mul_f64s(difference, simd.add_f64s(*pole, omega)));
                *u = simd.mul_f64s(*pole, *v);
                squares_v = simd.mul_add_e_f64s(*v, *v, squares_v);
                squares_u = simd.mul_add_e_f64s(*u, *u, squares_u);
            }
            u[zero] = -1.0;
            let scale_u = simd.splat_f64s((simd.reduce_sum_f64s(squares_u) + 1.0).sqrt().recip());
            let scale_v = simd.splat_f64s(simd.reduce_sum_f64s(squares_v).sqrt().recip());
            for (u, v) in S::as_mut_simd_f64s(u).0.iter_mut().zip(S::as_mut_simd_f64s(v).0) {
                *u = simd.mul_f64s(*u, scale_u);
                *v = simd.mul_f64s(*v, scale_v);
            }
        }
    }
}
