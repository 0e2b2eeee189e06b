//! Classification error rates on the test rows and the training rows of one cell.

use super::coordinates::Coordinates;
use super::gather;
use super::lines::Line;
use super::output::{Output, Scratch};
use super::study::{Ideal, Study, Tests};
use crate::Error;
use crate::risk::{error_rate, first_largest};
use crate::svd::Right;
use ndarray::{Array2, ArrayView2, s};
use std::ops::Range;

/// The share of training rows whose largest prediction is not at their largest target, for the `outputs` of one line.
pub(super) fn on_training_rows(
    (study, line): (&Study<'_>, &Line),
    outputs: &[Output<'_>],
    scratch: &mut Scratch,
    (coordinates, u): (Option<&Coordinates>, &Array2<f64>),
) -> Result<f64, Error> {
    let (trained, _) = study.targets.outputs[line.outputs.start];
    let columns = outputs.iter().enumerate().map(|(output, of)| {
        let constant = coordinates.map_or(0.0, |coordinates| coordinates.targets[trained + output]);
        of.at_training_rows(&line.arm, scratch, u).map(|column| column + constant)
    });
    let columns: Vec<_> = columns.collect();
    let table = |which: usize| {
        Array2::from_shape_fn((columns[0][which].len(), columns.len()), |(row, output)| {
            columns[output][which][row]
        })
    };
    let classes: Vec<usize> = table(1).rows().into_iter().map(first_largest).collect();
    error_rate(&table(0), &classes)
}

/// The test rows in the coordinates of the modes, and their classes.
///
/// An error rate is not a sum of squares, so every test row is visited: `m p r` multiplications per cell, `m r k` per
/// arm.
pub(super) struct ErrorRates<'s, 'a> {
    study: &'s Study<'a>,
    /// `X_test V`, `m × r`.
    images: Array2<f64>,
    /// The classes of the test rows, for each table of test targets.
    classes: Vec<Vec<usize>>,
    /// The classes that the best linear model predicts, for each table.
    classes_of_model: Vec<Vec<usize>>,
    coordinates: Option<&'s Coordinates>,
}

impl<'s, 'a> ErrorRates<'s, 'a> {
    pub(super) fn new(
        study: &'s Study<'a>,
        svd: &Right,
        training: &[usize],
        coordinates: Option<&'s Coordinates>,
    ) -> Self {
        let p = svd.vt().ncols();
        let (features, targets) = match &study.tests {
            Tests::Rows { rows: Some((x, y)), .. } => (x.slice(s![.., ..p]).to_owned(), y.to_owned()),
            Tests::Others { y, .. } | Tests::After { y, .. } => {
                let test = study.test_rows(training);
                (study.design(&test, p), gather(y.view(), &test))
            }
            Tests::Rows { rows: None, .. } => (Array2::zeros((0, p)), Array2::zeros((0, 0))),
        };
        let k = study.targets.k;
        let classes = |targets: ArrayView2<'_, f64>| -> Vec<usize> {
            targets.rows().into_iter().map(first_largest).collect()
        };
        let of_table = |first: usize| classes(targets.slice(s![.., first..first + k]));
        let of_model = |Ideal { beta, .. }: &Ideal| {
            let predictions = features.dot(beta);
            (0..beta.ncols()).step_by(k).map(|i| classes(predictions.slice(s![.., i..i + k]))).collect()
        };
        let images = match coordinates {
            Some(coordinates) => coordinates.of_features(features.view()).dot(&svd.vt().t()),
            None => features.dot(&svd.vt().t()),
        };
        Self {
            study,
            images,
            classes: (0..targets.ncols()).step_by(k).map(of_table).collect(),
            classes_of_model: study.ideal(p).map(of_model).unwrap_or_default(),
            coordinates,
        }
    }

    /// The share of test rows whose largest prediction is not at their largest target. `solutions` holds, for each
    /// output, its coefficients in the leading modes and the constant added to all its predictions.
    pub(super) fn of(&self, line: &Line, solutions: &[(Vec<f64>, f64)]) -> Result<f64, Error> {
        let mut predictions = Array2::zeros((self.images.nrows(), solutions.len()));
        let Range { start, .. } = line.outputs;
        let (trained, tested) = self.study.targets.outputs[start];
        for (output, (mut column, (alpha, shift))) in
            predictions.columns_mut().into_iter().zip(solutions).enumerate()
        {
            let constant = self.coordinates.map_or(0.0, |coordinates| coordinates.targets[trained + output]);
            let images = self.images.slice(s![.., ..alpha.len()]);
            column.assign(&(images.dot(&ndarray::aview1(alpha)) + (*shift + constant)));
        }
        let k = self.study.targets.k;
        let classes = match self.classes_of_model.get(start / k) {
            Some(classes) if line.arm.ablation.is_without_residuals() => classes,
            _ => &self.classes[tested / k],
        };
        error_rate(&predictions, classes)
    }
}
