//! Figures of risk curves: one drawing, written as SVG and PDF and painted as PNG.
//!
//! A [`Figure`] is a list of [`Panel`]s and a caption. A panel holds
//! [`Group`]s of [`Series`]: one group is one hue (training error, test
//! error, theory …), and the series inside it are shaded from light to dark
//! in the order given, so that a ramp of settings reads as a ramp of colour.
//!
//! [`study`] makes the figures of a [`Curve`](crate::curve::Curve).
//!
//! Everything is deterministic: the same figure gives the same bytes. No
//! input makes the renderer panic; values that cannot be drawn (NaN,
//! infinities, non-positive values on a logarithmic axis) break the line.
//! Zeros and negative numbers on a logarithmic axis leave a triangle where
//! the line breaks off, and the caption says how many there are. A band that
//! reaches down to them reaches the lower edge of the frame.
//!
//! On paper ([`Figure::with_width_mm`]) text is 7 and 8 points high; the caption may stand apart, the legend elsewhere,
//! the paper be dark.
//!
//! Bands are drawn at 15 % opacity. A panel with at most two shows both; with
//! more, each group shows only those of its first and last banded series, so
//! that they do not pile up to grey. The legend carries a swatch exactly where
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
use draw::{curves, undrawn};
pub use study::{Abscissa, FigureOptions, Overlay, Statistic};
