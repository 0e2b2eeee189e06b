//! Errors of many fits on one table of rows, whose features are made in blocks.

use crate::Error;
use crate::features::{FeatureMap, checked};
use crate::machine::memory::zeros;
use crate::machine::threads::share_in;
use crate::nested::PlaneFit;
use crate::risk::first_largest;
use crate::svd::leading_times;
use ndarray::{Array2, ArrayRef2, ArrayView2, aview1, s};
use std::ops::Range;

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
    let none = Score { squares: 0.0, wrong: counts_errors.then_some(0) };
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
        let counted = same.iter().map(|&index| rows_of(&fits[index])).collect();
        let scores = vec![none; same.len() * tested.len()];
        groups.push(Group { fits: same, coefficients: &*beside, size, counted, scores });
    }
    let targets: Vec<Targets<'_>> = tested
        .iter()
        .map(|&first| Targets::new(tests_y.slice(s![.., first..first + outputs]), counts_errors))
        .collect();
    let block = block(tests.nrows(), most);
    let (mut features, mut predictions) = (zeros("test features", block, most)?, Vec::new());
    for first in (0..tests.nrows()).step_by(block.max(1)) {
        let rows = first..tests.nrows().min(first + block);
        let mut features = features.slice_mut(s![..rows.len(), ..]);
        checked::write_columns(map, &tests.slice(s![rows.clone(), ..]), 0..most, &mut features)?;
        // Each has scores of its own, so that they are added up in one order.
        share_in(groups.iter_mut().rev(), &mut predictions, |group, predictions| {
            group.score(&features, &rows, (&targets, outputs), predictions);
        });
    }
    let mut scores = vec![Vec::new(); fits.len()];
    for group in groups {
        for (&index, found) in group.fits.iter().zip(group.scores.chunks(tested.len().max(1))) {
            scores[index] = found.to_vec();
        }
    }
    if scores.iter().flatten().all(|score| score.squares.is_finite()) {
        return Ok(scores);
    }
    Err(Error::Overflow { what: "the test error" })
}

/// The fits of one number of features.
struct Group<'a> {
    /// Which they are.
    fits: &'a [usize],
    /// All of theirs side by side, row by row, and their size: `p ×` outputs.
    coefficients: &'a [f64],
    size: (usize, usize),
    /// For each fit, on how many of the first rows it is tested.
    counted: Vec<usize>,
    /// For each fit, one for each request.
    scores: Vec<Score>,
}

impl Group<'_> {
    /// Adds the errors on some rows, whose features are given.
    fn score(
        &mut self,
        features: &ArrayRef2<f64>,
        rows: &Range<usize>,
        (targets, outputs): (&[Targets<'_>], usize),
        predictions: &mut Vec<f64>,
    ) {
        let (p, columns) = self.size;
        let (count, width) = features.dim();
        predictions.resize(count * columns, 0.0);
        let x = features.as_slice().unwrap_or_default();
        leading_times((x, width), self.coefficients, predictions, (count, columns, p));
        let requests = self.counted.iter().flat_map(|&counted| targets.iter().map(move |own| (counted, own)));
        for (at, ((counted, targets), score)) in requests.zip(&mut self.scores).enumerate() {
            let column = at * outputs;
            for (row, prediction) in
                (rows.start..rows.end.min(counted)).zip(predictions.chunks_exact(columns))
            {
                score.add(&prediction[column..column + outputs], targets, row);
            }
        }
    }
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
