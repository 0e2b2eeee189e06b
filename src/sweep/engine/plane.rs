//! The whole n × p plane of a repeat, from two factorisations.

use super::{
    Engine, Prospects, Raw, Repeats, Which, column_by_column, each_repeat, in_order, spectrum_obstacle,
};
use crate::Error;
use crate::curve::Metric;
use crate::error::user_code;
use crate::filter::known_penalty;
use crate::machine::memory::{sum, table};
use crate::nested::{self, Engine as Kind, Plane as Fits, PlaneFit, Request};
use crate::sweep::Cut;
use crate::sweep::cells::Observer;
use crate::sweep::lines::Line;
use crate::sweep::measured::Measured;
use crate::sweep::metrics::Metrics;
use crate::sweep::study::Study;
use crate::sweep::task::Task;
use crate::sweep::test_blocks::{Score, score};
use ndarray::s;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The metrics that every fit has.
const METRICS: [Metric; 7] = [
    Metric::TrainMse,
    Metric::DistanceFromStart,
    Metric::TestMse,
    Metric::CoefficientNorm,
    Metric::SmallestSingularValue,
    Metric::TestErrorRate,
    Metric::TrainErrorRate,
];

/// The fixed cost of a step of a list, in addition to its rows or columns, in operations per squared width of the
/// triangle. Measured at n = 100, 300 and 1,000 with steps of 16 to 250.
const STEP: f64 = 300.0;

/// Both lists from two factorisations per repeat; test features are computed in blocks and not kept.
///
/// Estimators other than the minimum norm need an SVD of a `min(n, p)²` matrix per cell, which they all share. Lines
/// that differ only in their targets share everything.
#[derive(Debug)]
pub(super) struct Plane;

impl Prospects for Plane {
    fn kind(&self) -> Kind {
        Kind::Nested
    }

    fn obstacle(&self, task: &Task<'_>) -> Option<String> {
        if let Some(why) = spectrum_obstacle(task, &METRICS) {
            return Some(why);
        }
        if !task.preparation().is_none() {
            return Some("preparing every training set anew needs a factorisation of each".into());
        }
        (task.sizes.tests == 0 || task.sizes.population)
            .then(|| "a source without separate test rows needs the rows of every cell".into())
    }

    fn needs_tables(&self) -> bool {
        false
    }

    /// Every part uses the factorisations of the whole.
    fn cut(&self, task: &Task<'_>) -> Cut {
        column_by_column(task)
    }

    fn shares_within(&self) -> bool {
        true
    }

    fn flops(&self, task: &Task<'_>) -> f64 {
        let (k, lines, tests) = (task.sizes.outputs as f64, task.lines.len() as f64, task.sizes.tests as f64);
        let by_svd = task.lines.iter().any(|line| known_penalty(&*line.arm.estimator) != Some(0.0));
        let (n, p) = (task.most_samples(), task.most_features());
        let (samples, features) = (&task.sweep.samples, &task.features);
        // Columns of the factorisation that grows by rows, and rows of the one that grows by columns.
        let tall = features.iter().copied().filter(|&p| p <= n).max().unwrap_or(0);
        let wide = samples.iter().copied().filter(|&n| n < p).max().unwrap_or(0);
        let grown = |steps: usize, (length, width): (usize, usize)| {
            (2.0 * length as f64 + STEP * steps as f64) * (width as f64).powi(2)
        };
        let cell = |(n, p): (usize, usize)| {
            let (size, p) = (n.min(p) as f64, p as f64);
            let svd = if by_svd { 20.0 * size * size * size } else { 0.0 };
            let scored = tests + if task.wanted.train_error_rate { n as f64 } else { 0.0 };
            svd + k * lines * (2.0 * size * size + 2.0 * size * p + 2.0 * scored * p)
        };
        grown(samples.len(), (n, tall))
            + grown(features.len(), (p, wide))
            + task.places().map(cell).sum::<f64>()
    }

    fn bytes(&self, task: &Task<'_>) -> Result<usize, Error> {
        let Ok(plane) = Fits::new(&task.sweep.samples, &task.features) else { return Ok(usize::MAX) };
        let (n, p) = (task.most_samples(), task.most_features());
        let (trained, tested) = task.targets.widths();
        let fitted = task.lines.len().saturating_mul(task.sizes.outputs);
        let by_svd = task.lines.iter().any(|line| known_penalty(&*line.arm.estimator) != Some(0.0));
        let samples = task.sweep.samples.len();
        let coefficients = task.features.iter().copied().fold(0, usize::saturating_add);
        let coefficients = table(coefficients, fitted).saturating_mul(samples);
        let counted = if task.wanted.train_error_rate { n } else { 0 };
        let block = crate::sweep::test_blocks::block(task.sizes.tests.max(counted), p);
        // Threads without a repeat of their own predict for other feature counts.
        let threads = if task.sweep.threads.is_none() { rayon::current_num_threads() } else { 1 };
        let predictions = table(block, crate::sweep::test_blocks::predicted(fitted.saturating_mul(samples)));
        // Either the fits, or two copies of their coefficients with a block of test features and predictions.
        let at_test = [
            coefficients.saturating_mul(2),
            table(block, p),
            predictions.saturating_mul(threads.min(task.features.len())),
            table(task.sizes.tests, if task.wanted.error_rate { task.lines.len() } else { 0 }),
            table(counted, task.lines.len()),
        ];
        let inputs = table(n, task.sizes.inputs.saturating_add(trained.saturating_mul(2)));
        let joined = if task.targets.is_plain() { 0 } else { table(task.sizes.tests, tested) };
        Ok(sum([plane.bytes(trained, fitted, true, by_svd).max(sum(at_test)), inputs, joined]))
    }
}

impl Engine for Plane {
    fn run(
        &self,
        task: &Task<'_>,
        _: Option<&Study<'_>>,
        which: &Which<'_>,
        observer: &dyn Observer,
    ) -> Result<Repeats, Error> {
        let mut plane = Fits::new(&task.sweep.samples, &task.features)?.only(&task.part.features);
        if task.wanted.smallest {
            plane = plane.with_smallest_singular_value();
        }
        each_repeat(task, which, observer, |repeat, order| {
            let raw = Raw::new(task, repeat, order)?;
            let mut found = BTreeMap::new();
            let lines: Vec<usize> = (0..task.lines.len()).collect();
            find(task, &raw, &plane, &lines, &mut found);
            Ok(in_order(task, found.into_values().collect()))
        })
    }
}

/// Adds the cells of a part of the plane for some lines. If anything fails, it measures the lines one by one, and then
/// each half of the part, until only the cells that fail on their own remain.
fn find(
    task: &Task<'_>,
    raw: &Raw<'_>,
    plane: &Fits,
    lines: &[usize],
    found: &mut BTreeMap<(usize, usize), Measured>,
) {
    let part = || "the work on a part of the plane".into();
    let measured = user_code::call(part, || measure(task, raw, plane, lines)).flatten();
    match (measured, plane.halves()) {
        (Ok(all), _) => {
            for measured in all {
                add(found, measured);
            }
        }
        (Err(_), _) if lines.len() > 1 => {
            for line in lines {
                find(task, raw, plane, std::slice::from_ref(line), found);
            }
        }
        (Err(_), Some(halves)) => {
            for half in &halves {
                find(task, raw, half, lines, found);
            }
        }
        (Err(error), None) => {
            let line = (task.lines.len() > 1).then(|| lines.first().copied()).flatten();
            for (n, p) in plane.places() {
                let failures = vec![(line, error.clone())];
                add(found, Measured { failures, ..Measured::new(n, p, 0) });
            }
        }
    }
}

/// Merges the results of some lines with those of the other lines.
fn add(found: &mut BTreeMap<(usize, usize), Measured>, measured: Measured) {
    let entry = found.entry((measured.n, measured.p));
    let all = entry.or_insert_with(|| Measured::new(measured.n, measured.p, 0));
    if !measured.lines.is_empty() {
        all.rank = measured.rank;
        all.smallest_singular_value = measured.smallest_singular_value;
        all.by_svd |= measured.by_svd;
    }
    all.lines.append(measured.lines);
    all.sort_lines();
    all.failures.extend(measured.failures);
}

/// Measures the cells of a part of the plane.
fn measure(task: &Task<'_>, raw: &Raw<'_>, plane: &Fits, lines: &[usize]) -> Result<Vec<Measured>, Error> {
    let (samples, most) = plane.largest();
    let lines: Vec<(usize, &Line)> = lines.iter().map(|&line| (line, &task.lines[line])).collect();
    let k = task.sizes.outputs;
    let outputs = |line: &Line| task.targets.outputs[line.outputs.start];
    let request = |(_, line): &(usize, &Line)| {
        let trained = outputs(line).0;
        (trained, Arc::clone(&line.arm.estimator))
    };
    let asked: Vec<_> = lines.iter().map(request).collect();
    let requests: Vec<Request<'_>> = asked
        .iter()
        .map(|(trained, estimator)| Request { estimator: &**estimator, outputs: *trained..*trained + k })
        .collect();
    let (inputs, y) = (raw.inputs.slice(s![..samples, ..]), raw.y.slice(s![..samples, ..]));
    let fits = plane.fits_of_map(&*raw.map, &inputs, &y, &requests)?;
    let tested: Vec<usize> = lines.iter().map(|(_, line)| outputs(line).1).collect();
    let all = |_: &PlaneFit| raw.tests.nrows();
    let scores = score(
        &*raw.map,
        (&raw.tests, &raw.tests_y),
        (&fits, most),
        (&tested, k),
        task.wanted.error_rate,
        all,
    )?;
    // The training rows of each fit are the first rows of all.
    let trained: Vec<usize> = lines.iter().map(|(_, line)| outputs(line).0).collect();
    let own = if task.wanted.train_error_rate {
        score(&*raw.map, (&inputs, &y), (&fits, most), (&trained, k), true, |fit| fit.n)?
    } else {
        Vec::new()
    };
    let cells = fits.iter().zip(scores).enumerate().map(|(index, (fit, scores))| {
        let mut measured = Measured::new(fit.n, fit.p, lines.len());
        measured.rank = fit.rank;
        measured.smallest_singular_value = fit.smallest_singular_value.unwrap_or(0.0);
        measured.by_svd = fit.engine == nested::Engine::Svd;
        let line = |(at, (line, _)): (usize, &(usize, &Line))| {
            let sizes = (raw.tests.nrows(), k);
            let mut metrics = metrics(fit, at, &scores[at], sizes, task.wanted.norm);
            let wrong = own.get(index).and_then(|scores| scores[at].wrong);
            metrics.train_error_rate = wrong.map(|wrong| wrong as f64 / fit.n as f64);
            (*line, metrics)
        };
        measured.lines = lines.iter().enumerate().map(line).collect();
        measured
    });
    Ok(cells.collect())
}

/// The metrics of one fit. The norm, a hypotenuse per entry, takes as long as the fit's solve, so it is only computed
/// if asked for.
fn metrics(fit: &PlaneFit, at: usize, score: &Score, (rows, outputs): (usize, usize), norm: bool) -> Metrics {
    let rows = rows as f64;
    let length = || fit.coefficients[at].iter().fold(0.0, |norm: f64, v| norm.hypot(*v));
    Metrics {
        train: fit.train_mse[at],
        test: score.squares / (rows * outputs as f64),
        error_rate: score.wrong.map(|wrong| wrong as f64 / rows),
        norm: if norm { length() } else { 0.0 },
        ..Metrics::default()
    }
}
