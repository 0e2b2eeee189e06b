//! `A = Q R` by Householder reflections, and products with them, in blocks.
//!
//! A block of reflections is `I − V S Vᵀ` with an upper triangular `S`, its factor: R. Schreiber and C. Van Loan, *A
//! Storage-Efficient WY Representation for Products of Householder Transformations*, SIAM J. Sci. Stat. Comput. 10
//! (1989). `V` is stored below the diagonal of a matrix; its entries on the diagonal are 1, and above it 0.
//!
//! Every column keeps its full accuracy: no component is taken for zero because it is small beside its column. A curve
//! near its threshold needs it: the bounds of this crate are some `ε` of a column.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::sums::Sums;
use super::tiles::{Accum, multiply};
use crate::machine::instructions::arch;
use crate::machine::views::columns_of_mut;
use ndarray::{ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis, s};
use pulp::{Simd, WithSimd};

/// Most columns reduced one by one.
pub(super) const NARROW: usize = 16;
/// Most entries of a group of columns reflected together, so that they are still in the cache when needed again: 768 KiB.
const CACHED: usize = 3 << 15;
/// Sums of squares above this are accurate to working precision, even if some of the squares underflow.
const LEAST: f64 = 1e-270;

/// Returns how many reflections of a `rows × columns` matrix form a block.
pub(super) fn block_size(rows: usize, columns: usize) -> usize {
    let block = match rows * columns {
        65_537.. => 32,
        _ => 16,
    };
    block.min(rows).min(columns).max(1)
}

/// Returns how many columns of this many rows to reflect together.
pub(super) fn together(rows: usize) -> usize {
    (CACHED / rows.max(1) / 8 * 8).max(64)
}

/// `A ← R` on and above the diagonal, with the vectors of the reflections below it. `factors`, initially zero, become
/// the factors of the blocks, block next to block (`block × min(rows, columns)`).
pub(super) fn factor(mut a: ArrayViewMut2<'_, f64>, mut factors: ArrayViewMut2<'_, f64>) {
    let (block, size, mut room) = (factors.nrows(), a.nrows().min(a.ncols()), Vec::new());
    for first in (0..size).step_by(block.max(1)) {
        let width = block.min(size - first);
        let (mut left, right) = a.slice_mut(s![first.., first..]).split_at(Axis(1), width);
        let mut factor = factors.slice_mut(s![..width, first..first + width]);
        factor_block(left.view_mut(), factor.view_mut(), &mut room);
        let reflections = Block { vectors: left.view(), factor: factor.view() };
        reflections.reflect_in_groups(right, true, &mut room);
    }
}

/// Computes the factors of blocks of reflections `I − v vᵀ/τ`, block next to block (`block × count`, initially zero).
/// The vectors are the columns of `vectors` (`rows × count`), each starting at its entry 1.
pub(super) fn block_factors(mut factors: ArrayViewMut2<'_, f64>, vectors: ArrayView2<'_, f64>, taus: &[f64]) {
    let (block, mut room) = (factors.nrows(), Vec::new());
    for (number, taus) in taus.chunks(block.max(1)).enumerate() {
        let (from, size) = (number * block, taus.len());
        let vectors = vectors.slice(s![from.., from..from + size]);
        let mut factor = factors.slice_mut(s![..size, from..from + size]);
        let [mut head, mut products] = matrices(&mut room, [(size, size), (size, size)]);
        copy_head(vectors, head.view_mut());
        multiply(products.view_mut(), Accum::Replace, head.t(), head.view(), 1.0);
        let tails = vectors.slice(s![size.., ..]);
        multiply(products.view_mut(), Accum::Add, tails.t(), tails, 1.0);
        for (k, tau) in taus.iter().enumerate() {
            let inverse = tau.recip(); // 0 if there is nothing to reflect
            extend_factor(&mut factor, k, inverse, |i| products[[i, k]]);
        }
    }
}

/// `C ← Qᵀ C` or `C ← Q C`, for all reflections of `vectors` and their block factors.
pub(super) fn reflect_all(
    vectors: ArrayView2<'_, f64>,
    factors: ArrayView2<'_, f64>,
    c: ArrayViewMut2<'_, f64>,
    is_transposed: bool,
) {
    let (block, count, mut room) = (factors.nrows().max(1), vectors.ncols(), Vec::new());
    let blocks = count.div_ceil(block);
    for mut columns in in_groups(c, vectors.nrows()) {
        for step in 0..blocks {
            let first = block * if is_transposed { step } else { blocks - 1 - step };
            let places = first..count.min(first + block);
            let reflections = Block {
                vectors: vectors.slice(s![first.., places.clone()]),
                factor: factors.slice(s![..places.len(), places]),
            };
            reflections.reflect(columns.slice_mut(s![first.., ..]), is_transposed, &mut room);
        }
    }
}

/// Splits into groups of columns that stay in the cache, of about the same width: each group packs the reflections.
fn in_groups(c: ArrayViewMut2<'_, f64>, rows: usize) -> impl Iterator<Item = ArrayViewMut2<'_, f64>> {
    let groups = c.ncols().div_ceil(together(rows)).max(1);
    let each = c.ncols().div_ceil(groups).next_multiple_of(8);
    let mut rest = Some(c);
    std::iter::from_fn(move || {
        let columns = rest.take().filter(|columns| columns.ncols() > 0)?;
        let width = each.min(columns.ncols());
        let (next, others) = columns.split_at(Axis(1), width);
        rest = Some(others);
        Some(next)
    })
}

/// A block of reflections.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub(super) vectors: ArrayView2<'a, f64>,
    pub(super) factor: ArrayView2<'a, f64>,
}

impl Block<'_> {
    /// [`Self::reflect`] for any number of columns.
    pub(super) fn reflect_in_groups(
        self,
        c: ArrayViewMut2<'_, f64>,
        is_transposed: bool,
        room: &mut Vec<f64>,
    ) {
        for columns in in_groups(c, self.vectors.nrows()) {
            self.reflect(columns, is_transposed, room);
        }
    }

    /// `C ← (I − V S Vᵀ) C`, or with `Sᵀ`.
    fn reflect(self, c: ArrayViewMut2<'_, f64>, is_transposed: bool, room: &mut Vec<f64>) {
        let (width, columns) = (self.vectors.ncols(), c.ncols());
        let factor = if is_transposed { self.factor.reversed_axes() } else { self.factor };
        let [mut head, mut along, mut taken] =
            matrices(room, [(width, width), (width, columns), (width, columns)]);
        copy_head(self.vectors, head.view_mut());
        let tails = self.vectors.slice(s![width.., ..]);
        let (mut above, mut below) = c.split_at(Axis(0), width);
        multiply(along.view_mut(), Accum::Replace, head.t(), above.view(), 1.0);
        multiply(along.view_mut(), Accum::Add, tails.t(), below.view(), 1.0);
        multiply(taken.view_mut(), Accum::Replace, factor, along.view(), 1.0);
        multiply(above.view_mut(), Accum::Add, head.view(), taken.view(), -1.0);
        multiply(below.view_mut(), Accum::Add, tails, taken.view(), -1.0);
    }
}

/// Copies the square part of `V`.
fn copy_head(vectors: ArrayView2<'_, f64>, mut head: ArrayViewMut2<'_, f64>) {
    let size = head.nrows();
    for (j, (mut to, from)) in head.columns_mut().into_iter().zip(vectors.columns()).enumerate() {
        to.slice_mut(s![..j]).fill(0.0);
        to[j] = 1.0;
        to.slice_mut(s![j + 1..]).assign(&from.slice(s![j + 1..size]));
    }
}

/// Returns writable column-major matrices in `room`.
pub(super) fn matrices<const N: usize>(
    room: &mut Vec<f64>,
    shapes: [(usize, usize); N],
) -> [ArrayViewMut2<'_, f64>; N] {
    let needed = shapes.iter().map(|(rows, columns)| rows * columns).sum();
    if room.len() < needed {
        room.resize(needed, 0.0);
    }
    let mut rest = &mut room[..];
    shapes.map(|(rows, columns)| {
        let (part, others) = std::mem::take(&mut rest).split_at_mut(rows * columns);
        rest = others;
        columns_of_mut(part, (rows, columns), rows)
    })
}

/// Reduces a block of columns, with at least as many rows: halves of it in turn, the smallest column by column.
fn factor_block(mut a: ArrayViewMut2<'_, f64>, factor: ArrayViewMut2<'_, f64>, room: &mut Vec<f64>) {
    let width = a.ncols();
    if width <= NARROW {
        let mut columns = columns_of_view(&mut a);
        return arch().dispatch(OneByOne { columns: &mut columns[..width], factor });
    }
    let half = width / 2;
    let (mut left, mut right) = a.split_at(Axis(1), half);
    let (upper, lower) = factor.split_at(Axis(0), half);
    let (mut first, mut beside) = upper.split_at(Axis(1), half);
    let (_, mut second) = lower.split_at(Axis(1), half);
    factor_block(left.view_mut(), first.view_mut(), room);
    Block { vectors: left.view(), factor: first.view() }.reflect(right.view_mut(), true, room);
    let mut right = right.slice_move(s![half.., ..]);
    factor_block(right.view_mut(), second.view_mut(), room);
    // S₁₂ = −S₁₁ V₁ᵀV₂ S₂₂
    let rest = width - half;
    let [mut head, mut between, mut product] = matrices(room, [(rest, rest), (half, rest), (half, rest)]);
    copy_head(right.view(), head.view_mut());
    let (near, far) = left.slice(s![half.., ..]).split_at(Axis(0), rest);
    multiply(between.view_mut(), Accum::Replace, near.t(), head.view(), 1.0);
    multiply(between.view_mut(), Accum::Add, far.t(), right.slice(s![rest.., ..]), 1.0);
    multiply(product.view_mut(), Accum::Replace, first.view(), between.view(), 1.0);
    multiply(beside.view_mut(), Accum::Replace, product.view(), second.view(), -1.0);
}

/// Returns the columns of a column-major matrix that has no more of them.
pub(super) fn columns_of_view<'a>(a: &'a mut ArrayViewMut2<'_, f64>) -> [&'a mut [f64]; NARROW] {
    let mut columns = a.axis_iter_mut(Axis(1));
    std::array::from_fn(|_| columns.next().and_then(ArrayViewMut1::into_slice).unwrap_or_default())
}

/// Adds reflection `k` to the factor of a block, given the products of its vector with those before it:
/// ```text
/// S[..k, k] = −S[..k, ..k] Vᵀv / τ,  S[k, k] = 1/τ
/// ```
#[inline(always)]
pub(super) fn extend_factor(
    factor: &mut ArrayViewMut2<'_, f64>,
    k: usize,
    inverse: f64,
    product: impl Fn(usize) -> f64,
) {
    factor[[k, k]] = inverse;
    for i in 0..k {
        let along = product(i) * inverse;
        for above in 0..=i {
            factor[[above, k]] -= factor[[above, i]] * along;
        }
    }
}

/// Reduces a few columns one by one.
struct OneByOne<'a, 'b> {
    columns: &'b mut [&'b mut [f64]],
    factor: ArrayViewMut2<'a, f64>,
}

impl WithSimd for OneByOne<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (Self { columns, mut factor }, sums) = (self, Sums(simd));
        for k in 0..columns.len() {
            let (done, rest) = columns.split_at_mut(k);
            let Some((column, rest)) = rest.split_first_mut() else { return };
            let (above, tail) = column.split_at_mut(k + 1);
            let Some((new, inverse)) = reflection(above[k], tail, sums) else { continue };
            above[k] = new;
            extend_factor(&mut factor, k, inverse, |i| {
                let (above, done) = done[i].split_at(k + 1);
                above[k] + sums.dot(done, tail)
            });
            for other in rest {
                let (above, other) = other.split_at_mut(k + 1);
                let along = (above[k] + sums.dot(tail, other)) * inverse;
                above[k] -= along;
                sums.add(-along, tail, other);
            }
        }
    }
}

/// Computes the reflection `I − v vᵀ/τ` that takes a column to its first entry: `tail` becomes `v`, whose first entry
/// is 1. Returns the new first entry and `1/τ`; `None` if nothing needs to be reflected.
#[inline(always)]
pub(super) fn reflection<S: Simd>(head: f64, tail: &mut [f64], sums: Sums<S>) -> Option<(f64, f64)> {
    let (length, whole) = lengths(head, tail, sums.dot(tail, tail));
    if length < f64::MIN_POSITIVE {
        return None; // I − 0 v vᵀ is I, and the reciprocal of a subnormal length would overflow
    }
    let new = -whole.copysign(head);
    let scale = (head - new).recip();
    for v in tail {
        *v *= scale;
    }
    let size = (length * scale) * (length * scale);
    Some((new, f64::midpoint(1.0, size).recip()))
}

/// Returns `‖column‖`, and the norm with `head` on top, from the column's sum of squares if that is in range.
fn lengths(head: f64, column: &[f64], square: f64) -> (f64, f64) {
    let whole = head.mul_add(head, square);
    if square > LEAST && whole < LEAST.recip() {
        return (square.sqrt(), whole.sqrt());
    }
    let largest = column.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return (largest, head.hypot(largest));
    }
    let scaled: f64 = column.iter().map(|v| (v / largest) * (v / largest)).sum();
    let length = largest * scaled.sqrt();
    (length, head.hypot(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use ndarray::{Array2, ShapeBuilder};
    use rand::RngExt;

    fn factored(a: &Array2<f64>) -> [Array2<f64>; 2] {
        let (rows, columns) = a.dim();
        let mut factors = Array2::zeros((block_size(rows, columns), rows.min(columns)).f());
        let mut reduced = Array2::zeros((rows, columns).f());
        reduced.assign(a);
        factor(reduced.view_mut(), factors.view_mut());
        [reduced, factors]
    }

    /// `A = Q R` and `QᵀQ = I`: each of some reflections has a few rounding errors in each entry, which add up to some
    /// `√k` of them (Higham, *Accuracy and Stability of Numerical Algorithms*, section 19.3). The factors computed from
    /// the vectors alone give the same `Q`.
    #[test]
    fn product_of_its_factors() {
        let shapes =
            [(1, 1), (5, 3), (3, 5), (16, 17), (40, 33), (33, 40), (200, 100), (150, 150), (100, 230)];
        for (rows, columns) in shapes.into_iter().chain([(600, 320)]) {
            let (mut rng, size) = (stream(1, rows, columns), rows.min(columns));
            let a = Array2::from_shape_simple_fn((rows, columns), || 2.0 * rng.random::<f64>() - 1.0);
            let [reduced, factors] = factored(&a);
            let vectors = reduced.slice(s![.., ..size]);
            let mut q = Array2::eye(rows).reversed_axes();
            reflect_all(vectors, factors.view(), q.view_mut(), false);
            let r =
                Array2::from_shape_fn((rows, columns), |(i, j)| if i <= j { reduced[[i, j]] } else { 0.0 });
            let off =
                |a: Array2<f64>, b: &Array2<f64>| (a - b).iter().fold(0.0f64, |most, v| most.max(v.abs()));
            let bound = 8.0 * f64::EPSILON * (size as f64).sqrt();
            assert!(off(q.t().dot(&q), &Array2::eye(rows)) <= bound, "{rows} × {columns}");
            let largest = (rows as f64).sqrt();
            assert!(off(q.dot(&r), &a) <= bound * largest, "{rows} × {columns}");
            let mut transposed = a.clone().reversed_axes().as_standard_layout().into_owned().reversed_axes();
            reflect_all(vectors, factors.view(), transposed.view_mut(), true);
            assert!(off(transposed, &r) <= bound * largest, "{rows} × {columns}");

            let taus: Vec<f64> = (0..size)
                .map(|k| {
                    let tail = reduced.slice(s![k + 1.., k]);
                    if k + 1 == rows { f64::INFINITY } else { f64::midpoint(1.0, tail.dot(&tail)) }
                })
                .collect();
            let mut again = Array2::zeros(factors.dim());
            block_factors(again.view_mut(), vectors, &taus);
            assert!(off(again, &factors) <= bound, "{rows} × {columns}");
        }
    }

    /// The last column is the first plus a small component in another direction, which `R` must keep: it is no rounding
    /// error.
    #[test]
    fn what_a_column_adds_is_kept_however_little_it_is() {
        let small = 2f64.powi(-44);
        for rows in [3, 40, 300] {
            let a = Array2::from_shape_fn((rows, 2), |(i, j)| {
                let own = if i == rows - 1 && j == 1 { small } else { 0.0 };
                if i < rows - 1 { 1.0 } else { own }
            });
            let [r, _] = factored(&a);
            // The columns differ by `small` in an entry in which the first is 0.
            assert!((r[[1, 1]].abs() / small - 1.0).abs() < 1e-2, "{rows}: {:e}", r[[1, 1]]);
        }
    }

    /// Entries whose squares underflow or overflow.
    #[test]
    fn lengths_of_extreme_columns() {
        for size in [1e-200, 1e-160, 1e-100, 1.0, 1e160, 1e200] {
            let (length, whole) = lengths(2.0 * size, &[size; 4], 4.0 * size * size);
            for (found, expected) in [(length, 2.0), (whole, 8f64.sqrt())] {
                assert!((found / size / expected - 1.0).abs() < 4.0 * f64::EPSILON, "{size:e}: {found:e}");
            }
        }
    }
}
