//! SVD of a matrix whose columns have very different sizes.
//!
//! Orthogonal methods are accurate to `ε` of a matrix's largest entries, and smaller singular values are rounding
//! error. But scaling a column loses nothing: a QR factorisation is accurate to `ε` of each column's own size, and if
//! the largest remaining column is taken first, the rows of `R` are as graded as the columns were. One-sided Jacobi on
//! these rows finds every singular value to high relative accuracy (Demmel et al., *Computing the singular value
//! decomposition with high relative accuracy*, Linear Algebra Appl. 1999).

use super::triangle::{axpy, dot, norm};
use crate::Error;
use crate::svd::{Jacobi, Svd};
use ndarray::{Array1, Array2, ArrayRef2, ArrayView2, Axis};

/// `X = Q R`: the rows of `Qᵀ`, and `R` over all columns in their original order. There are as many rows as independent
/// columns: a remainder below `negligible` of a column's own length is rounding.
pub(super) struct Graded {
    /// `Qᵀ`.
    pub(super) basis: Vec<Vec<f64>>,
    rows: Vec<Vec<f64>>,
}

impl Graded {
    pub(super) fn new(x: ArrayView2<'_, f64>, negligible: f64) -> Self {
        let mut columns: Vec<Vec<f64>> = x.columns().into_iter().map(|column| column.to_vec()).collect();
        let least: Vec<f64> = columns.iter().map(|column| negligible * norm(column)).collect();
        let mut graded = Self { basis: Vec::new(), rows: Vec::new() };
        let mut is_open = vec![true; columns.len()];
        while graded.basis.len() < x.nrows() {
            let mut largest: Option<(usize, f64)> = None;
            for (j, column) in columns.iter().enumerate().filter(|(j, _)| is_open[*j]) {
                let length = norm(column);
                if length > least[j] && largest.is_none_or(|(_, most)| length > most) {
                    largest = Some((j, length));
                }
            }
            let Some((pivot, length)) = largest else { break };
            // Scaled to unit length before orthogonalisation: squares of tiny entries would vanish.
            let mut q: Vec<f64> = columns[pivot].iter().map(|v| v / length).collect();
            for _ in 0..2 {
                for other in &graded.basis {
                    let along = dot(other, &q);
                    axpy(&mut q, -along, other);
                }
                let length = norm(&q);
                for v in &mut q {
                    *v /= length;
                }
            }
            is_open[pivot] = false;
            let mut row = vec![0.0; columns.len()];
            for (j, column) in columns.iter_mut().enumerate() {
                if is_open[j] || j == pivot {
                    row[j] = dot(&q, column);
                    axpy(column, -row[j], &q);
                }
            }
            graded.basis.push(q);
            graded.rows.push(row);
        }
        graded
    }

    /// Returns the SVD of all directions: `U` is `n × r` and `Vᵀ` is `r × p`, where `r` is the number of rows of `R`.
    pub(super) fn svd(&self, columns: usize) -> Result<Svd, Error> {
        let r = self.rows.len();
        if r == 0 {
            return Err(Error::Empty { what: "the span of the features" });
        }
        let triangle = Array2::from_shape_fn((r, columns), |(i, j)| self.rows[i][j]);
        let inner = Svd::with_backend(&triangle, &Jacobi)?;
        let rows = self.basis[0].len();
        let basis = Array2::from_shape_fn((rows, r), |(i, j)| self.basis[j][i]);
        Ok(Svd::from_parts(basis.dot(inner.u()), inner.singular_values().to_owned(), inner.vt().to_owned()))
    }
}

/// Returns the SVD of the transpose.
pub(super) fn transposed(svd: &Svd) -> Svd {
    let standard = |x: &ArrayRef2<f64>| x.t().as_standard_layout().into_owned();
    Svd::from_parts(standard(svd.vt()), svd.singular_values().to_owned(), standard(svd.u()))
}

/// Returns the fits to targets `uᵣ`, `V diag(g)` as columns (`p × r`). `V` is accurate to `ε` of its lengths; a gain of
/// 1e8 amplifies that error, and a feature of 1e8 does so again. So the fits are refined until `X V diag(g) = U diag(σ
/// g)`.
pub(super) fn fits(svd: &Svd, x: &ArrayRef2<f64>, gains: &[f64]) -> Array2<f64> {
    let row = |values: Vec<f64>| Array1::from(values).insert_axis(Axis(0));
    let mut fits = &svd.vt().t() * &row(gains.to_vec());
    let sigma = svd.singular_values();
    let kept = sigma.iter().zip(gains).map(|(s, gain)| s * gain).collect();
    let expected = svd.u() * &row(kept);
    // Not 1/σ: if the gain is far smaller, all errors are small already, and the rounding of `off` would matter.
    let gains = Array1::from(gains.to_vec()).insert_axis(Axis(1));
    for _ in 0..MENDED {
        let off = &expected - &x.dot(&fits);
        let next = &fits + &svd.vt().t().dot(&(svd.u().t().dot(&off) * &gains));
        if next.iter().any(|v| !v.is_finite()) {
            break;
        }
        fits = next;
    }
    fits
}

/// Refinement steps: the first corrects the error, the second the error of that correction.
const MENDED: usize = 2;
