//! Raw inputs → design matrix `X`: the columns that a linear model is fitted on.
//!
//! A [`FeatureMap`] takes `n` inputs of dimension `d` to `n × p` features, for any number of features
//! `p`. Maps are *nested*: the first `p` columns are the `p`-feature map, so a curve over `p` adds columns
//! and never changes one.
//!
//! | map | column `k` | |
//! |---|---|---|
//! | [`Coordinates`] | input `k` | Gaussian features, on Gaussian inputs |
//! | [`FourierSeries`] | `1, cos x, sin x, cos 2x, …` | functions on the circle |
//! | [`NaturalSpline`] | a natural cubic spline | one basis for each number of degrees of freedom |
//! | [`NetworkTangent`] | the derivative of a random network in its weight `k` | twelve [`Activation`]s |
//! | [`Polynomial`] | a polynomial of degree `k` | Legendre, Chebyshev or monomial |
//! | [`PolynomialKernel`] | a monomial of several variables | `φ(x)·φ(x') = (x·x' + c)ᵐ` |
//! | [`RandomFourier`] | a cosine or sine of random frequency | Gaussian, Laplacian, Matérn kernels for `p → ∞` |
//! | [`RandomNetwork`] | neuron `k` of a random network's last layer | any [`Nonlinearity`] |
//!
//! Maps of maps: [`DirectSum`] (side by side), [`Pipeline`] (one after the other), [`Selection`] (some columns),
//! [`Standardised`] (mean 0 and variance 1 on training inputs), [`WithIntercept`]. What random features tend to as
//! their number grows is in [`kernel`](crate::kernel).
//!
//! Your own map is three methods:
//! ```
//! use double_descent::features::FeatureMap;
//! use double_descent::{Error, svd::Svd};
//! use ndarray::{Array2, ArrayRef2, array};
//!
//! /// sin(x), sin(2x), …, sin(px).
//! #[derive(Debug)]
//! struct Sines;
//!
//! impl FeatureMap for Sines {
//!     fn input_dimension(&self) -> usize {
//!         1
//!     }
//!
//!     fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
//!         Ok(Array2::from_shape_fn((inputs.nrows(), p), |(i, k)| ((k + 1) as f64 * inputs[[i, 0]]).sin()))
//!     }
//!
//!     fn describe(&self) -> String {
//!         "sin(kx), k = 1, …, p".into()
//!     }
//! }
//!
//! let x = Sines.design(&array![[0.1], [0.2]], 40)?;
//! assert_eq!(Svd::new(&x)?.rank(), 2);
//! # Ok::<(), Error>(())
//! ```

mod activation;
pub(crate) mod checked;
mod combined;
mod coordinates;
mod elementary;
mod fourier_series;
mod natural_spline;
mod network_tangent;
mod nonlinearity;
mod polynomial;
mod polynomial_kernel;
mod random_fourier;
mod random_network;
mod trigonometric;

pub use activation::Activation;
pub use combined::{DirectSum, Pipeline, Selection, Standardised, WithIntercept};
pub use coordinates::Coordinates;
pub use fourier_series::FourierSeries;
pub use natural_spline::NaturalSpline;
pub use network_tangent::NetworkTangent;
pub use nonlinearity::Nonlinearity;
pub use polynomial::{Polynomial, PolynomialBasis};
pub use polynomial_kernel::PolynomialKernel;
pub use random_fourier::{PairOrder, RandomFourier, StationaryKernel};
#[cfg(feature = "cuda")]
pub(crate) use random_fourier::{STREAM as FOURIER_STREAM, draw as draw_fourier};
pub use random_network::RandomNetwork;

use crate::{
    Error,
    machine::{large_pages, memory},
};
use ndarray::{Array2, ArrayRef2, s};
use std::ops::Range;

/// A nested family of features: for every `p` a map from `ℝᵈ` to `ℝᵖ`.
///
/// The contract: `design(inputs, p)` is the first `p` columns of `design(inputs, q)`, to the bit, for
/// `p ≤ q`, and a row of it is a function of that row of `inputs` alone.
pub trait FeatureMap: std::fmt::Debug + Send + Sync {
    /// The dimension `d` of an input.
    fn input_dimension(&self) -> usize;

    /// The design matrix: `inputs` `(n, d)` → `X` `(n, p)`.
    ///
    /// # Errors
    /// The maps of this crate give [`Error::Shape`] unless `inputs` has [`d`](Self::input_dimension)
    /// columns, [`Error::Empty`] for no inputs or `p = 0`, [`Error::NonFinite`] for an input that is NaN or
    /// infinite, [`Error::Overflow`] for a feature that does not fit into `f64`, and [`Error::Memory`] for
    /// a matrix that does not fit into memory.
    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error>;

    /// The features `columns.start`, …, `columns.end − 1` alone, to the bit those columns of
    /// [`design`](Self::design): `inputs` `(n, d)` → `(n, columns.len())`.
    ///
    /// By default the columns before them are made as well. A map whose features do not depend on each other does
    /// better.
    ///
    /// # Errors
    /// Those of `design(inputs, columns.end)`, and [`Error::Empty`] for no columns.
    fn columns(&self, inputs: &ArrayRef2<f64>, columns: Range<usize>) -> Result<Array2<f64>, Error> {
        if columns.is_empty() {
            return Err(Error::Empty { what: "the list of features" });
        }
        let design = self.design(inputs, columns.end)?;
        checked::check_shape(|| self.describe(), design.dim(), (inputs.nrows(), columns.end))?;
        Ok(if columns.start == 0 { design } else { design.slice(s![.., columns]).to_owned() })
    }

    /// [`columns`](Self::columns) into a table that is there already: `design` is `(n, columns.len())`. Memory
    /// fresh from the system costs random Fourier features a tenth of their time; as it stands this makes a table
    /// and copies it.
    ///
    /// # Errors
    /// Those of [`columns`](Self::columns), after which the table holds nothing of use, and [`Error::Shape`] for one
    /// of another shape.
    fn write_columns(
        &self,
        inputs: &ArrayRef2<f64>,
        columns: Range<usize>,
        design: &mut ArrayRef2<f64>,
    ) -> Result<(), Error> {
        check_design(inputs, &columns, design)?;
        copy_columns(|| self.describe(), &self.columns(inputs, columns)?, design)
    }

    /// In words, for a caption.
    fn describe(&self) -> String {
        format!("{self:?}")
    }
}

/// [`Error::Shape`] unless a table is one for these inputs and columns.
fn check_design(
    inputs: &ArrayRef2<f64>,
    columns: &Range<usize>,
    design: &ArrayRef2<f64>,
) -> Result<(), Error> {
    Error::check_len("rows of the design matrix", inputs.nrows(), design.nrows())?;
    Error::check_len("columns of the design matrix", columns.len(), design.ncols())
}

/// [`Error::UserCode`] if a map has made a table of another shape.
fn copy_columns(
    describe: impl Fn() -> String,
    made: &ArrayRef2<f64>,
    design: &mut ArrayRef2<f64>,
) -> Result<(), Error> {
    checked::check_shape(describe, made.dim(), design.dim())?;
    design.assign(made);
    Ok(())
}

/// `n × p` zeros to write the features into, after [`check_inputs`].
fn checked_zeros(map: &dyn FeatureMap, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
    check_inputs(map, inputs, p)?;
    zeros("a design matrix", inputs.nrows(), p)
}

/// What every map of this crate asks of its arguments.
fn check_inputs(map: &dyn FeatureMap, inputs: &ArrayRef2<f64>, p: usize) -> Result<(), Error> {
    Error::check_len("columns of the inputs", map.input_dimension(), inputs.ncols())?;
    if inputs.nrows() == 0 {
        return Err(Error::Empty { what: "the list of inputs" });
    }
    if p == 0 {
        return Err(Error::Empty { what: "the list of features" });
    }
    Error::check_finite("the inputs", inputs.view())
}

/// [`Error::Shape`] for more features than a map has.
fn check_outputs(outputs: usize, asked: usize) -> Result<(), Error> {
    if asked <= outputs {
        Ok(())
    } else {
        let what = "features asked of a map, which can give no more than expected";
        Err(Error::Shape { what, expected: outputs, found: asked })
    }
}

/// The design, or [`Error::Overflow`] if an entry does not fit into `f64`.
fn finite(design: Array2<f64>, what: &'static str) -> Result<Array2<f64>, Error> {
    match Error::check_finite("the features", design.view()) {
        Ok(()) => Ok(design),
        Err(_) => Err(Error::Overflow { what }),
    }
}

/// `rows × columns` zeros, or [`Error::Memory`].
pub(crate) fn zeros(what: &'static str, rows: usize, columns: usize) -> Result<Array2<f64>, Error> {
    memory::reserve(what, memory::table(rows.max(1), columns.max(1)))?;
    // Memory that comes from the system as zeros need not be written once more.
    Ok(large_pages::zeros((rows, columns)))
}
