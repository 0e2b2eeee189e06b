//! Values of cells that come one after the other, and are not kept.

use super::summary::{Group, check_draws, reserve_draws, summarised};
use super::{Axis, Bootstrap, Cell, Metric, Summary};
use crate::Error;
use crate::machine::large_pages::ask_for;

/// The values of some metrics by arm and axis value.
pub(crate) struct Gathered {
    kind: Axis,
    /// The values of the axis, ascending.
    axis: Vec<f64>,
    metrics: Vec<Metric>,
    /// By metric, then by arm and axis value.
    slots: Vec<Slot>,
    /// Those of each slot in the order of their repeats, in room for so many.
    values: Vec<f64>,
    room: usize,
    /// Where on the axis the last cell stood: cells of one factorisation follow each other.
    place: usize,
}

/// How many values there are of one metric, arm and axis value, and where the first cell stands that has one.
#[derive(Clone, Copy, Default)]
struct Slot {
    n: usize,
    p: usize,
    value: f64,
    count: usize,
}

impl Gathered {
    /// For cells on an axis of these values, ascending, of so many arms, and so many of each.
    pub(crate) fn new(kind: Axis, axis: Vec<f64>, arms: usize, metrics: &[Metric], room: usize) -> Self {
        let slots = vec![Slot::default(); metrics.len() * arms * axis.len()];
        let mut empty =
            Self { kind, axis, metrics: metrics.to_vec(), slots, values: Vec::new(), room: 0, place: 0 };
        empty.clear(room);
        empty
    }

    /// Forgets all values, and has room for so many of each slot.
    pub(crate) fn clear(&mut self, room: usize) {
        self.slots.fill(Slot::default());
        self.room = room.max(1);
        let length = self.slots.len() * self.room;
        if self.values.len() < length {
            // Zeros from the system need not be written.
            self.values = vec![0.0; length];
            ask_for(&mut self.values);
        }
    }

    /// Takes the metrics of the next cell.
    pub(crate) fn add(&mut self, cell: &Cell) {
        let Some(value) = self.kind.value(cell) else { return };
        if self.axis.get(self.place) != Some(&value) {
            let order = |known: &f64| known.partial_cmp(&value).unwrap_or_else(|| known.total_cmp(&value));
            self.place = self.axis.binary_search_by(order).unwrap_or(0);
        }
        let each = self.slots.len() / self.metrics.len().max(1);
        let of_cell = cell.arm.saturating_mul(self.axis.len()).saturating_add(self.place);
        if of_cell >= each {
            return;
        }
        let first = Slot { n: cell.n, p: cell.p, value, count: 0 };
        for metric in 0..self.metrics.len() {
            if let Some(number) = cell.metric(self.metrics[metric]) {
                self.push(metric * each + of_cell, first, &[number]);
            }
        }
    }

    /// Takes what was gathered of the repeats that follow.
    pub(crate) fn append(&mut self, more: &Self) {
        for (place, (slot, values)) in more.slots.iter().zip(more.values.chunks_exact(more.room)).enumerate()
        {
            self.push(place, *slot, &values[..slot.count]);
        }
    }

    /// Adds values to a slot, the first of them of a cell that stands at `first`.
    fn push(&mut self, place: usize, first: Slot, more: &[f64]) {
        let count = self.slots[place].count;
        while count + more.len() > self.room {
            self.widen();
        }
        let start = place * self.room + count;
        self.values[start..start + more.len()].copy_from_slice(more);
        let slot = &mut self.slots[place];
        if count == 0 {
            *slot = first;
        }
        slot.count = count + more.len();
    }

    /// Gives each slot twice the room.
    fn widen(&mut self) {
        let room = 2 * self.room;
        let mut values = vec![0.0; self.slots.len() * room];
        for (to, from) in values.chunks_exact_mut(room).zip(self.values.chunks_exact(self.room)) {
            to[..self.room].copy_from_slice(from);
        }
        (self.values, self.room) = (values, room);
    }

    /// Checks the bootstrap, and asks for its memory if so many metrics are summarised at once.
    pub(crate) fn check(&self, bootstrap: Option<Bootstrap>, at_once: usize) -> Result<(), Error> {
        check_draws(bootstrap)?;
        let groups = self.slots.len() / self.metrics.len().max(1);
        reserve_draws(bootstrap, (self.room, groups), at_once.min(self.metrics.len()))
    }

    /// The summaries of a metric, as [`Curve::summaries`](super::Curve::summaries) has them.
    pub(crate) fn summaries<'a>(
        &'a self,
        metric: usize,
        bootstrap: Option<Bootstrap>,
    ) -> Result<Vec<Summary>, Error> {
        let each = self.slots.len() / self.metrics.len().max(1);
        let all = self.slots.iter().zip(self.values.chunks_exact(self.room)).enumerate();
        let of_metric = all.skip(metric * each).take(each);
        let group = |(place, (slot, values)): (usize, (&Slot, &'a [f64]))| {
            let Slot { n, p, value, count } = *slot;
            let arm = (place - metric * each) / self.axis.len();
            Group { n, p, value, arm, values: &values[..count] }
        };
        let groups = of_metric.map(group).filter(|group| !group.values.is_empty()).collect();
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
            cell.test_mse = Some(1.0 / (1.0 + i as f64)).filter(|_| i % 5 > 0);
            cell.train_mse = Some(i as f64).filter(|_| i % 2 == 1);
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
        let empty = |room| Gathered::new(Axis::Samples, vec![4.0, 9.0, 20.0], 2, &metrics, room);
        for (size, room) in [(1, 1), (5, 2), (6, 4), (7, 9), (100, 1)] {
            let (mut whole, mut part) = (empty(room), empty(room));
            for cells in curve.cells.chunks(size) {
                part.clear(room);
                cells.iter().for_each(|cell| part.add(cell));
                whole.append(&part);
            }
            for (i, &metric) in metrics.iter().enumerate() {
                let expected = curve.summaries(metric, None).unwrap();
                assert_eq!(whole.summaries(i, None).unwrap(), expected, "{size} {room} {metric:?}");
                assert_eq!(expected.len(), [6, 3, 0][i]);
            }
        }
    }
}
