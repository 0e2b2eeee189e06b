//! Matrix products. Large ones are split into panels for all threads, with the same bits on any number of threads.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::registers::WHOLE;
use super::sums::dot;
use crate::machine::instructions::arch;
use crate::machine::large_pages;
use crate::machine::threads::{piece, share};
use faer::linalg::matmul::{matmul, triangular};
use faer::{Accum, MatMut, MatRef, Par};
use ndarray::{Array2, ArrayView2, CowArray, Ix2, ShapeBuilder};
use pulp::Simd;
use std::ops::Range;

/// Rows whose zeros are skipped together.
const SKIPPED: usize = 96;
/// Multiplications and additions worth a thread: about 0.2 ms of work. Handing them over takes about 0.01 ms.
pub(super) const PRODUCT: usize = 1 << 22;
/// Most multiplications of a product that faer treats as small, adding in another order; it treats single columns
/// differently again.
const SMALL: usize = 1 << 12;
/// Least rows or columns of a panel: each panel repacks the factor that they share.
const PANEL: usize = 384;

/// `C ← α A B`, or adds that to `C`. The panels depend on the shape alone.
pub(super) fn multiply(c: MatMut<'_, f64>, accum: Accum, a: MatRef<'_, f64>, b: MatRef<'_, f64>, alpha: f64) {
    let (m, p) = (c.nrows(), c.ncols());
    let work = m.saturating_mul(p).saturating_mul(a.ncols());
    let width = piece(m.max(p), PANEL, work, PRODUCT);
    if width >= m.max(p) {
        matmul(c, accum, a, b, alpha, Par::Seq);
    } else if p >= m {
        share(panels(c, width), |(first, c)| {
            let b = b.subcols(first, c.ncols());
            matmul(c, accum, a, b, alpha, Par::Seq);
        });
    } else {
        share(panels(c.transpose_mut(), width), |(first, c)| {
            let c = c.transpose_mut();
            let a = a.subrows(first, c.nrows());
            matmul(c, accum, a, b, alpha, Par::Seq);
        });
    }
}

/// Runs `work` on panels of columns: on all threads, if the multiplications per column (`each`) make that pay.
pub(super) fn by_panels(
    c: MatMut<'_, f64>,
    least: usize,
    each: usize,
    work: impl Fn(MatMut<'_, f64>) + Sync,
) {
    let columns = c.ncols();
    let width = piece(columns, least, each.saturating_mul(columns), PRODUCT);
    if width >= columns {
        return work(c);
    }
    share(panels(c, width), |(_, c)| work(c));
}

/// Splits into panels of `width` columns, each with the index of its first column.
pub(super) fn panels(c: MatMut<'_, f64>, width: usize) -> Vec<(usize, MatMut<'_, f64>)> {
    let mut all = Vec::with_capacity(c.ncols().div_ceil(width.max(1)));
    let (mut first, mut rest) = (0, c);
    while rest.ncols() > width {
        let (panel, others) = rest.split_at_col_mut(width);
        all.push((first, panel));
        (first, rest) = (first + width, others);
    }
    all.push((first, rest));
    all
}

/// Returns faer's view of a column-major matrix.
pub(super) fn columns_mut(matrix: &mut Array2<f64>) -> MatMut<'_, f64> {
    let (rows, columns) = matrix.dim();
    let entries = matrix.as_slice_memory_order_mut().unwrap_or_default();
    MatMut::from_column_major_slice_mut(entries, rows, columns)
}

/// `C = A Bᵀ` for `A` (`m × k`), `B` (`p × k`) and `C` (`m × p`), all row-major.
pub(crate) fn times_transposed(a: &[f64], b: &[f64], c: &mut [f64], (m, p, k): (usize, usize, usize)) {
    let (a, b) = (MatRef::from_row_major_slice(a, m, k), MatRef::from_row_major_slice(b, p, k));
    let c = MatMut::from_row_major_slice_mut(c, m, p);
    matmul(c, Accum::Replace, a, b.transpose(), 1.0, Par::Seq);
}

/// `C[.., to] ← A[.., from] B`, or adds that, for `A` and `C` (`m` rows of the given widths) and `B`, all row-major.
pub(crate) fn add_product(
    ((a, a_width), from): ((&[f64], usize), Range<usize>),
    b: &[f64],
    ((c, c_width), to): ((&mut [f64], usize), Range<usize>),
    m: usize,
    is_first: bool,
) {
    let a = MatRef::from_row_major_slice(&a[..m * a_width], m, a_width).subcols(from.start, from.len());
    let b = MatRef::from_row_major_slice(b, from.len(), to.len());
    let c = MatMut::from_row_major_slice_mut(c, m, c_width).subcols_mut(to.start, to.len());
    matmul(c, if is_first { Accum::Replace } else { Accum::Add }, a, b, 1.0, Par::Seq);
}

/// `C = A[.., columns]ᵀ B`, for row-major `A` (`k ×` width), and column-major `B` (`k × p`) and `C` (columns `× p`).
pub(crate) fn columns_times(
    (a, width): (&[f64], usize),
    columns: Range<usize>,
    b: &[f64],
    c: &mut [f64],
    (k, p): (usize, usize),
) {
    if columns.len() == 1 {
        // faer's algorithm for one column depends on the width.
        let column: Vec<f64> = a.chunks_exact(width).take(k).map(|row| row[columns.start]).collect();
        return c.iter_mut().zip(b.chunks_exact(k)).for_each(|(c, b)| *c = dot(&column, b));
    }
    let a = MatRef::from_row_major_slice(&a[..k * width], k, width).subcols(columns.start, columns.len());
    let b = MatRef::from_column_major_slice(b, k, p);
    let c = MatMut::from_column_major_slice_mut(c, columns.len(), p);
    matmul(c, Accum::Replace, a.transpose(), b, 1.0, Par::Seq);
}

/// Returns how many columns `B` of [`columns_times`] needs so that the bits of a column do not depend on its
/// neighbours.
pub(crate) fn fewest_columns(k: usize, columns: usize) -> usize {
    SMALL / (k * columns).max(1) + 2
}

/// `G ← G + AᵀA`, on and above the diagonal only, for `A` (`m × p`) and `G` (`p × p`), both row-major.
pub(crate) fn add_gram(a: &[f64], g: &mut [f64], (m, p): (usize, usize)) {
    let a = MatRef::from_row_major_slice(a, m, p);
    let whole = triangular::BlockStructure::Rectangular;
    let upper = triangular::BlockStructure::TriangularUpper;
    let g = MatMut::from_row_major_slice_mut(g, p, p);
    triangular::matmul(g, upper, Accum::Add, a.transpose(), whole, a, whole, 1.0, Par::Seq);
}

/// Returns `A Aᵀ` for `A` (`m × k`), on and below the diagonal, column-major, with zeros above.
pub(crate) fn row_gram(a: ArrayView2<'_, f64>) -> Vec<f64> {
    let a = contiguous(a);
    let (a, m) = (matrix(&a), a.nrows());
    let mut gram = vec![0.0; m * m];
    let whole = triangular::BlockStructure::Rectangular;
    let lower = triangular::BlockStructure::TriangularLower;
    let to = MatMut::from_column_major_slice_mut(&mut gram, m, m);
    triangular::matmul(to, lower, Accum::Replace, a, whole, a.transpose(), whole, 1.0, Par::Seq);
    gram
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
    let (a, b) = (contiguous(a), contiguous(b));
    let mut c = large_pages::zeros((a.nrows(), b.ncols()).f());
    let leading = matrix(&a).subcols(0, b.nrows());
    multiply(columns_mut(&mut c), Accum::Replace, leading, matrix(&b), 1.0);
    c
}

/// Returns `A B`, row-major, for an `A` with as many columns as `B` has rows.
pub(crate) fn row_major_product(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Array2<f64> {
    product(b.reversed_axes(), a.reversed_axes()).reversed_axes()
}

/// `C ← C − A B`.
pub(crate) fn subtract_product(c: &mut Array2<f64>, a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) {
    let (a, b) = (contiguous(a), contiguous(b));
    multiply(matrix_mut(c), Accum::Add, matrix(&a), matrix(&b), -1.0);
}

/// Returns `A B`, column-major, for `A` zero below its diagonal, skipping those zeros. As in [`product`], `A` may have
/// more columns.
pub(crate) fn upper_product(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Array2<f64> {
    let (a, b) = (contiguous(a), contiguous(b));
    let (a, b) = (matrix(&a), matrix(&b));
    let (rows, inner) = (a.nrows(), b.nrows().min(a.ncols()));
    let mut c = large_pages::zeros((rows, b.ncols()).f());
    let multiply = |(from, c): (usize, MatMut<'_, f64>)| {
        let part = a.submatrix(from, from, c.ncols(), inner - from);
        matmul(c.transpose_mut(), Accum::Replace, part, b.subrows(from, inner - from), 1.0, Par::Seq);
    };
    let work = rows.saturating_mul(inner).saturating_mul(b.ncols());
    let reached = rows.min(inner.next_multiple_of(SKIPPED));
    let parts = panels(columns_mut(&mut c).subrows_mut(0, reached).transpose_mut(), SKIPPED);
    if work < 2 * PRODUCT {
        parts.into_iter().for_each(multiply);
    } else {
        share(parts, multiply);
    }
    c
}

/// Returns a contiguous matrix, as [`matrix`] requires.
fn contiguous(a: ArrayView2<'_, f64>) -> CowArray<'_, f64, Ix2> {
    let is_one_piece = a.as_slice().is_some() || a.t().as_slice().is_some();
    if is_one_piece { a.into() } else { a.as_standard_layout().into_owned().into() }
}

/// Returns faer's view of a row-major or column-major matrix.
pub(super) fn matrix<'a>(a: &'a CowArray<'_, f64, Ix2>) -> MatRef<'a, f64> {
    let (rows, columns) = a.dim();
    a.as_slice().map_or_else(
        || MatRef::from_column_major_slice(a.as_slice_memory_order().unwrap_or_default(), rows, columns),
        |entries| MatRef::from_row_major_slice(entries, rows, columns),
    )
}

/// Returns faer's mutable view of a row-major or column-major matrix.
pub(super) fn matrix_mut(a: &mut Array2<f64>) -> MatMut<'_, f64> {
    let (rows, columns) = a.dim();
    if a.is_standard_layout() {
        return MatMut::from_row_major_slice_mut(a.as_slice_mut().unwrap_or_default(), rows, columns);
    }
    columns_mut(a)
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
