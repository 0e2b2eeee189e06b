//! Leverages: how much a row's own target contributes to its fit, and to the fit without that row.
//!
//! With a factor `F` (`n × r`, orthonormal columns) of the directions that a fit can take, `hᵢᵢ = ‖Fᵢ‖²`. If `1 − hᵢᵢ`
//! is small, everything that leaves a row out depends on it, so it must not be computed as that difference.

use ndarray::{Array2, Axis};

/// Values of `1 − hᵢᵢ` under this are not computed as a difference.
pub(crate) const CLOSE: f64 = 1.0 / 64.0;

/// Computes `1 − hᵢᵢ = ‖(I − F Fᵀ) eᵢ‖²` for every row from `hᵢᵢ`, as the difference if that loses no digits.
pub(crate) fn open(leverages: &[f64], factor: &Array2<f64>) -> Vec<f64> {
    let mut open: Vec<f64> = leverages.iter().map(|h| 1.0 - h).collect();
    let close: Vec<usize> = (0..open.len()).filter(|&i| open[i] < CLOSE).collect();
    let mut rest = -factor.select(Axis(0), &close).dot(&factor.t());
    for (mut rest, &i) in rest.rows_mut().into_iter().zip(&close) {
        rest[i] += 1.0;
        open[i] = rest.dot(&rest);
    }
    open
}
