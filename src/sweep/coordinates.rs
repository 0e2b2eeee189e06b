//! Free intercepts and standardised features, both fitted on the training rows of a cell.

use crate::Error;
use crate::machine::spread::deviation;
use crate::risk::Compressed;
use ndarray::{Array1, Array2, ArrayView2, Axis, CowArray, Ix2};

/// How a fit gets its constant term.
///
/// # References
/// Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning*, 2nd edition, section 3.4.1: the intercept
/// is left out of the penalty, by centring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Intercept {
    /// The fit has no intercept. (A column of ones among the features, whose coefficient counts in the norm, belongs to
    /// the table: [`Dataset::with_intercept`](crate::dataset::Dataset::with_intercept).)
    #[default]
    None,
    /// Features and targets are centred on the training rows of each cell. The intercept `ȳ − x̄ᵀβ̂` is not penalised
    /// and does not count in `‖β̂‖`. The training targets can be interpolated from `p = n − 1` on.
    Free,
}

/// How a cell's features and targets are transformed before the fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Preparation {
    pub(super) intercept: Intercept,
    pub(super) standardise: bool,
}

impl Preparation {
    pub(super) fn is_none(self) -> bool {
        self == Self::default()
    }

    /// Whether features and targets are centred.
    pub(super) fn centres(self) -> bool {
        self.intercept == Intercept::Free
    }

    /// The preparation in words, to append to the description of the data; empty if there is none.
    pub(super) fn describe(self) -> &'static str {
        match (self.intercept, self.standardise) {
            (Intercept::None, false) => "",
            (Intercept::Free, false) => "; free intercept (centred on the training rows)",
            (Intercept::None, true) => "; features standardised on the training rows",
            (Intercept::Free, true) => "; free intercept, features standardised on the training rows",
        }
    }

    /// Transforms a cell's training features and targets in place, and returns the transformation.
    pub(super) fn apply(self, x: &mut Array2<f64>, y: &mut Array2<f64>) -> Result<Coordinates, Error> {
        let centred = |is_centred, table: &mut Array2<f64>| {
            if is_centred { centre_columns(table) } else { Array1::zeros(table.ncols()) }
        };
        let mut coordinates = Coordinates {
            shift: centred(self.standardise || self.centres(), x),
            factor: Array1::ones(x.ncols()),
            targets: centred(self.centres(), y),
        };
        if self.standardise {
            let columns = x.columns_mut().into_iter().zip(&coordinates.shift).zip(&mut coordinates.factor);
            for ((mut column, shift), factor) in columns {
                // A column that is constant up to rounding has no deviation to scale by.
                let deviation = deviation(column.iter().copied(), *shift);
                *factor = if deviation == 0.0 { 0.0 } else { deviation.recip() };
                column.mapv_inplace(|v| v * *factor);
            }
        }
        check_overflow(x, y)?;
        Ok(coordinates)
    }

    /// All rows, for the best linear model of such fits. They are centred before they are compressed: a constant
    /// feature then is exactly 0, and dependent features are dependent up to the rounding of single rows.
    pub(super) fn of_all_rows(
        self,
        x: CowArray<'_, f64, Ix2>,
        mut y: Array2<f64>,
    ) -> Result<(CowArray<'_, f64, Ix2>, Array2<f64>), Error> {
        if !self.centres() {
            return Ok((x, y));
        }
        let mut x = x.into_owned();
        centre_columns(&mut x);
        centre_columns(&mut y);
        check_overflow(&x, &y)?;
        Ok((x.into(), y))
    }
}

/// `x ↦ (x − shift) ∘ factor`, `y ↦ y − targets`.
#[derive(Clone, Debug)]
pub(super) struct Coordinates {
    shift: Array1<f64>,
    factor: Array1<f64>,
    /// For each column of training targets.
    pub(super) targets: Array1<f64>,
}

impl Coordinates {
    /// A table of test rows in these coordinates, and the centred columns that become 0. `columns` holds, for each of
    /// the table's target columns, the training target column that the fits use.
    pub(super) fn of_table(
        &self,
        mut table: Compressed,
        columns: &[usize],
    ) -> (Compressed, Vec<(usize, Array1<f64>)>) {
        if table.is_population() {
            table = table.with_constant();
        }
        subtract(&mut table.features, &table.ones, &self.shift);
        let unseen = self.factor.iter().enumerate().filter(|(_, factor)| **factor == 0.0);
        let unseen = unseen.map(|(j, _)| (j, table.features.column(j).to_owned())).collect();
        table.features *= &self.factor;
        let means: Array1<f64> = columns.iter().map(|&column| self.targets[column]).collect();
        subtract(&mut table.targets, &table.ones, &means);
        (table, unseen)
    }

    /// Test features in these coordinates.
    pub(super) fn of_features(&self, features: ArrayView2<'_, f64>) -> Array2<f64> {
        (&features - &self.shift) * &self.factor
    }

    /// A model's parameters in these coordinates; 0 for a feature that is constant on the training rows.
    pub(super) fn of_parameters(&self, mut beta: Array2<f64>) -> Array2<f64> {
        for (mut row, factor) in beta.rows_mut().into_iter().zip(&self.factor) {
            row.mapv_inplace(|b| if *factor == 0.0 { 0.0 } else { b / factor });
        }
        beta
    }
}

/// `table ← table − w meansᵀ`.
fn subtract(table: &mut Array2<f64>, ones: &Array1<f64>, means: &Array1<f64>) {
    if means.iter().all(|&mean| mean == 0.0) {
        return;
    }
    for (mut row, one) in table.axis_iter_mut(Axis(0)).zip(ones) {
        row.scaled_add(-one, means);
    }
}

fn check_overflow(x: &Array2<f64>, y: &Array2<f64>) -> Result<(), Error> {
    Error::check_finite("features", x.view())
        .and(Error::check_finite("targets", y.view()))
        .map_err(|_| Error::Overflow { what: "a centred or standardised value" })
}

/// Centres each column, and returns the means.
fn centre_columns(table: &mut Array2<f64>) -> Array1<f64> {
    table.columns_mut().into_iter().map(|mut column| centre(&mut column)).collect()
}

/// Subtracts the mean, twice: the rounding error left by the first pass may not be small against the spread. The mean
/// of equal values is exactly that value.
fn centre(column: &mut ndarray::ArrayViewMut1<'_, f64>) -> f64 {
    let first = column.first().copied().unwrap_or(0.0);
    if column.iter().all(|&v| v == first) {
        column.fill(0.0);
        return first;
    }
    let count = column.len() as f64;
    let mean = column.iter().map(|v| v / count).sum::<f64>();
    column.mapv_inplace(|v| v - mean);
    let rest = column.iter().map(|v| v / count).sum::<f64>();
    column.mapv_inplace(|v| v - rest);
    mean + rest
}
