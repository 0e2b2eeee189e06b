//! What a row's own target does to its fit, and what becomes of the fit without it.
//!
//! With a factor `F` (`n × r`, orthonormal columns) of the directions that a fit can take, `hᵢᵢ = ‖Fᵢ‖²`. Where
//! `1 − hᵢᵢ` is small it decides about everything that leaves a row out, so it is not formed as that difference.

use ndarray::{Array2, Axis};

/// Under this `1 − hᵢᵢ` is not formed as that difference.
pub(crate) const CLOSE: f64 = 1.0 / 64.0;

/// `1 − hᵢᵢ = ‖(I − F Fᵀ) eᵢ‖²` for every row, from `hᵢᵢ`; the difference where it loses nothing.
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
