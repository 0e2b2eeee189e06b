//! Ensembles: fits that each have their own map, and the errors of their means.

use super::raw::Raw;
use super::{Engine, Prospects, Repeats, Which, cell_by_cell, each_repeat};
use crate::Error;
use crate::features::checked;
use crate::machine::memory::{reserve, sum, table};
use crate::nested::Engine as Kind;
use crate::risk::ensemble::Ensemble;
use crate::svd::{self, Svd, product};
use crate::sweep::Cut;
use crate::sweep::cells::Observer;
use crate::sweep::measured::Measured;
use crate::sweep::metrics::Metrics;
use crate::sweep::study::Study;
use crate::sweep::task::Task;
use ndarray::{Array2, s};
use std::ops::Range;

/// One SVD per cell and member; only the members' predictions are kept.
#[derive(Debug)]
pub(super) struct Members;

/// The predictions of the members of one cell for one arm, at the training rows and the test rows.
#[derive(Clone, Debug, Default)]
struct Predicted {
    train: Vec<Array2<f64>>,
    test: Vec<Array2<f64>>,
}

/// The members of one cell: for each arm, predictions or the error of its first failed fit. Rank and smallest singular
/// value are those of the first member.
#[derive(Debug)]
struct Fitted {
    arms: Vec<Result<Predicted, Error>>,
    rank: usize,
    smallest: f64,
}

impl Prospects for Members {
    fn kind(&self) -> Kind {
        Kind::Svd
    }

    fn obstacle(&self, task: &Task<'_>) -> Option<String> {
        fitted(task).is_none().then(|| "no ensembles are asked for".into())
    }

    fn needs_tables(&self) -> bool {
        false
    }

    fn cut(&self, task: &Task<'_>) -> Cut {
        cell_by_cell(task)
    }

    fn flops(&self, task: &Task<'_>) -> f64 {
        let (k, arms, tests) = (task.sizes.outputs as f64, arms(task) as f64, task.sizes.tests as f64);
        let members = fitted(task).unwrap_or(0) as f64;
        let cell = |(n, p): (usize, usize)| {
            let (n, p, r) = (n as f64, p as f64, n.min(p) as f64);
            let pairs = arms * members * k * (tests + n);
            8.0 * n * p * r + 6.0 * r * r * r + 2.0 * k * arms * p * (2.0 * r + tests + n) + pairs
        };
        members * task.places().map(cell).sum::<f64>()
    }

    fn bytes(&self, task: &Task<'_>) -> Result<usize, Error> {
        let (n, p, tests) = (task.most_samples(), task.most_features(), task.sizes.tests);
        let k = task.targets.widths().0;
        let kept = task.places().map(|(n, _)| table(n.saturating_add(tests), task.sizes.outputs));
        let kept = sum(kept).saturating_mul(arms(task)).saturating_mul(fitted(task).unwrap_or(0));
        let each = [table(n.saturating_add(tests), p), table(n, task.sizes.inputs.saturating_add(k))];
        Ok(sum([kept, sum(each), svd::bytes(&*task.sweep.backend, (n, p))?]))
    }
}

impl Engine for Members {
    fn run(
        &self,
        task: &Task<'_>,
        _: Option<&Study<'_>>,
        which: &Which<'_>,
        observer: &dyn Observer,
    ) -> Result<Repeats, Error> {
        each_repeat(task, which, observer, |repeat, order| {
            let raw = Raw::new(task, repeat, order)?;
            let mut cells: Vec<Result<Fitted, Error>> = task
                .places()
                .map(|_| {
                    Ok(Fitted { arms: vec![Ok(Predicted::default()); arms(task)], rank: 0, smallest: 0.0 })
                })
                .collect();
            for member in 0..fitted(task).unwrap_or(0) {
                add_member(task, &raw, (repeat, member), &mut cells)?;
            }
            let measured = task.places().zip(cells).map(|((n, p), cell)| {
                cell.and_then(|cell| measure(task, &raw, (n, p), cell))
                    .unwrap_or_else(|error| Measured::failed(n, p, error))
            });
            Ok(measured.collect())
        })
    }
}

fn fitted(task: &Task<'_>) -> Option<usize> {
    task.sweep.parameter.as_ref().and_then(crate::sweep::Parameter::fitted)
}

fn arms(task: &Task<'_>) -> usize {
    task.sweep.arms.len()
}

/// Fits a member at every place where the earlier ones succeeded.
fn add_member(
    task: &Task<'_>,
    raw: &Raw<'_>,
    (repeat, member): (usize, usize),
    cells: &mut [Result<Fitted, Error>],
) -> Result<(), Error> {
    let map = task.sweep.maps.of_member(repeat, member)?;
    let map = map.as_deref().unwrap_or(&*raw.map);
    let most = task.most_features();
    let (x, tests) = (checked::design(map, &raw.inputs, most)?, checked::design(map, &raw.tests, most)?);
    for ((n, p), cell) in task.places().zip(cells) {
        let Ok(fitted) = cell else { continue };
        // Whole rows are contiguous: a product with the leading p columns needs no copy.
        let rows = x.slice(s![..n, ..]);
        let svd = match Svd::with_backend(&rows.slice(s![.., ..p]), &*task.sweep.backend) {
            Ok(svd) => svd,
            Err(error) => {
                *cell = Err(error);
                continue;
            }
        };
        if member == 0 {
            (fitted.rank, fitted.smallest) = (svd.rank(), svd.smallest_nonzero().unwrap_or(0.0));
        }
        for (of, (arm, found)) in task.sweep.arms.iter().zip(&mut fitted.arms).enumerate() {
            let Ok(predicted) = found else { continue };
            let y = raw.y.slice(s![..n, outputs(task, of).0]);
            match svd.solve(&y, &*arm.estimator) {
                Ok(beta) => {
                    predicted.train.push(product(rows, beta.view()));
                    predicted.test.push(product(tests.view(), beta.view()));
                }
                Err(error) => *found = Err(error),
            }
        }
    }
    Ok(())
}

/// The columns of the training targets and of the test targets of one arm.
fn outputs(task: &Task<'_>, of: usize) -> (Range<usize>, Range<usize>) {
    let first = task.lines.iter().find(|line| line.of == of).map_or(0, |line| line.outputs.start);
    let ((trained, tested), k) = (task.targets.outputs[first], task.sizes.outputs);
    (trained..trained + k, tested..tested + k)
}

/// The errors of all lines at one place. An arm that failed takes no other arm with it.
fn measure(
    task: &Task<'_>,
    raw: &Raw<'_>,
    (n, p): (usize, usize),
    fitted: Fitted,
) -> Result<Measured, Error> {
    reserve("the errors of an ensemble", table(raw.tests.nrows(), task.sizes.outputs))?;
    let values = task.sweep.parameter.as_ref().map_or(&[][..], |parameter| parameter.values());
    let ensembles = fitted.arms.into_iter().enumerate().map(|(of, predicted)| {
        let (predicted, (trained, tested)) = (predicted?, outputs(task, of));
        let train = Ensemble::new(&predicted.train, &raw.y.slice(s![..n, trained]))?;
        let test = Ensemble::new(&predicted.test, &raw.tests_y.slice(s![.., tested]))?;
        Ok((train, test))
    });
    let ensembles: Vec<Result<(Ensemble, Ensemble), Error>> = ensembles.collect();
    let mut measured = Measured {
        rank: fitted.rank,
        smallest_singular_value: fitted.smallest,
        ..Measured::new(n, p, task.lines.len())
    };
    for (index, line) in task.lines.iter().enumerate() {
        let size = line.value.map_or(f64::INFINITY, |value| values[value]);
        let metrics = ensembles[line.of].as_ref().map_err(Clone::clone).and_then(|(train, test)| {
            let (train, test) = (of_size(train, size)?, of_size(test, size)?);
            Ok(Metrics { train, test, ..Metrics::default() })
        });
        match metrics {
            Ok(metrics) => measured.lines.push(index, metrics),
            Err(error) => measured.failures.push((Some(index), error)),
        }
    }
    Ok(measured)
}

/// The error of an ensemble with `size` members, a whole number or infinity.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a count, saturating
fn of_size(ensemble: &Ensemble, size: f64) -> Result<f64, Error> {
    if size.is_finite() { ensemble.error(size as usize) } else { Ok(ensemble.limit()) }
}
