//! Decides which cells of a plane can share one unit.
//!
//! A cell may be small compared to rows or columns outside it: in their units, its squares would underflow to 0.

use super::scale::largest_exponent;
use crate::svd::largest;
use ndarray::{ArrayView1, ArrayView2, s};

/// Cells whose largest entries differ by at most 2^200 share a unit: their squares, over a condition number squared,
/// are still in range.
pub(super) const SHARED: i32 = 200;

/// Where to split the cells: at an index of the list of sample counts, or of feature counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Samples(usize),
    Features(usize),
}

/// Returns where to split; `None` if all cells `x[..n, ..p]`, and their targets `y[..n]`, can share units. Both lists
/// are ascending; features not there yet do not count.
pub(super) fn part(
    (samples, features): (&[usize], &[usize]),
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
) -> Option<Part> {
    let mut so_far = vec![0.0f64; features.len()];
    let mut cells: Vec<Vec<Option<i32>>> = Vec::with_capacity(samples.len());
    let mut from = 0;
    for &to in samples {
        let (mut left, mut in_rows) = (0, 0.0f64);
        for (&right, so_far) in features.iter().zip(&mut so_far) {
            let right = right.min(x.ncols());
            let block = x.slice(s![from..to, left..right]);
            in_rows = block.rows().into_iter().fold(in_rows, |most, row| most.max(largest_of(row)));
            *so_far = so_far.max(in_rows);
            left = right;
        }
        cells.push(so_far.iter().map(|v| largest_exponent([v])).collect());
        from = to;
    }
    let most = cells.last()?.last().copied()??;
    let is_apart = |cell: &Option<i32>| cell.is_some_and(|e| e < most - SHARED);
    if cells.iter().flatten().any(is_apart) {
        let is_large = |cell: &Option<i32>| cell.is_some_and(|e| e >= most - SHARED);
        let (rows, columns) = (
            cells.iter().position(|row| row.last().is_some_and(is_large)).unwrap_or(0),
            cells.last()?.iter().position(is_large).unwrap_or(0),
        );
        return Some(match (rows, columns) {
            (0, 0) if features.len() > 1 => Part::Features(1),
            (rows, 0) => Part::Samples(rows.max(1)),
            (_, columns) => Part::Features(columns),
        });
    }
    y.columns().into_iter().find_map(|column| {
        let exponent = |n: usize| largest_exponent(column.slice(s![..n]));
        let most = exponent(*samples.last()?)?;
        let first = exponent(*samples.iter().find(|&&n| exponent(n).is_some())?)?;
        let is_large = |n: &usize| exponent(*n).is_some_and(|e| e >= most - SHARED);
        (first < most - SHARED).then(|| samples.iter().position(is_large).map(Part::Samples))?
    })
}

/// Returns the largest absolute value of a row.
fn largest_of(row: ArrayView1<'_, f64>) -> f64 {
    row.to_slice().map_or_else(|| row.fold(0.0, |most: f64, v| most.max(v.abs())), largest)
}
