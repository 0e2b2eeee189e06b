//! The reference fit of a point, by a separate SVD, and how far a point may deviate from it.

use double_descent::filter::{MinNorm, SpectralFilter};
use double_descent::nested::Point;
use double_descent::svd::Svd;
use ndarray::{Array2, ArrayView2};

/// `c` in the bound "error ≤ c κ ε", where κ is the condition number of that point's matrix. Orthogonal methods reach
/// up to 3 against exact arithmetic. Here both sides have errors, and predictions are compared at several test rows.
pub const C: f64 = 10.0;

/// The reference values of one point, and the scale of their uncertainty.
pub struct Expected {
    pub beta: Array2<f64>,
    pub train: f64,
    pub test: f64,
    pub norm: f64,
    pub rank: usize,
    pub condition: f64,
    /// `‖Y‖/σ₁`: a smaller fit is the result of cancellation.
    pub reach: f64,
}

pub fn mean_square(x: &Array2<f64>) -> f64 {
    x.mapv(|v| v * v).mean().unwrap()
}

pub fn by_svd(
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    tx: ArrayView2<'_, f64>,
    ty: &Array2<f64>,
) -> Expected {
    by_filter(x, y, tx, ty, &MinNorm::default())
}

pub fn by_filter(
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    tx: ArrayView2<'_, f64>,
    ty: &Array2<f64>,
    filter: &dyn SpectralFilter,
) -> Expected {
    of_svd(&Svd::new(&x).unwrap(), x, y, tx, ty, filter)
}

/// Like [`by_filter`], given the SVD of `x`.
pub fn of_svd(
    svd: &Svd,
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    tx: ArrayView2<'_, f64>,
    ty: &Array2<f64>,
    filter: &dyn SpectralFilter,
) -> Expected {
    let beta = svd.solve(&y, filter).unwrap();
    Expected {
        train: mean_square(&(x.dot(&beta) - y)),
        test: mean_square(&(tx.dot(&beta) - ty)),
        norm: beta.mapv(|v| v * v).sum().sqrt(),
        rank: svd.rank(),
        condition: svd.smallest_nonzero().map_or(1.0, |s| svd.singular_values()[0] / s),
        reach: y.iter().map(|v| v * v).sum::<f64>().sqrt() / svd.singular_values()[0],
        beta,
    }
}

/// Returns the largest c of "error ≤ c κ ε" at one point. Root mean squares are compared, relative to the size of the
/// terms that they are differences of.
pub fn constant(
    point: &Point,
    expected: &Expected,
    tx: ArrayView2<'_, f64>,
    ty: &Array2<f64>,
    y: ArrayView2<'_, f64>,
) -> f64 {
    assert_eq!(point.rank, expected.rank, "{point:?}");
    let unit = expected.condition * f64::EPSILON;
    let test_scale = mean_square(&tx.dot(&expected.beta)).sqrt() + mean_square(ty).sqrt();
    let test = (point.test_mse.unwrap().sqrt() - expected.test.sqrt()).abs() / test_scale;
    let train_scale = y.iter().map(|v| v * v).sum::<f64>().sqrt() / (y.len() as f64).sqrt();
    let train = (point.train_mse.sqrt() - expected.train.sqrt()).abs() / train_scale;
    let norm = (point.norm - expected.norm).abs() / (expected.norm + expected.reach);
    [test, train, norm].into_iter().fold(0.0, f64::max) / unit
}
