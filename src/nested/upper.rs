//! Past the threshold: the triangle in the coordinates of the features themselves.
//!
//! With all directions spanned, no basis is needed: `X = W L Q = (W G) R`, `R` upper triangular. Blocks of rows are then
//! taken in as they are, without their coordinates in a basis, and test rows keep the zeros that compression gave them.

use super::basis::Basis;
use super::triangle::{Triangle, backward, estimate_inverse, forward, square};
use crate::Error;
use crate::machine::large_pages;
use crate::svd::{RowUpdate, reduce, upper_product};
use ndarray::{Array2, Axis, ShapeBuilder, aview1, s};

/// `R`, `p × p`.
#[derive(Debug)]
pub(super) struct Upper {
    /// Column by column.
    pub(super) r: Array2<f64>,
    /// `‖R‖²_F`.
    squares: f64,
    /// An estimate of `‖R⁻¹‖`.
    inverse: f64,
}

impl Upper {
    /// `[R | Gᵀ P]` from `L`, `Q` and what goes with the rows of `L`, `P` (`p × w`, column by column).
    pub(super) fn new(triangle: &Triangle, basis: &Basis, carried: &mut Array2<f64>) -> Self {
        let (p, width) = carried.dim();
        let mut r = large_pages::zeros((p, p).f());
        // Rows and columns reversed, so that the triangle is an upper one.
        for (a, row) in triangle.rows().iter().enumerate() {
            for (b, &v) in row.iter().enumerate() {
                r[[p - 1 - a, p - 1 - b]] = v;
            }
        }
        carried.invert_axis(Axis(0));
        if !basis.is_flipped() {
            let mut vectors = Array2::zeros((p, p));
            for (mut to, q) in vectors.rows_mut().into_iter().rev().zip(basis.vectors()) {
                to.assign(&aview1(q));
            }
            let dense = upper_product(r.view(), vectors.view());
            drop(vectors);
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
        Self { squares: triangle.squares(), r, inverse }
    }

    /// `L`, where the basis is [flipped](Basis::flip).
    pub(super) fn to_triangle(&self) -> Triangle {
        let p = self.r.nrows();
        let row = |a: usize| (0..=a).map(|b| self.r[[p - 1 - a, p - 1 - b]]).collect();
        Triangle::from_rows((0..p).map(row).collect())
    }

    /// `R z = c`.
    pub(super) fn backward(&self, c: &[f64]) -> Vec<f64> {
        backward(&columns(&self.r), c)
    }

    /// `Rᵀ z = c`.
    pub(super) fn forward(&self, c: &[f64]) -> Vec<f64> {
        forward(&columns(&self.r), c)
    }

    /// Whether the condition number lies under `bound` with rows to come that add `more` to `‖R‖²_F`.
    pub(super) fn is_conditioned_under(&self, bound: f64, more: f64) -> bool {
        (self.squares + more).sqrt() * self.inverse < bound
    }

    /// An estimate of `‖R⁻¹‖`.
    pub(super) fn inverse(&self) -> f64 {
        self.inverse
    }

    /// A copy.
    pub(super) fn copy(&self) -> Self {
        Self { r: self.r.clone(), squares: self.squares, inverse: self.inverse }
    }

    /// The same in memory that is there: that of a triangle of as many rows.
    pub(super) fn copy_from(&mut self, other: &Self) {
        (self.squares, self.inverse) = (other.squares, other.inverse);
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
            self.squares = found;
            self.inverse = estimate_inverse(&columns(&self.r));
            return Ok(update);
        }
        let reason = format!("a triangle of ‖R‖² = {found:e} where it is {expected:e}");
        Err(Error::Backend { name: "faer", reason })
    }
}

/// Up to the diagonal: the rows of `Rᵀ`.
fn columns(r: &Array2<f64>) -> Vec<&[f64]> {
    let entries = r.as_slice_memory_order().unwrap_or_default();
    let columns = entries.chunks_exact(r.nrows().max(1)).enumerate();
    columns.map(|(j, column)| &column[..=j]).collect()
}
