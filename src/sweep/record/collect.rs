//! The identity of a sweep's record, and the curve of its contents.

use super::{Identity, Repeat};
use crate::Error;
use crate::curve::{Cell, Curve};
use crate::machine::large_pages::ask_for;
use crate::machine::memory::{list, reserve};
use crate::sweep::Sweep;
use crate::sweep::cells::unless_all_failed;

/// The identity of a sweep, which must have at least one repeat.
pub(super) fn identified(sweep: &Sweep) -> Result<Identity, Error> {
    if sweep.splits.repeats() == 0 {
        return Err(Error::Domain { what: "the number of repeats", value: 0.0, must_be: "at least 1" });
    }
    sweep.identity()
}

/// Collects the curve of all repeats that are present, in order. `present` is their number. `append` appends the cells
/// of one repeat to a list, and returns the rest of the repeat.
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
