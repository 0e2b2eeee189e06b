//! Vector operations in whole registers, shared by both reductions.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use pulp::Simd;

/// A whole number of registers for every instruction set: arrays processed register by register have a length that is a
/// multiple of it.
pub(super) const WHOLE: usize = 8;

/// Squared length that counts as zero compared with entries of order 1.
const TINY: f64 = 1e-280;

/// Overwrites `x` with the `u` of `(I − u uᵀ / τ) x = β e₁`, except for its first entry, 1. Returns `β` and `τ`, which
/// is infinite if nothing needs to be reflected.
#[inline(always)]
pub(super) fn reflection<S: Simd>(simd: S, x: &mut [f64]) -> (f64, f64) {
    let (head, tail) = (x[0], &mut x[1..]);
    let (whole, rest) = S::as_mut_simd_f64s(tail);
    let mut sum = simd.splat_f64s(0.0);
    for v in &*whole {
        sum = simd.mul_add_e_f64s(*v, *v, sum);
    }
    let square = simd.reduce_sum_f64s(sum) + rest.iter().map(|v| v * v).sum::<f64>();
    if square < TINY {
        tail.fill(0.0);
        return (head, f64::INFINITY);
    }
    let beta = -head.mul_add(head, square).sqrt().copysign(head);
    let scale = (head - beta).recip();
    let scales = simd.splat_f64s(scale);
    for v in whole {
        *v = simd.mul_f64s(*v, scales);
    }
    for v in rest {
        *v *= scale;
    }
    (beta, 0.5 * (square * scale).mul_add(scale, 1.0))
}

/// `x ← x + f a + g b`, for vectors that fill whole registers.
#[inline(always)]
pub(super) fn add<S: Simd>(simd: S, x: &mut [f64], [(a, f), (b, g)]: [(&[f64], f64); 2]) {
    let (a, b) = (S::as_simd_f64s(a).0, S::as_simd_f64s(b).0);
    let (f, g) = (simd.splat_f64s(f), simd.splat_f64s(g));
    for (x, (a, b)) in S::as_mut_simd_f64s(x).0.iter_mut().zip(a.iter().zip(b)) {
        *x = simd.mul_add_e_f64s(*b, g, simd.mul_add_e_f64s(*a, f, *x));
    }
}
