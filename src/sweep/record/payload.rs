//! The contents of a block: numbers, or the cells of a repeat, exact to the bit.

use super::bytes::{Bytes, put_count, put_text, put_word};
use super::failure_bytes;
use crate::curve::{Cell, Extent, Failure, Metric};

/// The contents that a [`Record`](super::Record) keeps for one index.
pub trait Payload: Sized + Send {
    /// The name of the byte format; opening a record of another kind is an error.
    const KIND: &'static str;

    /// Appends the encoded bytes.
    fn encode(&self, bytes: &mut Vec<u8>);

    /// Decodes the bytes exactly; `None` for bytes that [`encode`](Self::encode) does not write.
    fn decode(bytes: &[u8]) -> Option<Self>;

    /// Whether the payload is final. One that is not, because of a failure that may be temporary, is computed again by
    /// the next run.
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

/// Everything that a sweep computed in one repeat.
///
/// Records store metrics by name, so that a new metric does not affect others.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Repeat {
    /// Which repeat, from 0.
    pub repeat: usize,
    /// Its cells, in the order of [`Curve::cells`](crate::curve::Curve::cells).
    pub cells: Vec<Cell>,
    /// The cells that could not be computed.
    pub failures: Vec<Failure>,
    /// Axis values of cells that were computed by an SVD in place of the nested engine.
    pub by_svd: Vec<usize>,
}

/// ```text
/// repeat · columns: count, names
///        · cells: count, each n, p, arm, rank, which columns it has (bits), which of those not as before (bits), their values
///        · failures: count, each n, p, arms: 0 or 1 of it, values: 0 or 1 of it, error · by SVD: count, axis values
/// ```
/// Counts are LEB128, values are their bits. A value is only stored if it differs from the last cell that has the
/// column: arms of one factorisation share many values.
impl Payload for Repeat {
    const KIND: &'static str = "cells 2";

    fn encode(&self, bytes: &mut Vec<u8>) {
        put_count(bytes, self.repeat);
        // Visit each cell once: its columns as bits, first among all columns, then among those of the repeat.
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
        // Each cell takes at least one byte.
        cells.try_reserve_exact(Some(count).filter(|count| *count <= bytes.len())?).ok()?;
        let (_, rest) = Self::decode_each(bytes, |cell| cells.push(*cell))?;
        Some(Self { cells, ..rest })
    }

    fn is_final(&self) -> bool {
        self.failures.iter().all(|failure| failure_bytes::is_final(&failure.error))
    }
}

impl Repeat {
    /// [`decode`](Payload::decode) that passes each cell to `each` and keeps none; returns the rest of the repeat. (If
    /// it returns `None`, `each` may already have received invalid cells.)
    pub(super) fn decode_each(bytes: &[u8], mut each: impl FnMut(&Cell)) -> Option<(Front, Self)> {
        let mut bytes = Bytes(bytes);
        let (repeat, columns) = (bytes.count()?, columns(&mut bytes)?);
        let front = Front { columns: bits(&columns)?, count: bytes.count()? };
        // Cells are large, so one is reused: columns that the last cell had and this one lacks are cleared.
        let (mut cell, mut had, mut seen) = (Cell::new(repeat, 0, 0, 0), 0, 0);
        let mut before = vec![0.0; columns.len()];
        for _ in 0..front.count {
            [cell.n, cell.p, cell.arm, cell.rank] =
                [bytes.count()?, bytes.count()?, bytes.count()?, bytes.count()?];
            let [has, differs] = [bytes.word()?, bytes.word()?];
            seen |= differs;
            // A value that is not stored must have occurred before, and a stored value must belong to a column that the
            // cell has.
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
        // Every listed column must occur in some cell.
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

/// What the first bytes of a repeat say about its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Front {
    /// The columns that any cell has, as bits, by [`Column::all`].
    columns: u64,
    pub(super) count: usize,
}

impl Front {
    /// A front is shorter than this, since all column names together are.
    pub(super) const MOST: usize = 1 << 12;

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        bytes.count()?; // the repeat
        let columns = bits(&columns(&mut bytes)?)?;
        Some(Self { columns, count: bytes.count()? })
    }

    /// The front of the given cells.
    pub(super) fn of(cells: &[Cell]) -> Self {
        Self { columns: cells.iter().map(has).fold(0, |union, bits| union | bits), count: cells.len() }
    }

    pub(super) fn add_to(self, extent: &mut Extent) {
        let is_there = |column: Column| column.place().is_some_and(|place| self.columns >> place & 1 == 1);
        extent.add_some(self.count, |metric| is_there(Column::Metric(metric)), is_there(Column::Value));
    }
}

/// The columns that a cell has, as bits among all columns.
fn has(cell: &Cell) -> u64 {
    cell.present() << 1 | u64::from(cell.value().is_some())
}

/// The columns of a repeat.
fn columns(bytes: &mut Bytes<'_>) -> Option<Vec<Column>> {
    bytes.list(|bytes| {
        let name = bytes.text()?;
        Column::all().find(|column| column.name() == name)
    })
}

/// The given columns as bits; `None` if one occurs twice.
fn bits(columns: &[Column]) -> Option<u64> {
    columns.iter().try_fold(0, |bits, column| {
        let bit = 1 << column.place()?;
        (bits & bit == 0).then_some(bits | bit)
    })
}

/// A word with the lowest `count` bits set.
fn all_of(count: usize) -> u64 {
    u32::try_from(count).ok().and_then(|count| 1_u64.checked_shl(count)).map_or(u64::MAX, |bit| bit - 1)
}

/// The positions of the set bits, ascending.
fn set(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros();
        bits &= bits.checked_sub(1)?;
        Some(place as usize)
    })
}

/// The optional entries of a cell: the value on an axis that counts neither samples nor features, and the metrics.
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

    /// The index of this column in [`all`](Self::all).
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

    /// The front agrees with the extent of the cells, and cells with different columns are decoded one by one as they
    /// are together.
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
        // The longest possible front: all column names.
        let names: usize = Column::all().map(|column| column.name().len() + 1).sum();
        assert!(names + 30 < Front::MOST);
        // A column that no cell has, and one that occurs twice.
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

    /// Whatever the bytes are, decoding returns `None` or a value, without a panic or memory beyond their number.
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

    /// Values equal to the previous ones take no space, even if cells in between lack the column; a missing value
    /// decodes as one that was never there.
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
        // Repeat, columns and cell count, then six bytes per cell and five numbers, then no failures and no SVDs.
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
