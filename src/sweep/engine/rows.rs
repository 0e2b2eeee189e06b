//! All n at one p, from one factorisation that grows row by row.

use super::{Engine, Prospects, Repeats, Which, cell_by_svd, column_by_column, each_curve, points_obstacle};
use crate::Error;
use crate::filter::known_penalty;
use crate::machine::memory::{list, sum, table};
use crate::nested::{self, Engine as Kind, Point, Test, rows_bytes};
use crate::sweep::Cut;
use crate::sweep::cells::Observer;
use crate::sweep::measured::Measured;
use crate::sweep::study::{Study, Tests};
use crate::sweep::task::Task;
use ndarray::s;
use std::borrow::Cow;

/// Every n from one factorisation per repeat, arm and feature count.
#[derive(Debug)]
pub(super) struct Rows;

impl Prospects for Rows {
    fn kind(&self) -> Kind {
        Kind::Nested
    }

    fn obstacle(&self, task: &Task<'_>) -> Option<String> {
        if let Some(why) = points_obstacle(task) {
            return Some(why);
        }
        if !task.preparation().is_none() {
            return Some("preparing every training set anew needs a factorisation of each".into());
        }
        if task.sweep.splits.horizon().is_some() {
            return Some("windows of time have different test rows in every cell".into());
        }
        (matches!(task.sweep.source, crate::sweep::Source::Table(_)) && !task.targets.is_plain())
            .then(|| "targets that differ from those tested on need the rows of every cell".into())
    }

    fn cut(&self, task: &Task<'_>) -> Cut {
        column_by_column(task)
    }

    fn flops(&self, task: &Task<'_>) -> f64 {
        let (n, lines, k) = (task.most_samples(), task.lines.len() as f64, task.sizes.outputs as f64);
        let curve = |&p: &usize| {
            let points = (1..=n).map(|n| {
                let (p, r) = (p as f64, n.min(p) as f64);
                4.0 * r * (p + r + k)
            });
            points.sum::<f64>()
        };
        task.part.features.iter().map(curve).sum::<f64>() * lines
    }

    fn bytes(&self, task: &Task<'_>) -> Result<usize, Error> {
        let (n, p) = (task.most_samples(), task.most_features());
        let (k, lines) = (task.sizes.outputs, task.lines.len());
        let height = sum([p, task.targets.widths().1, 1]);
        let height = height.min(if task.sizes.tests == 0 { task.sizes.rows } else { task.sizes.tests });
        let ridge = task
            .lines
            .iter()
            .any(|line| known_penalty(&*line.arm.estimator).is_some_and(|lambda| lambda > 0.0));
        let fits = rows_bytes((n, p), k, height, ridge);
        Ok(sum([table(n, p.saturating_add(k)), fits, list::<Point>(n).saturating_mul(lines)]))
    }
}

impl Engine for Rows {
    fn run(
        &self,
        task: &Task<'_>,
        shared: Option<&Study<'_>>,
        which: &Which<'_>,
        observer: &dyn Observer,
    ) -> Result<Repeats, Error> {
        each_curve(task, shared, which, observer, &|study, rows, features| {
            let computed = features.iter().filter(|p| task.part.features.contains(p));
            computed.flat_map(|&p| curve(task, study, rows, p)).collect()
        })
    }
}

/// The cells of one curve. Cells with few test rows are computed by an SVD, since the difference between the sums over
/// all rows and over the training rows would cancel. If any error occurs, so are all cells of the curve.
fn curve(task: &Task<'_>, study: &Study<'_>, rows: &[usize], p: usize) -> Vec<Measured> {
    let samples = &task.sweep.samples;
    let largest = samples.iter().copied().filter(|&n| study.has_room(n)).max().unwrap_or(0);
    let points = grow(task, study, &rows[..largest], p).ok();
    let variance = if let Tests::Rows { variance, .. } = study.tests { variance } else { 0.0 };
    let cell = |&n: &usize| match points.as_ref().filter(|_| study.has_room(n)) {
        Some(lines) => {
            let points: Vec<&Point> = lines.iter().map(|points| &points[n - 1]).collect();
            Measured::from_points(&points, variance)
        }
        None => Measured { by_svd: true, ..cell_by_svd(study, &rows[..n], p, task) },
    };
    samples.iter().map(cell).collect()
}

/// For each line, the fits to the first `1, 2, …` rows.
fn grow(task: &Task<'_>, study: &Study<'_>, rows: &[usize], p: usize) -> Result<Vec<Vec<Point>>, Error> {
    let x = study.design(rows, p);
    let y = crate::sweep::gather(study.y.view(), rows);
    let test = match &study.tests {
        Tests::Others { table, .. } | Tests::Rows { table, .. } if table.features.ncols() != p => {
            Some(Cow::Owned(table.leading(p)?))
        }
        Tests::Others { table, .. } | Tests::Rows { table, .. } => Some(Cow::Borrowed(table)),
        Tests::After { .. } => None,
    };
    let curve = |line: &crate::sweep::lines::Line| {
        let outputs = &study.targets.outputs[line.outputs.clone()];
        let (trained, tested) = (outputs[0].0, outputs[0].1);
        let k = study.targets.k;
        let own = test.as_deref().map(|table| {
            let columns: Vec<usize> = (tested..tested + k).collect();
            if table.targets.ncols() == k {
                Cow::Borrowed(table)
            } else {
                Cow::Owned(table.clone().with_targets(&columns))
            }
        });
        let test = match (&own, &study.tests) {
            (Some(table), Tests::Others { .. }) => Test::Others(table),
            (Some(table), _) => Test::Rows(table),
            (None, _) => Test::None,
        };
        let mut engine = nested::Rows::new(p, k, test)?;
        if let Some(lambda) = known_penalty(&*line.arm.estimator).filter(|&lambda| lambda > 0.0) {
            engine = engine.with_ridge(lambda)?;
        }
        if task.wanted.spectral.leave_one_out() {
            engine = engine.with_leave_one_out()?;
        }
        if task.wanted.smallest {
            engine = engine.with_smallest_singular_value();
        }
        if y.ncols() == k {
            engine.extend(&x, &y)
        } else {
            engine.extend(&x, &y.slice(s![.., trained..trained + k]).as_standard_layout())
        }
    };
    task.lines.iter().map(curve).collect()
}
