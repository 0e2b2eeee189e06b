//! Selections of a map's columns.

use crate::Error;
use crate::error::words::counted;
use crate::features::{FeatureMap, check_outputs, checked, checked_zeros};
use ndarray::{Array2, ArrayRef2};
use std::ops::Range;
use std::sync::Arc;

/// Selected columns of another map, in any order: `φ(x) = (ψ_{c₁}(x), ψ_{c₂}(x), …)`.
///
/// # Examples
/// ```
/// use double_descent::features::{Coordinates, FeatureMap, Selection};
/// use ndarray::array;
///
/// let map = Selection::new(Coordinates::new(3), vec![2, 0])?;
/// assert_eq!(map.design(&array![[1.0, 2.0, 3.0]], 2)?, array![[3.0, 1.0]]);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Selection {
    map: Arc<dyn FeatureMap>,
    columns: Vec<usize>,
}

impl Selection {
    /// Selects `columns` of `map`, counted from 0. A column may be selected more than once.
    ///
    /// # Errors
    /// [`Error::Empty`] for no columns, [`Error::Domain`] for the column `usize::MAX`, [`Error::Shape`] for a column
    /// that the map does not have, [`Error::UserCode`] if the map panics.
    pub fn new(map: impl FeatureMap + 'static, columns: Vec<usize>) -> Result<Self, Error> {
        if columns.is_empty() {
            return Err(Error::Empty { what: "the list of selected features" });
        }
        if columns.contains(&usize::MAX) {
            let (what, value) = ("a selected feature", usize::MAX as f64);
            return Err(Error::Domain { what, value, must_be: "smaller: no matrix has that many columns" });
        }
        let asked = columns.iter().copied().max().map_or(0, |last| last + 1);
        check_outputs(checked::most_features(&map)?, asked)?;
        Ok(Self { map: Arc::new(map), columns })
    }

    /// The number of selected columns: the largest `p`.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.columns.len()
    }
}

impl FeatureMap for Selection {
    fn input_dimension(&self) -> usize {
        self.map.input_dimension()
    }

    fn most_features(&self) -> usize {
        self.outputs()
    }

    /// `inputs` `(n, d)` → `(n, p)`. [`Error::Shape`] for `p` over [`Selection::outputs`], and the other map's errors.
    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        self.columns(inputs, 0..p)
    }

    /// Computes all columns of the other map from the smallest to the largest selected index.
    fn columns(&self, inputs: &ArrayRef2<f64>, columns: Range<usize>) -> Result<Array2<f64>, Error> {
        check_outputs(self.outputs(), columns.end)?;
        let mut design = checked_zeros(self, inputs, columns.len())?;
        let selected = &self.columns[columns];
        let least = selected.iter().copied().min().unwrap_or(0);
        let greatest = selected.iter().copied().max().unwrap_or(0);
        let all = checked::columns(&*self.map, inputs, least..greatest + 1)?;
        for (mut to, &column) in design.columns_mut().into_iter().zip(selected) {
            to.assign(&all.column(column - least));
        }
        Ok(design)
    }

    fn seed(&self) -> Option<u64> {
        self.map.seed()
    }

    fn describe(&self) -> String {
        format!("{} of: {}", counted(self.outputs(), "column"), self.map.describe())
    }
}
