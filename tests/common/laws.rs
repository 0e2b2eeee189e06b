//! Distributions of test rows: with the second moments of the training rows, and with others.

use double_descent::risk::Covariance;
use ndarray::{Array1, Array2};

/// An AR(1) covariance, which no basis used in the tests diagonalises.
pub fn ar1(p: usize, rho: f64) -> Array2<f64> {
    Array2::from_shape_fn((p, p), |(i, j)| rho.powi(i32::try_from(i.abs_diff(j)).unwrap()))
}

/// An isotropic distribution like that of the training rows, and two that differ from it.
pub fn test_laws(p: usize) -> [Covariance; 3] {
    [
        Covariance::isotropic(p, 1.0).unwrap(),
        Covariance::diagonal(&Array1::from_shape_fn(p, |i| 3.0 * 0.7_f64.powi(i32::try_from(i).unwrap())))
            .unwrap(),
        Covariance::full(&ar1(p, 0.8)).unwrap(),
    ]
}
