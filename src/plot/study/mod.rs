//! Figures of a [`Curve`](crate::curve::Curve): those of the studies, and those of chosen arms and metrics.
//!
//! Every function returns a [`Figure`](super::Figure). If the curve lacks what was requested, the figure says so in
//! words, and [`Figure::check`](super::Figure::check) and [`Figure::save`](super::Figure::save) fail with the reason.
//! [`ablations`] and [`adversaries`] draw whatever part of a study they find. Axes are logarithmic and the
//! interpolation threshold is marked. Training error is blue and test error vermillion; a family of arms is a ramp from
//! light (first setting) to dark (last), with the unablated arm in grey. The caption says what was computed, according
//! to [`Provenance`](crate::curve::Provenance).
//!
//! Vertical axes leave out values below 10⁻¹² of the largest median they show: those are zero up to
//! rounding (training errors of interpolating fits, test errors without residuals), and the line leaves
//! the frame there. An exact zero has no place on the axis: the line breaks off with a triangle.
//! The caption gives the number of both; the series of the figure hold all values unchanged.
//!
//! Theories ([`FigureOptions::theories`]) are black dashes over the curves, with their references in the legend, and
//! baselines ([`Overlay::baseline`]) thin black lines.
//!
//! # Examples
//! ```
//! use double_descent::plot::{FigureOptions, study};
//! use double_descent::{dataset::Dataset, sweep::Sweep};
//!
//! let curve = Sweep::new(Dataset::diabetes(), 5..=20, 10, 0).run()?;
//! for (name, figure) in study::ablations(&curve, &FigureOptions::default()) {
//!     assert!(figure.caption.contains("442 rows"), "{name}");
//!     // figure.save(format!("{name}.svg"))?;
//! }
//! # Ok::<(), double_descent::Error>(())
//! ```

mod ablation;
mod adversary;
mod arms;
mod caption;
mod draft;
mod every_arm;
mod family;
mod fits;
mod fold;
mod metric;
mod missing;
mod options;
mod overlay;
mod panels;
mod setting;
mod settings;
mod slices;
mod spectrum;
mod surface;
mod theory;

pub use ablation::{
    NO_CHANGE, ablations, no_residuals, no_small_singular_values, test_features_projected, three_factors,
    unablated,
};
pub use adversary::{adversarial_test, adversarial_train, adversaries};
pub use arms::{arm_errors, compare};
pub use every_arm::every_arm;
pub(crate) use every_arm::of_arms;
pub use fits::{Truth, fits};
pub use fold::over_metric;
pub use options::{Abscissa, FigureOptions, Statistic};
pub use overlay::{over_features, over_samples, overlay};
pub use panels::{each_arm, panels};
pub use settings::over_settings;
pub use slices::{slice_values, slices};
pub use spectrum::{directions, isotropic};
pub use surface::surface;
pub use theory::Overlay;
