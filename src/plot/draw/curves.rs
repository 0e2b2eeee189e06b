//! Lines, bands and points inside a frame.

use super::colour::Rgb;
use super::drawing::{Drawing, Rect, Stroke};
use super::model::{Dash, Panel, Scale, Series};
use super::undrawn;
use super::view::View;

/// Width of a curve.
const LINE: f64 = 1.5;

/// Opacity of a band.
const BAND: f64 = 0.15;

/// Width of the error bars of a series without a line.
const BAR: f64 = 1.1;

/// Radius of a sample's dot, if the series has dots.
const DOT: f64 = 2.2;

/// The triangle where a line breaks off: half its width, and its height.
const BREAK: (f64, f64) = (3.5, 6.0);

/// Coordinates farther out than this many pixels are clamped to it: they are clipped
/// anyway, and renderers lose precision on huge numbers.
const FAR: f64 = 1e4;

/// A panel's plotting area and the intervals it shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) area: Rect,
    pub(super) x: View,
    pub(super) y: View,
}

impl Frame {
    /// Pixel column of a data value on the horizontal axis.
    pub(super) fn column(&self, x: f64) -> Option<f64> {
        self.x.place(x).map(|f| self.column_at(f))
    }

    /// Pixel column of a fraction of the horizontal axis.
    pub(super) fn column_at(&self, fraction: f64) -> f64 {
        (self.area.x + fraction * self.area.w).clamp(-FAR, FAR)
    }

    /// Pixel row of a fraction of the vertical axis.
    pub(super) fn row_at(&self, fraction: f64) -> f64 {
        (self.area.bottom() - fraction * self.area.h).clamp(-FAR, FAR)
    }

    fn row(&self, y: f64) -> Option<f64> {
        self.y.place(y).map(|f| self.row_at(f))
    }

    /// The pixel row of a band's lower edge: the bottom row if the scale has no place for the value.
    fn lower_row(&self, y: f64) -> Option<f64> {
        self.row(y).or_else(|| undrawn::is_off(self.y.scale, y).then(|| self.area.bottom()))
    }
}

/// Which bands of a panel are drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bands {
    /// By group, then by series.
    pub(super) shown: Vec<Vec<bool>>,
}

impl Bands {
    /// Shows all bands if there are at most two. More would overlap to grey, so each group then shows only those of its
    /// first and last series with a band.
    pub(super) fn of(panel: &Panel) -> Self {
        let has = |s: &Series| {
            s.dash != Dash::None && s.band.as_ref().is_some_and(|b| !b.0.is_empty() && !b.1.is_empty())
        };
        let mut shown: Vec<Vec<bool>> =
            panel.groups.iter().map(|g| g.series.iter().map(has).collect()).collect();
        let total = shown.iter().flatten().filter(|&&b| b).count();
        if total <= 2 {
            return Self { shown };
        }
        for group in &mut shown {
            let first = group.iter().position(|&b| b);
            let last = group.iter().rposition(|&b| b);
            for (i, flag) in group.iter_mut().enumerate() {
                *flag = Some(i) == first || Some(i) == last;
            }
        }
        Self { shown }
    }
}

/// Draws the contents of the frame: bands and error bars, then lines above them, then
/// dots on top, each in the order of the groups.
pub(super) fn draw(drawing: &mut Drawing, panel: &Panel, frame: &Frame, bands: &Bands) {
    // The clip is a little larger, so that a line along the frame's edge keeps its full width.
    drawing.open_clip(frame.area.grown(LINE / 2.0));
    for (group, shown) in panel.groups.iter().zip(&bands.shown) {
        let colours = group.hue.ramp(group.series.len());
        for ((series, colour), shown) in group.series.iter().zip(colours).zip(shown) {
            if *shown {
                draw_band(drawing, series, frame, colour);
            }
            if series.dash == Dash::None {
                draw_bars(drawing, series, frame, colour);
            }
        }
    }
    for group in &panel.groups {
        for (series, colour) in group.series.iter().zip(group.hue.ramp(group.series.len())) {
            draw_line(drawing, series, frame, colour);
        }
    }
    drawing.close_clip();
    // Dots are not clipped: half a dot on the frame's edge would look like an error.
    for group in &panel.groups {
        for (series, colour) in group.series.iter().zip(group.hue.ramp(group.series.len())) {
            draw_dots(drawing, series, frame, colour);
        }
    }
}

fn draw_band(drawing: &mut Drawing, series: &Series, frame: &Frame, colour: Rgb) {
    let Some((lower, upper)) = &series.band else {
        return;
    };
    let samples =
        series.x.iter().zip(lower.iter().zip(upper)).map(|(&x, (&lower, &upper))| {
            Some((frame.column(x)?, frame.lower_row(lower)?, frame.row(upper)?))
        });
    for run in runs(samples) {
        let there = run.iter().map(|&(x, _, upper)| (x, upper));
        let back = run.iter().rev().map(|&(x, lower, _)| (x, lower));
        drawing.area(there.chain(back).collect(), colour, BAND);
    }
}

/// Draws the band of a series without a line as an error bar at each sample.
fn draw_bars(drawing: &mut Drawing, series: &Series, frame: &Frame, colour: Rgb) {
    let Some((lower, upper)) = &series.band else {
        return;
    };
    let stroke = Stroke { colour, width: BAR, dash: &[] };
    for (&x, (&lower, &upper)) in series.x.iter().zip(lower.iter().zip(upper)) {
        let ends = (frame.column(x), frame.lower_row(lower), frame.row(upper));
        if let (Some(x), Some(lower), Some(upper)) = ends {
            drawing.line((x, lower), (x, upper), stroke);
        }
    }
}

fn draw_line(drawing: &mut Drawing, series: &Series, frame: &Frame, colour: Rgb) {
    if series.dash == Dash::None {
        return;
    }
    for run in runs(positions(series, frame)) {
        if let [alone] = run[..] {
            // A sample between two gaps would be invisible as a line.
            drawing.dot(alone, LINE, colour);
        } else {
            stroke(drawing, run, series.dash, colour);
        }
    }
    for (x, y) in breaks(series, frame) {
        let (half, height) = BREAK;
        drawing.area(vec![(x - half, y), (x + half, y), (x, y + height)], colour, 1.0);
    }
}

/// The samples next to one that a logarithmic axis cannot show.
fn breaks(series: &Series, frame: &Frame) -> Vec<(f64, f64)> {
    let at: Vec<Option<(f64, f64)>> = positions(series, frame).collect();
    let is_off = |i: usize| series.y.get(i).is_some_and(|&y| undrawn::is_off(frame.y.scale, y));
    let beside = |i: usize| i.checked_sub(1).is_some_and(is_off) || i + 1 < at.len() && is_off(i + 1);
    at.iter().enumerate().filter(|(i, _)| beside(*i)).filter_map(|(_, at)| *at).collect()
}

fn draw_dots(drawing: &mut Drawing, series: &Series, frame: &Frame, colour: Rgb) {
    if !(series.points || series.dash == Dash::None) {
        return;
    }
    let area = frame.area;
    for (x, y) in positions(series, frame).flatten() {
        let slack = 0.01;
        let inside = x >= area.x - slack
            && x <= area.right() + slack
            && y >= area.y - slack
            && y <= area.bottom() + slack;
        if inside {
            drawing.dot((x, y), DOT, colour);
        }
    }
}

pub(super) fn positions(series: &Series, frame: &Frame) -> impl Iterator<Item = Option<(f64, f64)>> {
    let pairs = series.x.iter().zip(&series.y);
    pairs.map(|(&x, &y)| Some((frame.column(x)?, frame.row(y)?)))
}

/// Splits samples at the gaps into runs without gaps.
fn runs<T>(samples: impl Iterator<Item = Option<T>>) -> Vec<Vec<T>> {
    let mut out = Vec::new();
    let mut run = Vec::new();
    for sample in samples {
        match sample {
            Some(sample) => run.push(sample),
            None if !run.is_empty() => out.push(std::mem::take(&mut run)),
            None => {}
        }
    }
    if !run.is_empty() {
        out.push(run);
    }
    out
}

fn stroke(drawing: &mut Drawing, points: Vec<(f64, f64)>, dash: Dash, colour: Rgb) {
    let width = if dash == Dash::Thin { LINE / 2.0 } else { LINE };
    let dash = match dash {
        Dash::Solid | Dash::Thin | Dash::None => &[][..],
        Dash::Dashed => &[5.5, 2.5],
        Dash::Dotted => &[1.5, 2.0],
        Dash::DashDotted => &[5.5, 2.0, 1.5, 2.0],
    };
    drawing.curve(points, Stroke { colour, width, dash });
}

/// The appearance of a series, for its legend key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Key {
    pub(super) colour: Rgb,
    pub(super) dash: Dash,
    pub(super) points: bool,
    /// Whether a band is drawn.
    pub(super) band: bool,
    /// Whether its samples have error bars.
    pub(super) bars: bool,
}

impl Key {
    /// Draws the key `width` wide, its line at height `at.1`.
    pub(super) fn draw(self, drawing: &mut Drawing, at: (f64, f64), width: f64) {
        let (x, y) = at;
        if self.band {
            let swatch = Rect { x, y: y - 4.0, w: width, h: 8.0 };
            drawing.area(swatch.corners(), self.colour, BAND);
        }
        if self.dash != Dash::None {
            stroke(drawing, vec![(x, y), (x + width, y)], self.dash, self.colour);
        }
        if self.bars {
            let stroke = Stroke { colour: self.colour, width: BAR, dash: &[] };
            drawing.line((x + width / 2.0, y - 5.0), (x + width / 2.0, y + 5.0), stroke);
        }
        if self.points || self.dash == Dash::None {
            drawing.dot((x + width / 2.0, y), DOT, self.colour);
        }
    }
}

/// Returns a caption sentence, without its full stop, on visible bands that their frames cut off; `None` if there are
/// none. At the lower edge of a logarithmic axis nothing is said: bands of errors that are nearly zero end there.
pub(in crate::plot) fn cut_bands(panels: &[Panel]) -> Option<&'static str> {
    let (mut above, mut below) = (false, false);
    for panel in panels {
        let Some((low, high)) = panel.y.range else { continue };
        let shown = Bands::of(panel).shown;
        let all = panel.groups.iter().zip(&shown).flat_map(|(group, shown)| group.series.iter().zip(shown));
        let bands = all.filter(|(_, shown)| **shown).filter_map(|(series, _)| series.band.as_ref());
        for (lower, upper) in bands {
            above |= upper.iter().any(|edge| edge.is_finite() && *edge > high);
            below |=
                panel.y.scale == Scale::Linear && lower.iter().any(|edge| edge.is_finite() && *edge < low);
        }
    }
    match (above, below) {
        (false, false) => None,
        (true, false) => Some("Bands that reach above a frame are cut off"),
        (_, true) => Some("Bands that leave a frame are cut off"),
    }
}
