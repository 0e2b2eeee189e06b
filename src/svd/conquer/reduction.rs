//! Householder reduction to bidiagonal form, with one pass over the rest of the matrix per step.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::super::registers::{WHOLE, add, reflection};
use super::LARGE;
use crate::machine::instructions::arch;
use crate::machine::large_pages::fill_with_zeros;
use crate::machine::threads::{piece, share};
use pulp::Simd;

/// Columns processed together in a pass, so that the other operands are loaded once.
const TOGETHER: usize = 4;
/// Entries of a piece worth a thread: about 0.1 ms of work. Handing them over takes about 0.01 ms.
const PASS: usize = 1 << 17;

/// `X = Q B Pᵀ` with upper bidiagonal `B`, for `X` (`rows × columns`, `rows ≥ columns`) with entries of at most order
/// 1.
///
/// With `u` and `v` the reflections of step `k`, `X` becomes `X − u yᵀ − z vᵀ`. This update is written when step `k +
/// 1` reads the matrix: a column is updated, and multiplied by the next `u`, which gives its `y` and so its entry `r`
/// of the row that determines the next `v`; the column times `r` is added to `z`; then the next column follows.
/// (LAPACK's `dgebrd` and others take two passes, one for the row and one for `z`. Howell et al., *Cache efficient
/// bidiagonalization using BLAS 2.5 operators*, ACM Trans. Math. Softw. 34, 2008.)
///
/// The first steps of a large matrix are split into pieces of columns, each with its own part of `z`; the parts are
/// added in order.
#[derive(Debug, Default)]
pub(super) struct Reduction {
    rows: usize,
    columns: usize,
    /// The matrix, column-major with column stride `stride`; becomes the reflections of `Q` below the diagonal.
    pub(super) x: Vec<f64>,
    /// The reflections of `P`, with column stride `columns`: after a column of zeros, one column per step `k`, from
    /// entry `k + 2` on, preceded by a one.
    p: Vec<f64>,
    /// `|u|² / 2` and `|v|² / 2`, infinite if there is nothing to reflect.
    pub(super) left: Vec<f64>,
    pub(super) right: Vec<f64>,
    /// For the previous and the current step, as long as the stride.
    u: [Vec<f64>; 2],
    z: [Vec<f64>; 2],
    y: Vec<f64>,
    row: Vec<f64>,
    /// The parts of `z`, one per piece.
    parts: Vec<f64>,
}

impl Reduction {
    /// Resizes for a matrix, and fills it with zeros.
    pub(super) fn resize(&mut self, rows: usize, columns: usize) {
        (self.rows, self.columns) = (rows, columns);
        let stride = self.stride();
        fill_with_zeros(&mut self.x, stride * columns);
        // Entries before the one in a column are never read.
        self.p.resize((columns + 1) * columns, 0.0);
        self.p[..columns].fill(0.0);
        self.u.iter_mut().chain(&mut self.z).for_each(|v| fill_with_zeros(v, stride));
        for v in [&mut self.left, &mut self.right, &mut self.y, &mut self.row] {
            fill_with_zeros(v, columns);
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Column stride.
    pub(super) fn stride(&self) -> usize {
        self.rows.next_multiple_of(WHOLE)
    }

    /// The reflections of `P` below the diagonal, with column stride `columns`; its first row is that of the identity.
    pub(super) fn p(&self) -> &[f64] {
        &self.p[self.columns..]
    }

    /// Reduces the matrix in `x`; `B` goes to `diagonal` and `above`.
    pub(super) fn reduce(&mut self, diagonal: &mut Vec<f64>, above: &mut Vec<f64>) {
        for v in [&mut *diagonal, &mut *above] {
            v.clear();
            v.resize(self.columns, 0.0);
        }
        let is_split = |k: &usize| self.width(*k) < self.columns - k - 1;
        let split = if self.columns < LARGE { 0 } else { (0..self.columns).take_while(is_split).count() };
        if split > 0 {
            let (diagonal, above) = (&mut diagonal[..split], &mut above[..split]);
            arch().dispatch(Reduce::<true> { reduction: self, first: 0, diagonal, above });
        }
        let (diagonal, above) = (&mut diagonal[split..], &mut above[split..]);
        arch().dispatch(Reduce::<false> { reduction: self, first: split, diagonal, above });
    }

    /// Returns the number of columns of a piece in step `k`.
    fn width(&self, k: usize) -> usize {
        let columns = self.columns - k - 1;
        piece(columns, TOGETHER, columns * (self.rows - k), PASS)
    }
}

/// Some steps, starting with `first`, either all split or all whole: they are compiled separately, since one loop for
/// both is slower.
struct Reduce<'a, const SPLIT: bool> {
    reduction: &'a mut Reduction,
    first: usize,
    diagonal: &'a mut [f64],
    above: &'a mut [f64],
}

impl<const SPLIT: bool> pulp::WithSimd for Reduce<'_, SPLIT> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for k in 0..self.diagonal.len() {
            (self.diagonal[k], self.above[k]) = self.reduction.step::<S, SPLIT>(simd, self.first + k);
        }
    }
}

impl Reduction {
    /// Does step `k`; returns the diagonal entry and the one to its right.
    #[inline(always)]
    fn step<S: Simd, const SPLIT: bool>(&mut self, simd: S, k: usize) -> (f64, f64) {
        let width = if SPLIT { self.width(k) } else { 0 };
        let (stride, columns) = (self.stride(), self.columns);
        // Start at a whole register: finished rows get zeros.
        let from = k / WHOLE * WHOLE;
        let [u_last, u] = &mut self.u;
        let [z_last, z] = &mut self.z;
        let (done, rest) = self.x.split_at_mut((k + 1) * stride);
        let own = &mut done[k * stride + from..];
        let (v_last, p) = self.p.split_at_mut((k + 1) * columns);
        let v_last = &v_last[k * columns..];
        let pending = Pending { u: &u_last[from..], z: &z_last[from..] };
        pending.write(simd, own, self.y[k], v_last[k]);
        let (beta, tau) = reflection(simd, &mut own[k - from..]);
        self.left[k] = tau;
        u[from..k].fill(0.0);
        u[k..].copy_from_slice(&own[k - from..]);
        u[k] = 1.0;
        let u = &mut u[from..];
        let z = &mut z[from..];
        z.fill(0.0);
        let step = Step { pending, u, from: k - from, inverse: tau.recip() };
        let (y, row) = (&mut self.y[k + 1..], &mut self.row[k + 1..]);
        let v_last = &v_last[k + 1..];
        if SPLIT {
            step.by_pieces(rest, stride, from, width, &mut self.parts, z, y, v_last, row);
        } else {
            step.all_columns(simd, rest, stride, from, z, y, v_last, row);
        }
        u[k - from] = 0.0;
        let above = if row.is_empty() {
            0.0
        } else {
            let (first, dot) = (y[0], y.iter().zip(&*row).map(|(y, r)| y * r).sum::<f64>());
            let v = &mut p[k + 1..columns];
            v.copy_from_slice(row);
            let head = v[0];
            let (beta, tau) = reflection(simd, v);
            v[0] = 1.0;
            self.right[k] = tau;
            // v = (r − β e₁) / (r₁ − β), z = (X − u yᵀ) v / τ.
            let scale = if tau.is_finite() { ((head - beta) * tau).recip() } else { 0.0 };
            let factors = [scale, -scale * (dot - beta * first), -scale * beta];
            combine(simd, z, u, &rest[from..stride], factors);
            z[..=k - from].fill(0.0);
            beta
        };
        self.u.swap(0, 1);
        self.z.swap(0, 1);
        (beta, above)
    }
}

/// Vectors of the previous step.
#[derive(Clone, Copy)]
struct Pending<'a> {
    u: &'a [f64],
    z: &'a [f64],
}

impl Pending<'_> {
    /// `x ← x − y u − v z`.
    #[inline(always)]
    fn write<S: Simd>(&self, simd: S, x: &mut [f64], y: f64, v: f64) {
        add(simd, x, [(self.u, -y), (self.z, -v)]);
    }
}

/// One reflection from the left, with the pending update of the previous step.
#[derive(Clone, Copy)]
struct Step<'a> {
    pending: Pending<'a>,
    u: &'a [f64],
    /// Index of its first entry.
    from: usize,
    /// `1 / τ`.
    inverse: f64,
}

/// The work of a step on some neighbouring columns.
struct Piece<'a> {
    step: Step<'a>,
    x: &'a mut [f64],
    stride: usize,
    from: usize,
    /// These columns' part of `z`.
    z: &'a mut [f64],
    y: &'a mut [f64],
    v: &'a [f64],
    row: &'a mut [f64],
}

impl pulp::WithSimd for Piece<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { step, x, stride, from, z, y, v, row } = self;
        z.fill(0.0);
        step.all_columns(simd, x, stride, from, z, y, v, row);
    }
}

impl Step<'_> {
    /// Applies [`columns`](Self::columns) to all columns, `width` to a piece, on all threads.
    #[allow(clippy::too_many_arguments)]
    fn by_pieces(
        self,
        x: &mut [f64],
        stride: usize,
        from: usize,
        width: usize,
        parts: &mut Vec<f64>,
        z: &mut [f64],
        y: &mut [f64],
        v: &[f64],
        row: &mut [f64],
    ) {
        let needed = y.len().div_ceil(width) * z.len();
        parts.resize(needed.max(parts.len()), 0.0);
        let parts = &mut parts[..needed];
        let columns = x.chunks_mut(width * stride).zip(v.chunks(width));
        let products = y.chunks_mut(width).zip(row.chunks_mut(width)).zip(parts.chunks_mut(z.len()));
        let pieces = columns.zip(products).map(|((x, v), ((y, row), z))| {
            let step = self;
            Piece { step, x, stride, from, z, y, v, row }
        });
        share(pieces.collect(), |piece| arch().dispatch(piece));
        for part in parts.chunks(z.len()) {
            z.iter_mut().zip(part).for_each(|(z, part)| *z += part);
        }
    }

    /// Applies [`columns`](Self::columns) to all columns, one group after another.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn all_columns<S: Simd>(
        &self,
        simd: S,
        x: &mut [f64],
        stride: usize,
        from: usize,
        z: &mut [f64],
        y: &mut [f64],
        v: &[f64],
        row: &mut [f64],
    ) {
        let whole = y.len() / TOGETHER * TOGETHER;
        for j in (0..whole).step_by(TOGETHER) {
            let block = &mut x[j * stride..][..TOGETHER * stride];
            self.columns::<S, TOGETHER>(simd, block, from, z, &mut y[j..], &v[j..], &mut row[j..]);
        }
        for j in whole..y.len() {
            let block = &mut x[j * stride..][..stride];
            self.columns::<S, 1>(simd, block, from, z, &mut y[j..], &v[j..], &mut row[j..]);
        }
    }

    /// Updates columns `x ← x − y u₋ − v z₋`, then computes their new `y = x·u / τ`, their entries `r` in the row of
    /// `u`, less `y`, and `z ← z + r x`.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn columns<S: Simd, const C: usize>(
        &self,
        simd: S,
        x: &mut [f64],
        from: usize,
        z: &mut [f64],
        y: &mut [f64],
        v: &[f64],
        row: &mut [f64],
    ) {
        let stride = x.len() / C;
        let length = stride - from;
        let mut rest = x;
        let mut columns: [&mut [f64]; C] = std::array::from_fn(|_| {
            let (own, others) = std::mem::take(&mut rest).split_at_mut(stride);
            rest = others;
            &mut own[from..]
        });
        let whole = length / S::F64_LANES;
        let [u, u_last, z_last] =
            [self.u, self.pending.u, self.pending.z].map(|v| &S::as_simd_f64s(v).0[..whole]);
        let z = &mut S::as_mut_simd_f64s(z).0[..whole];
        let mut factors = [(simd.splat_f64s(0.0), simd.splat_f64s(0.0)); C];
        let mut sums = [simd.splat_f64s(0.0); C];
        for c in 0..C {
            factors[c] = (simd.splat_f64s(-y[c]), simd.splat_f64s(-v[c]));
        }
        {
            let columns = columns.each_mut().map(|column| &mut S::as_mut_simd_f64s(column).0[..whole]);
            for i in 0..whole {
                let (u, u_last, z_last) = (u[i], u_last[i], z_last[i]);
                for c in 0..C {
                    let old = columns[c][i];
                    let once = simd.mul_add_e_f64s(u_last, factors[c].0, old);
                    let new = simd.mul_add_e_f64s(z_last, factors[c].1, once);
                    columns[c][i] = new;
                    sums[c] = simd.mul_add_e_f64s(u, new, sums[c]);
                }
            }
        }
        let mut entries = [simd.splat_f64s(0.0); C];
        for c in 0..C {
            y[c] = simd.reduce_sum_f64s(sums[c]) * self.inverse;
            row[c] = columns[c][self.from] - y[c];
            entries[c] = simd.splat_f64s(row[c]);
        }
        let columns = columns.each_ref().map(|column| &S::as_simd_f64s(column).0[..whole]);
        for i in 0..whole {
            let mut sum = z[i];
            for c in 0..C {
                sum = simd.mul_add_e_f64s(columns[c][i], entries[c], sum);
            }
            z[i] = sum;
        }
    }
}

/// `z ← a z + b u + c x`.
#[inline(always)]
fn combine<S: Simd>(simd: S, z: &mut [f64], u: &[f64], x: &[f64], [a, b, c]: [f64; 3]) {
    let (a, b, c) = (simd.splat_f64s(a), simd.splat_f64s(b), simd.splat_f64s(c));
    let (u, x) = (S::as_simd_f64s(u).0, S::as_simd_f64s(x).0);
    for (z, (u, x)) in S::as_mut_simd_f64s(z).0.iter_mut().zip(u.iter().zip(x)) {
        *z = simd.mul_add_e_f64s(*x, c, simd.mul_add_e_f64s(*u, b, simd.mul_f64s(*z, a)));
    }
}
