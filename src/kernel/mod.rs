//! Kernels `k(x, x')`, the limits of inner products of many random features, and regression with them.
//!
//! With `p` features that have random weights, `φ(x)·φ(x') / p → k(x, x')` at the rate `p^(−1/2)`. So the minimum-norm
//! fit on the features tends to [`KernelRegression`], the infinite-width fit, and a model-wise curve tends to a
//! horizontal line. Some kernels below are this limit times a constant, which they state.
//!
//! | kernel | `k(x, x')` | limit of |
//! |---|---|---|
//! | [`StationaryKernel`] | Gaussian, Laplacian, Matérn with `ν` = ½, 3/2, 5/2 | [`RandomFourier`] |
//! | [`ArcCosine`] | `2 E Θ(w·x) Θ(w·x') (w·x)ⁿ (w·x')ⁿ` | steps, `ReLU`s and their squares |
//! | [`WideLayer`] | `E a(w·x + b) a(w·x' + b)` | [`RandomNetwork`] with one layer; erf gives the arcsine kernel |
//! | [`ReluNetwork`] | the `ReLU` network's Gaussian process, or its tangent kernel | [`NetworkTangent`], deep networks |
//!
//! To add your own kernel, implement one method:
//! ```
//! use double_descent::kernel::{Kernel, KernelRegression};
//! use double_descent::Error;
//! use ndarray::{Array2, ArrayRef2, array};
//!
//! /// Szegő's kernel 1 / (1 − x x') on (−1, 1): all monomials, each with weight 1.
//! #[derive(Debug)]
//! struct Szego;
//!
//! impl Kernel for Szego {
//!     fn gram(&self, a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
//!         Ok(Array2::from_shape_fn((a.nrows(), b.nrows()), |(i, j)| 1.0 / (1.0 - a[[i, 0]] * b[[j, 0]])))
//!     }
//! }
//!
//! let fit = KernelRegression::fit(Szego, &array![[0.0], [0.5]], &array![[1.0], [2.0]])?;
//! assert!((fit.predict(&array![[0.5]])?[[0, 0]] - 2.0).abs() < 1e-14);
//! # Ok::<(), Error>(())
//! ```
//!
//! # Accuracy
//! Distances are sums of squared differences, and angles come from the sum and the difference of unit vectors (W.
//! Kahan, *How futile are mindless assessments of roundoff*, 2006). So nothing cancels as `x' → ±x`, where
//! `‖x‖² + ‖x'‖² − 2 x·x'` and `arccos` lose half of the digits. The error of `k(x, x')` is a small multiple of
//! `ε k(x, x)`; each kernel states its bound.
//!
//! [`NetworkTangent`]: crate::features::NetworkTangent
//! [`RandomFourier`]: crate::features::RandomFourier
//! [`RandomNetwork`]: crate::features::RandomNetwork
//! [`StationaryKernel`]: crate::features::StationaryKernel

mod angle;
mod arc_cosine;
mod pairs;
mod path;
mod regression;
mod relu_network;
mod stationary;
mod wide_layer;

pub use arc_cosine::ArcCosine;
pub use path::{KernelTraining, median_distance};
pub use regression::KernelRegression;
pub use relu_network::ReluNetwork;
pub use wide_layer::WideLayer;

use crate::svd::Svd;
use crate::{Error, error::user_code};
use ndarray::{Array2, ArrayRef2};
use std::sync::Arc;

/// A positive semidefinite kernel `k(x, x')` on `ℝᵈ`.
///
/// [`KernelRegression`] and [`KernelTraining`] fit with it. They fail with [`Error::UserCode`] if it panics, or if its
/// matrix has the wrong shape or an entry that is not finite.
pub trait Kernel: std::fmt::Debug + Send + Sync {
    /// Returns the Gram matrix `K_ij = k(aᵢ, bⱼ)`, `m × n`, for the rows of `a` (`m × d`) and `b` (`n × d`).
    ///
    /// # Errors
    /// The kernels of this crate return [`Error::Shape`] unless `a` and `b` have the same number of columns,
    /// [`Error::Empty`] for no inputs or `d = 0`, [`Error::NonFinite`] for an input that is NaN or infinite,
    /// [`Error::Overflow`] for an entry that overflows `f64`, and [`Error::Memory`] for a matrix that does not fit into
    /// memory. A [`StationaryKernel`](crate::features::StationaryKernel) also returns [`Error::Domain`] for an invalid
    /// parameter, and [`Error::Unsupported`] without a closed form.
    fn gram(&self, a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> Result<Array2<f64>, Error>;

    /// Describes the kernel in words, for a caption.
    fn describe(&self) -> String {
        format!("{self:?}")
    }
}

/// Implements the trait for pointers to a kernel.
macro_rules! pointers {
    ($($pointer:ty),+) => {$(
        impl<T: Kernel + ?Sized> Kernel for $pointer {
            fn gram(&self, a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
                (**self).gram(a, b)
            }

            fn describe(&self) -> String {
                (**self).describe()
            }
        }
    )+};
}

pointers!(&T, Box<T>, Arc<T>);

/// Checks the arguments of a kernel of this crate: non-empty, finite, with the same number of columns.
fn check(a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> Result<(), Error> {
    Error::check_len("columns of the inputs", a.ncols(), b.ncols())?;
    for inputs in [a, b] {
        if inputs.is_empty() {
            return Err(Error::Empty { what: "the list of inputs" });
        }
        Error::check_finite("the inputs", inputs.view())?;
    }
    Ok(())
}

/// Returns [`Kernel::gram`], checked for shape and finite entries.
///
/// This is the only place that calls kernels, which may be user code.
///
/// # Errors
/// The errors of the kernel; [`Error::UserCode`] if it panics, or if its matrix has the wrong shape, or holds NaN or an
/// infinity.
pub(crate) fn gram(
    kernel: &dyn Kernel,
    a: &ArrayRef2<f64>,
    b: &ArrayRef2<f64>,
) -> Result<Array2<f64>, Error> {
    let name = || user_code::name("kernel", || kernel.describe());
    let gram = user_code::call(name, || kernel.gram(a, b))??;
    let (rows, columns) = (a.nrows(), b.nrows());
    let bad = |reason| Err(Error::UserCode { part: name(), reason });
    if gram.dim() != (rows, columns) {
        let (m, n) = gram.dim();
        return bad(format!(
            "it gave a matrix of {m} × {n} for {rows} and {columns} inputs; it must be {rows} × {columns}"
        ));
    }
    match Error::check_finite("the Gram matrix", gram.view()) {
        Err(Error::NonFinite { row, column, value, .. }) => bad(format!(
            "it gave {value} for inputs {row} and {column} (counted from 0); every entry must be finite"
        )),
        other => other.map(|()| gram),
    }
}

/// Returns the SVD of the kernel matrix of some inputs, with singular values that are its eigenvalues.
///
/// `K = Σ σ u vᵀ` is symmetric and positive semidefinite if and only if `u = v` for every `σ > 0`, even if some `σ` are
/// equal. The check costs O(n²).
///
/// # Errors
/// Those of [`gram`] and [`Svd::new`]; [`Error::Domain`] if the matrix is not symmetric and positive semidefinite up to
/// rounding.
pub(crate) fn decomposed(kernel: &dyn Kernel, inputs: &ArrayRef2<f64>) -> Result<Svd, Error> {
    let gram = gram(kernel, inputs, inputs)?;
    let svd = Svd::new(&gram)?;
    let sigma = svd.singular_values();
    // Bounds on the distance of K from |K| = (KᵀK)^½ from below: half of K − Kᵀ, and vᵀ(|K| − K)v = σ (1 − u·v), which
    // is of second order in the asymmetry.
    let halves = gram.indexed_iter().map(|((i, j), value)| 0.5 * (value - gram[[j, i]]).abs());
    let modes = svd.u().columns().into_iter().zip(svd.vt().rows()).zip(sigma);
    let off = modes.map(|((u, v), s)| s * (1.0 - u.dot(&v))).chain(halves).fold(0.0, f64::max);
    if off > 30.0 * inputs.nrows() as f64 * f64::EPSILON * sigma[0] {
        let must_be = "0 up to rounding: a kernel is symmetric and positive semidefinite";
        let what = "the distance of K from (KᵀK)^½, in units of ‖K‖";
        return Err(Error::Domain { what, value: off / sigma[0], must_be });
    }
    Ok(svd)
}

/// Returns the matrix, or [`Error::Overflow`] unless all entries are finite.
fn fits(gram: Array2<f64>) -> Result<Array2<f64>, Error> {
    match Error::check_finite("the Gram matrix", gram.view()) {
        Ok(()) => Ok(gram),
        Err(_) => Err(Error::Overflow { what: "an entry of the Gram matrix" }),
    }
}

/// Returns `value`, or [`Error::Domain`] unless it is finite and > 0.
fn check_positive(what: &'static str, value: f64) -> Result<f64, Error> {
    if value > 0.0 && value.is_finite() {
        return Ok(value);
    }
    Err(Error::Domain { what, value, must_be: "finite and > 0" })
}
