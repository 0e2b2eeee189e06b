//! Matrix products. Large ones are split into panels for all threads, with the same bits on any number of threads.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::registers::WHOLE;
use super::tiles::{Accum, multiply as multiply_alone};
use crate::machine::instructions::arch;
use crate::machine::large_pages;
use crate::machine::threads::{piece, share};
use crate::machine::views::{rows_of, rows_of_mut};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, ShapeBuilder, s};
use pulp::Simd;
use std::ops::Range;

/// Rows whose zeros are skipped together.
const SKIPPED: usize = 48;
/// Multiplications and additions worth a thread: about 0.2 ms of work. Handing them over takes about 0.01 ms.
pub(super) const PRODUCT: usize = 1 << 22;
/// Least rows or columns of a panel: each panel repacks the factor that they share.
const PANEL: usize = 384;
/// Rows and columns of a triangle that are computed as a whole, both halves of it.
const DIAGONAL: usize = 32;

/// `C ← α A B`, or adds that to `C`. The panels depend on the shape alone.
pub(super) fn multiply(
    c: ArrayViewMut2<'_, f64>,
    accum: Accum,
    a: ArrayView2<'_, f64>,
    b: ArrayView2<'_, f64>,
    alpha: f64,
) {
    let (m, p) = c.dim();
    let work = m.saturating_mul(p).saturating_mul(a.ncols());
    let width = piece(m.max(p), PANEL, work, PRODUCT);
    if width >= m.max(p) {
        multiply_alone(c, accum, a, b, alpha);
    } else if p >= m {
        share(panels(c, width), |(first, c)| {
            let b = b.slice(s![.., first..first + c.ncols()]);
            multiply_alone(c, accum, a, b, alpha);
        });
    } else {
        share(panels(c.reversed_axes(), width), |(first, c)| {
            let c = c.reversed_axes();
            let a = a.slice(s![first..first + c.nrows(), ..]);
            multiply_alone(c, accum, a, b, alpha);
        });
    }
}

/// Runs `work` on panels of columns: on all threads, if the multiplications per column (`each`) make that pay.
pub(super) fn by_panels(
    c: ArrayViewMut2<'_, f64>,
    least: usize,
    each: usize,
    work: impl Fn(ArrayViewMut2<'_, f64>) + Sync,
) {
    let columns = c.ncols();
    let width = piece(columns, least, each.saturating_mul(columns), PRODUCT);
    if width >= columns {
        return work(c);
    }
    share(panels(c, width), |(_, c)| work(c));
}

/// Splits into panels of `width` columns, each with the index of its first column.
pub(super) fn panels(c: ArrayViewMut2<'_, f64>, width: usize) -> Vec<(usize, ArrayViewMut2<'_, f64>)> {
    let mut all = Vec::with_capacity(c.ncols().div_ceil(width.max(1)));
    let (mut first, mut rest) = (0, c);
    while rest.ncols() > width {
        let (panel, others) = rest.split_at(Axis(1), width);
        all.push((first, panel));
        (first, rest) = (first + width, others);
    }
    all.push((first, rest));
    all
}

/// `C = A Bᵀ` for `A` (`m × k`), `B` (`p × k`) and `C` (`m × p`), all row-major.
pub(crate) fn times_transposed(a: &[f64], b: &[f64], c: &mut [f64], (m, p, k): (usize, usize, usize)) {
    let (a, b) = (rows_of(a, (m, k)), rows_of(b, (p, k)));
    multiply_alone(rows_of_mut(c, (m, p)), Accum::Replace, a, b.reversed_axes(), 1.0);
}

/// `C[.., to] ← A[.., from] B`, or adds that, for `A` and `C` (`m` rows of the given widths) and `B`, all row-major.
pub(crate) fn add_product(
    ((a, a_width), from): ((&[f64], usize), Range<usize>),
    b: &[f64],
    ((c, c_width), to): ((&mut [f64], usize), Range<usize>),
    m: usize,
    is_first: bool,
) {
    let b = rows_of(b, (from.len(), to.len()));
    let a = rows_of(a, (m, a_width)).slice_move(s![.., from]);
    let c = rows_of_mut(c, (m, c_width)).slice_move(s![.., to]);
    multiply_alone(c, if is_first { Accum::Replace } else { Accum::Add }, a, b, 1.0);
}

/// `C = A[.., columns]ᵀ B`, for row-major `A` (`k ×` width), and column-major `B` (`k × p`) and `C` (columns `× p`).
pub(crate) fn columns_times(
    (a, width): (&[f64], usize),
    columns: Range<usize>,
    b: &[f64],
    c: &mut [f64],
    (k, p): (usize, usize),
) {
    let c = rows_of_mut(c, (p, columns.len()));
    let a = rows_of(a, (k, width)).slice_move(s![.., columns]);
    multiply_alone(
        c.reversed_axes(),
        Accum::Replace,
        a.reversed_axes(),
        rows_of(b, (p, k)).reversed_axes(),
        1.0,
    );
}

/// `G ← G + AᵀA`, on and above the diagonal only, for `A` (`m × p`) and `G` (`p × p`), both row-major.
pub(crate) fn add_gram(a: &[f64], g: &mut [f64], (m, p): (usize, usize)) {
    let a = rows_of(a, (m, p));
    let lower = rows_of_mut(g, (p, p)).reversed_axes();
    lower_product(lower, Accum::Add, a.reversed_axes(), a, 1.0);
}

/// Returns `A Aᵀ` for `A` (`m × k`), on and below the diagonal, column-major, with zeros above.
pub(crate) fn row_gram(a: ArrayView2<'_, f64>) -> Vec<f64> {
    let m = a.nrows();
    let mut gram = vec![0.0; m * m];
    let lower = rows_of_mut(&mut gram, (m, m)).reversed_axes();
    lower_product(lower, Accum::Replace, a, a.reversed_axes(), 1.0);
    gram
}

/// `C ← α A B`, or adds that to `C`, on and below the diagonal of a square `C` only, on this thread.
pub(super) fn lower_product(
    mut c: ArrayViewMut2<'_, f64>,
    accum: Accum,
    a: ArrayView2<'_, f64>,
    b: ArrayView2<'_, f64>,
    alpha: f64,
) {
    let n = c.nrows();
    if n > DIAGONAL {
        let half = (n / 2).next_multiple_of(DIAGONAL);
        let (above, below) = c.split_at(Axis(0), half);
        let (first, _) = above.split_at(Axis(1), half);
        let (beside, rest) = below.split_at(Axis(1), half);
        let ((upper, lower), (left, right)) = (a.split_at(Axis(0), half), b.split_at(Axis(1), half));
        lower_product(first, accum, upper, left, alpha);
        multiply_alone(beside, accum, lower, left, alpha);
        return lower_product(rest, accum, lower, right, alpha);
    }
    let mut square = [0.0; DIAGONAL * DIAGONAL];
    let mut square = rows_of_mut(&mut square, (n, n)).reversed_axes();
    multiply_alone(square.view_mut(), Accum::Replace, a, b, alpha);
    for (j, (mut to, from)) in c.columns_mut().into_iter().zip(square.columns()).enumerate() {
        for (to, from) in to.iter_mut().zip(from).skip(j) {
            match accum {
                Accum::Replace => *to = *from,
                Accum::Add => *to += from,
            }
        }
    }
}

/// Returns the row stride of the second factor of a [`small_product`], for rows of `p` entries.
pub(crate) fn small_stride(p: usize) -> usize {
    p.next_multiple_of(WHOLE)
}

/// `C = A B` for `A` (`m × k`), `B` (`k × p`) and `C` (`m × p`), all row-major and so small that the general product
/// would mostly do preparations. `B` has the row stride [`small_stride`]. Each entry is one chain of fused
/// multiply-adds, so its bits do not depend on the instruction set.
pub(crate) fn small_product(a: &[f64], b: &[f64], c: &mut [f64], (k, p): (usize, usize)) {
    arch().dispatch(Small { a, b, c, k, p });
}

struct Small<'a> {
    a: &'a [f64],
    b: &'a [f64],
    c: &'a mut [f64],
    k: usize,
    p: usize,
}

impl pulp::WithSimd for Small<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        /// Rows whose sums are in registers together: a single sum would wait for its own latency.
        const ROWS: usize = 4;
        let Self { a, b, c, k, p } = self;
        if k == 0 || p == 0 {
            return;
        }
        let (b, _) = S::as_simd_f64s(b);
        let (mut rows, mut entries) = (a.chunks_exact(ROWS * k), c.chunks_exact_mut(ROWS * p));
        for (rows, entries) in (&mut rows).zip(&mut entries) {
            rows_times::<S, ROWS>(simd, rows, b, entries, (k, p));
        }
        let rest = rows.remainder().chunks_exact(k).zip(entries.into_remainder().chunks_exact_mut(p));
        for (row, entries) in rest {
            rows_times::<S, 1>(simd, row, b, entries, (k, p));
        }
    }
}

/// The same for a fixed number of rows, with `B` in registers.
#[inline(always)]
fn rows_times<S: Simd, const R: usize>(
    simd: S,
    a: &[f64],
    b: &[S::f64s],
    c: &mut [f64],
    (k, p): (usize, usize),
) {
    let wide = small_stride(p) / S::F64_LANES;
    let rows: [&[f64]; R] = std::array::from_fn(|row| &a[row * k..][..k]);
    for (at, first) in (0..p).step_by(S::F64_LANES).enumerate() {
        let mut sums = [simd.splat_f64s(0.0); R];
        for (i, b) in b.chunks_exact(wide).take(k).enumerate() {
            for (sum, row) in sums.iter_mut().zip(rows) {
                *sum = simd.mul_add_f64s(simd.splat_f64s(row[i]), b[at], *sum);
            }
        }
        let last = p.min(first + S::F64_LANES);
        for (sum, row) in sums.into_iter().zip(c.chunks_exact_mut(p)) {
            match S::as_mut_simd_f64s(&mut row[first..last]) {
                ([to], _) => *to = sum,
                (_, part) => simd.partial_store_f64s(part, sum),
            }
        }
    }
}

/// Returns `A B`, column-major. `A` has at least as many columns as `B` has rows; further columns are multiplied by
/// zero.
pub(crate) fn product(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut c = large_pages::zeros((a.nrows(), b.ncols()).f());
    multiply(c.view_mut(), Accum::Replace, a.slice(s![.., ..b.nrows()]), b, 1.0);
    c
}

/// Returns `A B`, row-major, for an `A` with as many columns as `B` has rows.
pub(crate) fn row_major_product(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Array2<f64> {
    product(b.reversed_axes(), a.reversed_axes()).reversed_axes()
}

/// `C ← C − A B`.
pub(crate) fn subtract_product(c: &mut Array2<f64>, a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) {
    multiply(c.view_mut(), Accum::Add, a, b, -1.0);
}

/// Returns `A B`, column-major, for `A` zero below its diagonal, skipping those zeros. As in [`product`], `A` may have
/// more columns.
pub(crate) fn upper_product(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Array2<f64> {
    let (rows, inner) = (a.nrows(), b.nrows().min(a.ncols()));
    let mut c = large_pages::zeros((rows, b.ncols()).f());
    let multiply = |(from, c): (usize, ArrayViewMut2<'_, f64>)| {
        let part = a.slice(s![from..from + c.ncols(), from..inner]);
        multiply_alone(c.reversed_axes(), Accum::Replace, part, b.slice(s![from..inner, ..]), 1.0);
    };
    let work = rows.saturating_mul(inner).saturating_mul(b.ncols());
    let reached = rows.min(inner.next_multiple_of(SKIPPED));
    let parts = panels(c.slice_mut(s![..reached, ..]).reversed_axes(), SKIPPED);
    if work < 2 * PRODUCT {
        parts.into_iter().for_each(multiply);
    } else {
        share(parts, multiply);
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use rand::RngExt;

    /// Tall, wide and nearly square matrices around the panel boundaries, in both memory orders.
    #[test]
    fn products_have_the_same_bits_on_any_number_of_threads() {
        let mut rng = stream(1, 2, 3);
        for (m, k, p) in [(768, 100, 767), (767, 90, 777), (1000, 513, 130), (120, 300, 777)] {
            assert!(piece(m.max(p), PANEL, m * k * p, PRODUCT) < m.max(p), "not split");
            let mut drawn = |shape| Array2::from_shape_simple_fn(shape, || 2.0 * rng.random::<f64>() - 1.0);
            let (a, b, c) = (drawn((m, k)), drawn((k, p)), drawn((m, p)));
            let upper = Array2::from_shape_fn((m, k), |(i, j)| if i <= j { a[[i, j]] } else { 0.0 });
            let found = [1, 2, 3, 8].map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let mut rest = [c.clone(), c.t().as_standard_layout().into_owned().reversed_axes()];
                    for c in &mut rest {
                        subtract_product(c, a.view(), b.view());
                    }
                    let [first, second] = rest;
                    [product(a.view(), b.view()), upper_product(upper.view(), b.view()), first, second]
                })
            });
            assert!(found.iter().all(|on| *on == found[0]), "{m} × {k} × {p}");
            // A sum of k products of entries under 1 is rounded k times.
            let bound = k as f64 * k as f64 * f64::EPSILON;
            let expected = [a.dot(&b), upper.dot(&b), &c - &a.dot(&b), &c - &a.dot(&b)];
            for (found, expected) in found[0].iter().zip(&expected) {
                assert!((found - expected).iter().all(|off| off.abs() <= bound), "{m} × {k} × {p}");
            }
        }
    }
}
