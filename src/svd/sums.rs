//! Vector sums, on as many lanes at once as the machine has.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::registers::WHOLE;
use crate::machine::instructions::arch;
use pulp::Simd;

/// The sums for one instruction set. Vectors used together have equal lengths.
#[derive(Clone, Copy)]
pub(super) struct Sums<S>(pub S);

impl<S: Simd> Sums<S> {
    /// `a·b`. The sum has the same order, and so the same bits, for registers of any length.
    #[inline(always)]
    pub(super) fn dot(self, a: &[f64], b: &[f64]) -> f64 {
        let Self(simd) = self;
        let whole = a.len() / WHOLE * WHOLE;
        let ((a, a_rest), (b, b_rest)) = (a.split_at(whole), b.split_at(whole));
        let (a, b) = (S::as_simd_f64s(a).0, S::as_simd_f64s(b).0);
        let registers = WHOLE / S::F64_LANES;
        // Two independent sums: a single one would wait for its own latency.
        let mut sums = [[simd.splat_f64s(0.0); WHOLE]; 2];
        let (mut pairs, mut others) = (a.chunks_exact(2 * registers), b.chunks_exact(2 * registers));
        for (a, b) in (&mut pairs).zip(&mut others) {
            for i in 0..registers {
                sums[0][i] = simd.mul_add_e_f64s(a[i], b[i], sums[0][i]);
                sums[1][i] = simd.mul_add_e_f64s(a[registers + i], b[registers + i], sums[1][i]);
            }
        }
        for (sum, (a, b)) in sums[0].iter_mut().zip(pairs.remainder().iter().zip(others.remainder())) {
            *sum = simd.mul_add_e_f64s(*a, *b, *sum);
        }
        let mut lanes = [0.0; WHOLE];
        for (i, lanes) in S::as_mut_simd_f64s(&mut lanes).0.iter_mut().enumerate() {
            *lanes = simd.add_f64s(sums[0][i], sums[1][i]);
        }
        let [a, b, c, d, e, f, g, h] = lanes;
        (((a + e) + (c + g)) + ((b + f) + (d + h))) + products(a_rest, b_rest)
    }

    /// `y ← y + factor · a`, with the same bits for registers of any length.
    #[inline(always)]
    pub(super) fn add(self, factor: f64, a: &[f64], y: &mut [f64]) {
        let Self(simd) = self;
        let whole = a.len() / WHOLE * WHOLE;
        let ((a, a_rest), (y, y_rest)) = (a.split_at(whole), y.split_at_mut(whole));
        let factors = simd.splat_f64s(factor);
        for (a, y) in S::as_simd_f64s(a).0.iter().zip(S::as_mut_simd_f64s(y).0) {
            *y = simd.mul_add_e_f64s(factors, *a, *y);
        }
        add(factor, a_rest, y_rest);
    }

    /// `a·b`, and for two pairs `y ← y + factor · a`: all in one pass over `a`.
    #[inline(always)]
    pub(super) fn dot_and_add(
        self,
        a: &[f64],
        b: &[f64],
        (first, second): (f64, f64),
        (y, z): (&mut [f64], &mut [f64]),
    ) -> f64 {
        let Self(simd) = self;
        let ((a, a_rest), (b, b_rest)) = (S::as_simd_f64s(a), S::as_simd_f64s(b));
        let ((y, y_rest), (z, z_rest)) = (S::as_mut_simd_f64s(y), S::as_mut_simd_f64s(z));
        let factors = (simd.splat_f64s(first), simd.splat_f64s(second));
        let mut sum = simd.splat_f64s(0.0);
        for ((a, b), (y, z)) in a.iter().zip(b).zip(y.iter_mut().zip(z)) {
            sum = simd.mul_add_e_f64s(*a, *b, sum);
            *y = simd.mul_add_e_f64s(factors.0, *a, *y);
            *z = simd.mul_add_e_f64s(factors.1, *a, *z);
        }
        add(first, a_rest, y_rest);
        add(second, a_rest, z_rest);
        simd.reduce_sum_f64s(sum) + products(a_rest, b_rest)
    }

    /// `a·a` and `a·b`, and `y ← y + factor · a`: all in one pass over `a`.
    #[inline(always)]
    pub(super) fn square_and_dot(self, a: &[f64], b: &[f64], factor: f64, y: &mut [f64]) -> (f64, f64) {
        let Self(simd) = self;
        let ((a, a_rest), (b, b_rest)) = (S::as_simd_f64s(a), S::as_simd_f64s(b));
        let (y, y_rest) = S::as_mut_simd_f64s(y);
        let factors = simd.splat_f64s(factor);
        let mut sums = [simd.splat_f64s(0.0); 2];
        for ((a, b), y) in a.iter().zip(b).zip(y) {
            sums[0] = simd.mul_add_e_f64s(*a, *a, sums[0]);
            sums[1] = simd.mul_add_e_f64s(*a, *b, sums[1]);
            *y = simd.mul_add_e_f64s(factors, *a, *y);
        }
        add(factor, a_rest, y_rest);
        let [square, product] = sums.map(|sum| simd.reduce_sum_f64s(sum));
        (square + products(a_rest, a_rest), product + products(a_rest, b_rest))
    }
}

/// `a·b`.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    arch().dispatch(Dot(a, b))
}

struct Dot<'a>(&'a [f64], &'a [f64]);

impl pulp::WithSimd for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        Sums(simd).dot(self.0, self.1)
    }
}

/// `y ← y + factor · a`.
pub(crate) fn axpy(y: &mut [f64], factor: f64, a: &[f64]) {
    arch().dispatch(Axpy(y, factor, a));
}

struct Axpy<'a>(&'a mut [f64], f64, &'a [f64]);

impl pulp::WithSimd for Axpy<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let length = self.0.len().min(self.2.len());
        Sums(simd).add(self.1, &self.2[..length], &mut self.0[..length]);
    }
}

/// `(a, b) ← (cos · a + sin · b, cos · b − sin · a)`.
pub(crate) fn rotate(a: &mut [f64], b: &mut [f64], (cos, sin): (f64, f64)) {
    arch().dispatch(Rotation(a, b, cos, sin));
}

struct Rotation<'a>(&'a mut [f64], &'a mut [f64], f64, f64);

impl pulp::WithSimd for Rotation<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(a, b, cos, sin) = self;
        let whole = a.len().min(b.len()) / WHOLE * WHOLE;
        let ((a, a_rest), (b, b_rest)) = (a.split_at_mut(whole), b.split_at_mut(whole));
        let (c, s) = (simd.splat_f64s(cos), simd.splat_f64s(sin));
        for (a, b) in S::as_mut_simd_f64s(a).0.iter_mut().zip(S::as_mut_simd_f64s(b).0) {
            let along = simd.mul_add_e_f64s(c, *a, simd.mul_f64s(s, *b));
            *b = simd.sub_f64s(simd.mul_f64s(c, *b), simd.mul_f64s(s, *a));
            *a = along;
        }
        for (a, b) in a_rest.iter_mut().zip(b_rest) {
            (*a, *b) = (cos * *a + sin * *b, cos * *b - sin * *a);
        }
    }
}

/// Returns the largest absolute value; NaN or infinite if an entry is.
pub(crate) fn largest(entries: &[f64]) -> f64 {
    arch().dispatch(Largest(entries))
}

struct Largest<'a>(&'a [f64]);

impl pulp::WithSimd for Largest<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let (whole, rest) = S::as_simd_f64s(self.0);
        let zero = simd.splat_f64s(0.0);
        // The sum of all v·0 is 0 unless an entry is NaN or infinite.
        let (mut largest, mut zeros) = (zero, zero);
        for v in whole {
            largest = simd.max_f64s(simd.abs_f64s(*v), largest);
            zeros = simd.mul_add_e_f64s(*v, zero, zeros);
        }
        let rest = rest.iter().fold((0.0f64, 0.0), |(most, zeros), v| (most.max(v.abs()), zeros + v * 0.0));
        simd.reduce_max_f64s(largest).max(rest.0) + simd.reduce_sum_f64s(zeros) + rest.1
    }
}

/// `y ← y + factor · a`, for the entries that do not fill a register.
#[inline(always)]
fn add(factor: f64, a: &[f64], y: &mut [f64]) {
    for (y, a) in y.iter_mut().zip(a) {
        *y += factor * a;
    }
}

#[inline(always)]
fn products(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
