//! `X = U Σ Vᵀ`, the factorisation that everything else uses.
//!
//! [`Backend`] is the interface that a linear algebra crate or a device implements; [`Svd::new`] and its siblings apply
//! the same checks to every backend's results.
//!
//! # A factorisation that is wrong never becomes a curve
//! Every factorisation here, from any backend,
//! 1. refuses NaN and infinities, naming the input and the position;
//! 2. scales its input by a power of two so that the largest entry lies in [½, 1), and scales the singular
//!    values back, both exactly, so entries of 1e±300 and subnormals are treated as accurately as any;
//! 3. checks the result: singular values non-negative and descending, `Σ σᵣ² = ‖X‖²_F`, and on fixed
//!    pseudo-random probes `X z = U Σ Vᵀ z`, `Xᵀ w = V Σ Uᵀ w`, `Uᵀ U s = s`, `Vᵀ V s = s`, each to
//!    `30 max(n, p) ε` (the threshold of LAPACK's own test programs) at a cost of O(np). If only the products of `U`
//!    with targets are known ([`Backend::project_many`]), a probe is added to the targets: `‖X z‖ = ‖Σ Vᵀ z‖`,
//!    `Xᵀ w = V Σ Uᵀ w`, and `‖w‖` by its parts inside and outside the span;
//! 4. takes the backend's second route if the check fails, and returns [`Error::Backend`] if
//!    that fails too.
//!
//! [`DivideAndConquer`] is the default, [`Jacobi`] is for many small matrices; `Lapack` and `Cuda` (a GPU, with `Auto`, which uses
//! it if it should win) are behind the features of the same names.
//!
//! Every backend is tested against LAPACK's own test programs and NIST's certified regressions:
//! `docs/accuracy.md`.
//!
//! # Examples
//! ```
//! use double_descent::filter::{MinNorm, Ridge};
//! use double_descent::svd::Svd;
//! use ndarray::array;
//!
//! let x = array![[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]];
//! let svd = Svd::new(&x)?;
//! assert_eq!(svd.singular_values(), array![4.0, 3.0]);
//! let y = array![[6.0], [4.0], [1.0]];
//! assert_eq!(svd.solve(&y, &MinNorm::default())?, array![[2.0], [1.0]]);
//! let ridge = svd.solve(&y, &Ridge::new(9.0)?)?; // each direction times σ²/(σ² + 9)
//! assert!((ridge[[0, 0]] - 1.0).abs() < 1e-15);
//! # Ok::<(), double_descent::Error>(())
//! ```
//!
//! [`Error::Backend`]: crate::Error::Backend

#[cfg(feature = "cuda")]
mod auto;
mod backend;
mod checked;
mod cholesky;
mod completion;
mod conquer;
mod cosines;
#[cfg(feature = "cuda")]
mod cuda;
mod divide_and_conquer;
mod factorisation;
mod gram;
mod growing_basis;
mod householder;
#[cfg(feature = "nalgebra")]
pub mod interop;
mod jacobi;
#[cfg(feature = "lapack")]
mod lapack;
mod one_sided;
mod outside;
mod panel;
mod product;
mod projection;
mod reflect;
mod registers;
mod row_update;
mod start;
mod streamed_qr;
mod sums;
mod symmetric;
mod symmetric_reduction;
mod tiles;
mod triangular;
mod tridiagonal;
mod verify;

pub use crate::filter::cutoff::Cutoff;
#[cfg(feature = "cuda")]
pub use auto::Auto;
pub use backend::{Backend, RawProjection, RawSvd, Route};
use backend::{project, projected};
pub(crate) use checked::{bytes, cosines, exponent, power_of_two, scaled, triangle};
pub(crate) use cholesky::cholesky;
pub use cosines::{CosineDevice, CosineFit, CosineFits, CosineTables};
#[cfg(feature = "cuda")]
pub use cuda::Cuda;
pub use divide_and_conquer::DivideAndConquer;
pub use factorisation::{LastMode, Svd};
pub(crate) use gram::{Left, WellConditioned};
pub(crate) use growing_basis::GrowingBasis;
pub use jacobi::Jacobi;
#[cfg(feature = "lapack")]
pub use lapack::Lapack;
pub(crate) use product::{
    add_gram, add_product, columns_times, product, row_gram, row_major_product, small_product, small_stride,
    subtract_product, times_transposed, upper_product,
};
pub(crate) use projection::{Projection, Right};
pub(crate) use reflect::{reduce, reduce_beside};
pub(crate) use row_update::RowUpdate;
pub(crate) use streamed_qr::StreamedQr;
pub(crate) use sums::{axpy, dot, largest, rotate};
pub(crate) use triangular::{solve_lower, solve_lower_transposed, solve_upper, solve_upper_transposed};
pub(crate) use tridiagonal::Tridiagonal;
pub(crate) use verify::in_order;
