//! Options for the figures of a curve.

use super::theory::Overlay;
use crate::curve::Bootstrap;

/// Options for the figures of a curve.
#[derive(Clone, Debug, Default)]
pub struct FigureOptions {
    /// The statistic for lines and bands.
    pub statistic: Statistic,
    /// The horizontal axis.
    pub abscissa: Abscissa,
    /// Theories and baselines, each drawn over the curves it applies to.
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

/// The statistic for the lines and bands of a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Statistic {
    /// Median over the repeats, with the band between the quartiles.
    #[default]
    Median,
    /// Mean over the repeats, with its 95 % bootstrap band; with 0 draws there is no band. Near the
    /// threshold a single repeat may dominate the mean.
    Mean(Bootstrap),
}

/// The horizontal axis of a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Abscissa {
    /// Parameters per sample, `p/n`; the threshold is 1.
    #[default]
    Ratio,
    /// The quantity that varies: `n` or `p`; the threshold is at the value of the other.
    Axis,
}
