//! The table of a plane, in units in which squares are in range.

use crate::Error;
use crate::features::{FeatureMap, checked};
use crate::machine::memory::{reserve, table};
use crate::nested::scale::{largest_exponent, scaled};
use ndarray::{Array2, ArrayRef2, ArrayView2, CowArray, Ix2, s};
use std::ops::Range;

/// The squares of scaled features beyond this may overflow.
const LARGEST: f64 = 1e120;

/// Names what is out of range if blocks of features differ by more than that.
pub(super) const APART: &str = "a feature, in units of those before it";

/// Largest exponent, in powers of two, at which features keep the caller's units.
pub(super) const ORDINARY: i32 = 100;

/// The units of a table: features are in units of `2^x_exponent`, and each target column has its own unit.
#[derive(Clone, Debug)]
pub(super) struct Units {
    pub(super) x_exponent: i32,
    pub(super) y_exponents: Vec<i32>,
}

impl Units {
    /// Returns the caller's units, for `outputs` columns of targets.
    pub(super) fn plain(outputs: usize) -> Self {
        Self { x_exponent: 0, y_exponents: vec![0; outputs] }
    }
}

/// A table in its own units.
pub(super) struct Table<'a> {
    /// The leading columns.
    x: ArrayView2<'a, f64>,
    /// The feature map and inputs that generate the following columns.
    rest: Option<(&'a dyn FeatureMap, &'a ArrayRef2<f64>)>,
    /// Scaled.
    pub(super) y: Array2<f64>,
    pub(super) units: Units,
}

/// Some kept features of the first rows.
pub(super) struct Block<'a> {
    /// Row-major, with other features among them.
    all: CowArray<'a, f64, Ix2>,
    /// The columns that they occupy.
    place: Range<usize>,
}

impl Block<'_> {
    /// Returns the number of features.
    pub(super) fn width(&self) -> usize {
        self.place.len()
    }

    /// Returns the row-major rows that contain them, the row length, and the columns that they occupy.
    pub(super) fn rows(&self) -> ((&[f64], usize), Range<usize>) {
        ((self.all.as_slice().unwrap_or_default(), self.all.ncols()), self.place.clone())
    }

    /// Returns the features as a table.
    pub(super) fn view(&self) -> ArrayView2<'_, f64> {
        self.all.slice(s![.., self.place.clone()])
    }
}

impl<'a> Table<'a> {
    pub(super) fn new(
        x: ArrayView2<'a, f64>,
        rest: Option<(&'a dyn FeatureMap, &'a ArrayRef2<f64>)>,
        y: &ArrayRef2<f64>,
    ) -> Self {
        let mut y = y.to_owned();
        let units = y.columns_mut().into_iter().map(|mut column| {
            let e = largest_exponent(column.iter()).unwrap_or(0);
            column.mapv_inplace(|v| scaled(v, -e));
            e
        });
        let y_exponents = units.collect();
        // Ordinary entries have squares in range: a copy in other units would be wasted.
        let x_exponent = largest_exponent(x.iter()).filter(|e| e.abs() > ORDINARY).unwrap_or(0);
        Self { x, rest, y, units: Units { x_exponent, y_exponents } }
    }

    /// Creates a table without scaling.
    pub(super) fn plain(x: ArrayView2<'a, f64>, y: Array2<f64>) -> Self {
        let units = Units::plain(y.ncols());
        Self { x, rest: None, y, units }
    }

    /// Returns some columns of the first rows' features, scaled, to be kept: without a copy if they are part of a
    /// row-major table.
    pub(super) fn block(&self, rows: usize, columns: Range<usize>) -> Result<Block<'a>, Error> {
        if self.x.is_standard_layout() && self.units.x_exponent == 0 && columns.end <= self.x.ncols() {
            return Ok(Block { all: CowArray::from(self.x.slice_move(s![..rows, ..])), place: columns });
        }
        if self.rest.is_none() {
            reserve("a copy of features that are not row-major", table(rows, columns.len()))?;
        }
        let made = self.features(0..rows, columns)?;
        let all =
            if made.is_standard_layout() { made } else { made.as_standard_layout().into_owned().into() };
        Ok(Block { place: 0..all.ncols(), all })
    }

    /// Returns some rows and columns of the features, scaled.
    pub(super) fn features(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<CowArray<'a, f64, Ix2>, Error> {
        let e = self.units.x_exponent;
        let in_units = |block: CowArray<'a, f64, Ix2>| {
            if e == 0 { block } else { CowArray::from(block.mapv(|v| scaled(v, -e))) }
        };
        let Some((map, inputs)) = self.rest.filter(|_| columns.end > self.x.ncols()) else {
            return Ok(in_units(CowArray::from(self.x.slice_move(s![rows, columns]))));
        };
        let block = in_units(CowArray::from(checked::columns(map, &inputs.slice(s![rows, ..]), columns)?));
        // The block may be larger than the entries that determined the unit.
        if block.iter().all(|v| v.abs() < LARGEST) {
            return Ok(block);
        }
        Err(Error::Overflow { what: APART })
    }
}
