//! Feature maps: from raw inputs to the design matrix `X` that a linear model is fitted on.
//!
//! A [`FeatureMap`] turns `n` inputs of dimension `d` into `n × p` features, for any number of features `p`. Maps
//! are *nested*: the first `p` columns are the `p`-feature map, so a curve over `p` adds columns and never changes one.
//!
//! | map | column `k` | |
//! |---|---|---|
//! | [`Coordinates`] | input `k` | Gaussian features, on Gaussian inputs |
//! | [`FourierSeries`] | `1, cos x, sin x, cos 2x, …` | functions on the circle |
//! | [`NaturalSpline`] | a natural cubic spline | one basis for each number of degrees of freedom |
//! | [`NetworkTangent`] | the derivative of a random network with respect to its weight `k` | twelve [`Activation`]s |
//! | [`Polynomial`] | a polynomial of degree `k` | Legendre, Chebyshev or monomial |
//! | [`PolynomialKernel`] | a monomial of several variables | `φ(x)·φ(x') = (x·x' + c)ᵐ` |
//! | [`RandomFourier`] | a cosine or sine of random frequency | Gaussian, Laplacian, Matérn kernels for `p → ∞` |
//! | [`RandomNetwork`] | neuron `k` of a random network's last layer | any [`Nonlinearity`] |
//!
//! Maps built from other maps: [`DirectSum`] (side by side), [`Pipeline`] (one after the other), [`Selection`] (some
//! columns), [`Standardised`] (mean 0 and variance 1 on training inputs), [`WithIntercept`]. The limits of random
//! features as their number grows are in [`kernel`](crate::kernel).
//!
//! Your own map needs three methods:
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
mod arguments;
pub(crate) mod checked;
mod combined;
mod coordinates;
mod elementary;
mod feature_map;
mod fourier_series;
mod natural_spline;
mod network_tangent;
mod nonlinearity;
mod polynomial;
mod polynomial_kernel;
mod random_fourier;
mod random_network;
mod shape;
mod trigonometric;

pub use activation::Activation;
use arguments::{check_inputs, check_outputs, checked_zeros, finite};
pub use combined::{DirectSum, Pipeline, Selection, Standardised, WithIntercept};
pub use coordinates::Coordinates;
pub use feature_map::{Cosines, FeatureMap};
pub use fourier_series::FourierSeries;
pub use natural_spline::NaturalSpline;
pub use network_tangent::NetworkTangent;
pub use nonlinearity::Nonlinearity;
pub use polynomial::{Polynomial, PolynomialBasis};
pub use polynomial_kernel::PolynomialKernel;
pub use random_fourier::{PairOrder, RandomFourier, StationaryKernel};
pub use random_network::RandomNetwork;
use shape::{check_design, copy_columns};
