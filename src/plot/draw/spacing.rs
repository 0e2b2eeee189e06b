//! Text sizes and gaps of a figure, in SVG pixels.

/// White space around the figure.
pub(super) const MARGIN: f64 = 10.0;
/// Figure title.
pub(super) const HEAD: f64 = 14.0;
/// Panel titles and axis labels.
pub(super) const TEXT: f64 = 12.0;
/// Distance from one line of that text to the next.
pub(super) const TEXT_LEADING: f64 = 15.0;
/// The caption.
pub(super) const CAPTION: f64 = 11.0;
/// Distance from one line of the caption to the next.
pub(super) const CAPTION_LEADING: f64 = 15.0;

/// Distance from a frame to its legend.
pub(super) const LEGEND_GAP: f64 = 16.0;
/// Space for half of the last tick label if no legend follows.
pub(super) const RIGHT: f64 = 14.0;
/// Gap between the columns of the grid.
pub(super) const COLUMN_GAP: f64 = 14.0;
