//! The table of a plane, in units in which squares are in range.

use crate::Error;
use crate::features::{FeatureMap, checked};
use crate::machine::memory::{reserve, table};
use crate::nested::scale::{largest_exponent, scaled};
use ndarray::{Array2, ArrayRef2, ArrayView2, CowArray, Ix2, s};
use std::ops::Range;

/// Scaled features beyond this have no room left for their squares.
const LARGEST: f64 = 1e120;

/// What is out of range where blocks of features differ by more than that.
pub(super) const APART: &str = "a feature, in units of those before it";

/// Powers of two up to which features stay in the units of the caller.
pub(super) const ORDINARY: i32 = 100;

/// The units of a table: entries are in units of `2^x_exponent`, each column of targets in its own.
#[derive(Clone, Debug)]
pub(super) struct Units {
    pub(super) x_exponent: i32,
    pub(super) y_exponents: Vec<i32>,
}

impl Units {
    /// Those of the caller, for so many columns of targets.
    pub(super) fn plain(outputs: usize) -> Self {
        Self { x_exponent: 0, y_exponents: vec![0; outputs] }
    }
}

/// A table in units of its own.
pub(super) struct Table<'a> {
    /// The leading columns.
    x: ArrayView2<'a, f64>,
    /// What makes those that follow.
    rest: Option<(&'a dyn FeatureMap, &'a ArrayRef2<f64>)>,
    /// Scaled.
    pub(super) y: Array2<f64>,
    pub(super) units: Units,
}

/// Some features of the first rows, that are kept.
pub(super) struct Block<'a> {
    /// Row by row, others among them.
    all: CowArray<'a, f64, Ix2>,
    /// Where in a row they are.
    place: Range<usize>,
}

impl Block<'_> {
    /// How many they are.
    pub(super) fn width(&self) -> usize {
        self.place.len()
    }

    /// The rows that they are in, one after the other, the length of each, and where in a row they are.
    pub(super) fn rows(&self) -> ((&[f64], usize), Range<usize>) {
        ((self.all.as_slice().unwrap_or_default(), self.all.ncols()), self.place.clone())
    }

    /// As a table.
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
        // Their squares are in range as they are: a copy in other units would be for nothing.
        let x_exponent = largest_exponent(x.iter()).filter(|e| e.abs() > ORDINARY).unwrap_or(0);
        Self { x, rest, y, units: Units { x_exponent, y_exponents } }
    }

    /// A table as it is.
    pub(super) fn plain(x: ArrayView2<'a, f64>, y: Array2<f64>) -> Self {
        let units = Units::plain(y.ncols());
        Self { x, rest: None, y, units }
    }

    /// Some columns of the features of the first rows, scaled, to be kept: without a copy where they are part of a table that
    /// lies row by row.
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

    /// Some rows and columns of the features, scaled.
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
        // It may be larger than what the unit was taken from.
        if block.iter().all(|v| v.abs() < LARGEST) {
            return Ok(block);
        }
        Err(Error::Overflow { what: APART })
    }
}
