//! The columns of a table of cells.

use super::{Cell, Metric};

/// The columns of every table of cells, in order. Tables of earlier versions have them too.
pub(super) const COLUMNS: [Column; 14] = [
    Column::Repeat,
    Column::N,
    Column::P,
    Column::Arm,
    Column::Setting,
    Column::Of(Metric::TrainMse),
    Column::Of(Metric::TestMse),
    Column::Of(Metric::BiasSquared),
    Column::Of(Metric::SmallestSingularValue),
    Column::Rank,
    Column::Of(Metric::MeanSquaredBias),
    Column::Of(Metric::TestMseOpposite),
    Column::Of(Metric::TestErrorRate),
    Column::Of(Metric::CoefficientNorm),
];

/// A column of a table of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Repeat,
    N,
    P,
    Arm,
    Setting,
    Rank,
    Of(Metric),
    /// A cell's value on an axis that counts neither samples nor features.
    Value,
}

impl Column {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Repeat => "repeat",
            Self::N => "n",
            Self::P => "p",
            Self::Arm => "arm",
            Self::Setting => "setting",
            Self::Rank => "rank",
            Self::Of(metric) => metric.name(),
            Self::Value => "value",
        }
    }

    /// Returns the optional columns: a table has such a column if one of its cells has a number for it.
    fn later() -> impl Iterator<Item = Self> {
        let all = Metric::ALL.iter().map(|&metric| Self::Of(metric)).chain([Self::Value]);
        all.filter(|column| !COLUMNS.contains(column))
    }

    pub(super) fn number(self, cell: &Cell) -> Option<f64> {
        match self {
            Self::Of(metric) => cell.metric(metric),
            Self::Value => cell.value(),
            _ => None,
        }
    }
}

/// What a table must know before its first row: the number of cells, and their columns.
pub(crate) struct Extent {
    pub(crate) count: usize,
    unseen: Vec<Column>,
}

impl Default for Extent {
    fn default() -> Self {
        Self { count: 0, unseen: Column::later().collect() }
    }
}

impl Extent {
    pub(crate) fn add(&mut self, cells: &[Cell]) {
        self.count += cells.len();
        for cell in cells {
            // Most cells have none of these columns.
            if !cell.is_plain() {
                self.unseen.retain(|column| column.number(cell).is_none());
            }
        }
    }

    /// Adds `count` cells, given which metrics at least one of them has, and whether one has a value.
    pub(crate) fn add_some(&mut self, count: usize, has: impl Fn(Metric) -> bool, has_value: bool) {
        self.count += count;
        self.unseen.retain(|column| match *column {
            Column::Of(metric) => !has(metric),
            Column::Value => !has_value,
            _ => true,
        });
    }

    /// Returns the columns of every table, then each optional column for which a cell has a number.
    pub(super) fn columns(&self) -> Vec<Column> {
        let later = Column::later().filter(|column| !self.unseen.contains(column));
        COLUMNS.into_iter().chain(later).collect()
    }
}
