//! What a block holds: numbers, or the cells of a repeat, to the bit.

use super::bytes::{Bytes, put_count, put_text, put_word};
use super::failure_bytes;
use crate::curve::{Cell, Extent, Failure, Metric};

/// What a [`Record`](super::Record) keeps for one index.
pub trait Payload: Sized + Send {
    /// The name of its bytes; a record of another kind is refused.
    const KIND: &'static str;

    /// Appends its bytes.
    fn encode(&self, bytes: &mut Vec<u8>);

    /// Reads them back, exactly; `None` for bytes that [`encode`](Self::encode) does not write.
    fn decode(bytes: &[u8]) -> Option<Self>;

    /// Whether it is what it will be: one that is not (a failure that another day may not see) is computed again by the
    /// next run.
    fn is_final(&self) -> bool {
        true
    }
}

/// The bits of each number, little-endian.
impl Payload for Vec<f64> {
    const KIND: &'static str = "numbers";

    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.reserve(8 * self.len());
        for value in self {
            bytes.extend(value.to_le_bytes());
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (words, []) = bytes.as_chunks() else { return None };
        Some(words.iter().map(|word| f64::from_le_bytes(*word)).collect())
    }
}

/// All that a sweep computed in one repeat.
///
/// In a record metrics go by their names, so that one that is new moves no other.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Repeat {
    /// Which one.
    pub repeat: usize,
    /// Its cells, in the order of [`Curve::cells`](crate::curve::Curve::cells).
    pub cells: Vec<Cell>,
    /// Those that could not be computed.
    pub failures: Vec<Failure>,
    /// Axis values of cells that an SVD computed, beside a nested engine.
    pub by_svd: Vec<usize>,
}

/// ```text
/// repeat · columns: count, names
///        · cells: count, each n, p, arm, rank, which columns it has (bits), which of those not as before (bits), their values
///        · failures: count, each n, p, arms: 0 or 1 of it, values: 0 or 1 of it, error · by SVD: count, axis values
/// ```
/// Counts as LEB128, values as their bits. Before a cell is the last one that has the column: arms of one factorisation
/// share much.
impl Payload for Repeat {
    const KIND: &'static str = "cells 2";

    fn encode(&self, bytes: &mut Vec<u8>) {
        put_count(bytes, self.repeat);
        // Each cell is looked at once: what it has as bits, by all columns and then by those that the repeat has.
        let all: Vec<Column> = Column::all().collect();
        let bits: Vec<u64> = self.cells.iter().map(has).collect();
        let union = bits.iter().fold(0, |union, bits| union | bits);
        let columns: Vec<Column> = set(union).map(|i| all[i]).collect();
        put_count(bytes, columns.len());
        for column in &columns {
            put_text(bytes, column.name());
        }
        put_count(bytes, self.cells.len());
        let mut before = vec![None; columns.len()];
        let mut fresh = Vec::with_capacity(columns.len());
        for (cell, bits) in self.cells.iter().zip(bits) {
            for count in [cell.n, cell.p, cell.arm, cell.rank] {
                put_count(bytes, count);
            }
            let (mut has, mut differs) = (0, 0);
            fresh.clear();
            for i in set(bits) {
                let among = (union & ((1 << i) - 1)).count_ones();
                has |= 1 << among;
                let (value, before) = (all[i].of(cell).map(f64::to_bits), &mut before[among as usize]);
                if value != *before {
                    *before = value;
                    differs |= 1 << among;
                    fresh.extend(value);
                }
            }
            put_word(bytes, has);
            put_word(bytes, differs);
            for value in &fresh {
                bytes.extend(value.to_le_bytes());
            }
        }
        put_count(bytes, self.failures.len());
        for failure in &self.failures {
            put_count(bytes, failure.n);
            put_count(bytes, failure.p);
            put_count(bytes, usize::from(failure.arm.is_some()));
            if let Some(arm) = failure.arm {
                put_count(bytes, arm);
            }
            put_count(bytes, usize::from(failure.value.is_some()));
            if let Some(value) = failure.value {
                bytes.extend(value.to_le_bytes());
            }
            failure_bytes::put(bytes, &failure.error);
        }
        put_count(bytes, self.by_svd.len());
        for &value in &self.by_svd {
            put_count(bytes, value);
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut cells = Vec::new();
        let Front { count, .. } = Front::read(bytes)?;
        // Each takes a byte at least.
        cells.try_reserve_exact(Some(count).filter(|count| *count <= bytes.len())?).ok()?;
        let (_, rest) = Self::decode_each(bytes, |cell| cells.push(*cell))?;
        Some(Self { cells, ..rest })
    }

    fn is_final(&self) -> bool {
        self.failures.iter().all(|failure| failure_bytes::is_final(&failure.error))
    }
}

impl Repeat {
    /// [`decode`](Payload::decode) that hands each cell to `each`, and keeps none: what else there is comes back. (If the end
    /// is `None`, cells may have been handed over that are nobody's.)
    pub(super) fn decode_each(bytes: &[u8], mut each: impl FnMut(&Cell)) -> Option<(Front, Self)> {
        let mut bytes = Bytes(bytes);
        let (repeat, columns) = (bytes.count()?, columns(&mut bytes)?);
        let front = Front { columns: bits(&columns)?, count: bytes.count()? };
        // One cell for all of them, since it is large: what the last one had and this one lacks is taken away.
        let (mut cell, mut had, mut seen) = (Cell::new(repeat, 0, 0, 0), 0, 0);
        let mut before = vec![0.0; columns.len()];
        for _ in 0..front.count {
            [cell.n, cell.p, cell.arm, cell.rank] =
                [bytes.count()?, bytes.count()?, bytes.count()?, bytes.count()?];
            let [has, differs] = [bytes.word()?, bytes.word()?];
            seen |= differs;
            // What it has as before was there before.
            if has & !seen != 0 || differs & !has != 0 {
                return None;
            }
            let numbers = bytes.take(8 * differs.count_ones() as usize)?;
            for (i, number) in set(differs).zip(numbers.as_chunks().0) {
                *before.get_mut(i)? = f64::from_le_bytes(*number);
            }
            for i in set(differs | has & !had) {
                columns[i].set(&mut cell, Some(before[i]));
            }
            for i in set(had & !has) {
                columns[i].set(&mut cell, None);
            }
            had = has;
            each(&cell);
        }
        // A column is there because a cell has it.
        if seen != all_of(columns.len()) {
            return None;
        }
        let failures = bytes.list(|bytes| {
            let [n, p] = [bytes.count()?, bytes.count()?];
            let (arms, values) = (bytes.list(Bytes::count)?, bytes.list(Bytes::number)?);
            let failure = Failure::new(repeat, n, p, failure_bytes::get(bytes)?);
            let one = arms.len() <= 1 && values.len() <= 1;
            one.then(|| Failure { arm: arms.first().copied(), value: values.first().copied(), ..failure })
        })?;
        let by_svd = bytes.list(Bytes::count)?;
        bytes.0.is_empty().then_some((front, Self { repeat, cells: Vec::new(), failures, by_svd }))
    }
}

/// What the first bytes of a repeat say of its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Front {
    /// What one of them has, as bits, by [`Column::all`].
    columns: u64,
    pub(super) count: usize,
}

impl Front {
    /// It ends before this byte: all names together are shorter.
    pub(super) const MOST: usize = 1 << 12;

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        bytes.count()?; // the repeat
        let columns = bits(&columns(&mut bytes)?)?;
        Some(Self { columns, count: bytes.count()? })
    }

    /// That of some cells.
    pub(super) fn of(cells: &[Cell]) -> Self {
        Self { columns: cells.iter().map(has).fold(0, |union, bits| union | bits), count: cells.len() }
    }

    pub(super) fn add_to(self, extent: &mut Extent) {
        let is_there = |column: Column| column.place().is_some_and(|place| self.columns >> place & 1 == 1);
        extent.add_some(self.count, |metric| is_there(Column::Metric(metric)), is_there(Column::Value));
    }
}

/// What a cell has as bits, by all columns.
fn has(cell: &Cell) -> u64 {
    cell.present() << 1 | u64::from(cell.value().is_some())
}

/// The columns that a repeat has.
fn columns(bytes: &mut Bytes<'_>) -> Option<Vec<Column>> {
    bytes.list(|bytes| {
        let name = bytes.text()?;
        Column::all().find(|column| column.name() == name)
    })
}

/// Columns as bits; `None` where one is there twice.
fn bits(columns: &[Column]) -> Option<u64> {
    columns.iter().try_fold(0, |bits, column| {
        let bit = 1 << column.place()?;
        (bits & bit == 0).then_some(bits | bit)
    })
}

/// So many bits, all of them set.
fn all_of(count: usize) -> u64 {
    u32::try_from(count).ok().and_then(|count| 1_u64.checked_shl(count)).map_or(u64::MAX, |bit| bit - 1)
}

/// The places of the bits that are set, ascending.
fn set(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros();
        bits &= bits.checked_sub(1)?;
        Some(place as usize)
    })
}

/// What a cell may have: the value of an axis that counts neither samples nor features, and metrics.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Value,
    Metric(Metric),
}

impl Column {
    fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Value).chain(Metric::ALL.iter().copied().map(Self::Metric))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Metric(metric) => metric.name(),
        }
    }

    fn of(self, cell: &Cell) -> Option<f64> {
        match self {
            Self::Value => cell.value(),
            Self::Metric(metric) => cell.metric(metric),
        }
    }

    /// Which of [`all`](Self::all) it is.
    fn place(self) -> Option<usize> {
        Self::all().position(|column| column == self)
    }

    fn set(self, cell: &mut Cell, value: Option<f64>) {
        match self {
            Self::Value => *cell = cell.at(value),
            Self::Metric(metric) => cell.set(metric, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn repeat() -> Repeat {
        let cell = |n: usize, value: Option<f64>| {
            let mut cell = Cell::new(300, n, 1 << 40, 3).with_rank(n);
            for (i, column) in Column::all().enumerate() {
                if let Some(value) = value.filter(|_| !(n + i).is_multiple_of(3)) {
                    column.set(&mut cell, Some(value + i as f64));
                }
            }
            cell
        };
        let values = [Some(0.1), Some(-0.0), Some(f64::INFINITY), Some(f64::MIN_POSITIVE / 8.0), None];
        let cells = values.into_iter().enumerate().map(|(n, value)| cell(n, value)).collect();
        let failure = |(i, error)| {
            let failure = Failure::new(300, 5, usize::MAX, error);
            let (arm, value) = (Some(i).filter(|i| i % 2 == 0), Some(0.1).filter(|_| i % 3 == 0));
            Failure { arm, value, ..failure }
        };
        let failures = failure_bytes::tests::errors().into_iter().enumerate().map(failure).collect();
        Repeat { repeat: 300, cells, failures, by_svd: vec![0, 127, 128, usize::MAX] }
    }

    fn bytes(payload: &impl Payload) -> Vec<u8> {
        let mut bytes = Vec::new();
        payload.encode(&mut bytes);
        bytes
    }

    #[test]
    fn repeats_and_numbers_come_back_to_the_bit() {
        let whole = repeat();
        let read = Repeat::decode(&bytes(&whole)).unwrap();
        assert_eq!(format!("{read:?}"), format!("{whole:?}"));
        assert_eq!(bytes(&read), bytes(&whole));
        assert!(!whole.is_final() && Repeat::default().is_final());
        let odd = f64::from_bits(0x7ff8_0000_dead_beef);
        let cell = Cell::new(0, 1, 1, 0).with(Metric::TestMse, odd);
        let nan = Repeat { cells: vec![cell], ..Repeat::default() };
        let read = Repeat::decode(&bytes(&nan)).unwrap();
        assert_eq!(read.cells[0].metric(Metric::TestMse).map(f64::to_bits), Some(odd.to_bits()));
        let numbers = vec![odd, -0.0, 1.0 / 3.0];
        let read = Vec::<f64>::decode(&bytes(&numbers)).unwrap();
        assert!(read.iter().zip(&numbers).all(|(a, b)| a.to_bits() == b.to_bits()) && read.len() == 3);
    }

    /// The first bytes say what an extent of the cells would, and cells that differ in what they have come one by one as they
    /// come together.
    #[test]
    fn the_front_says_what_the_cells_have() {
        let whole = repeat();
        let bytes = bytes(&whole);
        let front = Front::read(&bytes[..bytes.len().min(Front::MOST)]).unwrap();
        assert_eq!(front, Front::of(&whole.cells));
        let mut cells = Vec::new();
        let (read, rest) = Repeat::decode_each(&bytes, |cell| cells.push(*cell)).unwrap();
        assert_eq!((read, cells), (front, whole.cells));
        assert_eq!((rest.cells.len(), rest.failures.len()), (0, whole.failures.len()));
        // Of all names there are, the longest front.
        let names: usize = Column::all().map(|column| column.name().len() + 1).sum();
        assert!(names + 30 < Front::MOST);
        // A column that no cell has, and one that is there twice.
        for columns in [&["test_mse"][..], &["test_mse", "test_mse"]] {
            let mut bytes = vec![0, u8::try_from(columns.len()).unwrap()];
            for name in columns {
                put_text(&mut bytes, name);
            }
            bytes.extend([1, 1, 1, 0, 1]);
            let has = if columns.len() == 1 { 0 } else { 3 };
            bytes.extend([has, has]);
            bytes.resize(bytes.len() + 8 * has.count_ones() as usize, 0);
            bytes.extend([0, 0]);
            assert!(Repeat::decode(&bytes).is_none(), "{columns:?}");
        }
    }

    /// Whatever the bytes, the end is `None` or a value, never a panic or memory beyond their number.
    #[test]
    fn bytes_that_nobody_wrote() {
        let whole = bytes(&repeat());
        for length in 0..whole.len() {
            assert!(Repeat::decode(&whole[..length]).is_none(), "{length}");
        }
        let mut state = 1_u64;
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            changed[at] ^= state.to_le_bytes()[5] | 1;
            let _ = Repeat::decode(&changed);
        }
        assert!(Repeat::decode(&[0xff; 40]).is_none());
        assert!(Vec::<f64>::decode(&[0; 9]).is_none());
    }

    /// Values as those before take no room, cells without them in between or not; and none is as one that never was.
    #[test]
    fn values_as_before() {
        let cell = |n: usize, values: [Option<f64>; 2]| {
            let mut cell = Cell::new(0, n, 1, 0);
            (cell.train_mse, cell.test_mse) = (values[0], values[1]);
            cell
        };
        let cells = vec![
            cell(1, [Some(0.5), Some(1.5)]),
            cell(2, [Some(0.5), None]),
            cell(3, [Some(-0.0), Some(1.5)]),
            cell(4, [Some(0.0), Some(2.5)]),
            cell(5, [None, Some(2.5)]),
        ];
        let whole = Repeat { cells, ..Repeat::default() };
        let mut written = bytes(&whole);
        assert_eq!(format!("{:?}", Repeat::decode(&written)), format!("{:?}", Some(&whole)));
        let names = "train_mse".len() + "test_mse".len() + 2;
        // Repeat, columns and cells, then six bytes a cell and five numbers, and no failure and no SVD.
        assert_eq!(written.len(), 2 + names + 1 + 5 * 6 + 5 * 8 + 2);
        let has = 2 + names + 1 + 4;
        assert_eq!(written[has..has + 2], [3, 3]);
        for bits in [[3, 1], [1, 3], [3, 0]] {
            written[has..has + 2].copy_from_slice(&bits);
            assert!(Repeat::decode(&written).is_none(), "{bits:?}");
        }
    }

    #[test]
    fn a_metric_of_another_version_is_not_dropped_in_silence() {
        let mut bytes = vec![0, 1];
        put_text(&mut bytes, "metric_of_tomorrow");
        bytes.extend([0, 0, 0]);
        assert!(Repeat::decode(&bytes).is_none());
        let error = Error::Empty { what: "a list" };
        let failures = vec![Failure::new(0, 1, 1, error)];
        assert!(Repeat { failures, ..Repeat::default() }.is_final());
    }
}
