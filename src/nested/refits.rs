//! Leave-one-out errors by a refit, for rows where one factorisation of all rows is not enough.
//!
//! The matrix of all rows is accurate to `ε` of its largest row. If that row is left out, the others have a different
//! cutoff, and modes that were rounding error next to it count again. If a row is almost alone in a direction, the
//! cutoff decides whether the others have that direction. And if `1 − hᵢᵢ` is tiny, the remainder of the target is
//! rounding error.

use super::LeftOut;
use super::scale::{Unit, largest_exponent, scaled};
use super::triangle::norm;
use crate::Error;
use crate::filter::MinNorm;
use crate::svd::Svd;
use ndarray::{Array2, ArrayRef1, Axis};

/// A row counts as heavy if all others are shorter by this factor.
const HEAVY: f64 = 8.0;
/// Refits allowed at every point, whatever their cost.
const FEW: usize = 4;
/// Beyond [`FEW`], the limit on the sum of `n p min(n, p)` over the refits of a point.
const WORK: f64 = 268_435_456.0; // 2²⁸

/// Sums of squared errors, one per output, over all rows but some.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    pub(super) squares: Vec<f64>,
    /// The rows not included.
    pub(super) again: Vec<usize>,
}

/// The original training rows and their targets.
#[derive(Clone, Debug, Default)]
pub(super) struct Refits {
    vectors: Vec<Vec<f64>>,
    /// `k` targets per row.
    targets: Vec<Vec<f64>>,
    /// Whether the vectors are columns.
    is_transposed: bool,
    /// The norm of each row.
    lengths: Vec<f64>,
}

impl Refits {
    /// Starts without columns, for known targets (`n × k`).
    pub(super) fn of_columns(targets: Vec<Vec<f64>>) -> Self {
        let lengths = vec![0.0; targets.len()];
        Self { vectors: Vec::new(), targets, is_transposed: true, lengths }
    }

    pub(super) fn push_row(&mut self, x: &ArrayRef1<f64>, y: &ArrayRef1<f64>) {
        let x = x.to_vec();
        self.lengths.push(norm(&x));
        self.vectors.push(x);
        self.targets.push(y.to_vec());
    }

    pub(super) fn push_column(&mut self, x: &ArrayRef1<f64>) {
        self.lengths.iter_mut().zip(x).for_each(|(length, x)| *length = length.hypot(*x));
        self.vectors.push(x.to_vec());
    }

    /// Returns the row without which the largest singular value, and with it the cutoff, may fall by more than
    /// [`HEAVY`]. There is at most one: while the longest row stays, that singular value falls by at most `√2`.
    pub(super) fn heavy(&self) -> Option<usize> {
        let (mut row, mut longest, mut second) = (0, 0.0, 0.0);
        for (i, &length) in self.lengths.iter().enumerate() {
            if length > longest {
                (row, longest, second) = (i, length, longest);
            } else if length > second {
                second = length;
            }
        }
        // If all other rows are 0, the row is not heavy but alone.
        (second > 0.0 && longest / HEAVY >= second).then_some(row)
    }

    /// Adds the errors of the missing rows, in the units of the targets; `None` if there are too many.
    pub(super) fn complete(&self, sums: Sums, units: &[Unit]) -> Result<(Option<Vec<f64>>, LeftOut), Error> {
        let Sums { mut squares, again } = sums;
        if again.is_empty() {
            return Ok((Some(squares), LeftOut::Nested));
        }
        let (n, vectors) = (self.lengths.len(), self.vectors.len());
        let p = if self.is_transposed { vectors } else { self.vectors.first().map_or(0, Vec::len) };
        let work = n as f64 * p as f64 * n.min(p) as f64 * again.len() as f64;
        if again.len() > FEW && work > WORK {
            return Ok((None, LeftOut::TooMany(again.len())));
        }
        for &row in &again {
            let errors = self.errors(row, (n, p), units)?;
            squares.iter_mut().zip(errors).for_each(|(sum, e)| *sum += e * e);
        }
        Ok((Some(squares), LeftOut::Refits(again.len())))
    }

    fn entry(&self, row: usize, column: usize) -> f64 {
        if self.is_transposed { self.vectors[column][row] } else { self.vectors[row][column] }
    }

    fn errors(&self, row: usize, (n, p): (usize, usize), units: &[Unit]) -> Result<Vec<f64>, Error> {
        let mut errors: Vec<f64> =
            self.targets[row].iter().zip(units).map(|(y, unit)| scaled(*y, -unit.exponent())).collect();
        if n == 1 {
            return Ok(errors);
        }
        let skip = |i: usize| if i < row { i } else { i + 1 };
        let mut x = Array2::from_shape_fn((n - 1, p), |(i, j)| self.entry(skip(i), j));
        // The row and the others have separate units: in a shared one, squares may be out of range.
        let own = largest_exponent(&x).unwrap_or(0);
        x.mapv_inplace(|v| scaled(v, -own));
        let y = Array2::from_shape_fn((n - 1, units.len()), |(i, k)| {
            scaled(self.targets[skip(i)][k], -units[k].exponent())
        });
        let mut left_out = Array2::from_shape_fn((1, p), |(_, j)| self.entry(row, j));
        let unit = largest_exponent(&left_out).unwrap_or(0);
        left_out.mapv_inplace(|v| scaled(v, -unit));
        let beta = Svd::new(&x)?.solve(&y, &MinNorm::default())?;
        let predictions = left_out.dot(&beta);
        for (error, prediction) in errors.iter_mut().zip(predictions.index_axis(Axis(0), 0)) {
            *error -= scaled(*prediction, unit.saturating_sub(own));
        }
        Ok(errors)
    }
}
