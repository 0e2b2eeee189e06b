//! Preparation of a table before a fit: selecting rows and columns, shuffling, centring, standardising.
//! Each step is recorded in words, for captions.

mod scale;

use super::Dataset;
use crate::rng::{shuffle_front, stream};
use crate::{Error, machine::memory};
use ndarray::Array2;
use scale::{centre, standardise};

/// The rows from which [`Dataset::centre`] and [`Dataset::standardise`] compute means and deviations. All rows are
/// then shifted and scaled by these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FitOn<'a> {
    /// All rows, including those used for testing.
    AllRows,
    /// Only these rows, by index from 0, each once: the training rows.
    Rows(&'a [usize]),
}

/// A separate random stream: no sweep has an axis that long, and `target_noise` lists the others of this number.
const SHUFFLE: (usize, usize) = (u32::MAX as usize, 3);

const INTERCEPT: &str = "intercept";
const CENTRED: &str = "features centred";
const STANDARDISED: &str = "features standardised";

impl Dataset {
    /// Describes how the table was prepared, in words for a caption.
    ///
    /// # Examples
    /// ```
    /// use double_descent::dataset::{Dataset, FitOn};
    ///
    /// let diabetes = Dataset::diabetes();
    /// assert_eq!(diabetes.preparation(), "no intercept, features as given");
    /// let (train, test) = diabetes.shuffle(7)?.centre(FitOn::AllRows)?.split(400)?;
    /// assert_eq!((train.len(), test.len()), (400, 42));
    /// assert_eq!(
    ///     train.preparation(),
    ///     "no intercept, rows shuffled by seed 7, features centred, the first 400 of 442 rows"
    /// );
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    #[must_use]
    pub fn preparation(&self) -> String {
        let intercept = if self.has_step(INTERCEPT) { "with intercept" } else { "no intercept" };
        let mut words = vec![intercept];
        if !self.preparation.iter().any(|step| step.starts_with(CENTRED) || step.starts_with(STANDARDISED)) {
            words.push("features as given");
        }
        words.extend(self.preparation.iter().map(String::as_str).filter(|step| *step != INTERCEPT));
        words.join(", ")
    }

    fn has_step(&self, step: &str) -> bool {
        self.preparation.iter().any(|kept| kept == step)
    }

    fn keep_step(&mut self, step: String) {
        if self.preparation.last() != Some(&step) {
            self.preparation.push(step);
        }
    }

    /// Appends a column of ones, named `intercept`. Calling it again changes nothing.
    ///
    /// # Errors
    /// [`Error::Memory`] if there is no room for the wider table.
    pub fn with_intercept(mut self) -> Result<Self, Error> {
        if self.has_step(INTERCEPT) {
            return Ok(self);
        }
        let (rows, columns) = self.features.dim();
        memory::reserve("the features with an intercept", memory::table(rows, columns.saturating_add(1)))?;
        let mut features = Array2::ones((rows, columns + 1));
        for (mut to, from) in features.rows_mut().into_iter().zip(self.features.rows()) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        }
        self.features = features;
        self.feature_names.push(INTERCEPT.into());
        self.preparation.push(INTERCEPT.into());
        Ok(self)
    }

    /// Whether this column is the one that [`Dataset::with_intercept`] appended.
    fn is_intercept(&self, column: usize) -> bool {
        self.has_step(INTERCEPT)
            && self.feature_names[column] == INTERCEPT
            && self.features.column(column).iter().all(|&x| x == 1.0)
    }

    /// Selects features by name, in this order; keeps all rows and targets.
    ///
    /// # Errors
    /// [`Error::Empty`] without names; [`Error::UnknownColumn`]; [`Error::Unsupported`] for a name that is given
    /// twice or that two features share; [`Error::Resource`] if there is not enough memory.
    ///
    /// # Examples
    /// ```
    /// use double_descent::dataset::Dataset;
    ///
    /// let diabetes = Dataset::diabetes().select(["bmi", "age"])?;
    /// assert_eq!(diabetes.features().dim(), (442, 2));
    /// assert_eq!(diabetes.feature_names(), ["bmi", "age"]);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn select<S: AsRef<str>>(&self, features: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let columns = columns(&self.feature_names, features, "the list of features")?;
        let mut data = self.with(pick(&self.features, &columns)?, self.targets.clone());
        data.feature_names = columns.iter().map(|&column| self.feature_names[column].clone()).collect();
        if !(0..columns.len()).any(|column| data.is_intercept(column)) {
            data.preparation.retain(|step| step != INTERCEPT);
        }
        data.keep_step(format!("{} of {} features", columns.len(), self.feature_names.len()));
        Ok(data)
    }

    /// Selects targets by name, in this order; keeps all rows and features.
    ///
    /// # Errors
    /// As [`Dataset::select`].
    pub fn select_targets<S: AsRef<str>>(&self, targets: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let columns = columns(&self.target_names, targets, "the list of targets")?;
        let mut data = self.with(self.features.clone(), pick(&self.targets, &columns)?);
        data.target_names = columns.iter().map(|&column| self.target_names[column].clone()).collect();
        data.keep_step(format!("{} of {} targets", columns.len(), self.target_names.len()));
        Ok(data)
    }

    /// Selects rows by index from 0, in this order.
    ///
    /// # Errors
    /// [`Error::Empty`] without rows; [`Error::Domain`] for a row that does not exist or is given twice;
    /// [`Error::Resource`] if there is not enough memory.
    pub fn select_rows(&self, rows: &[usize]) -> Result<Self, Error> {
        self.check_rows("the list of rows", rows)?;
        self.with_rows(rows, format!("{} of {} rows", rows.len(), self.len()))
    }

    /// Splits into the first `train` rows and the remaining rows, whose name ends in `-test`. Call [`Dataset::shuffle`]
    /// first for a random split; the training rows of a smaller split are then the first ones of a larger split.
    ///
    /// # Errors
    /// [`Error::Domain`] for `train = 0` or a single row, [`Error::TooLarge`] for `train ≥ N`; [`Error::Resource`] if
    /// there is no memory for both.
    pub fn split(&self, train: usize) -> Result<(Self, Self), Error> {
        let all = self.len();
        let what = "the number of training rows";
        if train == 0 || all < 2 {
            return Err(Error::Domain { what, value: train as f64, must_be: "at least 1, and one row more" });
        }
        if train >= all {
            let limit = "the number of rows less one to test on";
            return Err(Error::TooLarge { what, found: train, most: all - 1, limit });
        }
        let rows: Vec<usize> = (0..all).collect();
        let (first, last) = rows.split_at(train);
        let test = all - train;
        let mut rest = self.with_rows(last, format!("the last {test} of {all} rows"))?;
        rest.name += "-test";
        Ok((self.with_rows(first, format!("the first {train} of {all} rows"))?, rest))
    }

    /// Puts all rows in a random order that depends only on the seed and the number of rows.
    ///
    /// # Errors
    /// [`Error::Resource`] if there is not enough memory.
    pub fn shuffle(&self, seed: u64) -> Result<Self, Error> {
        let mut rows: Vec<usize> = (0..self.len()).collect();
        shuffle_front(&mut stream(seed, SHUFFLE.0, SHUFFLE.1), &mut rows, self.len());
        self.with_rows(&rows, format!("rows shuffled by seed {seed}"))
    }

    /// Subtracts from each feature its mean over the given rows, accurate to 2⁻³⁰ of the feature's spread there or
    /// to the rounding error of its largest value. An intercept column is not changed.
    ///
    /// Together with [`Dataset::centre_targets`] on the same training rows, this gives a fit an unpenalised
    /// intercept.
    ///
    /// # Errors
    /// [`Error::Empty`] without rows to fit on; [`Error::Domain`] for a row that does not exist or is given twice;
    /// [`Error::Overflow`] if a difference does not fit into `f64`.
    ///
    /// # Examples
    /// ```
    /// use double_descent::dataset::{Dataset, FitOn};
    /// use ndarray::array;
    ///
    /// let data = Dataset::new("three", array![[1.0], [3.0], [8.0]], array![[0.0], [0.0], [1.0]])?;
    /// let data = data.centre(FitOn::Rows(&[0, 1]))?;
    /// assert_eq!(data.features(), &array![[-1.0], [1.0], [6.0]]);
    /// assert_eq!(data.preparation(), "no intercept, features centred on 2 of 3 rows");
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn centre(mut self, fit_on: FitOn<'_>) -> Result<Self, Error> {
        let rows = self.fitted(fit_on)?;
        for column in self.scaled_columns() {
            centre(&mut self.features.column_mut(column), rows, "a centred feature")?;
        }
        let step = self.step(CENTRED, fit_on);
        self.keep_step(step);
        Ok(self)
    }

    /// Subtracts from each target its mean over the given rows.
    ///
    /// # Errors
    /// As [`Dataset::centre`].
    pub fn centre_targets(mut self, fit_on: FitOn<'_>) -> Result<Self, Error> {
        let rows = self.fitted(fit_on)?;
        for mut column in self.targets.columns_mut() {
            centre(&mut column, rows, "a centred target")?;
        }
        let step = self.step("targets centred", fit_on);
        self.keep_step(step);
        Ok(self)
    }

    /// Shifts and scales each feature to mean 0 and (population) variance 1 over the given rows. A
    /// feature that is constant there becomes 0 in all rows; an intercept column is not changed.
    ///
    /// # Errors
    /// As [`Dataset::centre`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::dataset::{Dataset, FitOn};
    /// use ndarray::array;
    ///
    /// let data = Dataset::new("three", array![[1.0], [3.0], [8.0]], array![[0.0], [0.0], [1.0]])?;
    /// let data = data.standardise(FitOn::Rows(&[0, 1]))?;
    /// assert_eq!(data.features(), &array![[-1.0], [1.0], [6.0]]);
    /// assert_eq!(data.preparation(), "no intercept, features standardised on 2 of 3 rows");
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn standardise(mut self, fit_on: FitOn<'_>) -> Result<Self, Error> {
        let rows = self.fitted(fit_on)?;
        for column in self.scaled_columns() {
            standardise(&mut self.features.column_mut(column), rows)?;
        }
        let step = self.step(STANDARDISED, fit_on);
        self.keep_step(step);
        Ok(self)
    }

    /// Shifts and scales each feature to mean 0 and (population) variance 1 over
    /// all rows, including test rows: [`Dataset::standardise`] on [`FitOn::AllRows`]. A constant feature becomes 0.
    ///
    /// # Errors
    /// [`Error::Overflow`] if a feature's variance does not fit into `f64`.
    pub fn standardised(self) -> Result<Self, Error> {
        self.standardise(FitOn::AllRows)
    }

    /// Indices of all columns except an intercept.
    fn scaled_columns(&self) -> Vec<usize> {
        (0..self.features.ncols()).filter(|&column| !self.is_intercept(column)).collect()
    }

    fn step(&self, what: &str, fit_on: FitOn<'_>) -> String {
        match fit_on {
            FitOn::AllRows => what.into(),
            FitOn::Rows(rows) => format!("{what} on {} of {} rows", rows.len(), self.len()),
        }
    }

    fn fitted<'a>(&self, fit_on: FitOn<'a>) -> Result<Option<&'a [usize]>, Error> {
        let FitOn::Rows(rows) = fit_on else { return Ok(None) };
        self.check_rows("the list of rows to fit on", rows)?;
        Ok(Some(rows))
    }

    /// Refuses rows that do not exist or are given twice.
    fn check_rows(&self, what: &'static str, rows: &[usize]) -> Result<(), Error> {
        if rows.is_empty() {
            return Err(Error::Empty { what });
        }
        let mut seen = vec![false; self.len()];
        for &row in rows {
            if row >= self.len() || std::mem::replace(&mut seen[row], true) {
                let must_be = "below the number of rows, and there once";
                return Err(Error::Domain { what: "the number of a row", value: row as f64, must_be });
            }
        }
        Ok(())
    }

    /// Selects rows that have been checked.
    fn with_rows(&self, rows: &[usize], step: String) -> Result<Self, Error> {
        let mut data = self.with(gather(&self.features, rows)?, gather(&self.targets, rows)?);
        data.keep_step(step);
        Ok(data)
    }

    /// A data set with the same names and other values.
    fn with(&self, features: Array2<f64>, targets: Array2<f64>) -> Self {
        Self {
            name: self.name.clone(),
            features,
            targets,
            feature_names: self.feature_names.clone(),
            target_names: self.target_names.clone(),
            preparation: self.preparation.clone(),
        }
    }
}

fn gather(table: &Array2<f64>, rows: &[usize]) -> Result<Array2<f64>, Error> {
    let dim = (rows.len(), table.ncols());
    filled(dim, |values| rows.iter().for_each(|&row| values.extend(table.row(row))))
}

fn pick(table: &Array2<f64>, columns: &[usize]) -> Result<Array2<f64>, Error> {
    filled((table.nrows(), columns.len()), |values| {
        for row in table.rows() {
            values.extend(columns.iter().map(|&column| row[column]));
        }
    })
}

/// Creates a row-major table from the values that `fill` pushes.
fn filled(dim: (usize, usize), fill: impl FnOnce(&mut Vec<f64>)) -> Result<Array2<f64>, Error> {
    let no_memory = |reason: String| Error::Resource { reason: format!("no memory for the table: {reason}") };
    let mut values = Vec::new();
    values.try_reserve_exact(dim.0 * dim.1).map_err(|e| no_memory(e.to_string()))?;
    fill(&mut values);
    Array2::from_shape_vec(dim, values).map_err(|e| no_memory(e.to_string()))
}

/// Returns the positions of the given names in `all`.
fn columns<S: AsRef<str>>(
    all: &[String],
    names: impl IntoIterator<Item = S>,
    what: &'static str,
) -> Result<Vec<usize>, Error> {
    let mut columns = Vec::new();
    for name in names {
        let name = name.as_ref();
        let mut places = (0..all.len()).filter(|&column| all[column] == name);
        let Some(column) = places.next() else {
            return Err(Error::UnknownColumn { name: name.into(), available: all.to_vec() });
        };
        if places.next().is_some() || columns.contains(&column) {
            let reason = format!("the column `{name}` is asked for or there twice; name each column once");
            return Err(Error::Unsupported { reason });
        }
        columns.push(column);
    }
    if columns.is_empty() { Err(Error::Empty { what }) } else { Ok(columns) }
}
