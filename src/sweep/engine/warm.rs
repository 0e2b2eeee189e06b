//! Fits that start from the solution on fewer features.

use crate::Error;
use crate::risk::interpolants::warm_start_curve;
use crate::sweep::Start;
use crate::sweep::lines::Line;
use crate::sweep::measured::Measured;
use crate::sweep::metrics::Metrics;
use crate::sweep::study::{Study, Tests};
use crate::sweep::task::Task;
use ndarray::{Array2, s};

/// Whether any arm has a warm start.
pub(super) fn is_asked(task: &Task<'_>) -> bool {
    task.lines.iter().any(|line| line.arm.start == Start::Warm)
}

/// Replaces the errors of minimum-norm fits by those of warm starts, in the cells of the given feature counts.
pub(super) fn starts(
    task: &Task<'_>,
    study: &Study<'_>,
    rows: &[usize],
    features: &[usize],
    cells: &mut [Measured],
) {
    let warm = task.lines.iter().enumerate().filter(|(_, line)| line.arm.start == Start::Warm);
    for (index, line) in warm {
        for &n in &task.part.samples {
            let errors = curve(task, study, line, &rows[..n], features);
            for cell in cells.iter_mut().filter(|cell| cell.n == n) {
                let failed = !cell.lines.iter().any(|(of, _)| of == index);
                cell.lines.retain(|of| of != index);
                let found = errors.as_ref().map(|found| found.iter().find(|(p, _)| *p == cell.p));
                match found {
                    Ok(Some((_, metrics))) if !failed => cell.lines.push(index, metrics.clone()),
                    Ok(_) => {}
                    Err(error) => cell.failures.push((Some(index), error.clone())),
                }
            }
        }
    }
    for cell in cells {
        cell.sort_lines();
    }
}

/// The metrics of warm starts on one training set, by feature count.
fn curve(
    task: &Task<'_>,
    study: &Study<'_>,
    line: &Line,
    rows: &[usize],
    features: &[usize],
) -> Result<Vec<(usize, Metrics)>, Error> {
    if features.len() < task.features.len() {
        let reason = "some fits on fewer features, from which it starts, failed";
        return Err(Error::Unsupported { reason: reason.into() });
    }
    let Tests::Rows { table, variance, .. } = &study.tests else {
        return Err(Error::Unsupported { reason: "warm starts need separate test rows".into() });
    };
    let mut sizes = features.to_vec();
    sizes.sort_unstable();
    let most = sizes.last().copied().unwrap_or(0);
    let k = study.targets.k;
    let (trained, tested) = study.targets.outputs[line.outputs.start];
    let (x, y) = (study.design(rows, most), crate::sweep::gather(study.y.view(), rows));
    let y: Array2<f64> = y.slice(s![.., trained..trained + k]).to_owned();
    let columns: Vec<usize> = (tested..tested + k).collect();
    let table = if most == table.features.ncols() { table.clone() } else { table.leading(most)? };
    let points = warm_start_curve(&x, &y, &sizes, Some(&table.with_targets(&columns)))?;
    let metrics = |point: crate::nested::Point| {
        let test = point.test_mse.unwrap_or(f64::NAN) + variance;
        (point.p, Metrics { train: point.train_mse, test, norm: point.norm, ..Metrics::default() })
    };
    Ok(points.into_iter().map(metrics).collect())
}
