//! Computes a single cell by an SVD, for use by any engine.

use crate::Error;
use crate::svd::Svd;
use crate::sweep::measured::Measured;
use crate::sweep::output::{Factorised, Scratch};
use crate::sweep::study::{Prepared, Study};
use crate::sweep::task::Task;

/// Computes a single cell by an SVD.
fn by_svd(study: &Study<'_>, rows: &[usize], p: usize, task: &Task<'_>) -> Result<Measured, Error> {
    let prepared: Prepared = study.prepare(rows, p)?;
    let svd = Svd::with_backend(&prepared.x, &*task.sweep.backend)?;
    study.evaluate(&mut Factorised::Whole(svd), rows, prepared, &mut Scratch::default())
}

/// Computes a single cell by an SVD; an error makes it a failed cell.
pub(super) fn cell_by_svd(study: &Study<'_>, rows: &[usize], p: usize, task: &Task<'_>) -> Measured {
    by_svd(study, rows, p, task).unwrap_or_else(|error| Measured::failed(rows.len(), p, error))
}
