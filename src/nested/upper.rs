//! Past the threshold: the triangle in the coordinates of the features themselves.
//!
//! With all directions spanned, no basis is needed: `X = W L Q = (W G) R`, with `R` upper triangular. Blocks of rows
//! are then taken in directly, without their coordinates in a basis, and test rows keep the zeros that compression gave
//! them.

use super::basis::Basis;
use super::block::SMALLEST_BLOCK;
use super::triangle::{Triangle, estimate_inverse, forward, square};
use crate::Error;
use crate::machine::large_pages;
use crate::machine::turned::{by_columns, fill_columns};
use crate::svd::{RowUpdate, reduce_beside, upper_product};
use ndarray::{Array2, ArrayView2, ShapeBuilder, aview1, s};

/// Largest number of rows taken in at once: enough for matrix products at full speed. Each row carries a vector as long
/// as its block, which records the changes that the row makes.
pub(super) const LARGEST_BLOCK: usize = 128;

/// Smallest number of columns of a triangle for which a block of rows is worth a thread.
pub(super) const SHARED: usize = 256;

/// Returns the smallest block of rows for a triangle of `p` columns: if the triangle is small, single rows are as fast.
pub(super) fn smallest_block(p: usize) -> usize {
    if p >= SHARED { 1 } else { SMALLEST_BLOCK }
}

/// `R`, `p × p`.
#[derive(Clone, Debug)]
pub(super) struct Upper {
    /// `R`, column-major.
    pub(super) r: Array2<f64>,
    /// `‖R‖²_F`.
    squares: f64,
    /// An estimate of `‖R⁻¹‖`, either current or from before the last rows were taken in, which never make it larger.
    inverse: f64,
    /// Whether `inverse` is from before the last rows.
    is_stale: bool,
}

impl Upper {
    /// Computes `[R | Gᵀ P]` from `L`, `Q` and `P`, which goes with the rows of `L` (`p × w`, column-major).
    pub(super) fn new(triangle: &Triangle, basis: &Basis, carried: &mut Array2<f64>) -> Self {
        let p = carried.nrows();
        let mut r = if let Some(given) = basis.given() {
            stacked(given, p)
        } else {
            // Rows and columns are reversed, so that the triangle is upper triangular.
            let mut reversed = Array2::zeros(carried.raw_dim().f());
            reversed.assign(&carried.slice(s![..;-1, ..]));
            *carried = reversed;
            let mut r = large_pages::zeros((p, p).f());
            for (a, row) in triangle.rows().iter().enumerate() {
                for (b, &v) in row.iter().enumerate() {
                    r[[p - 1 - a, p - 1 - b]] = v;
                }
            }
            r
        };
        if !basis.is_flipped() {
            if basis.given().is_none() {
                let mut vectors = Array2::zeros((p, p));
                for (mut to, q) in vectors.rows_mut().into_iter().rev().zip(basis.vectors()) {
                    to.assign(&aview1(q));
                }
                r = upper_product(r.view(), vectors.view());
            }
            reduce_beside(&mut r, carried);
        }
        let inverse = estimate_inverse(&columns(&r));
        Self { squares: triangle.squares(), r, inverse, is_stale: false }
    }

    /// Returns `L` for a [flipped](Basis::flip) basis.
    pub(super) fn to_triangle(&self) -> Triangle {
        let rows = by_columns(self.r.t());
        let rows = rows.columns().into_iter().enumerate().rev();
        Triangle::from_rows(rows.map(|(i, row)| row.iter().skip(i).rev().copied().collect()).collect())
    }

    /// Solves `Rᵀ z = c`.
    pub(super) fn forward(&self, c: &[f64]) -> Vec<f64> {
        forward(&columns(&self.r), c)
    }

    /// Whether the condition number is below `bound`, if further rows add `more` to `‖R‖²_F`.
    pub(super) fn is_conditioned_under(&mut self, bound: f64, more: f64) -> bool {
        let norm = (self.squares + more).sqrt();
        norm * self.inverse < bound || norm * self.inverse() < bound
    }

    /// Returns an estimate of `‖R⁻¹‖`.
    pub(super) fn inverse(&mut self) -> f64 {
        if self.is_stale {
            (self.inverse, self.is_stale) = (estimate_inverse(&columns(&self.r)), false);
        }
        self.inverse
    }

    /// Allocates another triangle of the same size.
    pub(super) fn room(&self) -> Self {
        Self { r: large_pages::zeros(self.r.raw_dim().f()), ..*self }
    }

    /// Copies another triangle of the same size into this one.
    pub(super) fn copy_from(&mut self, other: &Self) {
        (self.squares, self.inverse, self.is_stale) = (other.squares, other.inverse, other.is_stale);
        let p = other.r.nrows().max(1);
        let from = columns(&other.r);
        let entries = self.r.as_slice_memory_order_mut().unwrap_or_default();
        for (to, from) in entries.chunks_exact_mut(p).zip(from) {
            to[..from.len()].copy_from_slice(from);
        }
    }

    /// Takes in rows `M`; `beside` turns from `[P; T]` to `Gᵀ [P; T]`. All are column-major.
    pub(super) fn take_in(
        &mut self,
        rows: Array2<f64>,
        beside: &mut [Array2<f64>; 2],
    ) -> Result<RowUpdate, Error> {
        let b = rows.nrows();
        let expected = self.squares + rows.as_slice_memory_order().map_or(f64::NAN, square);
        let update = RowUpdate::new(&mut self.r, rows, beside.each_mut());
        let found: f64 = columns(&self.r).iter().map(|column| square(column)).sum();
        let tolerance = 30.0 * (self.r.nrows() + b) as f64 * f64::EPSILON * expected;
        if (found - expected).abs() <= tolerance {
            (self.squares, self.is_stale) = (found, true);
            return Ok(update);
        }
        let reason = format!("a triangle of ‖R‖² = {found:e} where it is {expected:e}");
        Err(Error::Backend { name: "divide and conquer", reason })
    }
}

/// Stacks blocks of `p` rows in total, column-major.
fn stacked(blocks: &[Array2<f64>], p: usize) -> Array2<f64> {
    let (mut rows, mut from) = (large_pages::zeros((p, p).f()), 0);
    for block in blocks {
        let to = from + block.nrows();
        fill_columns(rows.slice_mut(s![from..to, ..]), block.view(), |v| v);
        from = to;
    }
    rows
}

/// Returns `‖m‖²` for each row `m` of a column-major table.
pub(super) fn row_squares(rows: &Array2<f64>) -> Vec<f64> {
    let mut squares = vec![0.0; rows.nrows()];
    for column in rows.columns() {
        squares.iter_mut().zip(column).for_each(|(sum, v)| *sum += v * v);
    }
    squares
}

/// Returns `[0 P]` and `[I T]` for `P` (`p × k`) and `T` (`b × k`), with the columns of `I` reversed, to be carried
/// along with rows.
pub(super) fn with_identity(above: ArrayView2<'_, f64>, below: ArrayView2<'_, f64>) -> [Array2<f64>; 2] {
    let ((p, k), b) = (above.dim(), below.nrows());
    let (mut top, mut bottom) = (Array2::zeros((p, b + k).f()), Array2::zeros((b, b + k).f()));
    top.slice_mut(s![.., b..]).assign(&above);
    bottom.slice_mut(s![.., ..b;-1]).diag_mut().fill(1.0);
    bottom.slice_mut(s![.., b..]).assign(&below);
    [top, bottom]
}

/// Returns the columns up to the diagonal: the rows of `Rᵀ`.
pub(super) fn columns(r: &Array2<f64>) -> Vec<&[f64]> {
    let entries = r.as_slice_memory_order().unwrap_or_default();
    let columns = entries.chunks_exact(r.nrows().max(1)).enumerate();
    columns.map(|(j, column)| &column[..=j]).collect()
}
