//! Figures of risk curves: one drawing, written as SVG or PDF or painted as PNG.
//!
//! A [`Figure`] is a list of [`Panel`]s and a caption. A panel holds
//! [`Group`]s of [`Series`]: one group is one hue (training error, test
//! error, theory …), and the series inside it are shaded from light to dark
//! in the order given, so that a ramp of settings reads as a ramp of colour.
//!
//! [`study`] makes the figures of a [`Curve`](crate::curve::Curve).
//!
//! # Examples
//! Training and test error of a curve, for a column of a paper:
//! ```
//! use double_descent::plot::{FigureOptions, study};
//! use double_descent::{dataset::Dataset, sweep::{Arm, Sweep}};
//!
//! let mut sweep = Sweep::new(Dataset::diabetes(), 2..=30, 20, 0);
//! sweep.arms = vec![Arm::min_norm()];
//! let figure = study::arm_errors(&sweep.run()?, 0, &FigureOptions::default());
//! figure.with_width_mm(88.0).save(std::env::temp_dir().join("min_norm.svg"))?; // or .png, .pdf
//! # Ok::<(), double_descent::Error>(())
//! ```
//!
//! Everything is deterministic: the same figure gives the same bytes. No input makes the renderer panic; values that
//! cannot be drawn (NaN, infinities, non-positive values on a logarithmic axis) break the line. If the cause is a zero
//! or a negative number on a logarithmic axis, a triangle marks where the line breaks off, and the caption gives their
//! number. A band that extends down to such values ends at the lower edge of the frame. If nothing of a curve lies in
//! the frame, its legend entry says so.
//!
//! On paper ([`Figure::with_width_mm`]) text is 7 to 9 points high. The caption can be kept out of the picture, the
//! legend moved, and the background made dark.
//!
//! Bands are drawn at 15 % opacity. A panel with at most two bands shows both; with more, each group shows only those
//! of its first and last series with a band, so that they do not overlap to grey. The legend has a swatch exactly where
//! a band is drawn.

#![allow(clippy::cast_precision_loss, reason = "counts become pixels, far below 2^52")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "every such cast is of a value already bounded, and saturates besides"
)]

mod draw;
pub mod study;

pub use draw::{
    Dash, Figure, Group, HeatMap, Hue, LegendPlace, Marker, Panel, PanelAxis, Scale, Series, Theme,
};
use draw::{curves, undrawn, unseen};
pub use study::{Abscissa, FigureOptions, Overlay, Statistic};
