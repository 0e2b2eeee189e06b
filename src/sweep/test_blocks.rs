//! Errors of many fits on one test table, whose features are computed in blocks of rows.

use crate::Error;
use crate::features::{FeatureMap, checked};
use crate::machine::memory::zeros;
use crate::machine::order::sort_indices;
use crate::machine::threads::share_in;
use crate::nested::PlaneFit;
use crate::risk::first_largest;
use crate::svd::add_product;
use ndarray::{Array2, ArrayRef2, ArrayView2, aview1, s};
use std::ops::Range;

/// The largest and smallest number of test inputs mapped at once, and the target number of feature entries in a block:
/// blocks stay small, whatever the numbers of test rows and features.
const BLOCK: usize = 512;
const FEWEST: usize = 16;
const FEATURES: usize = BLOCK << 14;
/// Features multiplied at once.
const CHUNK: usize = 512;
/// The number of prediction columns up to which several feature counts share one product. A product of few columns
/// would wait for the features, which do not fit into the cache.
const TOGETHER: usize = 128;

/// How many columns of predictions are computed at once, for `columns` columns per feature count.
pub(super) fn predicted(columns: usize) -> usize {
    columns.max(TOGETHER)
}

/// How many of the `tests` test inputs are mapped to `p` features at once.
pub(super) fn block(tests: usize, p: usize) -> usize {
    (FEATURES / p.max(1)).clamp(FEWEST, BLOCK).min(tests)
}

/// Computes the errors of all fits on their first `rows_of` test rows: for each fit, one score per request.
///
/// `tested` holds, for each request, the first of its `outputs` columns of test targets. Always computes `most`
/// features, whatever the fits use, so that the fits of a part have the same bits as in the whole.
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
    sort_indices(&mut by_features, &|a, b| fits[a].p.cmp(&fits[b].p));
    let mut sets: Vec<Set<'_>> = Vec::new();
    for same in by_features.chunk_by(|&a, &b| fits[a].p == fits[b].p) {
        let group = Group {
            p: fits[same[0]].p,
            columns: same.iter().flat_map(|&index| &fits[index].coefficients).map(Array2::ncols).sum(),
            counted: same.iter().map(|&index| rows_of(&fits[index])).collect(),
            scores: vec![none; same.len() * tested.len()],
            fits: same,
        };
        match sets.last_mut() {
            Some(set) if set.columns + group.columns <= TOGETHER => set.push(group),
            _ => sets.push(Set::new(group)),
        }
    }
    for set in &mut sets {
        set.fill(fits)?;
    }
    let targets: Vec<Targets<'_>> = tested
        .iter()
        .map(|&first| Targets::new(tests_y.slice(s![.., first..first + outputs]), counts_errors))
        .collect();
    let block = block(tests.nrows(), most);
    let (mut features, mut predictions) = (zeros("test features", block, most)?, Vec::new());
    for first in (0..tests.nrows()).step_by(block.max(1)) {
        let rows = first..tests.nrows().min(first + block);
        let mut of_rows = features.slice_mut(s![..rows.len(), ..]);
        checked::write_columns(map, &tests.slice(s![rows.clone(), ..]), 0..most, &mut of_rows)?;
        // Each set has its own scores, so they are always summed in the same order.
        share_in(sets.iter_mut().rev(), &mut predictions, |set, predictions| {
            set.score(&features, &rows, (&targets, outputs), predictions);
        });
    }
    let mut scores = vec![Vec::new(); fits.len()];
    for group in sets.into_iter().flat_map(|set| set.groups) {
        for (&index, found) in group.fits.iter().zip(group.scores.chunks(tested.len().max(1))) {
            scores[index] = found.to_vec();
        }
    }
    if scores.iter().flatten().all(|score| score.squares.is_finite()) {
        return Ok(scores);
    }
    Err(Error::Overflow { what: "the test error" })
}

/// The fits with one feature count.
struct Group<'a> {
    p: usize,
    /// Their indices.
    fits: &'a [usize],
    /// The number of their coefficient columns.
    columns: usize,
    /// For each fit, the number of leading test rows it is tested on.
    counted: Vec<usize>,
    /// For each fit, one score per request.
    scores: Vec<Score>,
}

/// Groups whose predictions are computed together, by ascending feature count.
struct Set<'a> {
    groups: Vec<Group<'a>>,
    /// The number of their coefficient columns.
    columns: usize,
    /// Those coefficients in the order of the [products](Set::products), row-major.
    coefficients: Vec<f64>,
}

impl<'a> Set<'a> {
    fn new(group: Group<'a>) -> Self {
        Self { columns: group.columns, groups: vec![group], coefficients: Vec::new() }
    }

    fn push(&mut self, group: Group<'a>) {
        self.columns += group.columns;
        self.groups.push(group);
    }

    /// The ranges of features, and the coefficient columns that each is multiplied with. A whole chunk of features
    /// serves all groups that contain it; a partial chunk serves its group alone. So a group's bits do not depend on
    /// the other groups.
    fn products(&self) -> Vec<(Range<usize>, Range<usize>)> {
        let most = self.groups.last().map_or(0, |group| group.p);
        let mut products = Vec::new();
        for start in (0..most).step_by(CHUNK) {
            let (end, mut first) = (start + CHUNK, 0);
            for group in self.groups.iter().take_while(|group| group.p < end) {
                if group.p > start {
                    products.push((start..group.p, first..first + group.columns));
                }
                first += group.columns;
            }
            if end <= most {
                products.push((start..end, first..self.columns));
            }
        }
        products
    }

    /// Copies the coefficients of its fits into product order.
    fn fill(&mut self, fits: &[PlaneFit]) -> Result<(), Error> {
        let products = self.products();
        let entries = products.iter().map(|(features, columns)| features.len() * columns.len()).sum();
        self.coefficients = zeros("the coefficients", entries, 1)?.into_raw_vec_and_offset().0;
        let mut rest = &mut self.coefficients[..];
        for (features, columns) in products {
            let to = rest.split_off_mut(..features.len() * columns.len()).unwrap_or_default();
            let mut first = 0;
            for part in
                self.groups.iter().flat_map(|group| group.fits).flat_map(|&fit| &fits[fit].coefficients)
            {
                if columns.contains(&first) {
                    let rows = part.slice(s![features.clone(), ..]);
                    for (to, from) in to.chunks_exact_mut(columns.len()).zip(rows.rows()) {
                        to[first - columns.start..].iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                    }
                }
                first += part.ncols();
            }
        }
        Ok(())
    }

    /// Adds the errors on some rows, whose features are the first rows of `features`.
    fn score(
        &mut self,
        features: &ArrayRef2<f64>,
        rows: &Range<usize>,
        (targets, outputs): (&[Targets<'_>], usize),
        predictions: &mut Vec<f64>,
    ) {
        let (count, most) = (rows.len(), features.ncols());
        let (x, width) = (features.as_slice().unwrap_or_default(), self.columns);
        predictions.resize(count * width, 0.0);
        let mut rest = &self.coefficients[..];
        for (features, columns) in self.products() {
            let (b, others) = rest.split_at(features.len() * columns.len());
            let is_first = features.start == 0;
            add_product(((x, most), features), b, ((&mut *predictions, width), columns), count, is_first);
            rest = others;
        }
        let mut column = 0;
        for group in &mut self.groups {
            let requests =
                group.counted.iter().flat_map(|counted| targets.iter().map(move |own| (*counted, own)));
            for ((counted, targets), score) in requests.zip(&mut group.scores) {
                let rows = rows.start..rows.end.min(counted);
                for (row, prediction) in rows.zip(predictions.chunks_exact(width)) {
                    score.add(&prediction[column..column + outputs], targets, row);
                }
                column += outputs;
            }
        }
    }
}

/// Test targets.
struct Targets<'a> {
    table: ArrayView2<'a, f64>,
    /// The column of the largest target in each row, if error rates are wanted.
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
    /// The number of rows whose largest output is not at the largest target, if counted.
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
