//! Complexity of a fit: effective parameters, ranks and norms, and how many samples a procedure can fit.
//!
//! A curve may be drawn over any of these, and its shape depends on the choice.
//!
//! | measure | formula | |
//! |---|---|---|
//! | [`Smoother::degrees_of_freedom`] | `tr H = Σ g σ` | Efron's `Σ cov(ŷᵢ, yᵢ)/v` |
//! | [`Smoother::squared_degrees_of_freedom`] | `tr H Hᵀ = Σ (g σ)²` | the effective parameters on the training rows |
//! | [`Smoother::residual_degrees_of_freedom`] | `tr (I − H)(I − H)ᵀ` | the divisor of a sum of squared residuals |
//! | [`Smoother::effective_parameters`] | `n · mean ‖ŝ(x₀)‖²` | Curth, Jeffares & van der Schaar 2023, on any rows |
//! | [`effective_dimension`] | `Σ σ²/(σ² + λ)` | MacKay 1992; Maddox, Benton & Wilson 2020 |
//! | [`tail`] | `r_k`, `R_k` of the spectrum | Bartlett, Long, Lugosi & Tsigler 2020 |
//! | [`coefficient_norm`] | `‖β̂‖` | falls again past the threshold |
//! | [`rademacher_bound`] | `B ‖X‖_F / n` | the class of all `‖β‖ ≤ B` |
//! | [`FisherRao`] | `√(β·I(β)β)` | Liang, Poggio, Rakhlin & Stokes 2019 |
//! | [`Search`] | `max {n : E Error_S ≤ ε}` | effective model complexity, Nakkiran et al. 2019 |
//!
//! All but the last need at most one SVD. Most are [metrics](crate::curve::Metric) of any sweep, and a curve may be
//! drawn over any metric (`plot::study::over_metric`).
//!
//! # Effective model complexity
//! Nakkiran et al. 2019, Definition 1. For a distribution `D` of samples, a training procedure `T` and a tolerance
//! `ε`
//!
//! ```text
//! EMC_{D,ε}(T) = max { n : E_{S ~ Dⁿ} [ Error_S(T(S)) ] ≤ ε }
//! ```
//!
//! where `Error_S` is the mean training error on `S`. For any procedure, the test error peaks where the number of
//! samples is about the effective complexity. More features, a smaller penalty or longer training raise the complexity.
//! Minimum-norm least squares on `p` features in general position fits `p` samples and, if targets are noisy, no
//! more, so its effective complexity is exactly `p`, at `ε = 0`.
//!
//! A [`Procedure`] defines the training error: [`LinearModel`] is any
//! [`SpectralFilter`](crate::filter::SpectralFilter) on any [`FeatureMap`](crate::features::FeatureMap), and a
//! closure can be your own procedure. A [`Search`] finds the largest `n`:
//!
//! ```
//! use double_descent::complexity::{LinearModel, Search};
//! use double_descent::features::Coordinates;
//! use double_descent::filter::{LeadingModes, MinNorm};
//! use double_descent::dataset::Dataset;
//! use std::sync::Arc;
//!
//! let data = Dataset::diabetes();
//! let search = Search { largest: Some(40), ..Search::new(0.0, 5, 0) };
//! let map = Arc::new(Coordinates::new(10));
//! let all = LinearModel::new(map.clone(), 10, Arc::new(MinNorm::default()));
//! assert_eq!(search.run(&all, data.features(), data.targets())?.value, 10); // n = p
//! let four = LinearModel::new(map, 10, Arc::new(LeadingModes(4)));
//! assert_eq!(search.run(&four, data.features(), data.targets())?.value, 4);
//! # Ok::<(), double_descent::Error>(())
//! ```
//!
//! [`Search::run_filters`] gives the complexity of one model at many training times, or under many penalties;
//! [`Search::add_to`] adds it to the cells of a curve.
//!
//! # References
//! Curth, Jeffares and van der Schaar, *A U-turn on double descent: rethinking parameter counting in statistical
//! learning*, [arXiv:2310.18988](https://arxiv.org/abs/2310.18988);
//! Nakkiran, Kaplun, Bansal, Yang, Barak and Sutskever, *Deep double descent: where bigger models and more data
//! hurt*, [arXiv:1912.02292](https://arxiv.org/abs/1912.02292), section 2.

mod capacity;
mod filters;
mod label_noise;
mod linear_model;
mod of_cells;
mod search;
mod smoother;

pub use capacity::{
    FisherRao, coefficient_norm, effective_dimension, effective_dimension_of, rademacher_bound, tail,
};
pub use linear_model::LinearModel;
pub use search::{Complexity, Procedure, Search, TrainingError};
pub use smoother::Smoother;
