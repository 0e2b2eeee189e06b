//! Panels of reflections that absorb rows into an upper triangle.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::householder::{NARROW, columns_of_view, extend_factor, matrices, reflection, together};
use super::product::{PRODUCT, panels};
use super::sums::Sums;
use super::tiles::{Accum, multiply};
use crate::machine::instructions::arch;
use crate::machine::threads::{piece, share_in};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, ShapeBuilder, s};
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// Columns reduced together.
const PANEL: usize = 32;
/// Columns whose reflections are applied together to data in the cache.
pub(super) const WIDE: usize = 256;
/// Least number of columns worth a thread.
const SHARED: usize = 64;

/// Absorbs some columns of a block of rows (`count × width`) into the rows of `R` (`upper`, equally wide) with the same
/// indices; later columns are transformed too. The reflections' tails replace those columns; their factors are not
/// needed any more.
pub(super) fn reduce_panels(
    upper: ArrayViewMut2<'_, f64>,
    block: ArrayViewMut2<'_, f64>,
    columns: Range<usize>,
    room: &mut Vec<f64>,
) {
    let start = columns.start;
    let (upper, right) = upper.slice_move(s![.., start..]).split_at(Axis(1), columns.len());
    let (mut heads, rest) = block.slice_move(s![.., start..]).split_at(Axis(1), columns.len());
    let factors = reduce_heads((upper, heads.view_mut()), start, room);
    reflect_all((heads.view(), start), &factors, vec![(right, rest)], room);
}

/// The same for all given columns, into rows from `start` on. Returns the factor of each panel of reflections with its
/// first column.
pub(super) fn reduce_heads(
    (mut upper, mut heads): (ArrayViewMut2<'_, f64>, ArrayViewMut2<'_, f64>),
    start: usize,
    room: &mut Vec<f64>,
) -> Vec<(usize, Array2<f64>)> {
    let width = heads.ncols();
    let mut factors = Vec::new();
    for first in (0..width).step_by(PANEL) {
        let w = PANEL.min(width - first);
        let mut factor = Array2::zeros((w, w).f());
        let (mut head, beside) = heads.slice_mut(s![.., first..]).split_at(Axis(1), w);
        let rows = upper.slice_mut(s![start + first..start + first + w, first..]);
        let (triangle, right) = rows.split_at(Axis(1), w);
        reduce_columns(triangle, head.view_mut(), factor.view_mut(), room);
        reflect(head.view(), factor.view(), (right, beside), room);
        factors.push((start + first, factor));
    }
    factors
}

/// Two matrices reflected as one: rows of the upper one together with those of the lower one.
pub(super) type Stacked<'a> = (ArrayViewMut2<'a, f64>, ArrayViewMut2<'a, f64>);

/// Applies the reflections of several panels in turn, given their tails from column `start` on and their factors. The
/// target's columns are processed in groups that stay in the cache.
pub(super) fn reflect_all(
    (tails, start): (ArrayView2<'_, f64>, usize),
    factors: &[(usize, Array2<f64>)],
    to: Vec<Stacked<'_>>,
    room: &mut Vec<f64>,
) {
    by_groups(to, tails, room, |(mut top, mut bottom), room| {
        for (row, factor) in factors {
            let w = factor.ncols();
            let tails = tails.slice(s![.., row - start..row - start + w]);
            let top = top.slice_mut(s![*row..row + w, ..]);
            reflect(tails, factor.view(), (top, bottom.view_mut()), room);
        }
    });
}

/// Runs `work`, which applies reflections with these tails, on groups of columns that stay in the cache: on all threads
/// if there is enough work.
fn by_groups(
    to: Vec<Stacked<'_>>,
    tails: ArrayView2<'_, f64>,
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
fn reduce_columns(
    r: ArrayViewMut2<'_, f64>,
    mut a: ArrayViewMut2<'_, f64>,
    factor: ArrayViewMut2<'_, f64>,
    room: &mut Vec<f64>,
) {
    let w = a.ncols();
    if w > NARROW {
        let half = w / 2;
        let (upper, lower) = r.split_at(Axis(0), half);
        let ((top_left, mut top_right), (_, bottom_right)) =
            (upper.split_at(Axis(1), half), lower.split_at(Axis(1), half));
        let (mut left, mut right) = a.split_at(Axis(1), half);
        let (upper, lower) = factor.split_at(Axis(0), half);
        let ((mut first, beside), (_, mut second)) =
            (upper.split_at(Axis(1), half), lower.split_at(Axis(1), half));
        reduce_columns(top_left, left.view_mut(), first.view_mut(), room);
        reflect(left.view(), first.view(), (top_right.view_mut(), right.view_mut()), room);
        reduce_columns(bottom_right, right.view_mut(), second.view_mut(), room);
        // S₁₂ = −S₁₁ V₁ᵀV₂ S₂₂
        let [mut between, mut product] = matrices(room, [(half, w - half); 2]);
        multiply(between.view_mut(), Accum::Replace, left.t(), right.view(), 1.0);
        multiply(product.view_mut(), Accum::Replace, first.view(), between.view(), 1.0);
        multiply(beside, Accum::Replace, product.view(), second.view(), -1.0);
        return;
    }
    let mut columns = columns_of_view(&mut a);
    arch().dispatch(OneByOne { r, columns: &mut columns[..w], factor });
}

/// The same for a few columns, one by one.
struct OneByOne<'a, 'b> {
    r: ArrayViewMut2<'a, f64>,
    columns: &'b mut [&'b mut [f64]],
    factor: ArrayViewMut2<'a, f64>,
}

impl WithSimd for OneByOne<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (Self { mut r, columns, mut factor }, sums) = (self, Sums(simd));
        for k in 0..columns.len() {
            let (done, rest) = columns.split_at_mut(k);
            let Some((column, rest)) = rest.split_first_mut() else { return };
            let Some((new, inverse)) = reflection(r[[k, k]], column, sums) else { continue };
            r[[k, k]] = new;
            extend_factor(&mut factor, k, inverse, |i| sums.dot(done[i], column));
            for (j, other) in rest.iter_mut().enumerate() {
                let along = (r[[k, k + 1 + j]] + sums.dot(column, other)) * inverse;
                r[[k, k + 1 + j]] -= along;
                sums.add(-along, column, other);
            }
        }
    }
}

/// `C ← (I − V Sᵀ Vᵀ) C`, where `V` is `I` over `tails` and `C` is `top` over `bottom`.
fn reflect(
    tails: ArrayView2<'_, f64>,
    factor: ArrayView2<'_, f64>,
    (top, bottom): (ArrayViewMut2<'_, f64>, ArrayViewMut2<'_, f64>),
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
    tails: ArrayView2<'_, f64>,
    factor: ArrayView2<'_, f64>,
    (top, bottom): (ArrayViewMut2<'_, f64>, ArrayViewMut2<'_, f64>),
    room: &mut Vec<f64>,
) {
    let shape = top.dim();
    let [mut along, mut taken] = matrices(room, [shape; 2]);
    arch().dispatch(Columns { from: top.view(), to: along.view_mut(), is_subtracted: false });
    multiply(along.view_mut(), Accum::Add, tails.t(), bottom.view(), 1.0);
    times_triangle(factor, along.view(), taken.view_mut());
    arch().dispatch(Columns { from: taken.view(), to: top, is_subtracted: true });
    multiply(bottom, Accum::Add, tails, taken.view(), -1.0);
}

/// `B ← A`, or `B ← B − A`, column by column: columns are short, and a call for each would take as long as the work.
struct Columns<'a> {
    from: ArrayView2<'a, f64>,
    to: ArrayViewMut2<'a, f64>,
    is_subtracted: bool,
}

impl WithSimd for Columns<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for (to, from) in self.to.columns_mut().into_iter().zip(self.from.columns()) {
            let (Some(to), Some(from)) = (to.into_slice(), from.to_slice()) else { return };
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
fn times_triangle(s: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>, c: ArrayViewMut2<'_, f64>) {
    let half = s.nrows() / 2;
    let (above, below) = c.split_at(Axis(0), half);
    multiply(above, Accum::Replace, s.slice(s![..half, ..half]).t(), b.slice(s![..half, ..]), 1.0);
    multiply(below, Accum::Replace, s.slice(s![.., half..]).t(), b, 1.0);
}
