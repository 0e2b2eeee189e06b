//! Leave-one-out fits, each stored as its modes.

use crate::Error;
use crate::filter::{Response, SpectralFilter, Spectrum};
use crate::machine::memory::{list, sum, table};
use crate::svd::{Backend, DivideAndConquer, Svd};
use ndarray::{Array1, Array2, ArrayRef2, Axis, s};

/// Approximate budget of floating-point operations for the leave-one-out fits.
const OPERATIONS: u64 = 20_000_000_000;
/// Minimum number of rows left out, if the table has that many.
const FEWEST: u64 = 20;
/// From this leverage on, the fit without the row is computed from the other rows directly.
const HIGH_LEVERAGE: f64 = 0.99;

/// The fit without one row, reduced to its prediction at that row: with any filter, `Σᵣ g(σᵣ) tᵣ cᵣ`.
#[derive(Debug)]
pub(super) struct LeftOut {
    pub(super) row: usize,
    n: usize,
    p: usize,
    pub(super) sigma: Vec<f64>,
    /// `tᵣ = xᵢ·vᵣ`.
    pub(super) projection: Array1<f64>,
    /// `uᵣᵀ Y` of the other rows, `r × k`.
    pub(super) along: Array2<f64>,
    /// `uᵣᵀ (Y − X β†)` of the other rows for a reference `β†`, `r × k`.
    pub(super) residuals: Array2<f64>,
    /// `Yᵢ`.
    target: Array1<f64>,
}

impl LeftOut {
    pub(super) fn response(&self, filter: &dyn SpectralFilter) -> Result<Response, Error> {
        Response::new(filter, Spectrum::new(self.n, self.p, &self.sigma))
    }

    /// Returns the squared error at the row, `(ŷ − y)²` averaged over outputs, for the given gains.
    pub(super) fn squared_error(&self, gains: &[f64]) -> f64 {
        let weights = Array1::from_iter(gains.iter().zip(&self.projection).map(|(g, t)| g * t));
        self.mean_square(&weights.dot(&self.along))
    }

    fn mean_square(&self, predicted: &Array1<f64>) -> f64 {
        let squares = predicted.iter().zip(&self.target).map(|(f, y)| (f - y) * (f - y));
        squares.sum::<f64>() / self.target.len() as f64
    }

    /// Returns the squared errors of fits with the first `0, 1, …` modes only, if `gains` includes them.
    pub(super) fn squared_errors_of_prefixes(&self, gains: &[f64], most: usize) -> Vec<f64> {
        let mut predicted = Array1::zeros(self.target.len());
        let mut errors = vec![self.mean_square(&predicted)];
        for mode in 0..most {
            if let (Some(gain), true) = (gains.get(mode), mode < self.projection.len()) {
                predicted.scaled_add(gain * self.projection[mode], &self.along.row(mode));
            }
            errors.push(self.mean_square(&predicted));
        }
        errors
    }
}

/// Returns the rows to leave out: all, or evenly spaced ones.
pub(super) fn rows(n: usize, modes: usize) -> Vec<usize> {
    let modes = modes as u64;
    // Its SVD, and some 150 penalties, times and numbers of modes, each at the cost of a call.
    let each = modes.saturating_pow(3).saturating_mul(20).saturating_add(200_000);
    let most = (OPERATIONS / each.max(1)).max(FEWEST);
    let count = usize::try_from(most).unwrap_or(n).min(n);
    (0..count).map(|i| i * n / count).collect()
}

/// Returns the bytes of `rows` fits, plus the workspace of one of them, in addition to the whole table's SVD.
pub(super) fn bytes((n, p): (usize, usize), outputs: usize, rows: usize) -> usize {
    let r = n.min(p);
    let each = sum([list::<LeftOut>(1), table(r, 2), table(r, outputs).saturating_mul(2), table(outputs, 1)]);
    // The coordinates, those of the other rows, and the SVD of the latter.
    sum([each.saturating_mul(rows), table(n, r).saturating_mul(2), DivideAndConquer.bytes((n, r))])
}

/// Returns the fit without each of `rows`.
///
/// In the coordinates of the whole table's modes, its rows are `U Σ`. Without row `i`, with coordinates `û` and
/// leverage `h`, `XᵀX` is `Σ (I − ûûᵀ) Σ`. Its root `(I − s ûûᵀ) Σ` with `s = 1/(1 + √(1 − h))` has only as many rows
/// as there are modes, so the cost of its SVD does not grow with `n`, and no condition number is squared.
///
/// `reference` holds the coordinates of a reference `β†` along the modes (`r × k`).
pub(super) fn fits(
    svd: &Svd,
    y: &ArrayRef2<f64>,
    rows: &[usize],
    reference: &Array2<f64>,
) -> Result<Vec<LeftOut>, Error> {
    let (n, p) = svd.shape();
    let r = svd.singular_values().len();
    let coordinates = svd.u() * svd.singular_values();
    let along = svd.u().t().dot(y);
    rows.iter()
        .map(|&row| {
            let own = svd.u().row(row);
            let leverage: f64 = own.iter().map(|u| u * u).sum();
            let (fit, along) = if n > r + 1 && leverage < HIGH_LEVERAGE {
                let root = (1.0 - leverage).sqrt();
                let step = (1.0 + root).recip();
                let mut matrix = Array2::from_diag(svd.singular_values());
                for (i, mut line) in matrix.rows_mut().into_iter().enumerate() {
                    for (j, entry) in line.iter_mut().enumerate() {
                        *entry -= step * own[i] * own[j] * svd.singular_values()[j];
                    }
                }
                // Targets with (I − s ûûᵀ) z = Uᵀy − û yᵢ.
                let mut targets = along.clone();
                for (mut column, target) in targets.columns_mut().into_iter().zip(y.row(row)) {
                    column.scaled_add(-target, &own);
                    let inner = column.dot(&own);
                    column.scaled_add(inner / root * step, &own);
                }
                let fit = Svd::new(&matrix)?;
                let along = fit.u().t().dot(&targets);
                (fit, along)
            } else {
                let others: Vec<usize> = (0..n).filter(|&other| other != row).collect();
                let fit = Svd::new(&coordinates.select(Axis(0), &others))?;
                let along = fit.u().t().dot(&y.select(Axis(0), &others));
                (fit, along)
            };
            // The number of modes of n − 1 rows.
            let count = fit.singular_values().len().min(n - 1);
            let vt = fit.vt().slice(s![..count, ..]);
            let along = along.slice(s![..count, ..]).to_owned();
            let fitted = vt.dot(reference) * fit.singular_values().slice(s![..count]).insert_axis(Axis(1));
            Ok(LeftOut {
                row,
                n: n - 1,
                p,
                sigma: fit.singular_values().iter().take(count).copied().collect(),
                projection: vt.dot(&coordinates.row(row)),
                residuals: &along - &fitted,
                along,
                target: y.row(row).to_owned(),
            })
        })
        .collect()
}
