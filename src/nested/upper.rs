//! Past the threshold: the triangle in the coordinates of the features themselves.
//!
//! With all directions spanned, no basis is needed: `X = W L Q = (W G) R`, `R` upper triangular. Blocks of rows are then
//! taken in as they are, without their coordinates in a basis, and test rows keep the zeros that compression gave them.

use super::basis::Basis;
use super::scale::fill_columns;
use super::triangle::{Triangle, estimate_inverse, forward, square};
use crate::Error;
use crate::machine::large_pages;
use crate::svd::{RowUpdate, reduce, upper_product};
use ndarray::{Array2, ArrayView2, Axis, ShapeBuilder, aview1, s};

/// Rows taken in at once, at most: enough for matrix products at full speed. What goes along with a row to say what it
/// changes is as long as its block.
pub(super) const LARGEST_BLOCK: usize = 128;

/// `R`, `p × p`.
#[derive(Debug)]
pub(super) struct Upper {
    /// Column by column.
    pub(super) r: Array2<f64>,
    /// `‖R‖²_F`.
    squares: f64,
    /// An estimate of `‖R⁻¹‖`: now, or before the last rows were taken in, which never make it larger.
    inverse: f64,
    /// Whether it is from before.
    is_stale: bool,
}

impl Upper {
    /// `[R | Gᵀ P]` from `L`, `Q` and what goes with the rows of `L`, `P` (`p × w`, column by column).
    pub(super) fn new(triangle: &Triangle, basis: &Basis, carried: &mut Array2<f64>) -> Self {
        let (p, width) = carried.dim();
        // Rows and columns reversed, so that the triangle is an upper one.
        let mut r = large_pages::zeros((p, p).f());
        if basis.is_flipped() || basis.given().is_none() {
            for (a, row) in triangle.rows().iter().enumerate() {
                for (b, &v) in row.iter().enumerate() {
                    r[[p - 1 - a, p - 1 - b]] = v;
                }
            }
        }
        carried.invert_axis(Axis(0));
        if !basis.is_flipped() {
            let dense = if let Some(given) = basis.given() {
                reversed(given, p)
            } else {
                let mut vectors = Array2::zeros((p, p));
                for (mut to, q) in vectors.rows_mut().into_iter().rev().zip(basis.vectors()) {
                    to.assign(&aview1(q));
                }
                upper_product(r.view(), vectors.view())
            };
            let (mut all, _) = dense.into_raw_vec_and_offset();
            all.reserve_exact(p * width);
            for column in carried.columns() {
                all.extend(column);
            }
            reduce(&mut all, (p, p + width), p, p);
            for (j, (mut to, from)) in r.columns_mut().into_iter().zip(all.chunks_exact(p)).enumerate() {
                to.slice_mut(s![..=j]).assign(&aview1(&from[..=j]));
            }
            for (mut to, from) in carried.columns_mut().into_iter().zip(all.chunks_exact(p).skip(p)) {
                to.assign(&aview1(from));
            }
        }
        let mut whole = Array2::zeros((p, width).f());
        whole.assign(carried);
        *carried = whole;
        let inverse = estimate_inverse(&columns(&r));
        Self { squares: triangle.squares(), r, inverse, is_stale: false }
    }

    /// `L`, where the basis is [flipped](Basis::flip).
    pub(super) fn to_triangle(&self) -> Triangle {
        let p = self.r.nrows();
        let row = |a: usize| (0..=a).map(|b| self.r[[p - 1 - a, p - 1 - b]]).collect();
        Triangle::from_rows((0..p).map(row).collect())
    }

    /// `Rᵀ z = c`.
    pub(super) fn forward(&self, c: &[f64]) -> Vec<f64> {
        forward(&columns(&self.r), c)
    }

    /// Whether the condition number lies under `bound` with rows to come that add `more` to `‖R‖²_F`.
    pub(super) fn is_conditioned_under(&mut self, bound: f64, more: f64) -> bool {
        let norm = (self.squares + more).sqrt();
        norm * self.inverse < bound || norm * self.inverse() < bound
    }

    /// An estimate of `‖R⁻¹‖`.
    pub(super) fn inverse(&mut self) -> f64 {
        if self.is_stale {
            (self.inverse, self.is_stale) = (estimate_inverse(&columns(&self.r)), false);
        }
        self.inverse
    }

    /// A copy.
    pub(super) fn copy(&self) -> Self {
        Self { r: self.r.clone(), ..*self }
    }

    /// The same in memory that is there: that of a triangle of as many rows.
    pub(super) fn copy_from(&mut self, other: &Self) {
        (self.squares, self.inverse, self.is_stale) = (other.squares, other.inverse, other.is_stale);
        let p = other.r.nrows().max(1);
        let from = columns(&other.r);
        let entries = self.r.as_slice_memory_order_mut().unwrap_or_default();
        for (to, from) in entries.chunks_exact_mut(p).zip(from) {
            to[..from.len()].copy_from_slice(from);
        }
    }

    /// Takes in rows `M`, column by column.
    pub(super) fn take_in(&mut self, rows: Array2<f64>) -> Result<RowUpdate, Error> {
        let b = rows.nrows();
        let expected = self.squares + rows.as_slice_memory_order().map_or(f64::NAN, square);
        let update = RowUpdate::new(&mut self.r, rows);
        let found: f64 = columns(&self.r).iter().map(|column| square(column)).sum();
        let tolerance = 30.0 * (self.r.nrows() + b) as f64 * f64::EPSILON * expected;
        if (found - expected).abs() <= tolerance {
            (self.squares, self.is_stale) = (found, true);
            return Ok(update);
        }
        let reason = format!("a triangle of ‖R‖² = {found:e} where it is {expected:e}");
        Err(Error::Backend { name: "faer", reason })
    }
}

/// Blocks of `p` rows in all, the last row first, column by column.
fn reversed(blocks: &[Array2<f64>], p: usize) -> Array2<f64> {
    let (mut rows, mut to) = (large_pages::zeros((p, p).f()), p);
    for block in blocks {
        let from = to - block.nrows();
        fill_columns(rows.slice_mut(s![from..to;-1, ..]), block.view(), |v| v);
        to = from;
    }
    rows
}

/// `‖m‖²` for each row `m` of a table that lies column by column.
pub(super) fn row_squares(rows: &Array2<f64>) -> Vec<f64> {
    let mut squares = vec![0.0; rows.nrows()];
    for column in rows.columns() {
        squares.iter_mut().zip(column).for_each(|(sum, v)| *sum += v * v);
    }
    squares
}

/// `Gᵀ [0 P; I T]` for `P` (`p × k`) and `T` (`b × k`), the columns of `I` in reverse: its first `p` rows, and its last `b`.
pub(super) fn carry_identity(
    update: &RowUpdate,
    above: ArrayView2<'_, f64>,
    below: ArrayView2<'_, f64>,
) -> [Array2<f64>; 2] {
    let ((p, k), b) = (above.dim(), below.nrows());
    let (mut top, mut bottom) = (Array2::zeros((p, b + k).f()), Array2::zeros((b, b + k).f()));
    top.slice_mut(s![.., b..]).assign(&above);
    bottom.slice_mut(s![.., ..b;-1]).diag_mut().fill(1.0);
    bottom.slice_mut(s![.., b..]).assign(&below);
    update.carry(&mut top, &mut bottom);
    [top, bottom]
}

/// Up to the diagonal: the rows of `Rᵀ`.
pub(super) fn columns(r: &Array2<f64>) -> Vec<&[f64]> {
    let entries = r.as_slice_memory_order().unwrap_or_default();
    let columns = entries.chunks_exact(r.nrows().max(1)).enumerate();
    columns.map(|(j, column)| &column[..=j]).collect()
}
