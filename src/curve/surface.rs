//! Curves over two axes: the n × p plane, and planes of n or p and a penalty, a time, a share of wrong labels.

use super::summary::median;
use super::{ArmLabel, Axis, Cell, Curve, Failure, Metric, distinct};
use crate::Error;
use crate::machine::order::sort;
use ndarray::Array2;
use std::collections::BTreeMap;
use std::path::Path;

/// The cells of a sweep over two axes; its slices are [`Curve`]s. The axis of the *columns* is drawn to the right, that
/// of the *rows* upwards.
///
/// | made by | rows | columns |
/// |---|---|---|
/// | [`Surface::new`] | `n` | `p` |
/// | [`Surface::over`] | penalty, time, noise, members … | `n` or `p` |
/// | [`Surface::of_family`] | the settings of a family of arms | the axis of the curve, whatever it is |
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "deserialised::Fields")
)]
pub struct Surface {
    /// All cells, ordered by repeat, then row, then column, then arm. As a curve it has no single axis.
    cells: Curve,
    rows: Axis,
    columns: Axis,
    /// Whether the rows are the settings of the arms, which are one family.
    by_arms: bool,
}

/// Surfaces read back by serde, with the checks of their constructors.
#[cfg(feature = "serde")]
mod deserialised {
    use super::{Axis, Curve, Error, Surface, wrong};

    /// The fields of a [`Surface`], unchecked. Surfaces stored before other axes existed have no axes.
    #[derive(serde::Deserialize)]
    pub(super) struct Fields {
        cells: Curve,
        #[serde(default = "samples")]
        rows: Axis,
        #[serde(default = "features")]
        columns: Axis,
        #[serde(default)]
        by_arms: bool,
    }

    fn samples() -> Axis {
        Axis::Samples
    }

    fn features() -> Axis {
        Axis::Features
    }

    impl TryFrom<Fields> for Surface {
        type Error = Error;

        fn try_from(Fields { cells, rows, columns, by_arms }: Fields) -> Result<Self, Error> {
            if by_arms {
                if cells.axis != columns {
                    return wrong(format!(
                        "the columns are {columns:?}, but the curve is over {:?}",
                        cells.axis
                    ));
                }
                return Surface { cells, rows, columns, by_arms }.ordered();
            }
            if (rows, columns) == (Axis::Samples, Axis::Features) {
                return Surface::new(cells);
            }
            if cells.axis != columns {
                return wrong(format!("the columns are {columns:?}, but the curve is over {:?}", cells.axis));
            }
            Surface::over(cells, rows)
        }
    }
}

impl Surface {
    /// Creates a surface from cells that differ in `n` (rows) and `p` (columns), in any order, and their arms. The
    /// cells are sorted by repeat, then `n`, then `p`, then arm.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for an axis that counts neither samples nor features, for a cell whose arm does not
    /// exist, and for two cells with the same repeat, `n`, `p` and arm.
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance, Surface};
    ///
    /// let arm = ArmLabel::new("measured_elsewhere", None);
    /// let mut curve = Curve::new(Axis::Features, vec![arm], Provenance::default());
    /// let cell = |(n, p)| Cell::new(0, n, p, 0).with(Metric::TestMse, 1.0);
    /// curve.cells = [(5, 2), (5, 4), (9, 2), (9, 4)].map(cell).to_vec();
    /// let surface = Surface::new(curve.clone())?;
    /// assert_eq!((surface.samples(), surface.features()), (vec![5, 9], vec![2, 4]));
    /// curve.cells.push(curve.cells[0]);
    /// assert!(Surface::new(curve).is_err());
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn new(cells: Curve) -> Result<Self, Error> {
        if !matches!(cells.axis, Axis::Samples | Axis::Features) {
            let axis = cells.axis;
            return wrong(format!("a surface is over samples and features, not over {axis:?}"));
        }
        Self { cells, rows: Axis::Samples, columns: Axis::Features, by_arms: false }.ordered()
    }

    /// Creates a surface from a curve over `n` or `p` (columns) whose cells also have a value ([`Cell::at`]) on a
    /// second axis, the rows. [`Sweep::surface`](crate::sweep::Sweep::surface) returns such surfaces.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the curve is over neither samples nor features, the rows are one of the two, a cell
    /// lacks a value on one of the axes, the arm of a cell does not exist, or two cells are at the same place.
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance, Surface};
    ///
    /// let arm = ArmLabel::new("ridge", None);
    /// let mut curve = Curve::new(Axis::Features, vec![arm], Provenance::default());
    /// let cell = |(p, penalty)| Cell::new(0, 5, p, 0).at(penalty).with(Metric::TestMse, penalty * p as f64);
    /// curve.cells = [(2, 0.1), (4, 0.1), (2, 10.0), (4, 10.0)].map(cell).to_vec();
    /// let surface = Surface::over(curve, Axis::Penalty)?;
    /// assert_eq!((surface.row_values(), surface.column_values()), (vec![0.1, 10.0], vec![2.0, 4.0]));
    /// assert_eq!(surface.at_column(4.0).unwrap().axis, Axis::Penalty);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn over(cells: Curve, rows: Axis) -> Result<Self, Error> {
        let columns = cells.axis;
        let counted = |axis| matches!(axis, Axis::Samples | Axis::Features);
        if !counted(columns) || counted(rows) {
            return wrong(format!(
                "a surface has samples or features to the right and another axis upwards, not {columns:?} and \
                 {rows:?}"
            ));
        }
        Self { cells, rows, columns, by_arms: false }.ordered()
    }

    /// Creates a surface from a family of arms: the rows are their settings, on the axis `rows`; the columns are the
    /// axis of the curve. For example, ridge arms with several penalties on a curve over label noise form the plane of
    /// both. Other arms are left out.
    ///
    /// # Errors
    /// Those of [`Curve::over_settings`] for a family that does not exist or has arms without settings;
    /// [`Error::Unsupported`] for two cells at the same place.
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::{Axis, Metric, Surface};
    /// use double_descent::dataset::Dataset;
    /// use double_descent::sweep::{Arm, Parameter, Sweep};
    ///
    /// let penalties = [1e-3, 1e-1, 10.0].map(Arm::ridge);
    /// let sweep = Sweep {
    ///     arms: penalties.into_iter().collect::<Result<_, _>>()?,
    ///     metrics: vec![Metric::TestMse],
    ///     parameter: Some(Parameter::label_noise([0.0, 0.5, 1.0, 2.0], 1)),
    ///     ..Sweep::new(Dataset::diabetes(), [10], 20, 0)
    /// };
    /// let surface = Surface::of_family(&sweep.run()?, "ridge", Axis::Penalty)?;
    /// assert_eq!((surface.rows(), surface.columns()), (Axis::Penalty, Axis::LabelNoise));
    /// assert_eq!(surface.medians(0, Metric::TestMse)?.dim(), (3, 4));
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn of_family(curve: &Curve, family: &str, rows: Axis) -> Result<Self, Error> {
        curve.settings(family)?;
        let cells = curve.only(&[family]);
        Self { columns: cells.axis, cells, rows, by_arms: true }.ordered()
    }

    /// Checks the cells and puts them in order.
    fn ordered(mut self) -> Result<Self, Error> {
        if let Some(cell) = self.cells.cells.iter().find(|cell| cell.arm >= self.cells.arms.len()) {
            let arms = self.cells.arms.len();
            return wrong(format!(
                "a cell names arm {} (counted from 0), but there are {arms} arms",
                cell.arm
            ));
        }
        let mut cells = std::mem::take(&mut self.cells.cells);
        if let Some(cell) = cells.iter().find(|cell| self.place(cell).is_none()) {
            let (n, p) = (cell.n, cell.p);
            let (rows, columns) = (self.rows, self.columns);
            return wrong(format!("a cell at n = {n}, p = {p} has no value of {rows:?} or of {columns:?}"));
        }
        let key = |cell: &Cell| {
            let (row, column) = self.place(cell).unwrap_or((f64::NAN, f64::NAN));
            (cell.repeat, row, column, cell.arm)
        };
        let order = |a: &Cell, b: &Cell| {
            let ((repeat, row, column, arm), other) = (key(a), key(b));
            let by_place = || row.total_cmp(&other.1).then(column.total_cmp(&other.2));
            repeat.cmp(&other.0).then_with(by_place).then(arm.cmp(&other.3))
        };
        sort(&mut cells, order);
        let next = || cells.iter().zip(cells.iter().skip(1));
        if let Some((twice, _)) = next().find(|(cell, next)| order(cell, next).is_eq()) {
            let (repeat, row, column, arm) = key(twice);
            let (up, right) = (self.rows.symbol(), self.columns.symbol());
            return wrong(format!(
                "two cells have repeat {repeat}, {up} = {row}, {right} = {column} and arm {arm}"
            ));
        }
        self.cells.cells = cells;
        Ok(self)
    }

    /// Returns the row and column values of a cell.
    fn place(&self, cell: &Cell) -> Option<(f64, f64)> {
        Some((self.row_of(cell)?, self.columns.value(cell)?))
    }

    fn row_of(&self, cell: &Cell) -> Option<f64> {
        if self.by_arms {
            return self.cells.arms.get(cell.arm)?.setting.map(|setting| setting + 0.0);
        }
        self.rows.value(cell)
    }

    /// Merges the parts of an experiment, each with its own repeats, into one surface: see [`Curve::merge`].
    ///
    /// # Errors
    /// Those of [`Curve::merge`]; [`Error::Unsupported`] for parts with different axes.
    pub fn merge(parts: impl IntoIterator<Item = Self>) -> Result<Self, Error> {
        let (mut axes, mut curves) = (None, Vec::new());
        for Self { cells, rows, columns, by_arms } in parts {
            if axes.replace((rows, columns, by_arms)).is_some_and(|axes| axes != (rows, columns, by_arms)) {
                return wrong("two parts have different axes; merge parts of one experiment only".into());
            }
            curves.push(cells);
        }
        let (rows, columns, by_arms) = axes.unwrap_or((Axis::Samples, Axis::Features, false));
        Self { cells: Curve::merge(curves)?, rows, columns, by_arms }.ordered()
    }

    /// Returns all cells, with their arms, failures and provenance. This curve's axis is that of the columns alone:
    /// take summaries of slices instead.
    #[must_use]
    pub fn cells(&self) -> &Curve {
        &self.cells
    }

    /// Returns the axis of the rows, drawn upwards.
    #[must_use]
    pub fn rows(&self) -> Axis {
        self.rows
    }

    /// Returns the axis of the columns, drawn to the right.
    #[must_use]
    pub fn columns(&self) -> Axis {
        self.columns
    }

    /// Whether the rows are the settings of its arms: see [`Surface::of_family`].
    #[must_use]
    pub fn is_of_family(&self) -> bool {
        self.by_arms
    }

    /// Returns the values of the rows, ascending.
    #[must_use]
    pub fn row_values(&self) -> Vec<f64> {
        ascending(self.cells.cells.iter().filter_map(|cell| self.row_of(cell)))
    }

    /// Returns the values of the columns, ascending.
    #[must_use]
    pub fn column_values(&self) -> Vec<f64> {
        ascending(self.cells.cells.iter().filter_map(|cell| self.columns.value(cell)))
    }

    /// Returns the values of `n`, ascending.
    #[must_use]
    pub fn samples(&self) -> Vec<usize> {
        distinct(self.cells.cells.iter().map(|cell| cell.n))
    }

    /// Returns the values of `p`, ascending.
    #[must_use]
    pub fn features(&self) -> Vec<usize> {
        distinct(self.cells.cells.iter().map(|cell| cell.p))
    }

    /// Returns the curve over the columns in one row. `None` if the row has no cell. On a surface [of a
    /// family](Self::of_family), all arms are kept, but only the one with this setting has cells.
    #[must_use]
    pub fn at_row(&self, row: f64) -> Option<Curve> {
        let failed = |failure: &Failure| self.row_of(&as_cell(failure)).is_none_or(|at| at == row);
        self.slice(self.columns, |cell| self.row_of(cell) == Some(row), failed)
    }

    /// Returns the curve over the rows in one column. `None` if the column has no cell. On a surface [of a
    /// family](Self::of_family), it has one arm, named after the family.
    #[must_use]
    pub fn at_column(&self, column: f64) -> Option<Curve> {
        let failed = |failure: &Failure| self.columns.value(&as_cell(failure)).is_none_or(|at| at == column);
        let mut curve = self.slice(self.rows, |cell| self.columns.value(cell) == Some(column), failed)?;
        if self.by_arms {
            // Each arm is a place on the axis.
            let settings: Vec<Option<f64>> = curve.arms.iter().map(|arm| arm.setting).collect();
            for cell in &mut curve.cells {
                *cell = Cell { arm: 0, ..*cell }.at(settings[cell.arm]);
            }
            for failure in &mut curve.failures {
                failure.value = failure.arm.and_then(|arm| settings[arm]);
                failure.arm = failure.arm.map(|_| 0);
            }
            curve.arms = curve.arms.first().map(|arm| ArmLabel::new(&*arm.name, None)).into_iter().collect();
        }
        Some(curve)
    }

    /// Returns the model-wise curve, over `p` at one `n`. `None` if no cell has this `n`.
    #[must_use]
    pub fn over_features(&self, n: usize) -> Option<Curve> {
        self.slice(Axis::Features, |cell| cell.n == n, |failed| failed.n == n)
    }

    /// Returns the sample-wise curve, over `n` at one `p`. `None` if no cell has this `p`.
    #[must_use]
    pub fn over_samples(&self, p: usize) -> Option<Curve> {
        self.slice(Axis::Samples, |cell| cell.p == p, |failed| failed.p == p)
    }

    /// Returns a curve of the wanted cells and failures.
    fn slice(
        &self,
        axis: Axis,
        wanted: impl Fn(&Cell) -> bool,
        failed: impl Fn(&Failure) -> bool,
    ) -> Option<Curve> {
        let cells: Vec<Cell> = self.cells.cells.iter().filter(|cell| wanted(cell)).copied().collect();
        let all = &self.cells;
        (!cells.is_empty()).then(|| Curve {
            axis,
            arms: all.arms.clone(),
            cells,
            failures: all.failures.iter().filter(|failure| failed(failure)).cloned().collect(),
            complete: all.complete,
            provenance: all.provenance.clone(),
        })
    }

    /// Returns a metric's medians over repeats for one arm, as [`row_values`](Self::row_values) ×
    /// [`column_values`](Self::column_values) (`n` × `p` for a plane); NaN where no cell has the metric.
    ///
    /// On a surface [of a family](Self::of_family), whose rows are the arms, `arm` is ignored.
    ///
    /// # Errors
    /// [`Error::Empty`] without cells.
    pub fn medians(&self, arm: usize, metric: Metric) -> Result<Array2<f64>, Error> {
        self.middles(arm, metric, median)
    }

    /// Returns a metric's means over repeats for one arm, laid out as [`medians`](Self::medians). On a surface
    /// [of a family](Self::of_family), `arm` is ignored.
    ///
    /// # Errors
    /// [`Error::Empty`] without cells.
    pub fn means(&self, arm: usize, metric: Metric) -> Result<Array2<f64>, Error> {
        self.middles(arm, metric, |values| values.iter().sum::<f64>() / values.len() as f64)
    }

    fn middles(
        &self,
        arm: usize,
        metric: Metric,
        middle: impl Fn(&mut [f64]) -> f64,
    ) -> Result<Array2<f64>, Error> {
        let (rows, columns) = (self.row_values(), self.column_values());
        if rows.is_empty() {
            return Err(Error::Empty { what: "the surface" });
        }
        let index = |list: &[f64], value: f64| list.binary_search_by(|known| known.total_cmp(&value)).ok();
        let cells = self.cells.cells.iter().filter(|cell| self.by_arms || cell.arm == arm);
        let place = |cell: &Cell| {
            let (row, column) = self.place(cell)?;
            Some((index(&rows, row)?, index(&columns, column)?))
        };
        Ok(gathered(cells, metric, (rows.len(), columns.len()), place, middle))
    }

    /// Returns a metric's medians over repeats at one `n`, as arms × [`features`](Self::features): the plane of `p` and
    /// an arm's setting (a penalty, a share of noisy labels). NaN where no cell has the metric.
    #[must_use]
    pub fn medians_of_arms(&self, n: usize, metric: Metric) -> Array2<f64> {
        let (arms, features) = (self.cells.arms.len(), self.features());
        let cells = self.cells.cells.iter().filter(|cell| cell.n == n);
        let place = |cell: &Cell| Some((cell.arm, features.binary_search(&cell.p).ok()?));
        gathered(cells, metric, (arms, features.len()), place, median)
    }

    /// Returns the effective model complexity of an arm at every `p`, on the grid of [`samples`](Self::samples): the
    /// largest `n` at which the mean training error over the repeats is at most `epsilon`, in the units of
    /// [`Metric::TrainMse`]; `None` if there is no such `n`. The result is a list of `p` and that `n`, by ascending
    /// `p`.
    ///
    /// Nakkiran et al., *Deep double descent*, ICLR 2020, definition 1: the test error peaks where it equals `n`.
    #[must_use]
    pub fn effective_complexity(&self, arm: usize, epsilon: f64) -> Vec<(usize, Option<usize>)> {
        // The sum and the number of training errors at every size.
        let mut sums: BTreeMap<(usize, usize), (f64, f64)> = BTreeMap::new();
        for cell in self.cells.cells.iter().filter(|cell| cell.arm == arm) {
            if let Some(error) = cell.train_mse {
                let (sum, count) = sums.entry((cell.p, cell.n)).or_default();
                *sum += error;
                *count += 1.0;
            }
        }
        let largest = |p: usize| {
            let mut by_samples = sums.range((p, 0)..=(p, usize::MAX)).rev();
            by_samples.find(|(_, (sum, count))| sum / count <= epsilon).map(|(&(_, n), _)| n)
        };
        self.features().into_iter().map(|p| (p, largest(p))).collect()
    }

    /// Writes every cell, as [`Curve::save_cells`] does.
    ///
    /// # Errors
    /// Those of [`Curve::save_cells`].
    pub fn save_cells(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        self.cells.save_cells(path)
    }
}

fn wrong<T>(reason: String) -> Result<T, Error> {
    Err(Error::Unsupported { reason })
}

/// Returns a cell at the place of a failure.
fn as_cell(failure: &Failure) -> Cell {
    Cell::new(failure.repeat, failure.n, failure.p, failure.arm.unwrap_or(usize::MAX)).at(failure.value)
}

/// Sorts the values in ascending order and drops duplicates.
fn ascending(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut all: Vec<f64> = Vec::new();
    for value in values {
        // Neighbours in a table are usually equal.
        if all.last() != Some(&value) {
            all.push(value);
        }
    }
    all.sort_unstable_by(f64::total_cmp);
    all.dedup();
    all
}

/// Applies `middle` to a metric's values at each place.
fn gathered<'a>(
    cells: impl Iterator<Item = &'a Cell>,
    metric: Metric,
    (rows, columns): (usize, usize),
    place: impl Fn(&Cell) -> Option<(usize, usize)>,
    middle: impl Fn(&mut [f64]) -> f64,
) -> Array2<f64> {
    let mut values = vec![Vec::new(); rows * columns];
    for cell in cells {
        if let (Some((row, column)), Some(value)) = (place(cell), cell.metric(metric)) {
            values[row * columns + column].push(value);
        }
    }
    Array2::from_shape_fn((rows, columns), |(i, j)| middle(&mut values[i * columns + j]))
}
