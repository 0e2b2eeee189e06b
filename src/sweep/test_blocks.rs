//! Errors of many fits on one table of rows, whose features are made in blocks.

use crate::Error;
use crate::features::{FeatureMap, checked};
use crate::machine::memory::zeros;
use crate::nested::PlaneFit;
use crate::risk::first_largest;
use crate::svd::leading_times;
use ndarray::{Array2, ArrayRef2, ArrayView2, aview1, s};

/// Test inputs that are mapped at once, at most and at least, and how many features of them there should be: they stay
/// small, whatever the numbers of test rows and features.
const BLOCK: usize = 512;
const FEWEST: usize = 16;
const FEATURES: usize = BLOCK << 14;

/// How many of some test inputs are mapped to `p` features at once.
pub(super) fn block(tests: usize, p: usize) -> usize {
    (FEATURES / p.max(1)).clamp(FEWEST, BLOCK).min(tests)
}

/// The errors of all fits on the first `rows_of` test rows, for each one for each request. `tested` are, for each request,
/// where its `outputs` columns of test targets begin; `most` features are made, whatever the fits have, so that the fits of a
/// part have the bits of all.
pub(super) fn score(
    map: &dyn FeatureMap,
    (tests, tests_y): (&ArrayRef2<f64>, &ArrayRef2<f64>),
    (fits, most): (&[PlaneFit], usize),
    (tested, outputs): (&[usize], usize),
    counts_errors: bool,
    rows_of: impl Fn(&PlaneFit) -> usize,
) -> Result<Vec<Vec<Score>>, Error> {
    let wrong = counts_errors.then_some(0);
    let mut scores = vec![vec![Score { squares: 0.0, wrong }; tested.len()]; fits.len()];
    let mut by_features: Vec<usize> = (0..fits.len()).collect();
    by_features.sort_by_key(|&index| fits[index].p);
    let entries = fits.iter().flat_map(|fit| &fit.coefficients).map(Array2::len).sum();
    let mut coefficients = zeros("the coefficients", entries, 1)?;
    let mut rest = coefficients.as_slice_mut().unwrap_or_default();
    let mut groups = Vec::new();
    for same in by_features.chunk_by(|&a, &b| fits[a].p == fits[b].p) {
        let parts = || same.iter().flat_map(|&index| &fits[index].coefficients);
        let size = (fits[same[0]].p, parts().map(Array2::ncols).sum());
        let beside = rest.split_off_mut(..size.0 * size.1).unwrap_or_default();
        let mut first = 0;
        for part in parts() {
            for (to, from) in beside.chunks_exact_mut(size.1).zip(part.rows()) {
                to[first..].iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
            first += part.ncols();
        }
        groups.push((same, &*beside, size));
    }
    let targets: Vec<Targets<'_>> = tested
        .iter()
        .map(|&first| Targets::new(tests_y.slice(s![.., first..first + outputs]), wrong.is_some()))
        .collect();
    let block = block(tests.nrows(), most);
    let (mut features, mut predictions) = (zeros("test features", block, most)?, Vec::new());
    for first in (0..tests.nrows()).step_by(block.max(1)) {
        let rows = first..tests.nrows().min(first + block);
        let mut features = features.slice_mut(s![..rows.len(), ..]);
        checked::write_columns(map, &tests.slice(s![rows.clone(), ..]), 0..most, &mut features)?;
        for (same, coefficients, size) in &groups {
            predict(&features, (coefficients, *size), &mut predictions);
            let mut column = 0;
            for &index in *same {
                let counted = first..rows.end.min(rows_of(&fits[index]));
                for (targets, score) in targets.iter().zip(&mut scores[index]) {
                    for (row, prediction) in counted.clone().zip(predictions.chunks_exact(size.1)) {
                        score.add(&prediction[column..column + outputs], targets, row);
                    }
                    column += outputs;
                }
            }
        }
    }
    if scores.iter().flatten().all(|score| score.squares.is_finite()) {
        return Ok(scores);
    }
    Err(Error::Overflow { what: "the test error" })
}

/// `features[.., ..p] · coefficients` (`p ×` outputs), row by row.
fn predict(
    features: &ArrayRef2<f64>,
    (coefficients, (p, outputs)): (&[f64], (usize, usize)),
    predictions: &mut Vec<f64>,
) {
    let (rows, width) = features.dim();
    let x = features.as_slice().unwrap_or_default();
    predictions.resize(rows * outputs, 0.0);
    leading_times((x, width), coefficients, predictions, (rows, outputs, p));
}

/// Test targets.
struct Targets<'a> {
    table: ArrayView2<'a, f64>,
    /// The place of the largest, row by row, where error rates are wanted.
    classes: Vec<usize>,
}

impl<'a> Targets<'a> {
    fn new(table: ArrayView2<'a, f64>, classified: bool) -> Self {
        let classes =
            if classified { table.rows().into_iter().map(first_largest).collect() } else { Vec::new() };
        Self { table, classes }
    }
}

/// Sums over test rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Score {
    pub(super) squares: f64,
    /// Rows whose largest output is not that of the targets, where they are counted.
    pub(super) wrong: Option<usize>,
}

impl Score {
    fn add(&mut self, prediction: &[f64], targets: &Targets<'_>, row: usize) {
        let target = targets.table.row(row);
        self.squares += prediction.iter().zip(target).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        if let Some(wrong) = &mut self.wrong {
            *wrong += usize::from(first_largest(aview1(prediction)) != targets.classes[row]);
        }
    }
}
