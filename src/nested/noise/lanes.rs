//! One matrix per SIMD lane: reflections of vectors, and the resulting triangle.

use crate::machine::instructions::arch;
use ndarray::ArrayView2;

/// Matrices per pass: eight lanes are one 512-bit or two 256-bit registers.
pub(super) const LANES: usize = 8;

/// The same entry of eight matrices.
pub(super) type Lane = crate::machine::lane::Lane<LANES, crate::machine::lane::Line>;

pub(super) const ZERO: Lane = Lane::ZERO;

/// `QR` of `r` vectors of one length, by Householder reflections without pivoting; vector `k` becomes column `k` of the
/// triangle, with the reflector below it.
pub(super) struct Reflected {
    length: usize,
    /// The vectors, one after another.
    vectors: Vec<Lane>,
    /// `2 / vᵀv` of each reflector.
    factors: Vec<Lane>,
    /// The diagonal of the triangle.
    diagonal: Vec<Lane>,
}

impl Reflected {
    /// Factorises the rows of up to eight matrices, each times its `scale`. Lanes without a matrix repeat the first.
    pub(super) fn new(rows: &[ArrayView2<'_, f64>], scale: Lane) -> Self {
        let length = rows.first().map_or(0, ndarray::ArrayBase::ncols);
        let vectors = interleave(rows, scale);
        let mut reflected = Self { length, vectors, factors: Vec::new(), diagonal: Vec::new() };
        arch().dispatch(Factorise(&mut reflected));
        reflected
    }

    /// Returns the number of vectors.
    pub(super) fn len(&self) -> usize {
        self.factors.len()
    }

    #[inline(always)]
    fn factorise(&mut self) {
        let length = self.length;
        for k in 0..self.vectors.len() / length.max(1) {
            let (head, tail) = self.vectors.split_at_mut((k + 1) * length);
            let v = &mut head[k * length..][k.min(length)..];
            let Some(&first) = v.first() else { return };
            let square = dot(v, v);
            let (mut factor, mut diagonal, mut start) = (ZERO, ZERO, ZERO);
            for lane in 0..LANES {
                diagonal[lane] = -square[lane].sqrt().copysign(first[lane]);
                start[lane] = first[lane] - diagonal[lane];
                // vᵀv = 2 (‖x‖² − x₀ r) after the first entry changed; 0 for a vector of zeros.
                let half = square[lane] - first[lane] * diagonal[lane];
                factor[lane] = if half > 0.0 { 1.0 / half } else { 0.0 };
            }
            v[0] = start;
            for other in tail.chunks_exact_mut(length) {
                reflect(v, factor, &mut other[k..]);
            }
            self.factors.push(factor);
            self.diagonal.push(diagonal);
        }
    }

    /// Returns column `k` of the triangle: `k + 1` entries, the last on the diagonal.
    pub(super) fn column(&self, k: usize) -> impl Iterator<Item = Lane> + '_ {
        self.vectors[k * self.length..][..k].iter().copied().chain([self.diagonal[k]])
    }

    /// `x ← Qᵀ x`.
    #[inline(always)]
    pub(super) fn apply(&self, x: &mut [Lane]) {
        for (k, &factor) in self.factors.iter().enumerate() {
            reflect(&self.vectors[k * self.length + k..(k + 1) * self.length], factor, &mut x[k..]);
        }
    }

    /// Returns column `k` of `Q`.
    #[inline(always)]
    pub(super) fn basis(&self, k: usize) -> Vec<Lane> {
        let mut q = vec![ZERO; self.length];
        q[k] = Lane::ONE;
        for (k, &factor) in self.factors.iter().enumerate().take(k + 1).rev() {
            reflect(&self.vectors[k * self.length + k..(k + 1) * self.length], factor, &mut q[k..]);
        }
        q
    }
}

/// [`Reflected::factorise`], compiled once per instruction set.
struct Factorise<'a>(&'a mut Reflected);

impl pulp::WithSimd for Factorise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        self.0.factorise();
    }
}

/// `x ← x − f (v·x) v`.
#[inline(always)]
fn reflect(v: &[Lane], factor: Lane, x: &mut [Lane]) {
    let mut inner = dot(v, x);
    for lane in 0..LANES {
        inner[lane] *= factor[lane];
    }
    for (x, v) in x.iter_mut().zip(v) {
        for lane in 0..LANES {
            x[lane] = (-inner[lane]).mul_add(v[lane], x[lane]);
        }
    }
}

/// Uses two sums: a single sum would wait for its own last addition.
#[inline(always)]
fn dot(x: &[Lane], y: &[Lane]) -> Lane {
    let (mut even, mut odd) = (ZERO, ZERO);
    let (mut xs, mut ys) = (x.chunks_exact(2), y.chunks_exact(2));
    for (x, y) in (&mut xs).zip(&mut ys) {
        for lane in 0..LANES {
            even[lane] = x[0][lane].mul_add(y[0][lane], even[lane]);
            odd[lane] = x[1][lane].mul_add(y[1][lane], odd[lane]);
        }
    }
    if let ([x], [y]) = (xs.remainder(), ys.remainder()) {
        for lane in 0..LANES {
            even[lane] = x[lane].mul_add(y[lane], even[lane]);
        }
    }
    add(even, odd)
}

#[inline(always)]
pub(super) fn add(x: Lane, y: Lane) -> Lane {
    let mut sum = x;
    for lane in 0..LANES {
        sum[lane] += y[lane];
    }
    sum
}

/// `Σ x²`.
#[inline(always)]
pub(super) fn square(x: &[Lane]) -> Lane {
    dot(x, x)
}

/// 2^−400. Smaller entries of matrices whose largest entry is about 1 are far below every rank cutoff, and the
/// reciprocals of their squares would overflow.
const NEGLIGIBLE: f64 = 3.872_591_914_849_318_3e-121;

/// Interleaves the matrices entry by entry, row-major, each times its `scale`. Lanes without a matrix repeat the first.
pub(super) fn interleave(xs: &[ArrayView2<'_, f64>], scale: Lane) -> Vec<Lane> {
    let Some(first) = xs.first() else { return Vec::new() };
    let mut lanes = vec![ZERO; first.len()];
    for lane in 0..LANES {
        for (to, from) in lanes.iter_mut().zip(xs.get(lane).unwrap_or(first)) {
            let entry = from * scale[lane];
            to[lane] = if entry.abs() < NEGLIGIBLE { 0.0 } else { entry };
        }
    }
    lanes
}
