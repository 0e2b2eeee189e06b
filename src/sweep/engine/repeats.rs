//! Runs the repeats of a sweep, and orders their results.

use super::interface::{Repeats, Which};
use crate::Error;
use crate::machine::order;
use crate::sweep::cells::{Grid, Observer};
use crate::sweep::measured::Measured;
use crate::sweep::study::Study;
use crate::sweep::task::Task;

/// Runs repeats in parallel; `work` returns a result for every place of the sweep, in order.
pub(super) fn each_repeat(
    task: &Task<'_>,
    which: &Which<'_>,
    observer: &dyn Observer,
    work: impl Fn(usize, &[usize]) -> Result<Vec<Measured>, Error> + Sync,
) -> Result<Repeats, Error> {
    let Which { orders, ref repeats, threads } = *which;
    let axis = vec![task.most_samples().max(task.most_features())];
    let grid = Grid { axis, repeats: repeats.len(), threads, batch: 1 };
    let visited = grid.run_from(repeats.start, observer, &|places| {
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

/// Computes the cells of a study, for a repeat's rows and the given feature counts.
pub(super) type Curves<'a> = dyn Fn(&Study<'_>, &[usize], &[usize]) -> Vec<Measured> + Sync + 'a;

/// Runs repeats whose cells lie on growing curves. `curves` computes them from a study, a repeat's rows and feature
/// counts.
pub(super) fn each_curve(
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

/// Computes the cells of the given feature counts.
pub(super) type Work<'a> = dyn Fn(&[usize]) -> Result<Vec<Measured>, Error> + 'a;

/// The cells that `work` returns for the given feature counts. If it fails, each half of them is tried, down to one, so
/// a feature that cannot be made only affects the cells that use it.
pub(super) fn in_halves(samples: &[usize], features: &[usize], work: &Work<'_>) -> Vec<Measured> {
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

/// Keeps the cells that were asked for, in the order of the sweep's lists.
pub(super) fn in_order(task: &Task<'_>, mut measured: Vec<Measured>) -> Vec<Measured> {
    use std::collections::HashMap;
    let place: HashMap<(usize, usize), usize> = task.places().enumerate().map(|(i, at)| (at, i)).collect();
    measured.retain(|measured| place.contains_key(&(measured.n, measured.p)));
    let at = |measured: &Measured| place.get(&(measured.n, measured.p));
    order::sort(&mut measured, |a, b| at(a).cmp(&at(b)));
    measured
}
