//! Whole sample-wise curves from one growing factorisation per repeat and arm.

use super::evaluate::{Measured, Study};
use super::{Arm, Place, Sweep, Visited, gather};
use crate::Error;
use crate::ablation::Ablation;
use crate::curve::Metric;
use crate::nested::{Engine, Point, Rows, Test};
use crate::sweep::{Grid, Observer};

/// What a sweep computed at every place.
type Cells = Visited<Result<Measured, Error>>;

/// Which metrics the nested engine gives. The last one is cheaper by an SVD a cell where cells are small.
const METRICS: [Metric; 4] =
    [Metric::TrainMse, Metric::TestMse, Metric::CoefficientNorm, Metric::SmallestSingularValue];

/// Why a sweep needs the spectrum of every cell; `None` if it does not.
pub(super) fn obstacle(sweep: &Sweep) -> Option<String> {
    if let Some(metric) = sweep.metrics.iter().find(|metric| !METRICS.contains(metric)) {
        return Some(format!("the metric `{}` needs the singular vectors of every cell", metric.name()));
    }
    let reads_spectrum = |arm: &&Arm| {
        arm.estimator.penalty().is_none() || arm.ablation != Ablation::none() || arm.adversary.is_some()
    };
    let arm = sweep.arms.iter().find(reads_spectrum)?;
    Some(format!("the arm `{}` needs the singular vectors of every cell", arm.name))
}

/// Measures the cells of a sweep without [`obstacle`], those of a grid whose repeats count from `first`, and names those
/// that an SVD computed.
///
/// Cells with hardly a test row left go to `by_cell`: there the difference of the sums over all rows and over
/// the training rows would cancel. So do the repeats in which an error came up, cell by cell.
pub(super) fn measure(
    sweep: &Sweep,
    study: &Study<'_>,
    orders: &[Vec<usize>],
    (cells, first): (Grid, usize),
    observer: &dyn Observer,
    by_cell: impl Fn(&[Place]) -> Vec<Result<Measured, Error>> + Sync,
) -> Result<(Cells, Vec<(usize, usize)>), Error> {
    let largest = sweep.sizes.iter().copied().filter(|&n| study.has_room(n)).max().unwrap_or(0);
    let grid = Grid { axis: vec![largest], batch: 1, ..cells };
    let visited = grid.run_from(first, observer, |places| {
        let repeat = |place: &Place| {
            let points = grow(sweep, study, &orders[place.repeat][..largest]).ok();
            let cell = |&n: &usize| {
                let at = Place { axis_value: n, repeat: place.repeat };
                match points.as_ref().filter(|_| study.has_room(n)) {
                    Some(arms) => {
                        let points: Vec<&Point> = arms.iter().map(|points| &points[n - 1]).collect();
                        let by_svd = points.iter().any(|point| point.engine == Engine::Svd);
                        (at, Some(Ok(Measured::from_points(&points))), by_svd)
                    }
                    None => (at, by_cell(&[at]).pop(), true),
                }
            };
            sweep.sizes.iter().map(cell).collect::<Vec<_>>()
        };
        places.iter().map(|place| Ok(repeat(place))).collect()
    })?;
    let (mut cells, mut by_svd) = (Cells::new(), Vec::new());
    for (place, repeat) in visited {
        let all = |result: Option<Error>| {
            let cell = |&n: &usize| (Place { axis_value: n, ..place }, result.clone().map(Err), false);
            sweep.sizes.iter().map(cell).collect()
        };
        let repeat = match repeat {
            Some(Ok(cells)) => cells,
            Some(Err(error)) => all(Some(error)),
            None => all(None),
        };
        for (at, result, svd) in repeat {
            if svd {
                by_svd.push((at.repeat, at.axis_value));
            }
            cells.push((at, result));
        }
    }
    Ok((cells, by_svd))
}

/// For each arm the fits to the first `1, 2, …` of the rows.
fn grow(sweep: &Sweep, study: &Study<'_>, rows: &[usize]) -> Result<Vec<Vec<Point>>, Error> {
    let (x, y) = (gather(sweep.data.features(), rows), gather(sweep.data.targets(), rows));
    let curve = |arm: &Arm| {
        let mut engine = Rows::new(x.ncols(), y.ncols(), Test::Others(study.table()))?;
        if let Some(lambda) = arm.estimator.penalty().filter(|&lambda| lambda > 0.0) {
            engine = engine.with_ridge(lambda)?;
        }
        if sweep.metrics.contains(&Metric::SmallestSingularValue) {
            engine = engine.with_smallest_singular_value();
        }
        engine.extend(&x, &y)
    };
    sweep.arms.iter().map(curve).collect()
}
