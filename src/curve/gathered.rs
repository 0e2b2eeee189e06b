//! Values of cells that come one after the other, and are not kept.

use super::summary::{Group, check_draws, reserve_draws, summarised};
use super::{Axis, Bootstrap, Cell, Metric, Summary};
use crate::Error;

/// What is gathered of cells: some metrics, by arm and axis value.
pub(crate) struct Slots<'a> {
    kind: Axis,
    /// The values of the axis, ascending.
    axis: Vec<f64>,
    arms: usize,
    metrics: &'a [Metric],
}

/// That of some cells that follow each other, one after the other.
#[derive(Default)]
pub(crate) struct Listed {
    cells: Vec<Place>,
    /// So many for each cell as there are metrics.
    numbers: Vec<Option<f64>>,
    /// Where on the axis the last cell stood: cells of one factorisation follow each other.
    place: usize,
}

/// Which of the [`Slots`] a cell is in, and its sizes.
struct Place {
    slot: usize,
    arm: usize,
    value: f64,
    n: usize,
    p: usize,
}

/// That of all cells.
pub(crate) struct Gathered<'a> {
    slots: &'a Slots<'a>,
    /// By metric, then by arm and axis value.
    held: Vec<Vec<Option<Held>>>,
    /// Room in each.
    room: usize,
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

impl<'a> Slots<'a> {
    /// For cells on an axis of these values, ascending, of so many arms.
    pub(crate) fn new(kind: Axis, axis: Vec<f64>, arms: usize, metrics: &'a [Metric]) -> Self {
        Self { kind, axis, arms, metrics }
    }

    /// How many values there are at least of each repeat.
    pub(crate) fn values(&self) -> usize {
        self.count().saturating_mul(self.metrics.len())
    }

    /// How many there are of each metric.
    pub(crate) fn count(&self) -> usize {
        self.axis.len().saturating_mul(self.arms)
    }
}

impl Listed {
    /// Takes the metrics of the next cell.
    pub(crate) fn add(&mut self, cell: &Cell, slots: &Slots<'_>) {
        let Some(value) = slots.kind.value(cell) else { return };
        let axis = &slots.axis;
        if axis.get(self.place) != Some(&value) {
            let order = |known: &f64| known.partial_cmp(&value).unwrap_or_else(|| known.total_cmp(&value));
            self.place = axis.binary_search_by(order).unwrap_or(0);
        }
        let Cell { n, p, arm, .. } = *cell;
        let slot = arm.saturating_mul(axis.len()).saturating_add(self.place);
        self.cells.push(Place { slot, arm, value, n, p });
        self.numbers.extend(slots.metrics.iter().map(|&metric| cell.metric(metric)));
    }

    /// Forgets them, and keeps their room.
    pub(crate) fn clear(&mut self) {
        self.cells.clear();
        self.numbers.clear();
    }
}

impl<'a> Gathered<'a> {
    /// Of no cells yet, and with room for so many of each.
    pub(crate) fn new(slots: &'a Slots<'a>, room: usize) -> Self {
        let empty = || std::iter::repeat_with(|| None).take(slots.count()).collect();
        let held = std::iter::repeat_with(empty).take(slots.metrics.len()).collect();
        Self { slots, held, room }
    }

    /// Takes the metrics of the cells that follow.
    pub(crate) fn append(&mut self, more: &Listed) {
        let room = self.room;
        for (metric, held) in self.held.iter_mut().enumerate() {
            let numbers = more.numbers.iter().skip(metric).step_by(self.slots.metrics.len());
            for (&Place { slot, arm, value, n, p }, number) in more.cells.iter().zip(numbers) {
                if let (Some(slot), &Some(number)) = (held.get_mut(slot), number) {
                    let first = || Held { n, p, value, arm, values: Vec::with_capacity(room) };
                    slot.get_or_insert_with(first).values.push(number);
                }
            }
        }
    }

    /// Checks the bootstrap, and asks for its memory if so many metrics are summarised at once.
    pub(crate) fn check(&self, bootstrap: Option<Bootstrap>, at_once: usize) -> Result<(), Error> {
        check_draws(bootstrap)?;
        let groups = self.held.iter().map(Vec::len).max().unwrap_or(0);
        reserve_draws(bootstrap, (self.room, groups), at_once.min(self.held.len()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::{ArmLabel, Curve, Provenance};

    /// Cells of two arms at three places, not every one with every metric, and at one place more than there is room for.
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

    /// The summaries are those of a curve, whether cells come one by one or in parts, and whatever the room.
    #[test]
    fn gathered_in_parts() {
        let metrics = [Metric::TestMse, Metric::TrainMse, Metric::TestErrorRate];
        let arms = ["a", "b"].map(|name| ArmLabel::new(name, None)).to_vec();
        let mut curve = Curve::new(Axis::Samples, arms, Provenance::default());
        curve.cells = cells();
        let slots = Slots::new(Axis::Samples, vec![4.0, 9.0, 20.0], 2, &metrics);
        for (size, room) in [(1, 0), (5, 2), (6, 4), (7, 9), (100, 1)] {
            let (mut whole, mut part) = (Gathered::new(&slots, room), Listed::default());
            for cells in curve.cells.chunks(size) {
                part.clear();
                for cell in cells {
                    part.add(cell, &slots);
                }
                whole.append(&part);
            }
            for (i, &metric) in metrics.iter().enumerate() {
                let expected = curve.summaries_of(&[metric], None).unwrap().remove(0);
                assert_eq!(whole.summaries(i, None).unwrap(), expected, "{size} {room} {metric:?}");
                assert_eq!(expected.len(), [6, 3, 0][i]);
            }
        }
    }
}
