//! The result of a sweep: a tidy table of cells, its summaries, its peak, its shape.
//!
//! A [`Curve`] holds one [`Cell`] for every fit; a [`Surface`] varies two axes at once. [`Curve::summaries`] gives
//! quantiles over the repeats, and [`Curve::peak`] and [`Curve::shape`] say what the repeats certify.
//! [`Curve::save_cells`] writes a table, which [`Curve::read_cells`] reads back; with the feature `parquet`,
//! `Curve::save_cells_parquet` writes typed columns. [`Curve::merge`] joins the parts of an experiment.
//!
//! # Examples
//! ```
//! use double_descent::curve::Metric;
//! use double_descent::{dataset::Dataset, sweep::{Arm, Sweep}};
//!
//! let mut sweep = Sweep::new(Dataset::diabetes(), 5..=20, 20, 0);
//! sweep.arms = vec![Arm::min_norm()];
//! let curve = sweep.run()?;
//! for summary in curve.summaries(Metric::TestMse, None)? {
//!     println!("n = {}: median {}, quartiles {} and {}", summary.n, summary.median, summary.q25, summary.q75);
//! }
//! assert_eq!(curve.peak(0, Metric::TestMse).unwrap().n, 10); // n = p
//! # Ok::<(), double_descent::Error>(())
//! ```

mod axis;
mod beside;
mod cell_columns;
mod cell_rows;
mod chosen;
mod csv_io;
mod gathered;
mod median_point;
mod merge;
mod metric;
mod order;
mod packed;
#[cfg(feature = "parquet")]
mod parquet_cells;
mod peak;
pub(crate) mod point;
mod rows_left;
mod settings;
mod shape;
mod summary;
mod summary_rows;
mod surface;
mod threshold;

pub use axis::Axis;
pub(crate) use cell_columns::Extent;
pub(crate) use cell_rows::{CellTable, Text};
pub(crate) use gathered::{Gathered, Listed, Slots};
pub use median_point::MedianPoint;
pub use metric::{Cell, Metric};
pub(crate) use order::quantile;
#[cfg(feature = "parquet")]
pub(crate) use parquet_cells::CellColumns;
pub use shape::{Change, CriticalInterval, Shape, ShapeReport, ShapeTest};
pub use summary::{Bootstrap, Summary};
pub use surface::Surface;
#[cfg(feature = "svg")]
pub(crate) use threshold::deficient;

use crate::Error;
use crate::error::words::counted;
use point::Engine;

/// The name of an arm, and its setting if it has one.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ArmLabel {
    /// The arm's family, e.g. `no_small_singular_values`.
    pub name: String,
    /// The setting within the family, e.g. the cutoff.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::machine::stored::optional_number"))]
    pub setting: Option<f64>,
}

impl ArmLabel {
    /// The label of an arm.
    #[must_use]
    pub fn new(name: impl Into<String>, setting: Option<f64>) -> Self {
        Self { name: name.into(), setting }
    }
}

/// A cell that could not be computed. Computed cells are in [`Curve::cells`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Failure {
    /// Which repeat, from 0.
    pub repeat: usize,
    /// Training samples.
    pub n: usize,
    /// Features.
    pub p: usize,
    /// The arm that failed, an index into [`Curve::arms`]; `None` if all of them failed, or if it is unknown which one
    /// did.
    #[cfg_attr(feature = "serde", serde(default))]
    pub arm: Option<usize>,
    /// The axis value, on an axis that counts neither samples nor features.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::machine::stored::optional_number"))]
    pub value: Option<f64>,
    /// The reason.
    pub error: Error,
}

impl Failure {
    /// Creates a failure of all arms, in a repeat with `n` training samples and `p` features.
    #[must_use]
    pub fn new(repeat: usize, n: usize, p: usize, error: Error) -> Self {
        Self { repeat, n, p, arm: None, value: None, error }
    }

    /// Restricts the failure to one arm.
    #[must_use]
    pub fn of_arm(mut self, arm: usize) -> Self {
        self.arm = Some(arm);
        self
    }

    /// Sets the axis value, on an axis that counts neither samples nor features.
    #[must_use]
    pub fn at(mut self, value: impl Into<Option<f64>>) -> Self {
        self.value = value.into();
        self
    }
}

/// Where a curve comes from: the facts that a caption states.
#[derive(Clone, Debug, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Provenance {
    /// The data set or distribution.
    pub data: String,
    /// Its number of rows, if it is a table.
    pub rows: Option<usize>,
    /// Intercept and standardisation, in words.
    pub preparation: String,
    /// How training sets were chosen.
    pub sampling: String,
    /// The seed, if anything was drawn at random.
    pub seed: Option<u64>,
    /// The estimator and its rank cutoff.
    pub estimator: String,
    /// Whether every cell was computed by an SVD, or each repeat by one growing factorisation.
    pub engine: Engine,
    /// Cells of a nested curve that fell back to an SVD, as repeat and axis value.
    pub by_svd: Vec<(usize, usize)>,
}

impl Provenance {
    /// Describes the data (a data set or distribution) and the estimator in words; the other fields are blank.
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::Provenance;
    ///
    /// let mut from = Provenance::new("Gaussian rows", "minimum norm");
    /// from.seed = Some(7);
    /// assert!(from.rows.is_none() && from.sampling.is_empty());
    /// ```
    #[must_use]
    pub fn new(data: impl Into<String>, estimator: impl Into<String>) -> Self {
        Self { data: data.into(), estimator: estimator.into(), ..Self::default() }
    }
}

/// A double descent curve: every cell of a sweep, with what is needed to label and repeat it.
///
/// [`Sweep::run`](crate::sweep::Sweep::run) returns one, [`Curve::read_cells`] reads one back, and [`Curve::new`]
/// starts one from cells of your own.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Curve {
    /// What varies.
    pub axis: Axis,
    /// The arms; cells hold indices into this list.
    pub arms: Vec<ArmLabel>,
    /// The cells, ordered by repeat, then axis value in the order of the sweep, then arm.
    pub cells: Vec<Cell>,
    /// Cells that could not be computed, and why. (Curves stored by earlier versions have none.)
    #[cfg_attr(feature = "serde", serde(default))]
    pub failures: Vec<Failure>,
    /// Whether every planned cell was visited; `false` if an observer stopped the sweep.
    pub complete: bool,
    /// Where it comes from.
    pub provenance: Provenance,
}

impl Curve {
    /// Creates a curve without cells or failures, marked complete.
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance};
    ///
    /// let arm = ArmLabel::new("measured_elsewhere", None);
    /// let mut curve = Curve::new(Axis::Samples, vec![arm], Provenance::default());
    /// assert!(curve.complete && curve.cells.is_empty() && curve.failures.is_empty());
    /// let cell = |(n, error)| Cell::new(0, n, 2, 0).with(Metric::TestMse, error);
    /// curve.cells.extend([(1, 0.7), (2, 9.0), (3, 0.4)].map(cell));
    /// assert_eq!(curve.highest(0, Metric::TestMse).unwrap().n, 2);
    /// ```
    #[must_use]
    pub fn new(axis: Axis, arms: Vec<ArmLabel>, provenance: Provenance) -> Self {
        Self { axis, arms, cells: Vec::new(), failures: Vec::new(), complete: true, provenance }
    }

    /// Returns the index of an arm. A NaN setting matches NaN.
    #[must_use]
    pub fn arm(&self, name: &str, setting: Option<f64>) -> Option<usize> {
        let is_nan = |setting: Option<f64>| setting.is_some_and(f64::is_nan);
        let same = |of: Option<f64>| of == setting || is_nan(of) && is_nan(setting);
        self.arms.iter().position(|arm| arm.name == name && same(arm.setting))
    }

    /// Returns the indices of all arms of a family, in order.
    #[must_use]
    pub fn family(&self, name: &str) -> Vec<usize> {
        (0..self.arms.len()).filter(|&arm| self.arms[arm].name == name).collect()
    }

    /// Returns the arms of a family, or [`Error::UnknownName`] if there are none.
    pub(crate) fn known_family(&self, name: &str) -> Result<Vec<usize>, Error> {
        let arms = self.family(name);
        if arms.is_empty() {
            let mut choices: Vec<String> = self.arms.iter().map(|arm| arm.name.clone()).collect();
            choices.dedup();
            return Err(Error::UnknownName { what: "family of arms", name: name.into(), choices });
        }
        Ok(arms)
    }

    /// Returns the distinct axis values, ascending. (`n` and `p` are counts and exact up to 2⁵³; [`Axis::symbol`] and
    /// [`Axis::unit`] say what the numbers are.) Cells without an axis value are left out.
    #[must_use]
    pub fn values(&self) -> Vec<f64> {
        self.extent().0
    }

    /// Returns [`Curve::values`] and [`Curve::repeats`] from one pass over the cells: a million of them do not fit the
    /// cache.
    fn extent(&self) -> (Vec<f64>, usize) {
        let (mut values, mut repeats): (Vec<f64>, usize) = (Vec::new(), 0);
        for cell in &self.cells {
            repeats = repeats.max(cell.repeat.saturating_add(1));
            // Cells of one factorisation are adjacent, so most repeated values are skipped here.
            if let Some(value) = self.axis.value(cell).filter(|value| values.last() != Some(value)) {
                values.push(value);
            }
        }
        values.sort_unstable_by(f64::total_cmp);
        values.dedup();
        (values, repeats)
    }

    /// Returns the distinct values of an axis of counts (samples, features, members), ascending. Empty on any other
    /// axis: use [`Curve::values`] there.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole numbers
    pub fn axis_values(&self) -> Vec<usize> {
        let count = |cell: &Cell| match self.axis {
            Axis::Samples => Some(cell.n),
            Axis::Features => Some(cell.p),
            axis if axis.counts() => axis
                .value(cell)
                .filter(|value| *value >= 0.0 && value.fract() == 0.0)
                .map(|value| value as usize),
            _ => None,
        };
        distinct(self.cells.iter().filter_map(count))
    }

    /// Returns the cell of a repeat, a count on the axis (`n`, `p` or `K`) and an arm, given by its index; `None` if
    /// there is none.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // counts of rows and columns
    pub fn cell(&self, repeat: usize, axis_value: usize, arm: usize) -> Option<&Cell> {
        self.cell_at(repeat, axis_value as f64, arm)
    }

    /// Returns the cell of a repeat, an axis value and an arm, given by its index; `None` if there is none.
    #[must_use]
    pub fn cell_at(&self, repeat: usize, value: f64, arm: usize) -> Option<&Cell> {
        let is =
            |cell: &&Cell| cell.repeat == repeat && cell.arm == arm && self.axis.value(cell) == Some(value);
        self.cells.iter().find(is)
    }

    /// Returns, for example, `68 of 120 fits failed`; `None` if none did.
    pub(crate) fn failed_in_words(&self) -> Option<String> {
        let arms = self.arms.len().max(1);
        let failed: usize = self.failures.iter().map(|failure| failure.arm.map_or(arms, |_| 1)).sum();
        (failed > 0).then(|| format!("{failed} of {} failed", counted(self.cells.len() + failed, "fit")))
    }

    /// Returns the number of repeats: the largest index of a repeat with a cell, plus one.
    #[must_use]
    pub fn repeats(&self) -> usize {
        self.cells.iter().map(|cell| cell.repeat.saturating_add(1)).max().unwrap_or(0)
    }
}

/// Sorts the values in ascending order and drops duplicates.
fn distinct(values: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut all: Vec<usize> = Vec::new();
    for value in values {
        // Neighbours in a table are usually equal.
        if all.last() != Some(&value) {
            all.push(value);
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}
