//! Drawing of a panel's axes, grid, tick labels and thresholds.

use super::axes::{FLAG_PITCH, FLAG_ROWS, FLAG_SIZE, LABEL_GAP, MAJOR, SIZE, TICK_GAP, widest_label};
use super::colour::Rgb;
use super::drawing::{Anchor, Drawing, Rect, Stroke, TextStyle};
use super::font;
use super::layout::PlacedPanel;
use super::spacing::{TEXT, TEXT_LEADING};

const MINOR: f64 = 2.5;
/// Height of a digit, in ems.
const DIGIT: f64 = 0.73;
const DARK: Rgb = Rgb::grey(0x26);
const TEXT_FILL: Rgb = Rgb::grey(0x1a);
const AXIS: Stroke = Stroke { colour: DARK, width: 0.9, dash: &[] };
const GRID: Stroke = Stroke { colour: Rgb::grey(0xe8), width: 0.7, dash: &[] };
const THRESHOLD: Stroke = Stroke { colour: Rgb::grey(0x4d), width: 0.9, dash: &[3.0, 2.5] };
const LEADER: Stroke = Stroke { colour: Rgb::grey(0x4d), width: 0.6, dash: &[] };

/// Draws what lies below the curves: the grid.
pub(super) fn draw_grid(drawing: &mut Drawing, cell: &PlacedPanel) {
    let (frame, area) = (&cell.frame, cell.frame.area);
    for tick in &cell.ticks.0.major {
        let x = frame.column_at(frame.x.fraction(tick.at));
        drawing.line((x, area.y), (x, area.bottom()), GRID);
    }
    for tick in &cell.ticks.1.major {
        let y = frame.row_at(frame.y.fraction(tick.at));
        drawing.line((area.x, y), (area.right(), y), GRID);
    }
    for flag in &cell.flags {
        let x = area.x + flag.x;
        drawing.line((x, area.bottom()), (x, area.y), THRESHOLD);
    }
    draw_flag_labels(drawing, cell);
}

/// Draws the threshold labels. Upper rows come first: a leader may pass behind a lower label, which has
/// a white background.
fn draw_flag_labels(drawing: &mut Drawing, cell: &PlacedPanel) {
    let area = cell.frame.area;
    let baseline = |row: usize| area.y - 4.0 - row as f64 * FLAG_PITCH;
    for row in (0..FLAG_ROWS).rev() {
        for flag in &cell.flags {
            let Some((text, centre, _)) = flag.label.as_ref().filter(|l| l.2 == row) else {
                continue;
            };
            let (x, y) = (area.x + centre, baseline(row));
            if row > 0 {
                let foot = area.x + flag.x;
                drawing.line((foot, area.y), (foot, y + 3.0), LEADER);
            }
            let half = font::width(text, FLAG_SIZE) / 2.0 + 1.5;
            drawing.rectangle(Rect { x: x - half, y: y - 8.5, w: 2.0 * half, h: 11.0 }, Rgb::WHITE);
            drawing.text((x, y), text, TextStyle::new(FLAG_SIZE, Anchor::Middle, Rgb::grey(0x40)));
        }
    }
}

/// Draws what lies above the curves: frame, ticks, labels and thresholds.
pub(super) fn draw_axes(drawing: &mut Drawing, cell: &PlacedPanel) {
    let area = cell.frame.area;
    drawing.line((area.x, area.y), (area.x, area.bottom()), AXIS);
    drawing.line((area.x, area.bottom()), (area.right(), area.bottom()), AXIS);
    draw_horizontal(drawing, cell);
    draw_vertical(drawing, cell);
}

fn draw_horizontal(drawing: &mut Drawing, cell: &PlacedPanel) {
    let (frame, area, ticks) = (&cell.frame, cell.frame.area, &cell.ticks.0);
    let column = |at: f64| frame.column_at(frame.x.fraction(at));
    for &at in &ticks.minor {
        drawing.line((column(at), area.bottom()), (column(at), area.bottom() + MINOR), AXIS);
    }
    let baseline = area.bottom() + MAJOR + TICK_GAP + DIGIT * SIZE + 1.0;
    let style = TextStyle::new(SIZE, Anchor::Middle, TEXT_FILL);
    for tick in &ticks.major {
        let x = column(tick.at);
        drawing.line((x, area.bottom()), (x, area.bottom() + MAJOR), AXIS);
        drawing.text((x, baseline), &tick.label, style);
    }
    let first = baseline + LABEL_GAP + DIGIT * TEXT + 1.0;
    let style = TextStyle::new(TEXT, Anchor::Middle, TEXT_FILL);
    drawing.lines((area.x + area.w / 2.0, first), &cell.labels.0, TEXT_LEADING, style);
}

fn draw_vertical(drawing: &mut Drawing, cell: &PlacedPanel) {
    let (frame, area, ticks) = (&cell.frame, cell.frame.area, &cell.ticks.1);
    let row = |at: f64| frame.row_at(frame.y.fraction(at));
    for &at in &ticks.minor {
        drawing.line((area.x - MINOR, row(at)), (area.x, row(at)), AXIS);
    }
    let style = TextStyle::new(SIZE, Anchor::End, TEXT_FILL);
    for tick in &ticks.major {
        let y = row(tick.at);
        drawing.line((area.x - MAJOR, y), (area.x, y), AXIS);
        drawing.text((area.x - MAJOR - TICK_GAP, y + DIGIT * SIZE / 2.0), &tick.label, style);
    }
    let more = cell.labels.1.len().saturating_sub(1) as f64;
    let last = area.x - MAJOR - TICK_GAP - widest_label(ticks) - LABEL_GAP;
    let mut style = TextStyle::new(TEXT, Anchor::Middle, TEXT_FILL);
    style.upwards = true;
    let first = (last - more * TEXT_LEADING, area.y + area.h / 2.0);
    drawing.lines(first, &cell.labels.1, TEXT_LEADING, style);
}
