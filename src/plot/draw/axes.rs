//! Ticks and thresholds of a panel, and the space that they need.

use super::curves::Frame;
use super::font;
use super::model::Panel;
use super::spacing::TEXT_LEADING;
use super::ticks::{self, Ticks};
use super::view::View;
use crate::machine::order;

pub(super) const SIZE: f64 = 10.5;
pub(super) const MAJOR: f64 = 4.0;
/// Distance from the end of a tick to its label.
pub(super) const TICK_GAP: f64 = 3.0;
/// Distance from the tick labels to the axis label.
pub(super) const LABEL_GAP: f64 = 7.0;
pub(super) const FLAG_SIZE: f64 = 10.0;
pub(super) const FLAG_PITCH: f64 = 13.0;
/// At most this many rows of threshold labels; thresholds without a place in them stay unlabelled.
pub(super) const FLAG_ROWS: usize = 5;

/// Returns the ticks of a vertical axis of the given height.
pub(super) fn vertical_ticks(view: &View, height: f64) -> Ticks {
    let most = ((height / 29.0) as usize).clamp(3, 9);
    ticks::fit(view, height, most, 4.0, |_| SIZE)
}

/// Returns the ticks of a horizontal axis of the given width.
pub(super) fn horizontal_ticks(view: &View, width: f64) -> Ticks {
    let most = ((width / 45.0) as usize).clamp(3, 9);
    ticks::fit(view, width, most, 7.0, |label| font::width(label, SIZE))
}

pub(super) fn widest_label(ticks: &Ticks) -> f64 {
    ticks.major.iter().map(|t| font::width(&t.label, SIZE)).fold(0.0, f64::max)
}

/// Space that the vertical axis needs to the left of the frame.
pub(super) fn room_left(ticks: &Ticks, label_lines: usize) -> f64 {
    MAJOR + TICK_GAP + widest_label(ticks) + LABEL_GAP + label_lines as f64 * TEXT_LEADING
}

/// Space that the horizontal axis needs below the frame.
pub(super) fn room_below(label_lines: usize) -> f64 {
    MAJOR + TICK_GAP + SIZE + LABEL_GAP + label_lines as f64 * TEXT_LEADING
}

/// A threshold inside the frame.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Flag {
    /// Relative to the left edge of the frame.
    pub(super) x: f64,
    /// The label's text, centre and row; row 0 is nearest to the frame.
    pub(super) label: Option<(String, f64, usize)>,
}

/// Returns a panel's thresholds from left to right, their labels in rows so that none overlap.
pub(super) fn flags(panel: &Panel, frame: &Frame) -> Vec<Flag> {
    let width = frame.area.w;
    let mut inside: Vec<(f64, &str)> = panel
        .markers
        .iter()
        .filter_map(|m| Some((frame.x.place(m.x)?, m.label.trim())))
        .filter(|(fraction, _)| (0.0..=1.0).contains(fraction))
        .map(|(fraction, label)| (fraction * width, label))
        .collect();
    order::sort(&mut inside, |a, b| a.0.total_cmp(&b.0));
    let mut ends: Vec<f64> = Vec::new();
    inside.into_iter().map(|(x, label)| Flag { x, label: seat(label, x, width, &mut ends) }).collect()
}

/// Places a label in the first row with enough space; `ends` holds the right end of the labels in each row.
fn seat(label: &str, x: f64, width: f64, ends: &mut Vec<f64>) -> Option<(String, f64, usize)> {
    if label.is_empty() {
        return None;
    }
    let text = font::ellipsis(label, FLAG_SIZE, width);
    let half = font::width(&text, FLAG_SIZE) / 2.0;
    let centre = x.max(half).min((width - half).max(half));
    let free = ends.iter().position(|&end| end + 6.0 <= centre - half);
    let row = match free {
        Some(row) => row,
        None if ends.len() < FLAG_ROWS => {
            ends.push(0.0);
            ends.len() - 1
        }
        None => return None,
    };
    ends[row] = centre + half;
    Some((text, centre, row))
}

/// Space that the labels of thresholds need above the frame.
pub(super) fn room_above(flags: &[Flag]) -> f64 {
    let rows = flags.iter().filter_map(|f| f.label.as_ref()).map(|l| l.2 + 1).max();
    rows.map_or(0.0, |rows| rows as f64 * FLAG_PITCH + 2.0)
}
