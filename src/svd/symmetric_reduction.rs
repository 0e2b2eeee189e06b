//! Householder reduction of a symmetric matrix to tridiagonal form.
//!
//! The matrix is read at every step, but written only once per panel, by a product (LAPACK's `dsytrd`).

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::product::lower_product;
use super::registers::{WHOLE, add, reflection};
use super::sums::Sums;
use super::tiles::Accum;
use crate::machine::instructions::arch;
use crate::machine::views::{columns_of, columns_of_mut};
use ndarray::s;
use pulp::Simd;

/// Reflections applied together to the rest of the matrix.
const PANEL: usize = 16;
/// Columns multiplied together, so that the other operands are loaded once. Their rows share a register.
const TOGETHER: usize = 4;

/// `K = Q T Qᵀ`.
#[derive(Debug)]
pub(super) struct Reduction {
    order: usize,
    /// The lower triangle of `K`, column-major; becomes the diagonal of `T` and, from two below it on, the vectors of
    /// the reflections, whose leading 1 is implicit.
    pub(super) k: Vec<f64>,
    /// `|v|² / 2` of each reflection, infinite if there is nothing to reflect.
    pub(super) taus: Vec<f64>,
    /// Subdiagonal of `T`.
    pub(super) below: Vec<f64>,
}

impl Reduction {
    /// Reduces the lower triangle of `K` (`n × n`), column-major.
    pub(super) fn new(triangle: &[f64], n: usize) -> Self {
        let stride = n.next_multiple_of(WHOLE);
        let mut k = vec![0.0; stride * n];
        for (to, column) in k.chunks_exact_mut(stride).zip(triangle.chunks_exact(n)) {
            to[..n].copy_from_slice(column);
        }
        let count = n.saturating_sub(1);
        let mut reduction = Self { order: n, k, taus: vec![0.0; count], below: vec![0.0; count] };
        let mut panel = Panel::new(stride);
        for from in (0..count).step_by(PANEL) {
            let width = PANEL.min(count - from);
            arch().dispatch(Reduce { reduction: &mut reduction, panel: &mut panel, from, width });
            panel.update(&mut reduction, from + width, width);
        }
        reduction
    }

    /// Column stride.
    pub(super) fn stride(&self) -> usize {
        self.order.next_multiple_of(WHOLE)
    }
}

/// Pending updates of a panel's reflections `v`: `K ← K − v wᵀ − w vᵀ` for each.
struct Panel {
    stride: usize,
    /// `v` and `w` of each reflection in turn; `right` has them swapped: `K ← K − left rightᵀ`.
    left: Vec<f64>,
    right: Vec<f64>,
    v: Vec<f64>,
    w: Vec<f64>,
}

impl Panel {
    fn new(stride: usize) -> Self {
        let all = || vec![0.0; 2 * PANEL * stride];
        Self { stride, left: all(), right: all(), v: vec![0.0; stride], w: vec![0.0; stride] }
    }

    fn push(&mut self, number: usize) {
        for (at, left, right) in [(2 * number, &self.v, &self.w), (2 * number + 1, &self.w, &self.v)] {
            self.left[at * self.stride..][..self.stride].copy_from_slice(left);
            self.right[at * self.stride..][..self.stride].copy_from_slice(right);
        }
    }

    /// Returns the rows from `from` on of both vectors of a reflection.
    #[inline(always)]
    fn pair(&self, number: usize, from: usize) -> (&[f64], &[f64]) {
        let (v, w) = self.left[2 * number * self.stride..][..2 * self.stride].split_at(self.stride);
        (&v[from..], &w[from..])
    }

    /// Updates rows and columns from `from` on with `width` reflections.
    fn update(&self, reduction: &mut Reduction, from: usize, width: usize) {
        let size = reduction.order - from;
        let rest = &mut reduction.k[from * self.stride..];
        let rest = columns_of_mut(rest, (self.stride, size), self.stride);
        let [left, right] = [&self.left, &self.right].map(|vectors| {
            let all = columns_of(vectors, (self.stride, 2 * width), self.stride);
            all.slice_move(s![from..from + size, ..])
        });
        let rest = rest.slice_move(s![from..from + size, ..]);
        lower_product(rest, Accum::Add, left, right.reversed_axes(), -1.0);
    }
}

/// Computes the reflections of some columns.
struct Reduce<'a> {
    reduction: &'a mut Reduction,
    panel: &'a mut Panel,
    from: usize,
    width: usize,
}

impl pulp::WithSimd for Reduce<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for number in 0..self.width {
            step(simd, self.reduction, self.panel, self.from + number, number);
        }
    }
}

/// Computes the reflection of column `j` and its pending update: with `u = K v / τ`, `w = u − (uᵀv / 2τ) v`.
#[inline(always)]
fn step<S: Simd>(simd: S, reduction: &mut Reduction, panel: &mut Panel, j: usize, number: usize) {
    let (n, stride) = (reduction.order, panel.stride);
    let column = &mut reduction.k[j * stride..][..stride];
    catch_up(simd, column, panel, j, number);
    let (beta, tau) = reflection(simd, &mut column[j + 1..n]);
    reduction.below[j] = beta;
    reduction.taus[j] = tau;
    panel.v[..=j].fill(0.0);
    panel.v[j + 2..n].copy_from_slice(&column[j + 2..n]);
    panel.v[j + 1] = f64::from(u8::from(tau.is_finite()));
    panel.w.fill(0.0);
    if tau.is_finite() {
        // Whole registers: `v` is zero in finished rows.
        let from = (j + 1) / WHOLE * WHOLE;
        multiply(simd, &reduction.k, n, &panel.v, &mut panel.w, j + 1);
        let mut w = std::mem::take(&mut panel.w);
        let (own, v, sums) = (&mut w[from..], &panel.v[from..], Sums(simd));
        for number in 0..number {
            let (v_then, w_then) = panel.pair(number, from);
            let (by_v, by_w) = (-sums.dot(v_then, v), -sums.dot(w_then, v));
            add(simd, own, [(v_then, by_w), (w_then, by_v)]);
        }
        let inverse = tau.recip();
        let half = 0.5 * sums.dot(own, v) * inverse;
        let (inverse, half) = (simd.splat_f64s(inverse), simd.splat_f64s(-half));
        for (w, v) in S::as_mut_simd_f64s(own).0.iter_mut().zip(S::as_simd_f64s(v).0) {
            *w = simd.mul_f64s(simd.mul_add_e_f64s(*v, half, *w), inverse);
        }
        w[..=j].fill(0.0);
        panel.w = w;
    }
    panel.push(number);
}

/// Applies the pending updates of the panel's earlier reflections to column `j`.
#[inline(always)]
fn catch_up<S: Simd>(simd: S, column: &mut [f64], panel: &Panel, j: usize, count: usize) {
    let from = j / WHOLE * WHOLE;
    let column = &mut column[from..];
    for number in 0..count {
        let at = |vector: usize| -panel.left[vector * panel.stride + j];
        let (v, w) = panel.pair(number, from);
        add(simd, column, [(v, at(2 * number + 1)), (w, at(2 * number))]);
    }
}

/// `w ← w + K v` for rows and columns from `from` on, where `v` starts.
#[inline(always)]
fn multiply<S: Simd>(simd: S, k: &[f64], n: usize, v: &[f64], w: &mut [f64], from: usize) {
    let mut c = from;
    while c < n {
        if c.is_multiple_of(TOGETHER) && c + TOGETHER <= n {
            columns::<S, TOGETHER>(simd, k, n, v, w, c);
            c += TOGETHER;
        } else {
            columns::<S, 1>(simd, k, n, v, w, c);
            c += 1;
        }
    }
}

/// Multiplies with columns from `c` on, from the diagonal down, and with the rows that mirror them, in one pass.
#[inline(always)]
fn columns<S: Simd, const C: usize>(simd: S, k: &[f64], n: usize, v: &[f64], w: &mut [f64], c: usize) {
    let stride = n.next_multiple_of(WHOLE);
    let columns: [&[f64]; C] = std::array::from_fn(|t| &k[(c + t) * stride..][..stride]);
    // One row at a time to the end of the register that contains the diagonal.
    let whole = (c / WHOLE + 1) * WHOLE;
    for (t, column) in columns.iter().enumerate() {
        let diagonal = c + t;
        let mut sum = column[diagonal] * v[diagonal];
        for i in diagonal + 1..whole.min(n) {
            w[i] += column[i] * v[diagonal];
            sum += column[i] * v[i];
        }
        w[diagonal] += sum;
    }
    let factors: [S::f64s; C] = std::array::from_fn(|t| simd.splat_f64s(v[c + t]));
    let mut sums = [simd.splat_f64s(0.0); C];
    let (v, below) = (S::as_simd_f64s(&v[whole..]).0, S::as_mut_simd_f64s(&mut w[whole..]).0);
    let rows = v.len();
    let columns = columns.map(|column| &S::as_simd_f64s(&column[whole..]).0[..rows]);
    let below = &mut below[..rows];
    for i in 0..rows {
        let (own, mut sum) = (v[i], below[i]);
        for t in 0..C {
            sum = simd.mul_add_e_f64s(columns[t][i], factors[t], sum);
            sums[t] = simd.mul_add_e_f64s(columns[t][i], own, sums[t]);
        }
        below[i] = sum;
    }
    for t in 0..C {
        w[c + t] += simd.reduce_sum_f64s(sums[t]);
    }
}
