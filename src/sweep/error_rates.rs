//! Errors of classification on the test rows of one cell.

use super::evaluate::Study;
use super::{Arm, gather};
use crate::Error;
use crate::risk::{error_rate, first_largest};
use crate::svd::Svd;
use ndarray::{Array2, s};

/// The test rows in the coordinates of the modes, and their classes. Classes are no sum of squares, so here every test
/// row is touched: `m p r` multiplications a cell, `m r k` an arm.
pub(super) struct ErrorRates {
    /// `X_test V`, `m × r`.
    images: Array2<f64>,
    classes: Vec<usize>,
    /// Those of the best linear model.
    classes_of_model: Vec<usize>,
}

impl ErrorRates {
    pub(super) fn new(study: &Study<'_>, svd: &Svd, training: &[usize]) -> Self {
        let mut trains = vec![false; study.data.len()];
        for &row in training {
            trains[row] = true;
        }
        let test: Vec<usize> = (0..trains.len()).filter(|&row| !trains[row]).collect();
        let features = gather(study.data.features(), &test);
        let classes = |targets: &Array2<f64>| targets.rows().into_iter().map(first_largest).collect();
        Self {
            images: features.dot(&svd.vt().t()),
            classes: classes(&gather(study.data.targets(), &test)),
            classes_of_model: classes(&features.dot(&study.ideal)),
        }
    }

    /// The share of test rows whose largest prediction is not at their largest target. `solutions` are, for each
    /// output, its coefficients of the leading modes and what is added to all its predictions.
    pub(super) fn of(&self, arm: &Arm, solutions: &[(Vec<f64>, f64)]) -> Result<f64, Error> {
        let mut predictions = Array2::zeros((self.images.nrows(), solutions.len()));
        for (mut column, (alpha, shift)) in predictions.columns_mut().into_iter().zip(solutions) {
            let images = self.images.slice(s![.., ..alpha.len()]);
            column.assign(&(images.dot(&ndarray::aview1(alpha)) + *shift));
        }
        let classes =
            if arm.ablation.is_without_residuals() { &self.classes_of_model } else { &self.classes };
        error_rate(&predictions, classes)
    }
}
