//! Householder reflections on lanes.

// Loops over lanes index several arrays at once; all must be inlined into one function per instruction
// set (see `Factorise`).
#![allow(clippy::inline_always, clippy::needless_range_loop)]

use crate::machine::lane::Lane;

/// `x ← (I − factor · v vᵀ) x` on the last entries of every column `x`, as many as `v` has. For the first columns,
/// `squares` become the squared norms of what lies below the first of these entries.
#[inline(always)]
pub(super) fn reflect_all<const L: usize, A: Copy>(
    v: &[Lane<L, A>],
    factor: Lane<L, A>,
    columns: &mut [Lane<L, A>],
    length: usize,
    squares: &mut [Lane<L, A>],
) {
    let above = length - v.len();
    let mut fours = columns.chunks_exact_mut(4 * length);
    let mut at = 0;
    for four in &mut fours {
        let (two, others) = four.split_at_mut(2 * length);
        let ((a, b), (c, d)) = (two.split_at_mut(length), others.split_at_mut(length));
        let columns = [&mut a[above..], &mut b[above..], &mut c[above..], &mut d[above..]];
        let left = reflect(v, factor, columns);
        for (square, left) in squares.iter_mut().skip(at).zip(left) {
            *square = left;
        }
        at += 4;
    }
    for column in fours.into_remainder().chunks_exact_mut(length) {
        let [left] = reflect(v, factor, [&mut column[above..]]);
        if let Some(square) = squares.get_mut(at) {
            *square = left;
        }
        at += 1;
    }
}

/// The same for several columns at once: the sum of a single column would wait for its own latency.
#[inline(always)]
fn reflect<const L: usize, A: Copy, const C: usize>(
    v: &[Lane<L, A>],
    factor: Lane<L, A>,
    columns: [&mut [Lane<L, A>]; C],
) -> [Lane<L, A>; C] {
    let mut columns = columns.map(|column| &mut column[..v.len()]);
    let mut steps = [Lane::ZERO; C];
    for (i, v) in v.iter().enumerate() {
        for (step, column) in steps.iter_mut().zip(&columns) {
            for lane in 0..L {
                step[lane] = v[lane].mul_add(column[i][lane], step[lane]);
            }
        }
    }
    let steps = steps.map(|step| times(step, factor));
    let mut squares = [Lane::ZERO; C];
    for (i, v) in v.iter().enumerate() {
        for ((step, column), square) in steps.iter().zip(&mut columns).zip(&mut squares) {
            let entry = minus(column[i], *step, *v);
            column[i] = entry;
            if i > 0 {
                for lane in 0..L {
                    square[lane] = entry[lane].mul_add(entry[lane], square[lane]);
                }
            }
        }
    }
    squares
}

#[inline(always)]
fn times<const L: usize, A: Copy>(mut x: Lane<L, A>, factor: Lane<L, A>) -> Lane<L, A> {
    for lane in 0..L {
        x[lane] *= factor[lane];
    }
    x
}

/// `x − step · v`.
#[inline(always)]
fn minus<const L: usize, A: Copy>(mut x: Lane<L, A>, step: Lane<L, A>, v: Lane<L, A>) -> Lane<L, A> {
    for lane in 0..L {
        x[lane] = (-step[lane]).mul_add(v[lane], x[lane]);
    }
    x
}
