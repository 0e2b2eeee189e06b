//! Panels of reflections that absorb rows into an upper triangle.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::product::{PRODUCT, panels};
use super::sums::Sums;
use crate::machine::instructions::arch;
use crate::machine::threads::{piece, share_in};
use faer::linalg::matmul::matmul;
use faer::{Accum, ColMut, ColRef, Mat, MatMut, MatRef, Par};
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// Columns reduced together.
const PANEL: usize = 32;
/// Columns whose reflections are applied together to data in the cache.
pub(super) const WIDE: usize = 256;
/// Entries of a block reflected together, so that they are still in the cache when needed again: 512 KiB.
const CACHED: usize = 1 << 16;
/// Least number of columns worth a thread.
const SHARED: usize = 64;
/// Most columns reduced one by one.
const NARROW: usize = 16;
/// Sums of squares above this are accurate to working precision, even if some of the squares underflow.
const LEAST: f64 = 1e-270;

/// Absorbs some columns of a block of rows (`count × width`) into the rows of `R` (`upper`, equally wide) with the same
/// indices; later columns are transformed too. The reflections' tails replace those columns; their factors are not
/// needed any more.
pub(super) fn reduce_panels(
    upper: MatMut<'_, f64>,
    block: MatMut<'_, f64>,
    columns: Range<usize>,
    room: &mut Vec<f64>,
) {
    let (start, width) = (columns.start, block.ncols() - columns.start);
    let (upper, right) = upper.subcols_mut(start, width).split_at_col_mut(columns.len());
    let (mut heads, rest) = block.subcols_mut(start, width).split_at_col_mut(columns.len());
    let factors = reduce_heads((upper, heads.as_mut()), start, room);
    reflect_all((heads.as_ref(), start), &factors, vec![(right, rest)], room);
}

/// The same for all given columns, into rows from `start` on. Returns the factor of each panel of reflections with its
/// first column.
pub(super) fn reduce_heads(
    (mut upper, mut heads): (MatMut<'_, f64>, MatMut<'_, f64>),
    start: usize,
    room: &mut Vec<f64>,
) -> Vec<(usize, Mat<f64>)> {
    let width = heads.ncols();
    let mut factors = Vec::new();
    for first in (0..width).step_by(PANEL) {
        let w = PANEL.min(width - first);
        let mut factor = Mat::<f64>::zeros(w, w);
        let (mut head, beside) = heads.as_mut().subcols_mut(first, width - first).split_at_col_mut(w);
        let rows = upper.as_mut().submatrix_mut(start + first, first, w, width - first);
        let (triangle, right) = rows.split_at_col_mut(w);
        reduce_columns(triangle, head.as_mut(), factor.as_mut(), room);
        reflect(head.as_ref(), factor.as_ref(), (right, beside), room);
        factors.push((start + first, factor));
    }
    factors
}

/// Two matrices reflected as one: rows of the upper one together with those of the lower one.
pub(super) type Stacked<'a> = (MatMut<'a, f64>, MatMut<'a, f64>);

/// Applies the reflections of several panels in turn, given their tails from column `start` on and their factors. The
/// target's columns are processed in groups that stay in the cache.
pub(super) fn reflect_all(
    (tails, start): (MatRef<'_, f64>, usize),
    factors: &[(usize, Mat<f64>)],
    to: Vec<Stacked<'_>>,
    room: &mut Vec<f64>,
) {
    by_groups(to, tails, room, |(mut top, mut bottom), room| {
        for (row, factor) in factors {
            let w = factor.ncols();
            let tails = tails.subcols(row - start, w);
            reflect(tails, factor.as_ref(), (top.as_mut().subrows_mut(*row, w), bottom.as_mut()), room);
        }
    });
}

/// Runs `work`, which applies reflections with these tails, on groups of columns that stay in the cache: on all threads
/// if there is enough work.
fn by_groups(
    to: Vec<Stacked<'_>>,
    tails: MatRef<'_, f64>,
    room: &mut Vec<f64>,
    work: impl Fn(Stacked<'_>, &mut Vec<f64>) + Sync,
) {
    let width = to.iter().map(|(top, _)| top.ncols()).sum();
    // Per column: the tails twice, and the triangles of the factors.
    let count = ((2 * tails.nrows() + PANEL / 2) * tails.ncols()).saturating_mul(width);
    let together = together(tails.nrows()).min(piece(width, SHARED, count, PRODUCT));
    let groups = to.into_iter().flat_map(|(top, bottom)| {
        let groups = panels(top, together).into_iter().zip(panels(bottom, together));
        groups.map(|((_, top), (_, bottom))| (top, bottom))
    });
    if count < 2 * PRODUCT {
        groups.for_each(|group| work(group, room));
    } else {
        share_in(groups, room, work);
    }
}

/// `[R; A] ← Qᵀ [R; A] = [R'; V]` for `R` (`w × w`, upper triangular) and `A` (`count × w`). The reflections' tails
/// replace `A`. `factor`, initially zero, becomes their upper triangular factor `S`, with which their product is `I − V
/// S Vᵀ`, as in R. Schreiber and C. Van Loan, *A Storage-Efficient WY Representation for Products of Householder
/// Transformations*, SIAM J. Sci. Stat. Comput. 10 (1989).
fn reduce_columns(r: MatMut<'_, f64>, a: MatMut<'_, f64>, factor: MatMut<'_, f64>, room: &mut Vec<f64>) {
    let w = a.ncols();
    if w > NARROW {
        let half = w / 2;
        let (top_left, mut top_right, _, bottom_right) = r.split_at_mut(half, half);
        let (mut left, mut right) = a.split_at_col_mut(half);
        let (mut first, beside, _, mut second) = factor.split_at_mut(half, half);
        reduce_columns(top_left, left.as_mut(), first.as_mut(), room);
        reflect(left.as_ref(), first.as_ref(), (top_right.as_mut(), right.as_mut()), room);
        reduce_columns(bottom_right, right.as_mut(), second.as_mut(), room);
        // S₁₂ = −S₁₁ V₁ᵀV₂ S₂₂
        let [mut between, mut product] = matrices(room, half, w - half);
        matmul(between.as_mut(), Accum::Replace, left.as_ref().transpose(), right.as_ref(), 1.0, Par::Seq);
        matmul(product.as_mut(), Accum::Replace, first.as_ref(), between.as_ref(), 1.0, Par::Seq);
        matmul(beside, Accum::Replace, product.as_ref(), second.as_ref(), -1.0, Par::Seq);
        return;
    }
    let mut columns = a.col_iter_mut().map(entries_mut);
    let mut columns: [_; NARROW] = std::array::from_fn(|_| columns.next().unwrap_or_default());
    arch().dispatch(OneByOne { r, columns: &mut columns[..w], factor });
}

/// The same for a few columns, one by one.
struct OneByOne<'a, 'b> {
    r: MatMut<'a, f64>,
    columns: &'b mut [&'b mut [f64]],
    factor: MatMut<'a, f64>,
}

impl WithSimd for OneByOne<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (Self { mut r, columns, mut factor }, sums) = (self, Sums(simd));
        for k in 0..columns.len() {
            let (done, rest) = columns.split_at_mut(k);
            let Some((column, rest)) = rest.split_first_mut() else { return };
            let head = r[(k, k)];
            let (length, whole) = lengths(head, column, sums.dot(column, column));
            if length < f64::MIN_POSITIVE {
                continue; // I − 0 v vᵀ is I, and the reciprocal of a subnormal length would overflow
            }
            let new = -whole.copysign(head);
            let scale = (head - new).recip();
            column.iter_mut().for_each(|v| *v *= scale);
            let tail = (length * scale) * (length * scale);
            let inverse = f64::midpoint(1.0, tail).recip(); // 1/τ
            r[(k, k)] = new;
            factor[(k, k)] = inverse;
            for (i, done) in done.iter().enumerate() {
                let along = sums.dot(done, column) * inverse;
                for above in 0..=i {
                    factor[(above, k)] -= factor[(above, i)] * along;
                }
            }
            for (j, other) in rest.iter_mut().enumerate() {
                let along = (r[(k, k + 1 + j)] + sums.dot(column, other)) * inverse;
                r[(k, k + 1 + j)] -= along;
                sums.add(-along, column, other);
            }
        }
    }
}

/// Returns `‖column‖`, and the norm with `head` on top, from the column's sum of squares if that is in range.
fn lengths(head: f64, column: &[f64], square: f64) -> (f64, f64) {
    let whole = head.mul_add(head, square);
    if square > LEAST && whole < LEAST.recip() {
        return (square.sqrt(), whole.sqrt());
    }
    let length = ColRef::from_slice(column).norm_l2();
    (length, head.hypot(length))
}

/// Returns how many columns of this many rows to reflect together.
fn together(rows: usize) -> usize {
    (CACHED / rows.max(1) / 8 * 8).max(64)
}

/// `C ← (I − V Sᵀ Vᵀ) C`, where `V` is `I` over `tails` and `C` is `top` over `bottom`.
fn reflect(
    tails: MatRef<'_, f64>,
    factor: MatRef<'_, f64>,
    (top, bottom): (MatMut<'_, f64>, MatMut<'_, f64>),
    room: &mut Vec<f64>,
) {
    if top.ncols() <= together(tails.nrows()) {
        return reflect_group(tails, factor, (top, bottom), room);
    }
    by_groups(vec![(top, bottom)], tails, room, |group, room| {
        reflect_group(tails, factor, group, room);
    });
}

/// The same for columns that fit in the cache.
fn reflect_group(
    tails: MatRef<'_, f64>,
    factor: MatRef<'_, f64>,
    (top, bottom): (MatMut<'_, f64>, MatMut<'_, f64>),
    room: &mut Vec<f64>,
) {
    let (w, width) = (top.nrows(), top.ncols());
    let [mut along, mut taken] = matrices(room, w, width);
    arch().dispatch(Columns { from: top.as_ref(), to: along.as_mut(), is_subtracted: false });
    matmul(along.as_mut(), Accum::Add, tails.transpose(), bottom.as_ref(), 1.0, Par::Seq);
    times_triangle(factor, along.as_ref(), taken.as_mut());
    arch().dispatch(Columns { from: taken.as_ref(), to: top, is_subtracted: true });
    matmul(bottom, Accum::Add, tails, taken.as_ref(), -1.0, Par::Seq);
}

/// `B ← A`, or `B ← B − A`, column by column: columns are short, and a call for each would take as long as the work.
struct Columns<'a> {
    from: MatRef<'a, f64>,
    to: MatMut<'a, f64>,
    is_subtracted: bool,
}

impl WithSimd for Columns<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (to, from) in self.to.col_iter_mut().zip(self.from.col_iter()) {
            let (to, from) = (entries_mut(to), entries(from));
            if self.is_subtracted {
                Sums(simd).add(-1.0, from, to);
                continue;
            }
            match (<&mut [f64; PANEL]>::try_from(&mut *to), <&[f64; PANEL]>::try_from(from)) {
                (Ok(to), Ok(from)) => *to = *from,
                _ => to.copy_from_slice(from),
            }
        }
    }
}

/// `C = Sᵀ B` for upper triangular `S`, skipping the quarter that is 0.
fn times_triangle(s: MatRef<'_, f64>, b: MatRef<'_, f64>, c: MatMut<'_, f64>) {
    let (half, count) = (s.nrows() / 2, s.nrows());
    let (above, below) = c.split_at_row_mut(half);
    let above_all = s.submatrix(0, 0, half, half).transpose();
    matmul(above, Accum::Replace, above_all, b.subrows(0, half), 1.0, Par::Seq);
    matmul(below, Accum::Replace, s.subcols(half, count - half).transpose(), b, 1.0, Par::Seq);
}

/// Returns two writable matrices in `room`.
fn matrices(room: &mut Vec<f64>, rows: usize, columns: usize) -> [MatMut<'_, f64>; 2] {
    if room.len() < 2 * rows * columns {
        room.resize(2 * rows * columns, 0.0);
    }
    let (first, second) = room[..2 * rows * columns].split_at_mut(rows * columns);
    [first, second].map(|entries| MatMut::from_column_major_slice_mut(entries, rows, columns))
}

/// Returns the entries of a column of a column-major matrix.
pub(super) fn entries(column: ColRef<'_, f64>) -> &[f64] {
    column.try_as_col_major().map_or(&[], |column| column.as_slice())
}

pub(super) fn entries_mut(column: ColMut<'_, f64>) -> &mut [f64] {
    column.try_as_col_major_mut().map_or(&mut [], ColMut::as_slice_mut)
}
