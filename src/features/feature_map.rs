//! The trait of feature maps: nested features of raw inputs.

use super::shape::{check_design, check_shape, copy_columns};
use crate::Error;
use ndarray::{Array2, ArrayRef2, ArrayView2, s};
use std::ops::Range;
use std::sync::Arc;

/// A nested family of features: for every `p` a map from `ℝᵈ` to `ℝᵖ`.
///
/// The contract: `design(inputs, p)` is the first `p` columns of `design(inputs, q)`, to the bit, for `p ≤ q`, and each
/// of its rows depends on that row of `inputs` alone.
///
/// A [`Sweep`](crate::sweep::Sweep) takes maps as [`Maps`](crate::sweep::Maps). It fails with [`Error::UserCode`] if a
/// map panics, or if its table has the wrong shape or an entry that is not finite.
pub trait FeatureMap: std::fmt::Debug + Send + Sync {
    /// The dimension `d` of an input.
    fn input_dimension(&self) -> usize;

    /// The largest `p` that the map supports; unlimited by default. A sweep that needs more features is refused before
    /// anything runs.
    fn most_features(&self) -> usize {
        usize::MAX
    }

    /// The design matrix: `inputs` `(n, d)` → `X` `(n, p)`.
    ///
    /// # Errors
    /// The maps of this crate give [`Error::Shape`] unless `inputs` has [`d`](Self::input_dimension)
    /// columns and `p` is at most [`most_features`](Self::most_features), [`Error::Empty`] for no inputs or `p = 0`,
    /// [`Error::NonFinite`] for an input that is NaN or infinite, [`Error::Overflow`] for a feature that does not fit
    /// into `f64`, and [`Error::Memory`] for a matrix that does not fit into memory. A map that holds your own code
    /// also gives the errors of that code, and [`Error::UserCode`] if the code panics or returns an unusable value.
    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error>;

    /// Computes only the features `columns.start`, …, `columns.end − 1`, bit for bit those columns of
    /// [`design`](Self::design): `inputs` `(n, d)` → `(n, columns.len())`.
    ///
    /// The default computes all columns before them as well. A map whose features do not depend on each other can avoid
    /// that.
    ///
    /// # Errors
    /// Those of `design(inputs, columns.end)`, and [`Error::Empty`] for no columns.
    fn columns(&self, inputs: &ArrayRef2<f64>, columns: Range<usize>) -> Result<Array2<f64>, Error> {
        if columns.is_empty() {
            return Err(Error::Empty { what: "the list of features" });
        }
        let design = self.design(inputs, columns.end)?;
        check_shape(|| self.describe(), design.dim(), (inputs.nrows(), columns.end))?;
        Ok(if columns.start == 0 { design } else { design.slice(s![.., columns]).to_owned() })
    }

    /// Writes [`columns`](Self::columns) into an existing table `design`, `(n, columns.len())`. The default makes a new
    /// table and copies it. A map can avoid that: newly allocated memory costs random Fourier features a tenth of their
    /// time.
    ///
    /// # Errors
    /// Those of [`columns`](Self::columns), after which the contents of `design` are unspecified, and [`Error::Shape`]
    /// if `design` has another shape.
    fn write_columns(
        &self,
        inputs: &ArrayRef2<f64>,
        columns: Range<usize>,
        design: &mut ArrayRef2<f64>,
    ) -> Result<(), Error> {
        check_design(inputs, &columns, design)?;
        copy_columns(|| self.describe(), &self.columns(inputs, columns)?, design)
    }

    /// The frequencies, phases and amplitude, if all features are cosines; `None` by default. A backend with its own
    /// device ([`CosineDevice`](crate::svd::CosineDevice)) computes the features from them.
    fn cosines(&self) -> Option<Cosines<'_>> {
        None
    }

    /// The seed that the map was drawn from, if there is one and the map knows it; `None` by default. The provenance of a
    /// curve states it if one map serves all repeats.
    fn seed(&self) -> Option<u64> {
        None
    }

    /// Describes the map in words, for captions. A seed is stated apart ([`seed`](Self::seed)): maps that are drawn afresh
    /// for each repeat have the same description.
    fn describe(&self) -> String {
        format!("{self:?}")
    }
}

/// The parameters of features `a cos(w_k·x + b_k)`, `k = 1, …, P`, of inputs of dimension `d`
/// ([`FeatureMap::cosines`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cosines<'a> {
    /// Frequencies `W`, `P × d`.
    pub frequencies: ArrayView2<'a, f64>,
    /// Phases `b`, `P`.
    pub phases: &'a [f64],
    /// The amplitude `a`.
    pub amplitude: f64,
}

/// Implements [`FeatureMap`] for pointers to maps.
macro_rules! pointers {
    ($($pointer:ty),+) => {$(
        impl<T: FeatureMap + ?Sized> FeatureMap for $pointer {
            fn input_dimension(&self) -> usize {
                (**self).input_dimension()
            }

            fn most_features(&self) -> usize {
                (**self).most_features()
            }

            fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
                (**self).design(inputs, p)
            }

            fn columns(&self, inputs: &ArrayRef2<f64>, columns: Range<usize>) -> Result<Array2<f64>, Error> {
                (**self).columns(inputs, columns)
            }

            fn write_columns(&self, inputs: &ArrayRef2<f64>, columns: Range<usize>, design: &mut ArrayRef2<f64>) -> Result<(), Error> {
                (**self).write_columns(inputs, columns, design)
            }

            fn cosines(&self) -> Option<Cosines<'_>> {
                (**self).cosines()
            }

            fn seed(&self) -> Option<u64> {
                (**self).seed()
            }

            fn describe(&self) -> String {
                (**self).describe()
            }
        }
    )+};
}

pointers!(&T, Box<T>, Arc<T>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::RandomFourier;
    use ndarray::array;

    /// Pointers forward every method, including those with defaults: a map with its own `columns` must not compute the
    /// whole design again.
    #[test]
    fn pointers_are_what_they_point_to() {
        #[derive(Debug)]
        struct Counted(RandomFourier, std::sync::atomic::AtomicUsize);
        impl FeatureMap for Counted {
            fn input_dimension(&self) -> usize {
                2
            }
            fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
                self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                self.0.design(inputs, p)
            }
            fn columns(&self, inputs: &ArrayRef2<f64>, columns: Range<usize>) -> Result<Array2<f64>, Error> {
                self.0.columns(inputs, columns)
            }
            fn seed(&self) -> Option<u64> {
                self.0.seed()
            }
            fn describe(&self) -> String {
                "counted".into()
            }
        }
        let map = Counted(RandomFourier::gaussian(2, 8, 0.5, 3).unwrap(), 0.into());
        let shared: Arc<dyn FeatureMap> = Arc::new(map);
        let pointer = Box::new(&shared);
        let inputs = array![[0.1, 0.2], [0.3, -0.4], [1.0, 2.0]];
        let columns = FeatureMap::columns(&pointer, &inputs, 2..5).unwrap();
        let mut written = Array2::zeros((3, 3));
        FeatureMap::write_columns(&pointer, &inputs, 2..5, &mut written).unwrap();
        assert_eq!(columns, written);
        let all = FeatureMap::design(&pointer, &inputs, 5).unwrap();
        assert_eq!(columns, all.slice(s![.., 2..5]));
        assert_eq!(
            (
                FeatureMap::describe(&pointer),
                FeatureMap::input_dimension(&pointer),
                FeatureMap::seed(&pointer)
            ),
            ("counted".into(), 2, Some(3))
        );
        assert!(format!("{shared:?}").ends_with("1)"), "{shared:?}"); // one design in all
    }

    #[test]
    fn maps_of_one_seed_are_equal_whatever_they_were_used_for() {
        let map = |seed| RandomFourier::gaussian(2, 8, 0.5, seed).unwrap();
        let used = map(3);
        used.design(&array![[0.0, 1.0], [0.0, 0.0]], 8).unwrap();
        assert_eq!(used, map(3));
        assert_ne!(used, map(4));
    }
}
