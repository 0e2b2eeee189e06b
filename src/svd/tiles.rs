//! Matrix products on one thread, tile by tile in registers.
//!
//! A library could multiply matrices too. This does it because each entry is the same chain of operations whatever the
//! shape, the memory order and the other entries are: its bits depend on nothing else, not even on the instruction set
//! where there are fused multiply-adds. It obeys `DOUBLE_DESCENT_INSTRUCTIONS`. And it compiles in seconds; libraries in
//! Rust that are as fast take half a minute.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use crate::machine::instructions::arch;
use ndarray::iter::{AxisIter, AxisIterMut};
use ndarray::{Array2, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis, Ix1, ShapeBuilder};
use pulp::{Simd, WithSimd};
use std::cell::Cell;

/// Products of an entry that are added up before they are added to the result.
const DEEP: usize = 256;
/// Rows of the left factor that stay in the second-level cache: with [`DEEP`] columns, 384 KiB.
const HIGH: usize = 192;
/// Most columns of a tile.
const WIDE: usize = 8;
/// Entries of a cache line.
const LINE: usize = 8;

thread_local! {
    /// Workspace: fresh memory from the system is slow on first access.
    static ROOM: Cell<Vec<f64>> = const { Cell::new(Vec::new()) };
}

/// What happens to the old entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accum {
    /// They are overwritten.
    Replace,
    /// The product is added to them.
    Add,
}

/// `C ← α A B`, or adds that to `C`, for matrices in any memory order. Each entry is computed as
/// ```text
/// cᵢⱼ ← cᵢⱼ + α (aᵢ₁ b₁ⱼ + … + aᵢ₂₅₆ b₂₅₆ⱼ),  cᵢⱼ ← cᵢⱼ + α (aᵢ₂₅₇ b₂₅₇ⱼ + …),  …
/// ```
/// from left to right, with fused multiply-adds where the processor has them.
pub(super) fn multiply(
    c: ArrayViewMut2<'_, f64>,
    accum: Accum,
    a: ArrayView2<'_, f64>,
    b: ArrayView2<'_, f64>,
    alpha: f64,
) {
    let ((m, n), depth) = (c.dim(), a.ncols());
    debug_assert_eq!((a.nrows(), b.nrows(), b.ncols()), (m, depth, n));
    let mut c = c;
    if c.is_empty() || depth == 0 {
        if accum == Accum::Replace {
            c.fill(0.0);
        }
        return;
    }
    let has_columns = m == 1 || c.strides()[0] == 1;
    let has_rows = n == 1 || c.strides()[1] == 1;
    if !has_columns && !has_rows {
        let mut copy = Array2::zeros((m, n).f());
        copy.assign(&c);
        multiply(copy.view_mut(), accum, a, b, alpha);
        c.assign(&copy);
        return;
    }
    // Registers hold parts of columns. If the columns of C are not contiguous, its rows are: those of Cᵀ = Bᵀ Aᵀ.
    let is_turned = !has_columns || has_rows && n > m && m == 1;
    let (a, b, c) =
        if is_turned { (b.reversed_axes(), a.reversed_axes(), c.reversed_axes()) } else { (a, b, c) };
    let mut room = ROOM.take();
    arch().dispatch(Multiply { a, b, c, accum, alpha, room: &mut room });
    ROOM.set(room);
}

/// [`multiply`] for a `C` whose columns are contiguous.
struct Multiply<'a> {
    a: ArrayView2<'a, f64>,
    b: ArrayView2<'a, f64>,
    c: ArrayViewMut2<'a, f64>,
    accum: Accum,
    alpha: f64,
    room: &'a mut Vec<f64>,
}

/// Registers of a column of a tile. A tile of 3 × 8 registers leaves 8 of 32 for its factors, one of 2 × 6 leaves 4 of
/// 16.
#[inline(always)]
const fn tall<S: Simd>() -> usize {
    if has_many::<S>() { 3 } else { 2 }
}

#[inline(always)]
const fn has_many<S: Simd>() -> bool {
    S::REGISTER_COUNT >= 32
}

/// How sums become entries of some rows of `C`.
#[derive(Clone, Copy)]
struct Target {
    accum: Accum,
    alpha: f64,
    rows: usize,
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { mut a, mut b, mut c, mut accum, alpha, room } = self;
        let (most, tile) = (DEEP.min(a.ncols()), tall::<S>() * S::F64_LANES);
        let needed = (HIGH.min(a.nrows()).next_multiple_of(tile) + WIDE) * most + LINE;
        if room.len() < needed {
            room.resize(needed, 0.0);
        }
        let skipped = room.as_ptr().align_offset(LINE * size_of::<f64>()).min(LINE);
        let (room_of_b, packed) = room[skipped..].split_at_mut(WIDE * most);
        while a.ncols() > 0 {
            let deep = DEEP.min(a.ncols());
            let (left, a_rest) = a.split_at(Axis(1), deep);
            let (upper, b_rest) = b.split_at(Axis(0), deep);
            let parts = left.axis_chunks_iter(Axis(0), HIGH).zip(c.axis_chunks_iter_mut(Axis(0), HIGH));
            for (part, mut to) in parts {
                pack::<S>(part, packed);
                let target = Target { accum, alpha, rows: part.nrows() };
                let mut to = to.axis_iter_mut(Axis(1));
                if deep == 1 || upper.strides()[0] == 1 {
                    all_columns(simd, packed, upper, &mut to, target);
                } else {
                    all_rows(simd, packed, upper, room_of_b, &mut to, target);
                }
            }
            (a, b, accum) = (a_rest, b_rest, Accum::Add);
        }
    }
}

/// Copies `A`, tile after tile, column after column of each, in the order in which it is read. Rows of zeros complete
/// the last tile.
#[inline(always)]
fn pack<S: Simd>(a: ArrayView2<'_, f64>, to: &mut [f64]) {
    /// Rows copied together: their entries become neighbours.
    const TOGETHER: usize = 8;
    let (tile, deep) = (tall::<S>() * S::F64_LANES, a.ncols());
    let (has_columns, has_rows) = (a.strides()[0] == 1, deep == 1 || a.strides()[1] == 1);
    for (part, to) in a.axis_chunks_iter(Axis(0), tile).zip(to.chunks_exact_mut(tile * deep)) {
        let rows = part.nrows();
        let mut done = 0;
        if has_columns {
            for (column, to) in part.axis_iter(Axis(1)).zip(to.chunks_exact_mut(tile)) {
                let column = column.to_slice().unwrap_or_default();
                if has_many::<S>() { copy::<S, 3>(column, to) } else { copy::<S, 2>(column, to) }
            }
            done = rows;
        }
        while has_rows && done + TOGETHER <= rows {
            let rows: [_; TOGETHER] = std::array::from_fn(|row| {
                part.row(done + row).to_slice().unwrap_or_default().as_chunks::<TOGETHER>()
            });
            for (at, to) in to.chunks_exact_mut(TOGETHER * tile).enumerate() {
                let mut square = [[0.0; TOGETHER]; TOGETHER];
                for (to, (squares, _)) in square.iter_mut().zip(rows) {
                    *to = squares[at];
                }
                for (l, to) in to.chunks_exact_mut(tile).enumerate() {
                    let column: [f64; TOGETHER] = std::array::from_fn(|row| square[row][l]);
                    to[done..done + TOGETHER].copy_from_slice(&column);
                }
            }
            let rest = deep / TOGETHER * TOGETHER;
            for (l, to) in to.chunks_exact_mut(tile).skip(rest).enumerate() {
                for (to, (_, row)) in to[done..].iter_mut().zip(rows) {
                    *to = row[l];
                }
            }
            done += TOGETHER;
        }
        for row in done..rows {
            to.chunks_exact_mut(tile).zip(part.row(row)).for_each(|(to, v)| to[row] = *v);
        }
        if rows < tile {
            to.chunks_exact_mut(tile).for_each(|to| to[rows..].fill(0.0));
        }
    }
}

/// Copies a column of `H` registers, or the part of one. Copying slices of any length would be a call.
#[inline(always)]
fn copy<S: Simd, const H: usize>(from: &[f64], to: &mut [f64]) {
    let registers = <&[S::f64s; H]>::try_from(S::as_simd_f64s(from).0);
    if let (Ok(from), Ok(to)) = (registers, <&mut [S::f64s; H]>::try_from(S::as_mut_simd_f64s(to).0)) {
        *to = *from;
    } else {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }
}

/// Computes all columns of a part of `C`, for a `B` whose columns are contiguous: it is read where it is.
#[inline(always)]
fn all_columns<S: Simd>(
    simd: S,
    a: &[f64],
    b: ArrayView2<'_, f64>,
    c: &mut AxisIterMut<'_, f64, Ix1>,
    target: Target,
) {
    let mut b = b.axis_iter(Axis(1));
    while has_many::<S>() && b.len() >= 8 {
        columns::<S, 8>(simd, a, &mut b, c, target);
    }
    while !has_many::<S>() && b.len() >= 6 {
        columns::<S, 6>(simd, a, &mut b, c, target);
    }
    while b.len() >= 4 {
        columns::<S, 4>(simd, a, &mut b, c, target);
    }
    while b.len() >= 2 {
        columns::<S, 2>(simd, a, &mut b, c, target);
    }
    while b.len() >= 1 {
        columns::<S, 1>(simd, a, &mut b, c, target);
    }
}

/// Computes all columns of a part of `C`, for any other `B`: a few columns at a time are copied, row after row.
#[inline(always)]
fn all_rows<S: Simd>(
    simd: S,
    a: &[f64],
    b: ArrayView2<'_, f64>,
    room: &mut [f64],
    c: &mut AxisIterMut<'_, f64, Ix1>,
    target: Target,
) {
    for first in (0..b.ncols()).step_by(if has_many::<S>() { 8 } else { 6 }) {
        if has_many::<S>() {
            copied_columns::<S, 8>(simd, a, (b, first), room, c, target);
        } else {
            copied_columns::<S, 6>(simd, a, (b, first), room, c, target);
        }
    }
}

/// Returns the next columns; those after the last are empty.
#[inline(always)]
fn next<'a, const N: usize>(columns: &mut AxisIterMut<'a, f64, Ix1>) -> [&'a mut [f64]; N] {
    std::array::from_fn(|_| columns.next().and_then(ArrayViewMut1::into_slice).unwrap_or_default())
}

#[inline(always)]
fn columns<S: Simd, const N: usize>(
    simd: S,
    a: &[f64],
    b: &mut AxisIter<'_, f64, Ix1>,
    c: &mut AxisIterMut<'_, f64, Ix1>,
    target: Target,
) {
    let b: [&[f64]; N] = std::array::from_fn(|_| b.next().and_then(|b| b.to_slice()).unwrap_or_default());
    let mut c = next::<N>(c);
    let tile = tall::<S>() * S::F64_LANES;
    for (number, a) in a.chunks_exact(tile * b[0].len()).take(target.rows.div_ceil(tile)).enumerate() {
        let at = number * tile;
        match (target.rows - at).div_ceil(S::F64_LANES) {
            1 => one_tile::<S, 1, N>(simd, a, b, &mut c, at, target),
            3.. if has_many::<S>() => one_tile::<S, 3, N>(simd, a, b, &mut c, at, target),
            _ => one_tile::<S, 2, N>(simd, a, b, &mut c, at, target),
        }
    }
}

#[inline(always)]
fn copied_columns<S: Simd, const N: usize>(
    simd: S,
    a: &[f64],
    (b, first): (ArrayView2<'_, f64>, usize),
    room: &mut [f64],
    c: &mut AxisIterMut<'_, f64, Ix1>,
    target: Target,
) {
    let width = N.min(b.ncols() - first);
    for (row, to) in b.axis_iter(Axis(0)).zip(room.chunks_exact_mut(N)) {
        match row.to_slice() {
            Some(row) if width == N => to.copy_from_slice(&row[first..first + N]),
            _ => to.iter_mut().zip(row.iter().skip(first)).for_each(|(to, v)| *to = *v),
        }
    }
    let b = &room[..b.nrows() * N];
    let mut c = next::<N>(c);
    let tile = tall::<S>() * S::F64_LANES;
    for (number, a) in a.chunks_exact(tile * b.len() / N).take(target.rows.div_ceil(tile)).enumerate() {
        let at = number * tile;
        match (target.rows - at).div_ceil(S::F64_LANES) {
            1 => one_copied_tile::<S, 1, N>(simd, a, b, &mut c, at, target),
            3.. if has_many::<S>() => one_copied_tile::<S, 3, N>(simd, a, b, &mut c, at, target),
            _ => one_copied_tile::<S, 2, N>(simd, a, b, &mut c, at, target),
        }
    }
}

/// Computes a tile of `H` registers by `N` columns. Indices would be checked at every step: these iterators are not.
#[inline(always)]
fn one_tile<S: Simd, const H: usize, const N: usize>(
    simd: S,
    a: &[f64],
    b: [&[f64]; N],
    c: &mut [&mut [f64]; N],
    at: usize,
    target: Target,
) {
    let mut sums = [[simd.splat_f64s(0.0); H]; N];
    let a = S::as_simd_f64s(a).0.chunks_exact(tall::<S>());
    let column = |j: usize| b[j % N].iter();
    match N {
        8 => {
            let low = column(0).zip(column(1).zip(column(2).zip(column(3))));
            let high = column(4).zip(column(5).zip(column(6).zip(column(7))));
            for (a, ((b0, (b1, (b2, b3))), (b4, (b5, (b6, b7))))) in a.zip(low.zip(high)) {
                add(simd, a, [b0, b1, b2, b3, b4, b5, b6, b7], &mut sums);
            }
        }
        6 => {
            let high = column(3).zip(column(4).zip(column(5)));
            let low = column(0).zip(column(1).zip(column(2)));
            for (a, ((b0, (b1, b2)), (b3, (b4, b5)))) in a.zip(low.zip(high)) {
                add(simd, a, [b0, b1, b2, b3, b4, b5], &mut sums);
            }
        }
        4 => {
            let all = column(0).zip(column(1).zip(column(2).zip(column(3))));
            for (a, (b0, (b1, (b2, b3)))) in a.zip(all) {
                add(simd, a, [b0, b1, b2, b3], &mut sums);
            }
        }
        2 => {
            for (a, (b0, b1)) in a.zip(column(0).zip(column(1))) {
                add(simd, a, [b0, b1], &mut sums);
            }
        }
        _ => {
            for (a, b0) in a.zip(column(0)) {
                add(simd, a, [b0], &mut sums);
            }
        }
    }
    write(simd, sums, c, at, target);
}

/// The same for columns of `B` that were copied row after row.
#[inline(always)]
fn one_copied_tile<S: Simd, const H: usize, const N: usize>(
    simd: S,
    a: &[f64],
    b: &[f64],
    c: &mut [&mut [f64]; N],
    at: usize,
    target: Target,
) {
    let mut sums = [[simd.splat_f64s(0.0); H]; N];
    for (a, b) in S::as_simd_f64s(a).0.chunks_exact(tall::<S>()).zip(b.chunks_exact(N)) {
        add(simd, a, std::array::from_fn::<_, N, _>(|j| &b[j]), &mut sums);
    }
    write(simd, sums, c, at, target);
}

/// Adds the products of a column of `A` with a row of `B`.
#[inline(always)]
fn add<S: Simd, const H: usize, const N: usize, const B: usize>(
    simd: S,
    a: &[S::f64s],
    b: [&f64; B],
    sums: &mut [[S::f64s; H]; N],
) {
    let a: [S::f64s; H] = std::array::from_fn(|i| a[i]);
    for (sums, b) in sums.iter_mut().zip(b) {
        let factor = simd.splat_f64s(*b);
        for (sum, a) in sums.iter_mut().zip(a) {
            *sum = simd.mul_add_e_f64s(a, factor, *sum);
        }
    }
}

/// Writes a tile's sums to rows from `at` on.
#[inline(always)]
fn write<S: Simd, const H: usize, const N: usize>(
    simd: S,
    sums: [[S::f64s; H]; N],
    c: &mut [&mut [f64]; N],
    at: usize,
    target: Target,
) {
    let Target { accum, alpha, rows } = target;
    let factor = simd.splat_f64s(alpha);
    // Both loops are short enough to be unrolled; one with both conditions inside would keep the sums in memory.
    if at + H * S::F64_LANES <= rows {
        match accum {
            Accum::Replace => write_all::<S, H, N>(sums, c, at, |_, sum| simd.mul_f64s(factor, sum)),
            Accum::Add => {
                write_all::<S, H, N>(sums, c, at, |old, sum| simd.mul_add_e_f64s(factor, sum, old));
            }
        }
        return;
    }
    for (c, sums) in c.iter_mut().zip(sums) {
        // Columns after the last are empty.
        let Some(to) = c.get_mut(at..rows) else { return };
        let (whole, part) = S::as_mut_simd_f64s(to);
        for (to, sum) in whole.iter_mut().zip(sums) {
            *to = match accum {
                Accum::Replace => simd.mul_f64s(factor, sum),
                Accum::Add => simd.mul_add_e_f64s(factor, sum, *to),
            };
        }
        // pulp's partial loads and stores are calls, for which all registers would be saved.
        let mut lanes = [0.0; LINE];
        S::as_mut_simd_f64s(&mut lanes).0[0] = sums[H - 1];
        for (to, sum) in part.iter_mut().zip(lanes) {
            *to = match accum {
                Accum::Replace => alpha * sum,
                Accum::Add => alpha.mul_add(sum, *to),
            };
        }
    }
}

#[inline(always)]
fn write_all<S: Simd, const H: usize, const N: usize>(
    sums: [[S::f64s; H]; N],
    c: &mut [&mut [f64]; N],
    at: usize,
    new: impl Fn(S::f64s, S::f64s) -> S::f64s,
) {
    for j in 0..N {
        // Columns after the last are empty.
        let Some(to) = c[j].get_mut(at..at + H * S::F64_LANES) else { return };
        for (to, sum) in S::as_mut_simd_f64s(to).0.iter_mut().zip(sums[j]) {
            *to = new(*to, sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use ndarray::s;
    use rand::RngExt;

    /// An entry as the documentation of [`multiply`] describes it.
    fn entry(old: f64, accum: Accum, a: &[f64], b: &[f64], alpha: f64) -> f64 {
        let fused = |a: f64, b: f64, c: f64| match arch() {
            pulp::Arch::Scalar => a * b + c,
            _ => a.mul_add(b, c),
        };
        let parts = a.chunks(DEEP).zip(b.chunks(DEEP));
        let mut sums = parts.map(|(a, b)| a.iter().zip(b).fold(0.0, |sum, (a, b)| fused(*a, *b, sum)));
        let first = sums.next().unwrap_or(0.0);
        let start = match accum {
            Accum::Replace => alpha * first,
            Accum::Add => fused(alpha, first, old),
        };
        sums.fold(start, |entry, sum| fused(alpha, sum, entry))
    }

    /// Memory orders of a matrix: as rows, as columns, with gaps, and reversed.
    fn stored(matrix: &Array2<f64>, order: usize) -> Array2<f64> {
        let (rows, columns) = matrix.dim();
        let mut to = match order {
            1 => Array2::zeros((rows, columns).f()),
            2 => Array2::zeros((2 * rows, 2 * columns)),
            _ => Array2::zeros((rows, columns)),
        };
        viewed(to.view_mut(), order).assign(matrix);
        to
    }

    fn viewed(stored: ArrayViewMut2<'_, f64>, order: usize) -> ArrayViewMut2<'_, f64> {
        match order {
            2 => stored.slice_move(s![..;2, ..;2]),
            3 => stored.slice_move(s![..;-1, ..;-1]),
            _ => stored,
        }
    }

    /// Shapes around the ends of registers, tiles and blocks.
    #[test]
    fn every_entry_is_one_chain_of_operations() {
        let sizes = [(1, 1, 1), (1, 9, 30), (30, 9, 1), (7, 3, 5), (24, 2, 8), (25, 25, 25), (17, 1, 6)];
        let large = [(49, 300, 13), (200, 257, 9), (9, 600, 210), (193, 7, 23), (5, 0, 4), (0, 3, 2)];
        let mut rng = stream(1, 2, 3);
        for (m, k, n) in sizes.into_iter().chain(large) {
            let mut drawn = |shape| Array2::from_shape_simple_fn(shape, || 2.0 * rng.random::<f64>() - 1.0);
            let (a, b, c) = (drawn((m, k)), drawn((k, n)), drawn((m, n)));
            for (accum, alpha) in [(Accum::Replace, 1.0), (Accum::Add, -1.0), (Accum::Add, 0.3)] {
                let columns: Vec<_> = b.columns().into_iter().map(|column| column.to_vec()).collect();
                let expected = Array2::from_shape_fn((m, n), |(i, j)| {
                    entry(c[[i, j]], accum, a.row(i).as_slice().unwrap(), &columns[j], alpha)
                });
                for orders in 0..64 {
                    let [of_a, of_b, of_c] = [orders & 3, orders >> 2 & 3, orders >> 4];
                    let (mut a, mut b, mut c) = (stored(&a, of_a), stored(&b, of_b), stored(&c, of_c));
                    let [a, b] = [viewed(a.view_mut(), of_a), viewed(b.view_mut(), of_b)];
                    multiply(viewed(c.view_mut(), of_c), accum, a.view(), b.view(), alpha);
                    assert!(viewed(c.view_mut(), of_c) == expected, "{m} × {k} × {n}, orders {orders}");
                }
            }
        }
    }
}
