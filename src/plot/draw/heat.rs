//! Heat maps: coloured cells and the colour bar.

use super::colour::{self, Rgb};
use super::curves::Frame;
use super::drawing::{Anchor, Drawing, Rect, Stroke, TextStyle};
use super::model::{HeatMap, Panel};
use super::ticks::{self, Ticks};
use super::view::{self, View};

/// Cells extend this far under their neighbours, so that no seam shows.
const OVERLAP: f64 = 0.35;
/// Number of steps of the colour bar.
const STEPS: usize = 64;
const WIDTH: f64 = 13.0;
const SIZE: f64 = 10.5;
const TICK: f64 = 3.5;
const EDGE: Stroke = Stroke { colour: Rgb::grey(0x26), width: 0.7, dash: &[] };
/// Colour of cells without a value.
const MISSING: Rgb = Rgb::grey(0xd9);

/// Draws the cells of a panel's heat map, if it has one.
pub(super) fn draw(drawing: &mut Drawing, panel: &Panel, frame: &Frame) {
    let Some(heat) = &panel.heat else { return };
    let columns = view::cell_edges(panel.x.scale, &heat.x);
    let rows = view::cell_edges(panel.y.scale, &heat.y);
    let colours = view::of_values(heat);
    drawing.open_clip(frame.area);
    for (row, values) in rows.windows(2).zip(&heat.values) {
        for (column, &value) in columns.windows(2).zip(values) {
            let (left, right) =
                (frame.column_at(frame.x.fraction(column[0])), frame.column_at(frame.x.fraction(column[1])));
            let (bottom, top) =
                (frame.row_at(frame.y.fraction(row[0])), frame.row_at(frame.y.fraction(row[1])));
            let cell = Rect { x: left, y: top, w: right - left + OVERLAP, h: bottom - top + OVERLAP };
            let colour = colours.place(value).map_or(MISSING, colour::sequential);
            drawing.rectangle(cell, colour);
        }
    }
    drawing.close_clip();
}

/// The colour bar of a heat map.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bar {
    view: View,
    ticks: Ticks,
    height: f64,
}

impl Bar {
    pub(super) fn new(heat: &HeatMap, height: f64) -> Self {
        let view = view::of_values(heat);
        let most = ((height / 26.0) as usize).clamp(3, 8);
        Self { view, ticks: ticks::fit(&view, height, most, 4.0, |_| SIZE), height }
    }

    /// Width and height, labels included.
    pub(super) fn size(&self, text_width: impl Fn(&str, f64) -> f64) -> (f64, f64) {
        let widest = self.ticks.major.iter().map(|tick| text_width(&tick.label, SIZE)).fold(0.0, f64::max);
        (WIDTH + TICK + 3.0 + widest, self.height + SIZE)
    }

    /// Draws the bar with its upper left corner at `at`.
    pub(super) fn draw(&self, drawing: &mut Drawing, at: (f64, f64)) {
        let (x, top) = (at.0, at.1 + SIZE / 2.0);
        let step = self.height / STEPS as f64;
        for i in 0..STEPS {
            let colour = colour::sequential((i as f64 + 0.5) / STEPS as f64);
            let y = top + self.height - (i + 1) as f64 * step;
            drawing.rectangle(Rect { x, y, w: WIDTH, h: step + OVERLAP }, colour);
        }
        let (right, bottom) = (x + WIDTH, top + self.height);
        for (from, to) in [
            ((x, top), (right, top)),
            ((right, top), (right, bottom)),
            ((x, bottom), (right, bottom)),
            ((x, top), (x, bottom)),
        ] {
            drawing.line(from, to, EDGE);
        }
        for tick in &self.ticks.major {
            let y = bottom - self.view.fraction(tick.at) * self.height;
            drawing.line((right, y), (right + TICK, y), EDGE);
            let style = TextStyle::new(SIZE, Anchor::Start, Rgb::grey(0x33));
            drawing.text((right + TICK + 3.0, y + 3.8), &tick.label, style);
        }
    }
}
