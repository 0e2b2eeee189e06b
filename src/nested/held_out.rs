//! Test errors of a nested curve.

use super::scale::{column_by_column, exponent_of_table, power_of_two_of, scaled, times_power};
use crate::Error;
use crate::machine::large_pages;
use crate::risk::Compressed;
use crate::svd::{dot, product, upper_product};
use ndarray::{Array2, ArrayView1, ShapeBuilder, aview1, s};
use std::ops::Range;

/// The rows on which the test error of every point of a curve is measured: the mean of the squared errors over these
/// rows and the outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Test<'a> {
    /// No rows, and no test error.
    #[default]
    None,
    /// All rows of this table, or a whole population ([`Compressed::population`]).
    Rows(&'a Compressed),
    /// The rows of this table outside the training set. The table must contain all training rows; only their number is
    /// checked. The sum over the training rows is subtracted from the sum over all rows, which loses a factor of (sum
    /// over all rows) / (sum over the test rows) in accuracy. A population ([`Compressed::population`]) has no such
    /// rows: [`Error::Domain`].
    Others(&'a Compressed),
}

/// The test table, in the unit of its features.
#[derive(Clone, Debug)]
pub(super) struct HeldOut<'a> {
    test: Test<'a>,
    exponent: i32,
    /// Whether everything below the diagonal is 0, as compression leaves it.
    is_triangular: bool,
    /// The table as a triangle, if it was [turned](HeldOut::compress) into one.
    triangle: Option<Compressed>,
}

impl<'a> HeldOut<'a> {
    /// Checks and scales the table. `features` is `None` if any number is allowed.
    pub(super) fn new(test: Test<'a>, features: Option<usize>, outputs: usize) -> Result<Self, Error> {
        let (mut exponent, mut is_triangular) = (0, false);
        if let Some(table) = table(test) {
            let expected = features.unwrap_or(table.features.ncols());
            Error::check_len("columns of the test features", expected, table.features.ncols())?;
            Error::check_len("columns of the test targets", outputs, table.targets.ncols())?;
            if matches!(test, Test::Others(_)) && table.is_population() {
                let must_be = "that of a table with the training rows, not of a population";
                return Err(Error::Domain { what: "the number of rows", value: 1.0, must_be });
            }
            exponent = exponent_of_table(table.features.view()).unwrap_or(0);
            is_triangular = table.features.indexed_iter().all(|((i, j), &v)| i <= j || v == 0.0);
        }
        Ok(Self { test, exponent, is_triangular, triangle: None })
    }

    fn table(&self) -> Option<&Compressed> {
        self.triangle.as_ref().or_else(|| table(self.test))
    }

    /// Turns a table with enough rows into a triangle, if halving the work for each of `more` images is worth it: with
    /// `p` columns it costs as much as `4 p / 3` images save.
    pub(super) fn compress(&mut self, more: usize) {
        let Some(table) = self.table() else { return };
        let (height, p) = table.features.dim();
        if self.is_triangular || table.is_population() || height < p || more < 2 * p {
            return;
        }
        // A table that cannot be reduced safely stays as it is: the triangle only saves time.
        if let Ok(triangle) = table.as_triangle() {
            (self.triangle, self.is_triangular) = (Some(triangle), true);
        }
    }

    /// Returns [`Error::Shape`] if a table that must hold `n` training rows is shorter.
    pub(super) fn check_training_rows(&self, n: usize) -> Result<(), Error> {
        match self.test {
            Test::Others(table) if n > table.rows() => Err(Error::Shape {
                what: "rows of the table of all rows, which must hold every training row",
                expected: n,
                found: table.rows(),
            }),
            _ => Ok(()),
        }
    }

    /// Returns the number of test features; `None` without a test table.
    pub(super) fn features(&self) -> Option<usize> {
        self.table().map(|table| table.features.ncols())
    }

    /// Returns the population's parameters and its root, if the test is on a population.
    pub(super) fn population(&self) -> Option<(&'a Array2<f64>, &'a Array2<f64>)> {
        let table = table(self.test)?;
        table.teacher().map(|teacher| (teacher, &table.features))
    }

    /// Returns the number of rows of the table that represents the test rows; 0 without one.
    pub(super) fn height(&self) -> usize {
        self.table().map_or(0, |table| table.features.nrows())
    }

    /// Returns `e` for the unit `2^e` of [`HeldOut::image`] and [`HeldOut::column`].
    pub(super) fn exponent(&self) -> i32 {
        self.exponent
    }

    /// Returns `A q`; empty without a test table.
    pub(super) fn image(&self, q: &[f64]) -> Vec<f64> {
        let Some(table) = self.table() else { return Vec::new() };
        let scaled: Vec<f64> = q.iter().map(|&v| scaled(v, -self.exponent)).collect();
        let q = scaled;
        let row = |(i, row): (usize, ArrayView1<'_, f64>)| {
            let zeros = if self.is_triangular { i.min(q.len()) } else { 0 };
            match row.to_slice() {
                Some(row) => dot(&row[zeros..], &q[zeros..]),
                None => row.slice(s![zeros..]).dot(&aview1(&q[zeros..])),
            }
        };
        table.features.rows().into_iter().enumerate().map(row).collect()
    }

    /// Returns `A q` for every column `q` of a matrix, column-major; no rows without a test table.
    pub(super) fn images(&self, q: &Array2<f64>) -> Array2<f64> {
        let Some(table) = self.table() else { return Array2::zeros((0, q.ncols()).f()) };
        let scaled = (self.exponent != 0).then(|| times_power(q, -self.exponent));
        let q = scaled.as_ref().unwrap_or(q);
        if self.is_triangular {
            return upper_product(table.features.view(), q.view());
        }
        product(table.features.view(), q.view())
    }

    /// Returns how many leading rows of the first `columns` columns of `A` may be nonzero.
    pub(super) fn reach(&self, columns: usize) -> usize {
        if self.is_triangular { self.height().min(columns) } else { self.height() }
    }

    /// Returns the given columns of `A` as rows of length `height`, column-major.
    pub(super) fn columns(&self, columns: Range<usize>, height: usize) -> Array2<f64> {
        let mut found = large_pages::zeros((columns.len(), height).f());
        let Some(table) = self.table() else { return found };
        let unit = power_of_two_of(-self.exponent);
        for (mut to, row) in found.columns_mut().into_iter().zip(table.features.rows()) {
            let row = row.slice_move(s![columns.clone()]);
            match unit {
                Some(unit) => to.zip_mut_with(&row, |to, v| *to = v * unit),
                None => to.zip_mut_with(&row, |to, v| *to = scaled(*v, -self.exponent)),
            }
        }
        found
    }

    /// Returns column `j` of `A`, without the zeros at its end; empty without a test table.
    pub(super) fn column(&self, j: usize) -> Vec<f64> {
        let Some(table) = self.table() else { return Vec::new() };
        let column = table.features.column(j);
        let length = column.iter().rposition(|&v| v != 0.0).map_or(0, |last| last + 1);
        column.iter().take(length).map(|&v| scaled(v, -self.exponent)).collect()
    }

    /// Returns some columns of `A`, each with the rows that it [reaches](HeldOut::reach). They are read row by row, as
    /// reading one column after another would fetch a cache line for every entry. Empty columns without a test table.
    pub(super) fn by_columns(&self, columns: Range<usize>) -> Vec<Vec<f64>> {
        let Some(table) = self.table() else { return vec![Vec::new(); columns.len()] };
        let part = table.features.slice(s![..self.reach(columns.end), columns.clone()]);
        let part = column_by_column(part, -self.exponent);
        let reached = part.columns().into_iter().zip(columns);
        reached.map(|(column, j)| column.slice(s![..self.reach(j + 1)]).to_vec()).collect()
    }

    /// Returns the mean squared error of one output over the test rows, for predictions in units of `2^e`; `train` is
    /// the output's sum of squared errors over the `n` training rows.
    pub(super) fn mean_squared_error(
        &self,
        output: usize,
        predictions: &[f64],
        e: i32,
        train: f64,
        n: usize,
    ) -> Option<f64> {
        let table = self.table()?;
        let targets = table.targets.column(output);
        let known = targets.iter().zip(predictions);
        let sum: f64 = match power_of_two_of(e) {
            Some(unit) => known.map(|(target, &v)| (v * unit - target) * (v * unit - target)).sum(),
            None => known.map(|(target, &v)| scaled(v, e) - target).map(|error| error * error).sum(),
        };
        // Past the last row of the trapezoid, predictions are 0.
        let sum = targets.iter().skip(predictions.len()).fold(sum, |sum, target| sum + target * target);
        match self.test {
            Test::Others(_) => {
                let rows = table.rows().checked_sub(n).filter(|&rows| rows > 0)?;
                Some((sum - train).max(0.0) / rows as f64)
            }
            _ => Some(sum / table.rows() as f64),
        }
    }
}

fn table(test: Test<'_>) -> Option<&Compressed> {
    match test {
        Test::None => None,
        Test::Rows(table) | Test::Others(table) => Some(table),
    }
}
