//! Values of cells that come one after the other, and are not kept.

use super::summary::{Group, check_draws, reserve_draws, summarised};
use super::{Axis, Bootstrap, Cell, Metric, Summary};
use crate::Error;

/// The values of some metrics by arm and axis value.
pub(crate) struct Gathered {
    kind: Axis,
    /// The values of the axis, ascending.
    axis: Vec<f64>,
    metrics: Vec<Metric>,
    /// By metric, then by arm and axis value.
    held: Vec<Vec<Option<Held>>>,
    /// Room in each.
    repeats: usize,
    /// Where on the axis the last cell stood: cells of one factorisation follow each other.
    place: usize,
}

/// Those of one arm and axis value, in the order of their repeats.
struct Held {
    n: usize,
    p: usize,
    value: f64,
    arm: usize,
    values: Vec<f64>,
}

impl Held {
    fn group(&self) -> Group<'_> {
        let Self { n, p, value, arm, ref values } = *self;
        Group { n, p, value, arm, values }
    }
}

impl Gathered {
    /// For cells on an axis of these values, ascending, of so many arms and repeats.
    pub(crate) fn new(kind: Axis, axis: Vec<f64>, arms: usize, metrics: &[Metric], repeats: usize) -> Self {
        let empty = || std::iter::repeat_with(|| None).take(arms * axis.len()).collect();
        let held = std::iter::repeat_with(empty).take(metrics.len()).collect();
        Self { kind, axis, metrics: metrics.to_vec(), held, repeats, place: 0 }
    }

    /// Takes the metrics of the next cell.
    pub(crate) fn add(&mut self, cell: &Cell) {
        let Some(value) = self.kind.value(cell) else { return };
        if self.axis.get(self.place) != Some(&value) {
            let order = |known: &f64| known.partial_cmp(&value).unwrap_or_else(|| known.total_cmp(&value));
            self.place = self.axis.binary_search_by(order).unwrap_or(0);
        }
        let slot = cell.arm.saturating_mul(self.axis.len()).saturating_add(self.place);
        let Cell { n, p, arm, .. } = *cell;
        let room = self.repeats;
        for (held, &metric) in self.held.iter_mut().zip(&self.metrics) {
            if let (Some(slot), Some(number)) = (held.get_mut(slot), cell.metric(metric)) {
                let first = || Held { n, p, value, arm, values: Vec::with_capacity(room) };
                slot.get_or_insert_with(first).values.push(number);
            }
        }
    }

    /// Takes what was gathered of the repeats that follow.
    pub(crate) fn append(&mut self, more: Self) {
        for (held, more) in self.held.iter_mut().zip(more.held) {
            for (slot, more) in held.iter_mut().zip(more) {
                let Some(more) = more else { continue };
                if let Some(held) = slot {
                    held.values.extend(more.values);
                } else {
                    let mut values = Vec::with_capacity(self.repeats);
                    values.extend(&more.values);
                    *slot = Some(Held { values, ..more });
                }
            }
        }
    }

    /// Checks the bootstrap, and asks for its memory if so many metrics are summarised at once.
    pub(crate) fn check(&self, bootstrap: Option<Bootstrap>, at_once: usize) -> Result<(), Error> {
        check_draws(bootstrap)?;
        let groups = self.held.iter().map(Vec::len).max().unwrap_or(0);
        reserve_draws(bootstrap, (self.repeats, groups), at_once.min(self.metrics.len()))
    }

    /// The summaries of a metric, as [`Curve::summaries`](super::Curve::summaries) has them.
    pub(crate) fn summaries(
        &self,
        metric: usize,
        bootstrap: Option<Bootstrap>,
    ) -> Result<Vec<Summary>, Error> {
        let held = self.held.get(metric).into_iter().flatten().flatten();
        let groups: Vec<Group<'_>> = held.map(Held::group).collect();
        Ok(summarised(&[groups], bootstrap)?.pop().unwrap_or_default())
    }
}
