//! `A = Q R` by Householder reflections, with every column to full accuracy.
//!
//! This traverses the matrix as faer's QR does, with faer's kernels, and gives the same bits. But faer's QR treats a
//! column's component outside the span of the columns before it as zero, and drops it, if it is under `16 m ε` of the
//! column (`m` rows). A curve near its threshold needs that component: the bounds of this crate are some `ε` of a
//! column. Here no column is skipped.

use faer::dyn_stack::{MemStack, StackReq};
use faer::linalg::householder::{
    apply_block_householder_transpose_on_the_left_in_place_with_conj as apply_transposed,
    make_householder_in_place, upgrade_householder_factor,
};
use faer::linalg::qr::no_pivoting::factor::qr_in_place_scratch;
pub(super) use faer::linalg::qr::no_pivoting::factor::recommended_block_size;
use faer::{Conj, MatMut, Par, RowMut, Spec};

/// Entries of a matrix below which columns are reduced one by one.
const SMALL: usize = 48 * 48;

/// Returns the memory that [`factor`] needs.
pub(super) fn scratch(rows: usize, columns: usize, block: usize) -> StackReq {
    qr_in_place_scratch::<f64>(rows, columns, block, Par::Seq, Spec::default())
}

/// `A ← R` on and above the diagonal, with the reflections' vectors (whose heads are 1) below it. `coefficients` become
/// the block factors, `block × min(rows, columns)`, in the form that faer's products with reflections take.
pub(super) fn factor(a: MatMut<'_, f64>, mut coefficients: MatMut<'_, f64>, stack: &mut MemStack) {
    coefficients.fill(0.0);
    from(a, coefficients, 0, stack);
}

/// Starts at row and column `start`.
fn from(mut a: MatMut<'_, f64>, mut factors: MatMut<'_, f64>, start: usize, stack: &mut MemStack) {
    let (rows, columns) = (a.nrows(), a.ncols());
    let (size, block) = (rows.min(columns), factors.nrows());
    if block <= 1 {
        if block == 1 {
            one_by_one(a, factors.row_mut(0), start);
        }
        return;
    }
    let inner = if rows * columns < SMALL { 1 } else { block / 2 };
    for first in (start..size).step_by(block) {
        let width = block.min(size - first);
        let inner = inner.min(width);
        from(a.as_mut().subcols_mut(0, first + width), factors.as_mut().subrows_mut(0, inner), first, stack);
        // The factors of inner blocks are in the first rows: move each to its place on the diagonal.
        for at in (inner..width).step_by(inner) {
            let inner = inner.min(width - at);
            let (above, below) =
                factors.as_mut().submatrix_mut(0, first + at, width, inner).split_at_row_mut(at);
            below.subrows_mut(0, inner).copy_from_triangular_upper(above.as_ref().subrows(0, inner));
        }
        let mut factor = factors.as_mut().submatrix_mut(0, first, width, width);
        let vectors = a.as_ref().submatrix(first, first, rows - first, width);
        upgrade_householder_factor(factor.as_mut(), vectors, width, inner, Par::Seq);
        let (left, right) =
            a.as_mut().submatrix_mut(first, 0, rows - first, columns).split_at_col_mut(first + width);
        if right.ncols() > 0 {
            let vectors = left.as_ref().subcols(first, width);
            apply_transposed(vectors, factor.as_ref(), Conj::Yes, right, Par::Seq, stack);
        }
    }
}

/// Reduces columns from `start` on, as many as there are factors or rows.
fn one_by_one(mut a: MatMut<'_, f64>, mut factors: RowMut<'_, f64>, start: usize) {
    let (rows, columns) = (a.nrows(), a.ncols());
    for k in start..factors.ncols().min(rows).min(columns) {
        let (mut above, beside, below, rest) = a.as_mut().split_at_mut(k + 1, k + 1);
        let mut tail = below.col_mut(k);
        let tau = make_householder_in_place(&mut above[(k, k)], tail.as_mut()).tau;
        factors[k] = tau;
        let inverse = tau.recip();
        if inverse < f64::MIN_POSITIVE {
            continue; // nothing below the diagonal
        }
        let tail = tail.as_ref();
        for (head, column) in beside.row_mut(k).iter_mut().zip(rest.col_iter_mut()) {
            let step = -(*head + tail.transpose() * column.as_ref()) * inverse;
            *head += step;
            column.iter_mut().zip(tail.iter()).for_each(|(to, v)| *to += step * v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faer::Mat;
    use faer::dyn_stack::MemBuffer;
    use faer::linalg::qr::no_pivoting::factor::qr_in_place;

    fn factored(a: &Mat<f64>, by: impl Fn(MatMut<'_, f64>, MatMut<'_, f64>, &mut MemStack)) -> [Mat<f64>; 2] {
        let (rows, columns) = (a.nrows(), a.ncols());
        let block = recommended_block_size::<f64>(rows, columns);
        let (mut a, mut factors) = (a.to_owned(), Mat::zeros(block, rows.min(columns)));
        let mut buffer = MemBuffer::new(scratch(rows, columns, block));
        by(a.as_mut(), factors.as_mut(), MemStack::new(&mut buffer));
        [a, factors]
    }

    /// A pseudorandom entry.
    #[allow(clippy::cast_possible_wrap)]
    fn entry(i: usize, j: usize) -> f64 {
        let state = (i * 7919 + j * 104_729 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((state ^ (state >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11) as i64 as f64 / 2f64.powi(52)
            - 1.0
    }

    /// If nothing was dropped, no seeded result changes.
    #[test]
    fn independent_columns_have_the_bits_of_faer() {
        for (rows, columns) in
            [(1, 1), (5, 3), (3, 5), (12, 12), (40, 33), (33, 40), (200, 100), (150, 150), (100, 230)]
        {
            let a = Mat::from_fn(rows, columns, entry);
            let ours = factored(&a, factor);
            let theirs = factored(&a, |a, factors, stack| {
                qr_in_place(a, factors, Par::Seq, stack, Spec::default());
            });
            assert_eq!(ours, theirs, "{rows} × {columns}");
        }
    }

    /// The last column is the first plus a small component in another direction, which `R` must keep: it is no rounding
    /// error.
    #[test]
    fn what_a_column_adds_is_kept_however_little_it_is() {
        let small = 2f64.powi(-44);
        for rows in [3, 40, 300] {
            let a = Mat::from_fn(rows, 2, |i, j| {
                let own = if i == rows - 1 && j == 1 { small } else { 0.0 };
                if i < rows - 1 { 1.0 } else { own }
            });
            let [r, _] = factored(&a, factor);
            // The columns differ by `small` in an entry in which the first is 0.
            assert!((r[(1, 1)].abs() / small - 1.0).abs() < 1e-2, "{rows}: {:e}", r[(1, 1)]);
        }
    }
}
