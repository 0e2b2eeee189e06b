//! Takes many rows at once into a lower triangle, by reflections only.
//!
//! ```text
//! Gᵀ [L P] = [L' P']      L, L' (r × r) lower triangular, M (b × r)
//!    [M T]   [0  F ]      P, P' (r × m) and T, F (b × m) what goes along with the rows
//! ```
//!
//! It works in panels of `w` columns, from the last to the first. The panel's rows of `L` stacked on the rows of `M`
//! form a small matrix. The reflections that make it triangular are applied to everything left of the panel, and to `P`
//! and `T`, as matrix products. Cost `2 (b + w) r (r + 2m)` flops; one row at a time takes `3 b r (r + 2m)` at the
//! speed of vector operations.

use super::triangle::{Triangle, square};
use crate::Error;
use crate::svd::reduce;
use ndarray::{Array2, ArrayView2};

/// Returns `L'`; `carried` turns from `P` to `P'`, and `joined` from `T` to `F`.
pub(super) fn fold(
    triangle: &Triangle,
    rows: ArrayView2<'_, f64>,
    carried: &mut Array2<f64>,
    joined: &mut Array2<f64>,
) -> Result<Triangle, Error> {
    let (b, r) = rows.dim();
    let columns = r + joined.ncols();
    // A wide panel is fast; a narrow one adds fewer rows to the b that must be processed.
    let panel = (b / 4).clamp(8, 64).min(r);
    let height = panel + b;
    // Column-major: the coordinates from the last to the first, then the carried columns.
    let mut work = vec![0.0; height * columns];
    for (bottom, values) in bottoms(&mut work, panel, height).zip(rows.columns().into_iter().rev()) {
        bottom.iter_mut().zip(values).for_each(|(to, &from)| *to = from);
    }
    for (bottom, values) in bottoms(&mut work, panel, height).skip(r).zip(joined.columns()) {
        bottom.iter_mut().zip(values).for_each(|(to, &from)| *to = from);
    }
    let mut lower: Vec<Vec<f64>> = triangle.rows().to_vec();
    for to in (1..=r).rev().step_by(panel) {
        let from = to.saturating_sub(panel);
        let (width, first) = (to - from, r - to);
        // The rows are reversed like the columns, so that the triangle is upper triangular.
        let top = panel - width;
        let mut columns_here = work.chunks_exact_mut(height).skip(first);
        for (i, column) in columns_here.by_ref().take(to).enumerate() {
            for (entry, row) in column[top..panel].iter_mut().zip(lower[from..to].iter().rev()) {
                *entry = row.get(to - 1 - i).copied().unwrap_or(0.0);
            }
        }
        for (j, column) in columns_here.enumerate() {
            for (entry, i) in column[top..panel].iter_mut().zip((from..to).rev()) {
                *entry = carried[[i, j]];
            }
        }
        reduce(&mut work[first * height + top..], (width + b, columns - first), height, width);
        let mut columns_here = work.chunks_exact(height).skip(first);
        for (i, column) in columns_here.by_ref().take(to).enumerate() {
            for (entry, row) in column[top..panel].iter().zip(lower[from..to].iter_mut().rev()) {
                if let Some(to) = row.get_mut(to - 1 - i) {
                    *to = *entry;
                }
            }
        }
        for (j, column) in columns_here.enumerate() {
            for (entry, i) in column[top..panel].iter().zip((from..to).rev()) {
                carried[[i, j]] = *entry;
            }
        }
    }
    for (bottom, mut values) in bottoms(&mut work, panel, height).skip(r).zip(joined.columns_mut()) {
        bottom.iter().zip(&mut values).for_each(|(&from, to)| *to = from);
    }
    let expected = triangle.squares() + rows.iter().map(|v| v * v).sum::<f64>();
    let found: f64 = lower.iter().map(|row| square(row)).sum();
    let tolerance = 30.0 * (r + b) as f64 * f64::EPSILON * expected;
    if (found - expected).abs() <= tolerance {
        return Ok(Triangle::from_rows(lower));
    }
    let reason = format!("a triangle of ‖L‖² = {found:e} where it is {expected:e}");
    Err(Error::Backend { name: "divide and conquer", reason })
}

/// Returns the last rows of each column.
fn bottoms(work: &mut [f64], panel: usize, height: usize) -> impl Iterator<Item = &mut [f64]> {
    work.chunks_exact_mut(height).map(move |column| &mut column[panel..])
}
