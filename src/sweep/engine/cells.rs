//! One SVD per cell.

use super::{
    Engine, Prospects, Repeats, Which, cell_by_cell, each_repeat, in_halves, in_order, size_by_size, warm,
};
use crate::Error;
use crate::machine::memory::{sum, table};
use crate::machine::rooms::zeros;
use crate::machine::spare::Spare;
use crate::nested::Engine as Kind;
use crate::svd::{self, Projection, Svd};
use crate::sweep::cells::{Grid, Observer, Place};
use crate::sweep::many;
use crate::sweep::measured::Measured;
use crate::sweep::output::{Factorised, Scratch};
use crate::sweep::study::{Prepared, Study};
use crate::sweep::task::{Part, Task};
use crate::sweep::{BATCH, Cut};
use ndarray::{Array2, ArrayView2};
use std::ops::ControlFlow;

/// One SVD per cell. If all repeats share one table, cells of the same shape are factorised together.
#[derive(Debug)]
pub(in crate::sweep) struct Cells;

impl Prospects for Cells {
    fn kind(&self) -> Kind {
        Kind::Svd
    }

    fn obstacle(&self, _: &Task<'_>) -> Option<String> {
        None
    }

    fn cut(&self, task: &Task<'_>) -> Cut {
        // A warm start needs the fit on fewer features.
        if warm::is_asked(task) { size_by_size(task) } else { cell_by_cell(task) }
    }

    fn flops(&self, task: &Task<'_>) -> f64 {
        let (k, lines) = (task.sizes.outputs as f64, task.lines.len() as f64);
        let height = height(task) as f64;
        let many = many::together(&task.lines, &task.wanted).contains(&true);
        let cell = |(n, p): (usize, usize)| {
            let (n, p, r) = (n as f64, p as f64, n.min(p) as f64);
            let alone = lines * 10.0 * k * (r + height);
            let together = if many { lines * 2.0 * k * r * height } else { 0.0 };
            8.0 * n * p * r + 6.0 * r * r * r + 2.0 * r * p * height + alone + together
        };
        task.places().map(cell).sum()
    }

    fn bytes(&self, task: &Task<'_>) -> Result<usize, Error> {
        let (n, p) = (task.most_samples(), task.most_features());
        let batch = if task.is_shared() { BATCH.min(task.sweep.splits.repeats()) } else { 1 };
        let (trained, tested) = task.targets.widths();
        let r = n.min(p);
        let result = table(n.saturating_add(p), r);
        // Without U, the factorisation is in place.
        let copies = if task.wanted.needs_u() || !task.is_shared() { 2 } else { 1 };
        let each = sum([table(n, p).saturating_mul(copies), result]).saturating_mul(batch);
        let height = height(task);
        let evaluated =
            [table(r, height), table(n, trained).saturating_mul(3), table(height, p.saturating_add(tested))];
        Ok(sum([each, svd::bytes(&*task.sweep.backend, (n, p))?.saturating_sub(result), sum(evaluated)]))
    }
}

impl Engine for Cells {
    fn run(
        &self,
        task: &Task<'_>,
        shared: Option<&Study<'_>>,
        which: &Which<'_>,
        observer: &dyn Observer,
    ) -> Result<Repeats, Error> {
        match shared {
            Some(study) if !warm::is_asked(task) => together(task, study, which, observer),
            _ => each_repeat(task, which, observer, |repeat, order| Ok(one_repeat(task, repeat, order))),
        }
    }
}

/// The number of tested rows in each cell.
fn height(task: &Task<'_>) -> usize {
    let width = sum([task.most_features(), task.targets.widths().1, 1]);
    width.min(if task.sizes.tests == 0 { task.sizes.rows } else { task.sizes.tests })
}

/// Computes all repeats, with those of one shape together.
fn together(
    task: &Task<'_>,
    study: &Study<'_>,
    which: &Which<'_>,
    observer: &dyn Observer,
) -> Result<Repeats, Error> {
    let Which { ref repeats, threads, .. } = *which;
    let Part { samples, features } = &task.part;
    let mut all: Repeats = repeats.clone().map(|repeat| (repeat, Vec::new())).collect();
    let grid = Grid { axis: samples.clone(), repeats: repeats.len(), threads, batch: BATCH };
    let total = samples.len() * repeats.len();
    let spare = Spare::new();
    for (round, &p) in features.iter().enumerate() {
        let rounds = |done: usize, _: usize| -> ControlFlow<()> {
            observer.progress(round * total + done, features.len() * total)
        };
        let visited = grid.run_from(repeats.start, &rounds, &|places| {
            let mut scratch = spare.take().unwrap_or_default();
            let found = batch((task, study, which), (places, p), &mut scratch);
            spare.give(scratch);
            found
        })?;
        let mut stopped = false;
        for (place, result) in visited {
            stopped |= result.is_none();
            let measured = result
                .map(|result| result.unwrap_or_else(|error| Measured::failed(place.axis_value, p, error)));
            all[place.repeat - repeats.start].1.push(measured);
        }
        if stopped && round + 1 < features.len() {
            let missing = (features.len() - round - 1) * samples.len();
            for (_, places) in &mut all {
                places.extend((0..missing).map(|_| None));
            }
            break;
        }
    }
    if features.len() > 1 {
        // Reorder: from all n at each p to all p at each n.
        for (_, places) in &mut all {
            let mut by_p = std::mem::take(places);
            let order = (0..samples.len()).flat_map(|n| (0..features.len()).map(move |p| (n, p)));
            *places = order.map(|(n, p)| by_p[p * samples.len() + n].take()).collect();
        }
    }
    Ok(all)
}

/// Computes several repeats of one shape, factorised together.
fn batch(
    (task, study, which): (&Task<'_>, &Study<'_>, &Which<'_>),
    (places, p): (&[Place], usize),
    scratch: &mut Scratch,
) -> Vec<Result<Measured, Error>> {
    let rows = |place: &Place| &which.orders[place.repeat][..place.axis_value];
    let mut prepared: Vec<Result<Prepared, Error>> =
        places.iter().map(|place| study.prepare(rows(place), p)).collect();
    let able = prepared.iter_mut().flatten();
    let backend = &*task.sweep.backend;
    let factorised: Vec<Result<Factorised, Error>> = if study.wanted.needs_u() {
        let views: Vec<ArrayView2<'_, f64>> = able.map(|prepared| prepared.x.view()).collect();
        Svd::many(&views, backend).into_iter().map(|svd| svd.map(Factorised::Whole)).collect()
    } else {
        // The features are not needed after the factorisation.
        let (xs, targets) =
            able.map(|prepared| (std::mem::take(&mut prepared.x), with_ones(&prepared.y))).unzip();
        let projections = Projection::many(xs, targets, backend);
        projections.into_iter().map(|projection| projection.map(Factorised::Projected)).collect()
    };
    let mut factorised = factorised.into_iter();
    let missing = || Err(Error::Empty { what: "the factorisation of a cell" });
    let mut cell = |(place, prepared): (&Place, Result<Prepared, Error>)| {
        let prepared = prepared?;
        let mut factorised = factorised.next().unwrap_or_else(missing)?;
        let measured = study.evaluate(&mut factorised, rows(place), prepared, &mut *scratch);
        factorised.recycle();
        measured
    };
    places.iter().zip(prepared).map(&mut cell).collect()
}

/// The targets of a training set, a column of ones, and another for the probe.
fn with_ones(y: &Array2<f64>) -> Array2<f64> {
    let (n, m) = y.dim();
    let mut targets = zeros((n, m + 2));
    let rows = targets.as_slice_mut().unwrap_or_default().chunks_exact_mut(m + 2);
    for (to, y) in rows.zip(y.rows()) {
        let (own, ones) = to.split_at_mut(m);
        own.iter_mut().zip(y).for_each(|(to, y)| *to = *y);
        ones.fill(1.0);
    }
    targets
}

/// All cells of a repeat with its own tables.
fn one_repeat(task: &Task<'_>, repeat: usize, order: &[usize]) -> Vec<Measured> {
    let noise = task.sweep.parameter.as_ref().filter(|parameter| parameter.is_input_noise());
    let levels: Vec<Option<f64>> =
        noise.map_or(vec![None], |noise| noise.values().iter().copied().map(Some).collect());
    let rows = task.rows(order);
    let mut all: Vec<Measured> = Vec::new();
    for (index, level) in levels.iter().enumerate() {
        if task.is_cellwise() {
            let cell = |(n, p)| one_cell(task, repeat, &order[..n], p, *level);
            let found = task.places().map(cell).collect();
            add_level(task, &mut all, found, level.map(|_| index));
            continue;
        }
        let work = |features: &[usize]| {
            let study = task.study(repeat, order, features, *level)?;
            let computed = features.iter().filter(|p| task.part.features.contains(p));
            let cells = computed.flat_map(|&p| task.part.samples.iter().map(move |&n| (n, p)));
            let mut found: Vec<_> =
                cells.map(|(n, p)| super::cell_by_svd(&study, &rows[..n], p, task)).collect();
            warm::starts(task, &study, &rows, features, &mut found);
            Ok(found)
        };
        let found = in_order(task, in_halves(&task.sweep.samples, &task.features, &work));
        add_level(task, &mut all, found, level.map(|_| index));
    }
    for measured in &mut all {
        measured.sort_lines();
    }
    all
}

/// A cell that shares nothing with other cells.
fn one_cell(task: &Task<'_>, repeat: usize, order: &[usize], p: usize, level: Option<f64>) -> Measured {
    let rows = task.rows(order);
    match task.study(repeat, order, &[p], level) {
        Ok(study) => super::cell_by_svd(&study, &rows, p, task),
        Err(error) => Measured::failed(order.len(), p, error),
    }
}

/// Merges the cells found into all cells; with input noise, only the lines at the given noise level.
fn add_level(task: &Task<'_>, all: &mut Vec<Measured>, mut found: Vec<Measured>, level: Option<usize>) {
    if level.is_some() {
        for measured in &mut found {
            let here = |line: usize| task.lines[line].value == level;
            measured.lines.retain(here);
            measured.failures.retain(|(line, _)| line.is_none_or(here));
        }
    }
    if all.is_empty() {
        *all = found;
        return;
    }
    for (measured, more) in all.iter_mut().zip(found) {
        measured.lines.append(more.lines);
        measured.failures.extend(more.failures);
    }
}
