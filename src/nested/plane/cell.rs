//! One cell, in the coordinates of its triangle.

use super::request::{Request, is_min_norm};
use super::table::Units;
use crate::Error;
use crate::filter::cutoff::Cutoff;
use crate::filter::{MinNorm, SpectralFilter};
use crate::machine::memory::{reserve, sum, table};
use crate::nested::Engine;
use crate::nested::fit::{condition_bound, is_clear};
use crate::nested::scale::scaled;
use crate::nested::smallest::Smallest;
use crate::nested::triangle::{Triangle, conditions};
use crate::svd::{Backend, DivideAndConquer, StreamedQr, Svd};
use ndarray::{Array2, ArrayRef2, ArrayView1, s};

/// A cell in the coordinates of its triangle.
pub(super) struct Solved {
    /// One solution per request.
    pub(super) solutions: Vec<Solution>,
    pub(super) train_mse: Vec<f64>,
    pub(super) rank: usize,
    pub(super) smallest: Option<f64>,
    pub(super) engine: Engine,
}

/// The coefficients of one request, or for `p > n` the row weights whose sum gives them.
pub(super) struct Solution {
    pub(super) entries: Array2<f64>,
    /// For each column, the exponent `e` of its unit `2^e`.
    pub(super) exponents: Vec<i32>,
}

impl Solution {
    /// Returns each column with its unit.
    pub(super) fn columns(&self) -> impl Iterator<Item = (ArrayView1<'_, f64>, i32)> {
        self.entries.columns().into_iter().zip(self.exponents.iter().copied())
    }

    /// Converts to the caller's units.
    pub(super) fn in_units(mut self) -> Result<Array2<f64>, Error> {
        for (mut column, &e) in self.entries.columns_mut().into_iter().zip(&self.exponents) {
            column.mapv_inplace(|v| scaled(v, e));
        }
        check_coefficients(&self.entries)?;
        Ok(self.entries)
    }
}

/// Returns the bytes for the SVD of a cell's triangle with `size` rows, copies included.
pub(super) fn svd_bytes(size: usize) -> usize {
    sum([table(size, size).saturating_mul(4), DivideAndConquer.bytes((size, size))])
}

/// Returns [`Error::Overflow`] unless all coefficients are finite.
pub(super) fn check_coefficients(coefficients: &Array2<f64>) -> Result<(), Error> {
    let overflow = |_| Error::Overflow { what: "a coefficient of the fit" };
    Error::check_finite("coefficients", coefficients.view()).map_err(overflow)
}

/// The triangle whose leading parts are the triangles of all cells in one row or column of the plane.
pub(super) struct Leading<'a> {
    /// `Lᵀ = R`.
    qr: &'a StreamedQr,
    conditions: Vec<f64>,
}

impl<'a> Leading<'a> {
    pub(super) fn new(qr: &'a StreamedQr, largest: usize) -> Self {
        Self { qr, conditions: conditions((0..largest).map(|j| qr.column(j))) }
    }

    /// Returns the leading part of `L`.
    fn part(&self, size: usize) -> Triangle {
        Triangle::from_rows((0..size).map(|j| self.qr.column(j).to_vec()).collect())
    }

    /// Whether the part of an `n × p` cell is far enough from rank-deficient. If the rough estimate leaves no doubt,
    /// nothing else is computed.
    fn is_clear(&self, size: usize, (n, p): (usize, usize)) -> Result<bool, Error> {
        if self.conditions[size - 1] < condition_bound(n, p) / NO_DOUBT {
            return Ok(true);
        }
        reserve("the triangle of a cell of a plane", table(size, size))?;
        Ok(is_clear(&mut self.part(size), n, p))
    }
}

/// How far a rough estimate of a condition number may be off.
const NO_DOUBT: f64 = 1e4;

/// An `n × p` cell. It solves `Lᵀ β = c` for `p ≤ n`, and `L Lᵀ w = y` for `β = Xᵀ w` otherwise; `L` has the singular
/// values of the cell's matrix.
pub(super) struct PlaneCell<'a> {
    pub(super) units: &'a Units,
    pub(super) n: usize,
    pub(super) p: usize,
    pub(super) leading: &'a Leading<'a>,
    pub(super) smallest: bool,
}

impl PlaneCell<'_> {
    /// Solves every request. `solution` is that of the scaled targets with the triangle as given; `squares` is the part
    /// of the scaled targets that no solution explains.
    pub(super) fn solve(
        &self,
        targets: &Array2<f64>,
        squares: &[f64],
        requests: &[Request<'_>],
        mut solution: Array2<f64>,
    ) -> Result<Solved, Error> {
        let (n, p, e) = (self.n, self.p, self.units.x_exponent);
        let is_clear = self.leading.is_clear(self.size(), (n, p))?;
        let by_triangle = |request: &Request<'_>| is_clear && is_min_norm(request.estimator);
        let svd = if requests.iter().all(by_triangle) { None } else { Some(self.svd()?) };
        let (rank, smallest) = match &svd {
            Some(svd) => (svd.rank(), self.smallest.then(|| svd.smallest_nonzero().unwrap_or(0.0))),
            None if self.smallest => {
                let found = Smallest::default().of(&self.leading.part(self.size()))?;
                (self.size(), Some(scaled(found.unwrap_or(0.0), e)))
            }
            None => (self.size(), None),
        };
        let (mut solutions, mut train_mse) = (Vec::new(), Vec::new());
        for request in requests {
            let outputs = s![.., request.outputs.clone()];
            let mut lost = vec![0.0; targets.ncols()];
            let (entries, unit) = match &svd {
                _ if by_triangle(request)
                    && requests.len() == 1
                    && request.outputs.len() == solution.ncols() =>
                {
                    (std::mem::take(&mut solution), -e) // without a copy
                }
                _ if by_triangle(request) => (solution.slice(outputs).to_owned(), -e),
                Some(svd) => {
                    // The triangle is square, so that the residual lies along its modes.
                    let (found, off) = self.by_svd(svd, &targets.slice(outputs), request.estimator)?;
                    for (lost, column) in lost[request.outputs.clone()].iter_mut().zip(off.columns()) {
                        *lost = column.dot(&column);
                    }
                    (found, 0)
                }
                None => (Array2::zeros((self.size(), request.outputs.len())), 0),
            };
            let exponents = self.units.y_exponents[request.outputs.clone()].iter().map(|y| y + unit);
            let count = (n * request.outputs.len()) as f64;
            let sum: f64 = request
                .outputs
                .clone()
                .map(|k| scaled((squares[k] + lost[k]) / count, 2 * self.units.y_exponents[k]))
                .sum();
            if !sum.is_finite() {
                return Err(Error::Overflow { what: "the training error" });
            }
            train_mse.push(sum);
            solutions.push(Solution { entries, exponents: exponents.collect() });
        }
        let needed_svd = !is_clear && requests.iter().any(|request| is_min_norm(request.estimator));
        let engine = if needed_svd { Engine::Svd } else { Engine::Nested };
        Ok(Solved { solutions, train_mse, rank, smallest, engine })
    }

    /// Returns the solution of scaled targets, and its residual along each mode.
    fn by_svd(
        &self,
        svd: &Svd,
        targets: &ArrayRef2<f64>,
        estimator: &dyn SpectralFilter,
    ) -> Result<(Array2<f64>, Array2<f64>), Error> {
        let (shape, min_norm) = ((self.n, self.p), MinNorm::default());
        let filter = if is_min_norm(estimator) { &min_norm } else { estimator };
        if self.p <= self.n {
            return svd.fit_as(targets, filter, shape);
        }
        let in_units = svd.singular_values().iter().map(|&sigma| scaled(sigma, -self.units.x_exponent));
        svd.weights_as(targets, filter, shape, &in_units.collect::<Vec<_>>())
    }

    /// Returns the number of rows of its triangle.
    fn size(&self) -> usize {
        self.n.min(self.p)
    }

    /// Returns the matrix of the system, in the caller's units.
    fn matrix(&self) -> Result<Array2<f64>, Error> {
        let lower = self.leading.part(self.size()).to_array().mapv(|v| scaled(v, self.units.x_exponent));
        Error::check_finite("the triangle", lower.view())
            .map_err(|_| Error::Overflow { what: "a singular value" })?;
        Ok(if self.p <= self.n { lower.reversed_axes() } else { lower })
    }

    fn svd(&self) -> Result<Svd, Error> {
        reserve("the SVD of a cell of a plane", svd_bytes(self.size()))?;
        let svd = Svd::new(&self.matrix()?)?;
        let cutoff = Cutoff::of_matrix((self.n, self.p), svd.spectrum().singular_values());
        svd.with_cutoff(cutoff)
    }
}
