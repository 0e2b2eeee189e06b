//! Free intercepts and standardised features, both fitted on the training rows of a cell.

use crate::Error;
use crate::risk::Compressed;
use ndarray::{Array1, Array2, ArrayView2, Axis};

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
        let mut coordinates = Coordinates {
            shift: Array1::zeros(x.ncols()),
            factor: Array1::ones(x.ncols()),
            targets: Array1::zeros(y.ncols()),
        };
        if self.standardise || self.intercept == Intercept::Free {
            for (mut column, shift) in x.columns_mut().into_iter().zip(&mut coordinates.shift) {
                *shift = centre(&mut column);
            }
        }
        if self.intercept == Intercept::Free {
            for (mut column, shift) in y.columns_mut().into_iter().zip(&mut coordinates.targets) {
                *shift = centre(&mut column);
            }
        }
        if self.standardise {
            let columns = x.columns_mut().into_iter().zip(&coordinates.shift).zip(&mut coordinates.factor);
            for ((mut column, shift), factor) in columns {
                let largest = column.iter().fold(0.0, |largest: f64, v| largest.max(v.abs()));
                // A column that is constant up to rounding has no deviation to scale by.
                *factor = if largest <= 8.0 * f64::EPSILON * shift.abs() {
                    0.0
                } else {
                    let squares = column.iter().map(|v| (v / largest) * (v / largest)).sum::<f64>();
                    ((squares / column.len() as f64).sqrt() * largest).recip()
                };
                column.mapv_inplace(|v| v * *factor);
            }
        }
        Error::check_finite("features", x.view())
            .and(Error::check_finite("targets", y.view()))
            .map_err(|_| Error::Overflow { what: "a centred or standardised value" })?;
        Ok(coordinates)
    }

    /// The table for the best linear model of such fits: with a free intercept, the table's own means are subtracted.
    pub(super) fn for_ideal(self, table: &Compressed) -> Compressed {
        let mut table = table.clone();
        let square = table.ones.dot(&table.ones);
        if self.intercept == Intercept::Free && square > 0.0 {
            let means = |part: &Array2<f64>| part.t().dot(&table.ones) / square;
            let (x, y) = (means(&table.features), means(&table.targets));
            subtract(&mut table.features, &table.ones, &x);
            subtract(&mut table.targets, &table.ones, &y);
        }
        table
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
    /// A table of test rows in these coordinates. `columns` holds, for each of its target columns, the training target
    /// column that the fits use.
    pub(super) fn of_table(&self, mut table: Compressed, columns: &[usize]) -> Compressed {
        if table.is_population() {
            table = table.with_constant();
        }
        subtract(&mut table.features, &table.ones, &self.shift);
        table.features *= &self.factor;
        let means: Array1<f64> = columns.iter().map(|&column| self.targets[column]).collect();
        subtract(&mut table.targets, &table.ones, &means);
        table
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
