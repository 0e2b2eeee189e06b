//! A lower triangle that grows by a row, or absorbs one by Givens rotations.

use super::scale::scaled;
use crate::svd::exponent;
pub(super) use crate::svd::{axpy, dot};
use ndarray::{Array2, s};

/// `L`, `r × r`, lower triangular, row-major.
///
/// The matrix of a curve is `X = W L Q` if rows are appended, and `X = Q Lᵀ Wᵀ` if columns are. `W` has orthonormal
/// columns, `Q` orthonormal rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Triangle {
    rows: Vec<Vec<f64>>,
    /// `‖L‖²_F`, which rotations conserve.
    squares: f64,
    /// An estimate of `‖L⁻¹‖`, until the next row is appended. Rotations never make it larger.
    inverse: Option<f64>,
}

impl Triangle {
    /// `r`.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the rows of `L` up to the diagonal.
    pub(super) fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// `‖L‖²_F`.
    pub(super) fn squares(&self) -> f64 {
        self.squares
    }

    /// Creates a triangle from rows of lengths `1, 2, …, r`.
    pub(super) fn from_rows(rows: Vec<Vec<f64>>) -> Self {
        let squares = rows.iter().map(|row| square(row)).sum();
        Self { rows, squares, inverse: None }
    }

    /// Returns the first `r` rows and columns.
    pub(super) fn leading(&self, r: usize) -> Self {
        Self::from_rows(self.rows[..r].to_vec())
    }

    /// `L ← [L 0; m ρ]`, O(r).
    pub(super) fn append(&mut self, mut m: Vec<f64>, rho: f64) {
        m.push(rho);
        self.squares += square(&m);
        self.rows.push(m);
        self.inverse = None;
    }

    /// `[L; mᵀ] ← G [L; mᵀ] = [L'; 0]` by r rotations, 3 r² flops. `also(i, cos, sin)` applies each rotation to
    /// quantities that go with the rows: the pair (i-th, new one) becomes `(cos · a + sin · b, cos · b − sin · a)`.
    pub(super) fn rotate_in(&mut self, m: &mut [f64], mut also: impl FnMut(usize, f64, f64)) {
        self.squares += square(m);
        for (i, row) in self.rows.iter_mut().enumerate().rev() {
            if m[i] == 0.0 {
                continue;
            }
            let length = row[i].hypot(m[i]);
            let (cos, sin) = (row[i] / length, m[i] / length);
            rotate(&mut row[..i], &mut m[..i], cos, sin);
            (row[i], m[i]) = (length, 0.0);
            also(i, cos, sin);
        }
    }

    /// Multiplies by `factor`, a power of two.
    pub(super) fn scale(&mut self, factor: f64) {
        self.rows.iter_mut().flatten().for_each(|v| *v *= factor);
        self.squares *= factor * factor;
        self.inverse = None;
    }

    /// Returns the next entry of the solution of `L z = c`, given the entries before it.
    pub(super) fn next_forward(&self, z: &[f64], c: f64) -> f64 {
        let i = z.len();
        (c - dot(&self.rows[i][..i], z)) / self.rows[i][i]
    }

    /// Solves `L z = c`.
    pub(super) fn forward(&self, c: &[f64]) -> Vec<f64> {
        forward(&self.rows, c)
    }

    /// `L z`.
    pub(super) fn times(&self, z: &[f64]) -> Vec<f64> {
        self.rows.iter().map(|row| dot(row, &z[..row.len()])).collect()
    }

    /// Solves `Lᵀ z = c`.
    pub(super) fn backward(&self, c: &[f64]) -> Vec<f64> {
        backward(&self.rows, c)
    }

    /// `‖L‖_F`.
    pub(super) fn norm(&self) -> f64 {
        self.squares.sqrt()
    }

    /// Computes a new estimate of `‖L⁻¹‖`.
    pub(super) fn inverse(&mut self) -> f64 {
        let inverse = estimate_inverse(&self.rows);
        self.inverse = Some(inverse);
        inverse
    }

    /// Whether the condition number, `‖L‖_F ‖L⁻¹‖`, is below `bound`, by an O(r²) estimate. Appended rows need a new
    /// estimate; rotated rows can only lower the last one.
    ///
    /// `more` is added to `‖L‖²_F`, for rows still to come.
    pub(super) fn is_conditioned_under(&mut self, bound: f64, more: f64) -> bool {
        let norm = (self.squares + more).sqrt();
        if self.inverse.is_some_and(|inverse| norm * inverse < bound) {
            return true;
        }
        let inverse = estimate_inverse(&self.rows);
        self.inverse = Some(inverse);
        self.rows.is_empty() || norm * inverse < bound
    }

    /// Returns the full matrix.
    pub(super) fn to_array(&self) -> Array2<f64> {
        let r = self.len();
        let mut matrix = Array2::zeros((r, r));
        for (mut to, row) in matrix.rows_mut().into_iter().zip(&self.rows) {
            to.slice_mut(s![..row.len()]).assign(&ndarray::aview1(row));
        }
        matrix
    }
}

/// Solves `L z = c`, given the rows of `L` up to the diagonal.
pub(super) fn forward<R: AsRef<[f64]>>(rows: &[R], c: &[f64]) -> Vec<f64> {
    let mut z = Vec::with_capacity(c.len());
    for (i, (row, target)) in rows.iter().zip(c).enumerate() {
        let row = row.as_ref();
        z.push((target - dot(&row[..i], &z)) / row[i]);
    }
    z
}

/// Solves `Lᵀ z = c`, given the rows of `L` up to the diagonal.
pub(super) fn backward<R: AsRef<[f64]>>(rows: &[R], c: &[f64]) -> Vec<f64> {
    let mut z = c.to_vec();
    for (i, row) in rows.iter().enumerate().rev() {
        let row = row.as_ref();
        z[i] /= row[i];
        let (known, last) = z.split_at_mut(i);
        axpy(known, -last[0], row);
    }
    z
}

/// Returns a lower bound of `‖L⁻¹‖` that is seldom far off: `L⁻¹` applied to a vector of signs chosen for growth
/// (Cline, Moler, Stewart and Wilkinson 1979), then two half steps of inverse iteration. O(r²), given the rows of `L`
/// up to the diagonal.
pub(super) fn estimate_inverse<R: AsRef<[f64]>>(rows: &[R]) -> f64 {
    let mut grown = Vec::with_capacity(rows.len());
    for row in rows {
        grown.push(grow(&grown, row.as_ref()));
    }
    let half = backward(rows, &normalised(grown));
    let first = square(&half).sqrt();
    let second = square(&forward(rows, &normalised(half))).sqrt();
    first.max(second)
}

/// `‖L_r‖_F ‖L_r⁻¹ s‖ / ‖s‖` for every leading `r × r` part of the lower triangle with these rows, with signs `s`
/// chosen for growth: a rough estimate of all their condition numbers in O(r²). NaN or infinite where a diagonal entry
/// is 0.
pub(super) fn conditions<'a>(rows: impl Iterator<Item = &'a [f64]>) -> Vec<f64> {
    let (mut squares, mut length, mut grown) = (0.0, 0.0f64, Vec::new());
    let conditions = rows.map(|row| {
        let entry = grow(&grown, row);
        grown.push(entry);
        squares += dot(row, row);
        length = length.hypot(entry);
        squares.sqrt() * length / (grown.len() as f64).sqrt()
    });
    conditions.collect()
}

/// Returns the next entry of `L⁻¹ s`, given the entries before it and the next row of `L`, with the sign that makes it
/// larger.
fn grow(grown: &[f64], row: &[f64]) -> f64 {
    let sum = dot(&row[..grown.len()], grown);
    (-sum - 1f64.copysign(sum)) / row[grown.len()]
}

pub(super) fn normalised(x: Vec<f64>) -> Vec<f64> {
    // First divided by the largest entry: the squares of grown entries may overflow.
    let largest = x.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let x: Vec<f64> = x.into_iter().map(|v| v / largest).collect();
    let norm = square(&x).sqrt();
    x.into_iter().map(|v| v / norm).collect()
}

/// `(a, b) ← (cos · a + sin · b, cos · b − sin · a)`.
pub(super) fn rotate(a: &mut [f64], b: &mut [f64], cos: f64, sin: f64) {
    crate::svd::rotate(a, b, (cos, sin));
}

/// Returns `‖x‖`, for entries whose squares may be out of range.
pub(super) fn norm(x: &[f64]) -> f64 {
    let sum = square(x);
    if sum > 1e-270 && sum < 1e300 {
        return sum.sqrt(); // squares lost to underflow are negligible here
    }
    let largest = x.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let e = exponent(largest);
    scaled(x.iter().map(|&v| scaled(v, -e)).map(|v| v * v).sum::<f64>().sqrt(), e)
}

/// `‖x‖²`.
pub(super) fn square(x: &[f64]) -> f64 {
    dot(x, x)
}
