//! Values of cells that come one after the other, and are not kept.

use super::packed::Packed;
use super::summary::{Group, Weights, check_draws, reserve_draws, summarised};
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
    places: Vec<Place>,
    arms: Vec<usize>,
    /// So many for each cell as there are metrics.
    numbers: Vec<Packed>,
}

/// Where on the axis the arms of one factorisation stand, which follow each other.
struct Place {
    index: usize,
    value: f64,
    n: usize,
    p: usize,
    /// How many cells there are up to the last of them.
    end: usize,
}

/// That of all cells.
pub(crate) struct Gathered<'a> {
    slots: &'a Slots<'a>,
    /// By metric.
    held: Vec<Held>,
    /// Of the bootstrap of their means, if there is one.
    weights: Option<Weights>,
}

/// The numbers of one metric by arm and axis value, each in the order of their repeats.
struct Held {
    slots: Vec<Slot>,
    values: Vec<f64>,
    /// How far the numbers of two slots lie apart.
    room: usize,
}

/// How many numbers there are of an arm and axis value, and where the first stood.
#[derive(Clone, Copy, Default)]
struct Slot {
    count: usize,
    n: usize,
    p: usize,
    value: f64,
}

impl Held {
    fn new(slots: usize, room: usize) -> Self {
        Self { slots: vec![Slot::default(); slots], values: vec![0.0; slots * room], room }
    }

    fn push(&mut self, slot: usize, number: f64, of: &Place) {
        let Some(&Slot { count, .. }) = self.slots.get(slot) else { return };
        if count == self.room {
            self.widen();
        }
        if count == 0 {
            let Place { n, p, value, .. } = *of;
            self.slots[slot] = Slot { count, n, p, value };
        }
        self.values[slot * self.room + count] = number;
        self.slots[slot].count = count + 1;
    }

    /// Twice the room.
    fn widen(&mut self) {
        let room = (2 * self.room).max(1);
        let mut values = vec![0.0; self.slots.len() * room];
        for (to, from) in values.chunks_exact_mut(room).zip(self.values.chunks_exact(self.room.max(1))) {
            to[..from.len()].copy_from_slice(from);
        }
        (self.values, self.room) = (values, room);
    }

    /// Those of each slot that has any; an arm has so many.
    fn groups(&self, width: usize) -> Vec<Group<'_>> {
        let group = |(slot, of): (usize, &Slot)| {
            let Slot { count, n, p, value } = *of;
            let values = &self.values[slot * self.room..][..count];
            Group { n, p, value, arm: slot / width, values }
        };
        self.slots.iter().enumerate().filter(|(_, of)| of.count > 0).map(group).collect()
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
        let Cell { n, p, arm, .. } = *cell;
        self.arms.push(arm);
        self.numbers.extend(slots.metrics.iter().map(|&metric| Packed::new(cell.metric(metric))));
        let end = self.arms.len();
        match self.places.last_mut() {
            Some(last) if last.value.to_bits() == value.to_bits() && (last.n, last.p) == (n, p) => {
                last.end = end
            }
            _ => {
                let order =
                    |known: &f64| known.partial_cmp(&value).unwrap_or_else(|| known.total_cmp(&value));
                let index = slots.axis.binary_search_by(order).unwrap_or(0);
                self.places.push(Place { index, value, n, p, end });
            }
        }
    }

    /// Forgets them, and keeps their room.
    pub(crate) fn clear(&mut self) {
        self.places.clear();
        self.arms.clear();
        self.numbers.clear();
    }
}

impl<'a> Gathered<'a> {
    /// Of no cells yet, and with room for so many of each.
    pub(crate) fn new(slots: &'a Slots<'a>, room: usize, bootstrap: Option<Bootstrap>) -> Self {
        let held = slots.metrics.iter().map(|_| Held::new(slots.count(), room)).collect();
        Self { slots, held, weights: bootstrap.map(Weights::new) }
    }

    /// Takes the metrics of the cells that follow.
    pub(crate) fn append(&mut self, more: &Listed) {
        let (width, metrics) = (self.slots.axis.len(), self.slots.metrics.len());
        for (metric, held) in self.held.iter_mut().enumerate() {
            let mut start = 0;
            for place in &more.places {
                for cell in start..place.end {
                    let slot = more.arms[cell].saturating_mul(width).saturating_add(place.index);
                    if let Some(number) = more.numbers[cell * metrics + metric].get() {
                        held.push(slot, number, place);
                    }
                }
                start = place.end;
            }
        }
    }

    /// Checks the bootstrap, and asks for its memory if so many metrics are summarised at once.
    pub(crate) fn check(&self, at_once: usize) -> Result<(), Error> {
        let bootstrap = self.weights.as_ref().map(Weights::bootstrap);
        check_draws(bootstrap)?;
        let room = self.held.iter().map(|held| held.room).max().unwrap_or(0);
        reserve_draws(bootstrap, (room, self.slots.count()), at_once.min(self.held.len()))
    }

    /// The summaries of a metric, as [`Curve::summaries`](super::Curve::summaries) has them.
    pub(crate) fn summaries(&self, metric: usize) -> Result<Vec<Summary>, Error> {
        let groups = self.held.get(metric).map(|held| held.groups(self.slots.axis.len()));
        summarised(&groups.unwrap_or_default(), self.weights.as_ref())
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
            let (mut whole, mut part) = (Gathered::new(&slots, room, None), Listed::default());
            for cells in curve.cells.chunks(size) {
                part.clear();
                for cell in cells {
                    part.add(cell, &slots);
                }
                whole.append(&part);
            }
            for (i, &metric) in metrics.iter().enumerate() {
                let expected = curve.summaries_of(&[metric], None).unwrap().remove(0);
                assert_eq!(whole.summaries(i).unwrap(), expected, "{size} {room} {metric:?}");
                assert_eq!(expected.len(), [6, 3, 0][i]);
            }
        }
    }
}
