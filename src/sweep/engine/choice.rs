//! Which engine computes a sweep.

use super::cells::Cells;
use super::columns::Columns;
use super::interface::Engine;
use super::plane::Plane;
use super::rows::Rows;
use crate::Error;
use crate::nested::Engine as Kind;
use crate::sweep::task::Task;

/// The engine for a sweep: the one that is asked for, or the cheapest of the nested ones that can, or one SVD a cell.
pub(in crate::sweep) fn choose(task: &Task<'_>) -> Result<&'static dyn Engine, Error> {
    const NESTED: [&dyn Engine; 3] = [&Rows, &Columns, &Plane];
    let sweep = task.sweep;
    // Cells of one table are small, and an SVD of each gives its smallest singular value for less.
    let small = sweep.maps.is_none() && sweep.source.test().is_none() && sweep.features.is_empty();
    let by_cells = small && task.wanted.smallest;
    if sweep.engine == Some(Kind::Svd) || sweep.engine.is_none() && by_cells {
        return Ok(&Cells);
    }
    let able = NESTED.iter().copied().filter(|engine| engine.obstacle(task).is_none());
    let cheapest = able.min_by(|a, b| a.flops(task).total_cmp(&b.flops(task)));
    match (cheapest, sweep.engine) {
        (Some(engine), _) => Ok(engine),
        (None, None) => Ok(&Cells),
        (None, Some(_)) => {
            let first: &dyn Engine = if task.features.len() == 1 { NESTED[0] } else { NESTED[1] };
            let why = first.obstacle(task).unwrap_or_default();
            let reason = format!("{why}, and the nested engine has none; leave the engine to the sweep");
            Err(Error::Unsupported { reason })
        }
    }
}
