//! What a record is of, and the curve of what it holds.

use super::{Identity, Repeat};
use crate::Error;
use crate::curve::{Cell, Curve};
use crate::machine::large_pages::ask_for;
use crate::machine::memory::{list, reserve};
use crate::sweep::Sweep;
use crate::sweep::cells::unless_all_failed;

/// What a sweep is, if there is any of it.
pub(super) fn identified(sweep: &Sweep) -> Result<Identity, Error> {
    if sweep.splits.repeats() == 0 {
        return Err(Error::Domain { what: "the number of repeats", value: 0.0, must_be: "at least 1" });
    }
    sweep.identity()
}

/// The curve of all repeats that there are, in their order; `present` of them. `append` adds the cells of one to some
/// others, and gives what else there is of it.
pub(super) fn collect(
    sweep: &Sweep,
    present: usize,
    mut append: impl FnMut(usize, &mut Vec<Cell>) -> Result<Option<Repeat>, Error>,
) -> Result<Curve, Error> {
    let (mut curve, each) = sweep.outline()?;
    let count = present.saturating_mul(each);
    reserve("the cells of a record", list::<Cell>(count))?;
    curve.cells.reserve_exact(count);
    ask_for(curve.cells.spare_capacity_mut());
    for repeat in 0..sweep.splits.repeats() {
        let Some(Repeat { failures, by_svd, .. }) = append(repeat, &mut curve.cells)? else {
            curve.complete = false;
            continue;
        };
        curve.failures.extend(failures);
        curve.provenance.by_svd.extend(by_svd.into_iter().map(|value| (repeat, value)));
    }
    unless_all_failed(curve)
}
