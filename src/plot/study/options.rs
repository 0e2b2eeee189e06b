//! What the figures of a curve show.

use super::theory::Overlay;
use crate::curve::Bootstrap;

/// What the figures of a curve show.
#[derive(Clone, Debug, Default)]
pub struct FigureOptions {
    /// Lines and bands.
    pub statistic: Statistic,
    /// The horizontal axis.
    pub abscissa: Abscissa,
    /// Theories, drawn over the curves they are of.
    pub theories: Vec<Overlay>,
}

impl FigureOptions {
    /// The same options with one more theory.
    #[must_use]
    pub fn with_theory(mut self, overlay: Overlay) -> Self {
        self.theories.push(overlay);
        self
    }
}

/// Lines and bands of a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Statistic {
    /// Median over the repeats, with the band between the quartiles.
    #[default]
    Median,
    /// Mean over the repeats, with its 95 % bootstrap band; 0 draws leave the band out. Near the
    /// threshold the mean may be that of one repeat.
    Mean(Bootstrap),
}

/// The horizontal axis of a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Abscissa {
    /// Parameters per sample, `p/n`; the threshold is 1.
    #[default]
    Ratio,
    /// What varies: `n` or `p`; the threshold is the other of the two.
    Axis,
}
