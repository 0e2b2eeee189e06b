//! Collects metric values from a stream of cells that are not kept themselves.

use super::packed::Packed;
use super::summary::{Group, Sorted, Weights, check_draws, reserve_draws, summarised};
use super::{Axis, Bootstrap, Cell, Metric, Summary};
use crate::Error;

/// What is collected from cells: some metrics, by arm and axis value.
pub(crate) struct Slots<'a> {
    kind: Axis,
    /// The values of the axis, ascending.
    axis: Vec<f64>,
    arms: usize,
    metrics: &'a [Metric],
}

/// The values collected from consecutive cells, in their order.
#[derive(Default)]
pub(crate) struct Listed {
    places: Vec<Place>,
    arms: Vec<usize>,
    /// One number for each cell and metric, cell by cell.
    numbers: Vec<Packed>,
}

/// The axis place of consecutive cells: the arms of one factorisation.
#[derive(Clone, Copy)]
struct Place {
    index: usize,
    value: f64,
    n: usize,
    p: usize,
    /// The number of cells up to and including the last one at this place.
    end: usize,
}

/// The values collected from all cells.
pub(crate) struct Gathered<'a> {
    slots: &'a Slots<'a>,
    all: Listed,
    /// The weights for bootstrapping their means, if requested.
    weights: Option<Weights>,
}

impl<'a> Slots<'a> {
    /// Creates the slots for cells of `arms` arms on an axis with these ascending values.
    pub(crate) fn new(kind: Axis, axis: Vec<f64>, arms: usize, metrics: &'a [Metric]) -> Self {
        Self { kind, axis, arms, metrics }
    }

    /// Returns the number of slots.
    pub(crate) fn count(&self) -> usize {
        self.axis.len().saturating_mul(self.arms)
    }
}

impl Listed {
    /// Adds the metrics of the next cell.
    pub(crate) fn add(&mut self, cell: &Cell, slots: &Slots<'_>) {
        let Some(value) = slots.kind.value(cell) else { return };
        let Cell { n, p, arm, .. } = *cell;
        self.arms.push(arm);
        self.numbers.extend(slots.metrics.iter().map(|&metric| Packed::new(cell.metric(metric))));
        let end = self.arms.len();
        match self.places.last_mut() {
            Some(last) if last.value.to_bits() == value.to_bits() && (last.n, last.p) == (n, p) => {
                last.end = end;
            }
            _ => {
                let order =
                    |known: &f64| known.partial_cmp(&value).unwrap_or_else(|| known.total_cmp(&value));
                let index = slots.axis.binary_search_by(order).unwrap_or(0);
                self.places.push(Place { index, value, n, p, end });
            }
        }
    }

    /// Adds the last cell's metrics again, for another arm at the same place.
    pub(crate) fn add_again(&mut self, arm: usize, slots: &Slots<'_>) {
        let Some(last) = self.places.last_mut() else { return };
        self.arms.push(arm);
        last.end = self.arms.len();
        self.numbers.extend_from_within(self.numbers.len() - slots.metrics.len()..);
    }

    /// Removes all values and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.places.clear();
        self.arms.clear();
        self.numbers.clear();
    }
}

impl<'a> Gathered<'a> {
    /// Starts without cells, with room for `count`.
    pub(crate) fn new(slots: &'a Slots<'a>, count: usize, bootstrap: Option<Bootstrap>) -> Self {
        let numbers = Vec::with_capacity(count.saturating_mul(slots.metrics.len()));
        let all = Listed { places: Vec::new(), arms: Vec::with_capacity(count), numbers };
        Self { slots, all, weights: bootstrap.map(Weights::new) }
    }

    /// Appends the metrics of the cells that follow.
    pub(crate) fn append(&mut self, more: &Listed) {
        let before = self.all.arms.len();
        self.all.places.extend(more.places.iter().map(|place| Place { end: before + place.end, ..*place }));
        self.all.arms.extend_from_slice(&more.arms);
        self.all.numbers.extend_from_slice(&more.numbers);
    }

    /// Calls `each` for every cell, with its slot and the indices of its place and of the cell.
    fn each_cell(&self, mut each: impl FnMut(usize, usize, usize)) {
        let mut cells = self.all.arms.iter().enumerate();
        let mut start = 0;
        for (at, place) in self.all.places.iter().enumerate() {
            for (cell, arm) in cells.by_ref().take(place.end - start) {
                let slot = arm.saturating_mul(self.slots.axis.len()).saturating_add(place.index);
                if slot < self.slots.count() {
                    each(slot, at, cell);
                }
            }
            start = place.end;
        }
    }

    /// Checks the bootstrap and its memory for `at_once` metrics at a time. Returns the number of cells in each slot.
    pub(crate) fn check(&self, at_once: usize) -> Result<Vec<usize>, Error> {
        let bootstrap = self.weights.as_ref().map(Weights::bootstrap);
        check_draws(bootstrap)?;
        let mut counts = vec![0; self.slots.count()];
        self.each_cell(|slot, _, _| counts[slot] += 1);
        let most = counts.iter().copied().max().unwrap_or(0);
        reserve_draws(bootstrap, (most, counts.len()), at_once.min(self.slots.metrics.len()))?;
        Ok(counts)
    }

    /// Returns the summaries of a metric as [`Curve::summaries`](super::Curve::summaries) does, given the `counts` from
    /// [`check`](Self::check).
    pub(crate) fn summaries(&self, metric: usize, counts: &[usize]) -> Result<Vec<Summary>, Error> {
        let number = |cell: usize| self.all.numbers[cell * self.slots.metrics.len() + metric].get();
        // One metric at a time: successive numbers go to distant slots, and the tables of all metrics do not fit the
        // cache.
        let mut sorted = Sorted::new(counts);
        self.each_cell(|slot, place, cell| {
            if let Some(number) = number(cell) {
                sorted.push(slot, (place, slot), number);
            }
        });
        let group = |((place, slot), values): ((usize, usize), _)| {
            let Place { n, p, value, .. } = self.all.places[place];
            Group { n, p, value, arm: slot / self.slots.axis.len(), values }
        };
        let groups: Vec<Group<'_>> = sorted.slots().map(group).collect();
        summarised(&groups, self.weights.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::{ArmLabel, Curve, Provenance};

    /// Cells of two arms at three places. Some lack a metric, and one place has more cells than the others.
    fn cells() -> Vec<Cell> {
        let cell = |i: usize| {
            let mut cell = Cell::new(i / 6, [4, 9, 20][i / 2 % 3], 7, i % 2);
            cell.test_mse = Some(1.0 / (1.0 + i as f64)).filter(|_| !i.is_multiple_of(5));
            cell.train_mse = Some(i as f64).filter(|_| !i.is_multiple_of(2));
            cell
        };
        let more = (0..5).map(|i| Cell { test_mse: Some(f64::from(i)), ..Cell::new(3, 9, 8, 1) });
        (0..24).map(cell).chain(more).collect()
    }

    /// The summaries are those of a curve, whether cells come one by one or in parts.
    #[test]
    fn gathered_in_parts() {
        let metrics = [Metric::TestMse, Metric::TrainMse, Metric::TestErrorRate];
        let arms = ["a", "b"].map(|name| ArmLabel::new(name, None)).to_vec();
        let mut curve = Curve::new(Axis::Samples, arms, Provenance::default());
        curve.cells = cells();
        let slots = Slots::new(Axis::Samples, vec![4.0, 9.0, 20.0], 2, &metrics);
        for size in [1, 5, 6, 7, 100] {
            let (mut whole, mut part) = (Gathered::new(&slots, 0, None), Listed::default());
            for cells in curve.cells.chunks(size) {
                part.clear();
                for cell in cells {
                    part.add(cell, &slots);
                }
                whole.append(&part);
            }
            let counts = whole.check(1).unwrap();
            for (i, &metric) in metrics.iter().enumerate() {
                let expected = curve.summaries_of(&[metric], None).unwrap().remove(0);
                assert_eq!(whole.summaries(i, &counts).unwrap(), expected, "{size} {metric:?}");
                assert_eq!(expected.len(), [6, 3, 0][i]);
            }
        }
    }
}
