//! Flatness of a minimum: curvature, Fisher information, gradient noise, volume, and how they depend on the choice of
//! parameters.
//!
//! The loss of a linear model is quadratic, so one SVD gives everything. With `L = c/2 ‖Xβ − Y‖²`
//!
//! | | formula | |
//! |---|---|---|
//! | [`Curvature::hessian`] | `H = c XᵀX`: `c σᵣ²` and `p − r` zeros | for each output |
//! | [`Curvature::fisher`] | `F = XᵀX/v`, targets with noise of variance `v` | the same directions as `H` |
//! | [`Curvature::log_pseudo_determinant`] | `Σ ln(c σᵣ²)` over the rank | the volume of the minimum |
//! | [`GradientNoise`] | `C = mean gᵢgᵢᵀ − ḡḡᵀ` of the rows' gradients | at any fit; along any path in closed form |
//! | [`ExpectedGradientNoise`] | its trace, expected over label noise | |
//! | [`TwoLayer`] | sharpness of `f(x) = a w·x` at `(s w, a/s)` | same function, different sharpness |
//! | [`Slice`] | `L` along two directions | |
//!
//! # What a linear model cannot show, and what it can
//! Studies of deep networks report that the trace of the Fisher matrix, or of the Hessian, falls and rises along
//! epoch-wise double descent. A linear model shows neither: `H` and `F` do not depend on `β`, so their traces are
//! constant during training, and as functions of `n` they do not show the threshold (`tr XᵀX/n` is about `p`). What
//! changes at `n = p` is the *smallest* non-zero eigenvalue, and with it the log pseudo-determinant. During training,
//! the trace of the gradient noise `C` falls like the training error: to 0 if the model interpolates. It falls without
//! a peak while the test error descends twice. If all rows have the same length `R`, it never rises along gradient
//! flow: its slope is at most `−2 ‖ḡ‖² (R² − μ₁)`, and `μ₁ ≤ tr H = R²`. Rows of different lengths can make it rise
//! temporarily.
//!
//! `F` is a multiple of `H`, so the angle between them is 0. The angle between `C` and them is not.
//!
//! # References
//! Keskar et al., *On large-batch training for deep learning*, ICLR 2017 (sharpness); Dinh, Pascanu, Bengio and Bengio,
//! *Sharp minima can generalize for deep nets*, ICML 2017; Jastrzębski et al., *Three factors influencing minima in
//! SGD*, 2017 (`C` and `H`); Thomas et al., *On the interplay between noise and curvature*, AISTATS 2020 (`C`, `F`,
//! `H`).

mod curvature;
mod gradient_noise;
mod slice;
mod two_layer;

pub use curvature::Curvature;
pub use gradient_noise::{ExpectedGradientNoise, GradientNoise, population_trace};
pub use slice::Slice;
pub use two_layer::TwoLayer;
