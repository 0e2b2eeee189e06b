//! How a sweep is computed; never what.
//!
//! | engine | what it makes one factorisation of | what it cannot do |
//! |---|---|---|
//! | [`Cells`] | each cell, by an SVD | nothing |
//! | [`Rows`] | all n at one p | ablations, adversaries, filters other than ridge, preparation of each cell |
//! | [`Columns`] | all p at one n | ablations, adversaries, filters other than ridge |
//! | [`Plane`] | all n and p: two | ablations, adversaries, preparation, tables without test rows of their own |

mod cells;
mod columns;
mod plane;
mod rows;

use super::cells::{Grid, Observer};
use super::measured::Measured;
use super::study::{Prepared, Study};
use super::task::Task;
use crate::Error;
use crate::curve::Metric;
use crate::factors::ablation::Ablation;
use crate::filter::known_penalty;
use crate::nested::Engine as Kind;
use crate::svd::Svd;
use std::ops::Range;

/// What the places of each repeat give; `None` for a repeat that a stopped run did not visit, or for such a place.
pub(super) type Repeats = Vec<(usize, Vec<Option<Measured>>)>;

/// One way to compute a sweep.
pub(super) trait Engine: Sync {
    /// Whether one SVD a cell, or fewer factorisations.
    fn kind(&self) -> Kind;

    /// Why it cannot compute a sweep; `None` if it can.
    fn obstacle(&self, task: &Task<'_>) -> Option<String>;

    /// Whether it reads the tables of a [`Study`].
    fn needs_tables(&self) -> bool {
        true
    }

    /// Floating-point operations of one repeat, to a factor of about two.
    fn flops(&self, task: &Task<'_>) -> f64;

    /// Bytes that one repeat takes at its peak, beside the tables.
    fn bytes(&self, task: &Task<'_>) -> usize;

    /// Computes some repeats. `shared` are the tables of all repeats, where they are the same.
    fn run(
        &self,
        task: &Task<'_>,
        shared: Option<&Study<'_>>,
        which: &Which<'_>,
        observer: &dyn Observer,
    ) -> Result<Repeats, Error>;
}

/// Which repeats, their rows, and on how many threads.
pub(super) struct Which<'a> {
    pub(super) orders: &'a [Vec<usize>],
    pub(super) repeats: Range<usize>,
    pub(super) threads: Option<usize>,
}

/// The engine for a sweep: the one that is asked for, or the cheapest of the nested ones that can, or one SVD a cell.
pub(super) fn choose(task: &Task<'_>) -> Result<&'static dyn Engine, Error> {
    const NESTED: [&dyn Engine; 3] = [&rows::Rows, &columns::Columns, &plane::Plane];
    let sweep = task.sweep;
    // Cells of one table are small, and an SVD of each gives its smallest singular value for less.
    let small = sweep.maps.is_none() && sweep.source.test().is_none() && sweep.features.is_empty();
    let by_cells = small && task.wanted.smallest;
    if sweep.engine == Some(Kind::Svd) || sweep.engine.is_none() && by_cells {
        return Ok(&cells::Cells);
    }
    let able = NESTED.iter().copied().filter(|engine| engine.obstacle(task).is_none());
    let cheapest = able.min_by(|a, b| a.flops(task).total_cmp(&b.flops(task)));
    match (cheapest, sweep.engine) {
        (Some(engine), _) => Ok(engine),
        (None, None) => Ok(&cells::Cells),
        (None, Some(_)) => {
            let first: &dyn Engine = if task.features.len() == 1 { NESTED[0] } else { NESTED[1] };
            let why = first.obstacle(task).unwrap_or_default();
            let reason = format!("{why}, and the nested engine has none; leave the engine to the sweep");
            Err(Error::Unsupported { reason })
        }
    }
}

/// Why the nested engines cannot compute a sweep: metrics and arms that need the singular vectors of every cell.
fn spectrum_obstacle(task: &Task<'_>, metrics: &[Metric]) -> Option<String> {
    let needs = |what: String| Some(format!("{what} needs the singular vectors of every cell"));
    if let Some(metric) = task.sweep.metrics.iter().find(|metric| !metrics.contains(metric)) {
        return needs(format!("the metric `{}`", metric.name()));
    }
    let reads = |arm: &super::Arm| arm.ablation != Ablation::none() || arm.adversary.is_some();
    if let Some(line) = task.lines.iter().find(|line| reads(&line.arm)) {
        return needs(format!("the arm `{}`", line.arm.name));
    }
    let noise = task.sweep.parameter.as_ref().is_some_and(super::Parameter::is_input_noise);
    if noise { needs("noise on the inputs".into()) } else { None }
}

/// Why a curve that grows row by row or column by column cannot: its points are minimum-norm or ridge fits, and only
/// the former have leave-one-out errors.
fn points_obstacle(task: &Task<'_>) -> Option<String> {
    const METRICS: [Metric; 6] = [
        Metric::TrainMse,
        Metric::TestMse,
        Metric::CoefficientNorm,
        Metric::DistanceFromStart,
        Metric::SmallestSingularValue,
        Metric::LeaveOneOut,
    ];
    let needs = |what: String| Some(format!("{what} needs the singular vectors of every cell"));
    let penalty = |line: &super::lines::Line| known_penalty(&*line.arm.estimator);
    if let Some(line) = task.lines.iter().find(|line| penalty(line).is_none()) {
        return spectrum_obstacle(task, &METRICS).or(needs(format!("the arm `{}`", line.arm.name)));
    }
    let left_out = task.wanted.spectral.leave_one_out();
    if left_out && (!task.preparation().is_none() || task.lines.iter().any(|line| penalty(line) != Some(0.0)))
    {
        return needs(format!("the metric `{}` of such fits", Metric::LeaveOneOut.name()));
    }
    spectrum_obstacle(task, &METRICS)
}

/// Runs repeats side by side: what `work` gives is a result for every place of the sweep, in its order.
fn each_repeat(
    task: &Task<'_>,
    which: &Which<'_>,
    observer: &dyn Observer,
    work: impl Fn(usize, &[usize]) -> Result<Vec<Measured>, Error> + Sync,
) -> Result<Repeats, Error> {
    let Which { orders, ref repeats, threads } = *which;
    let axis = vec![task.most_samples().max(task.most_features())];
    let grid = Grid { axis, repeats: repeats.len(), threads, batch: 1 };
    let visited = grid.run_from(repeats.start, observer, |places| {
        places.iter().map(|place| work(place.repeat, &orders[place.repeat])).collect()
    })?;
    let all = |error: &Error| {
        task.places().map(|(n, p)| Some(Measured::failed(n, p, error.clone()))).collect::<Vec<_>>()
    };
    let none = || task.places().map(|_| None).collect();
    let repeat = |result: Option<Result<Vec<Measured>, Error>>| match result {
        Some(Ok(measured)) => measured.into_iter().map(Some).collect(),
        Some(Err(error)) => all(&error),
        None => none(),
    };
    Ok(visited.into_iter().map(|(place, result)| (place.repeat, repeat(result))).collect())
}

/// The cells of a study, for the rows of a repeat and some numbers of features.
type Curves<'a> = dyn Fn(&Study<'_>, &[usize], &[usize]) -> Vec<Measured> + Sync + 'a;

/// Runs repeats whose cells lie on curves that grow: `curves` gives those of a study, the rows of a repeat and some numbers
/// of features.
fn each_curve(
    task: &Task<'_>,
    shared: Option<&Study<'_>>,
    which: &Which<'_>,
    observer: &dyn Observer,
    curves: &Curves<'_>,
) -> Result<Repeats, Error> {
    each_repeat(task, which, observer, |repeat, order| {
        let rows = task.rows(order);
        let found = match shared {
            Some(study) => curves(study, &rows, &task.features),
            None => in_halves(&task.sweep.samples, &task.features, &|features| {
                Ok(curves(&task.study(repeat, order, features, None)?, &rows, features))
            }),
        };
        Ok(in_order(task, found))
    })
}

/// What gives the cells of some numbers of features.
type Work<'a> = dyn Fn(&[usize]) -> Result<Vec<Measured>, Error> + 'a;

/// What `work` gives for some numbers of features; where it fails, what it gives for each half of them, down to one.
/// So a feature that cannot be made costs the cells that use it.
fn in_halves(samples: &[usize], features: &[usize], work: &Work<'_>) -> Vec<Measured> {
    match (work(features), features) {
        (Ok(measured), _) => measured,
        (Err(error), [p]) => samples.iter().map(|&n| Measured::failed(n, *p, error.clone())).collect(),
        (Err(_), features) => {
            let (low, high) = features.split_at(features.len() / 2);
            let mut measured = in_halves(samples, low, work);
            measured.extend(in_halves(samples, high, work));
            measured
        }
    }
}

/// In the order of the sweep's lists.
fn in_order(task: &Task<'_>, mut measured: Vec<Measured>) -> Vec<Measured> {
    use std::collections::HashMap;
    let place: HashMap<(usize, usize), usize> = task.places().enumerate().map(|(i, at)| (at, i)).collect();
    measured.sort_by_key(|measured| place.get(&(measured.n, measured.p)).copied());
    measured
}

/// One cell by an SVD.
fn by_svd(study: &Study<'_>, rows: &[usize], p: usize, task: &Task<'_>) -> Result<Measured, Error> {
    let prepared: Prepared = study.prepare(rows, p)?;
    let svd = Svd::with_backend(&prepared.x, &*task.sweep.backend)?;
    study.evaluate(&svd, rows, prepared, &mut super::output::Scratch::default())
}

/// One cell by an SVD, whatever comes of it.
fn cell_by_svd(study: &Study<'_>, rows: &[usize], p: usize, task: &Task<'_>) -> Measured {
    by_svd(study, rows, p, task).unwrap_or_else(|error| Measured::failed(rows.len(), p, error))
}
