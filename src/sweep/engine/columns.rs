//! All p at one n, from one factorisation that grows column by column.

use super::{Engine, Prospects, Repeats, Which, cell_by_svd, each_curve, points_obstacle, size_by_size};
use crate::Error;
use crate::filter::known_penalty;
use crate::machine::memory::{list, sum, table};
use crate::nested::{self, Engine as Kind, Point, Test, columns_bytes};
use crate::sweep::Cut;
use crate::sweep::cells::Observer;
use crate::sweep::lines::Line;
use crate::sweep::measured::Measured;
use crate::sweep::study::{Study, Tests};
use crate::sweep::task::Task;
use ndarray::s;

/// Every p from one factorisation per repeat, arm and number of samples, as a dense list of p needs. All points of a
/// curve have the same training rows, so they also share the preparation.
#[derive(Debug)]
pub(super) struct Columns;

impl Prospects for Columns {
    fn kind(&self) -> Kind {
        Kind::Nested
    }

    fn obstacle(&self, task: &Task<'_>) -> Option<String> {
        points_obstacle(task)
    }

    fn cut(&self, task: &Task<'_>) -> Cut {
        size_by_size(task)
    }

    fn flops(&self, task: &Task<'_>) -> f64 {
        let (p, tests) = (task.most_features() as f64, height(task) as f64);
        let k = task.sizes.outputs as f64;
        let curve = |&n: &usize| {
            let n = n as f64;
            let r = n.min(p);
            // Columns independent of those before them, columns in their span, and a point for each.
            let independent = r * (2.0 * n * r + k * (r * r + r * tests));
            independent + (p - r) * (2.0 * n * (n + 2.0 * tests) + 2.0 * k * (n + tests))
        };
        task.part.samples.iter().map(curve).sum::<f64>() * task.lines.len() as f64
    }

    fn bytes(&self, task: &Task<'_>) -> Result<usize, Error> {
        let (n, p, tests) = (task.most_samples(), task.most_features(), height(task));
        let (lines, (trained, tested)) = (task.lines.len(), task.targets.widths());
        let ridge = task.lines.iter().any(|line| penalty_of(line).is_some());
        // A separate test table is used as it is; left-over rows, and prepared rows, are copied.
        let as_it_is = task.sweep.source.test().is_some() && task.preparation().is_none();
        Ok(sum([
            table(n, p.saturating_add(trained)),
            if as_it_is { 0 } else { table(tests, p.saturating_add(tested)) },
            columns_bytes((n, p), task.sizes.outputs, tests, ridge),
            list::<Point>(p).saturating_mul(lines.saturating_sub(1)),
        ]))
    }
}

impl Engine for Columns {
    fn run(
        &self,
        task: &Task<'_>,
        shared: Option<&Study<'_>>,
        which: &Which<'_>,
        observer: &dyn Observer,
    ) -> Result<Repeats, Error> {
        each_curve(task, shared, which, observer, &|study, rows, features| {
            let samples = &task.part.samples;
            samples.iter().flat_map(|&n| curve(task, study, &rows[..n], features)).collect()
        })
    }
}

/// The number of tested rows.
fn height(task: &Task<'_>) -> usize {
    let width = sum([task.most_features(), task.targets.widths().1, 1]);
    width.min(if task.sizes.tests == 0 { task.sizes.rows } else { task.sizes.tests })
}

/// The cells of one curve; if any error occurs, each is computed by an SVD instead.
fn curve(task: &Task<'_>, study: &Study<'_>, rows: &[usize], features: &[usize]) -> Vec<Measured> {
    let variance = if let Tests::Rows { variance, .. } = study.tests { variance } else { 0.0 };
    if let Ok(lines) = grow(task, study, rows, features) {
        let cell = |&p: &usize| {
            let points: Vec<&Point> = lines.iter().map(|points| &points[p - 1]).collect();
            Measured::from_points(&points, variance)
        };
        return features.iter().map(cell).collect();
    }
    let cell = |&p: &usize| Measured { by_svd: true, ..cell_by_svd(study, rows, p, task) };
    features.iter().map(cell).collect()
}

/// The penalty of a line, if it is above 0.
fn penalty_of(line: &Line) -> Option<f64> {
    known_penalty(&*line.arm.estimator).filter(|&lambda| lambda > 0.0)
}

/// For each line, the fits to the first `1, 2, …` features.
fn grow(
    task: &Task<'_>,
    study: &Study<'_>,
    rows: &[usize],
    features: &[usize],
) -> Result<Vec<Vec<Point>>, Error> {
    let p = features.iter().copied().max().unwrap_or(0);
    let prepared = study.prepare(rows, p)?;
    let (held_out, own_columns) = study.held_out(rows, p, &prepared)?;
    let k = study.targets.k;
    let curve = |line: &Line| {
        let (trained, tested) = study.targets.outputs[line.outputs.start];
        let tested = if own_columns { line.outputs.start } else { tested };
        let columns: Vec<usize> = (tested..tested + k).collect();
        let table = if held_out.table.targets.ncols() == k {
            held_out.table.clone()
        } else {
            std::borrow::Cow::Owned((*held_out.table).clone().with_targets(&columns))
        };
        let test = if held_out.complement { Test::Others(&table) } else { Test::Rows(&table) };
        let y = prepared.y().slice(s![.., trained..trained + k]);
        let mut engine = nested::Columns::new(&y, test)?;
        if let Some(lambda) = penalty_of(line) {
            engine = engine.with_ridge(lambda)?;
        }
        if task.wanted.spectral.leave_one_out() {
            engine = engine.with_leave_one_out()?;
        }
        if task.wanted.smallest {
            engine = engine.with_smallest_singular_value();
        }
        engine.extend(&prepared.x)
    };
    task.lines.iter().map(curve).collect()
}
