//! Layout: panels in a grid, legends to their right, the caption below.

use super::axes::{self, Flag};
use super::curves::{self, Bands, Frame};
use super::drawing::Rect;
use super::figure::{Figure, LegendPlace};
use super::font;
use super::legend::Legend;
use super::measure::{MeasuredPanel, PanelGrid, legend_place, measure};
use super::model::{Panel, Series};
use super::size::Size;
use super::spacing::{CAPTION, CAPTION_LEADING, HEAD, LEGEND_GAP, MARGIN, RIGHT, TEXT, TEXT_LEADING};
use super::ticks::Ticks;

/// Distance from the axis label to a legend below it.
const BELOW_GAP: f64 = 6.0;
/// Distance from the edges of a frame to a legend inside it, and from the legend to the edge of its background.
const INSIDE: (f64, f64) = (8.0, 3.0);
const ROW_GAP: f64 = 16.0;

/// A panel and its position.
#[derive(Debug)]
pub(super) struct PlacedPanel<'a> {
    pub(super) panel: &'a Panel,
    pub(super) frame: Frame,
    pub(super) bands: Bands,
    pub(super) ticks: (Ticks, Ticks),
    /// Lines of the title, and the top of the first line.
    pub(super) title: (Vec<String>, f64),
    pub(super) flags: Vec<Flag>,
    /// Lines of the axis labels.
    pub(super) labels: (Vec<String>, Vec<String>),
    pub(super) legend: Option<(Legend, (f64, f64))>,
}

/// The layout of a figure.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) size: Size,
    pub(super) title: Vec<String>,
    pub(super) cells: Vec<PlacedPanel<'a>>,
    pub(super) shared: Option<(Legend, (f64, f64))>,
    pub(super) caption: (Vec<String>, f64),
    /// Whether legends lie inside frames, and therefore on a background.
    pub(super) on_ground: bool,
}

impl Plan<'_> {
    /// The backgrounds of legends inside frames.
    pub(super) fn grounds(&self) -> Vec<Rect> {
        let own = self.cells.iter().filter_map(|cell| cell.legend.as_ref());
        own.chain(&self.shared)
            .filter(|_| self.on_ground)
            .map(|(legend, at)| ground(legend, *at, INSIDE.1))
            .collect()
    }

    /// Whether a legend covers a curve of its frame.
    fn hides_curves(&self) -> bool {
        let own = self.cells.iter().filter_map(|cell| Some((cell, cell.legend.as_ref()?)));
        let mut all = own.chain(self.cells.first().zip(self.shared.as_ref()));
        all.any(|(cell, (legend, at))| hidden(cell, &ground(legend, *at, INSIDE.1)) > 0)
    }
}

/// Lays out the figure; legends that would cover curves inside their frames go below.
pub(super) fn plan(figure: &Figure) -> Plan<'_> {
    let place = legend_place(figure);
    let plan = plan_with(figure, place);
    if place == LegendPlace::Inside && plan.hides_curves() {
        plan_with(figure, LegendPlace::Below)
    } else {
        plan
    }
}

fn plan_with(figure: &Figure, place: LegendPlace) -> Plan<'_> {
    let (grid, shared, drafts) = measure(figure, place);
    let title = font::wrap_at_most(figure.title.as_deref().unwrap_or(""), HEAD, grid.width - 2.0 * MARGIN, 4);
    let mut top = MARGIN + title.len() as f64 * 20.0;
    let lettered = drafts.len() > 1;
    let first_top = top;
    let mut cells: Vec<PlacedPanel> = Vec::new();
    for (row, chunk) in chunks(drafts, grid.columns).into_iter().enumerate() {
        if row > 0 {
            top += ROW_GAP;
        }
        let placed = place_row(chunk, &grid, (top, place), lettered.then_some(row * grid.columns));
        top = placed.1;
        cells.extend(placed.0);
    }
    let shared = shared.map(|legend| {
        let y = cells.first().map_or(first_top, |cell| cell.frame.area.y);
        match (place, cells.first()) {
            (LegendPlace::Inside, Some(cell)) => {
                let at = corner(cell, &legend);
                (legend, at)
            }
            (LegendPlace::Below, _) => {
                let at = (MARGIN + grid.left, top + BELOW_GAP);
                top = at.1 + legend.height;
                (legend, at)
            }
            _ => {
                top = top.max(y + legend.height);
                let x = grid.width - MARGIN - legend.width;
                (legend, (x, y))
            }
        }
    });
    let caption = if figure.caption_apart { String::new() } else { figure.caption_text() };
    let caption = font::wrap(&caption, CAPTION, grid.width - 2.0 * MARGIN);
    let caption_top = top + if caption.is_empty() { 0.0 } else { 14.0 };
    let height = caption_top + caption.len() as f64 * CAPTION_LEADING + MARGIN;
    let size = if figure.width_mm.is_some() { Size::on_paper } else { Size::on_screen };
    Plan {
        size: size(grid.width, height),
        title,
        cells,
        shared,
        caption: (caption, caption_top),
        on_ground: place == LegendPlace::Inside,
    }
}

fn chunks<T>(items: Vec<T>, size: usize) -> Vec<Vec<T>> {
    let mut out: Vec<Vec<T>> = Vec::new();
    for item in items {
        match out.last_mut() {
            Some(last) if last.len() < size => last.push(item),
            _ => out.push(vec![item]),
        }
    }
    out
}

/// Places one row of panels; also returns its bottom edge.
fn place_row<'a>(
    drafts: Vec<MeasuredPanel<'a>>,
    grid: &PanelGrid,
    (top, place): (f64, LegendPlace),
    first_letter: Option<usize>,
) -> (Vec<PlacedPanel<'a>>, f64) {
    let mut cells: Vec<PlacedPanel> = drafts
        .into_iter()
        .enumerate()
        .map(|(column, draft)| place_panel(draft, grid, column, first_letter.map(|n| n + column)))
        .collect();
    let header = cells.iter().map(header_of).fold(0.0, f64::max);
    let mut bottom = top;
    for cell in &mut cells {
        let area = &mut cell.frame.area;
        area.y = top + header;
        cell.title.1 = top;
        bottom = f64::max(bottom, area.bottom() + axes::room_below(cell.labels.0.len()));
        let area = cell.frame.area;
        let Some((legend, _)) = &cell.legend else { continue };
        let at = match place {
            LegendPlace::Right => (area.right() + LEGEND_GAP, area.y),
            LegendPlace::Below => (area.x, area.bottom() + axes::room_below(cell.labels.0.len()) + BELOW_GAP),
            LegendPlace::Inside => corner(cell, legend),
        };
        bottom = bottom.max(at.1 + legend.height);
        if let Some((_, place)) = &mut cell.legend {
            *place = at;
        }
    }
    (cells, bottom)
}

/// Finds the corner of a frame where a legend hides least of the curves; ties go to the upper right.
fn corner(cell: &PlacedPanel, legend: &Legend) -> (f64, f64) {
    let (area, (edge, _)) = (cell.frame.area, INSIDE);
    let (left, right) = (area.x + edge, area.right() - edge - legend.width);
    let (top, bottom) = (area.y + edge, area.bottom() - edge - legend.height);
    let corners = [(right, top), (left, top), (right, bottom), (left, bottom)];
    let least = corners.iter().min_by_key(|at| hidden(cell, &ground(legend, **at, edge)));
    least.copied().unwrap_or(corners[0])
}

/// The rectangle that a legend covers, with a margin of `around`.
fn ground(legend: &Legend, (x, y): (f64, f64), around: f64) -> Rect {
    Rect { x, y, w: legend.width, h: legend.height }.grown(around)
}

/// Counts the points of a panel's lines, sampled closely, that lie in a rectangle.
fn hidden(cell: &PlacedPanel, rect: &Rect) -> usize {
    let series = cell.panel.groups.iter().flat_map(|group| &group.series);
    series.map(|series| points_in(rect, series, &cell.frame)).sum()
}

/// Counts the points of a line, sampled closely, that lie in a rectangle.
fn points_in(rect: &Rect, series: &Series, frame: &Frame) -> usize {
    const STEPS: usize = 8;
    let inside = |(x, y): (f64, f64)| x >= rect.x && x <= rect.right() && y >= rect.y && y <= rect.bottom();
    let at: Vec<Option<(f64, f64)>> = curves::positions(series, frame).collect();
    let between = |pair: &[Option<(f64, f64)>]| match *pair {
        [Some(a), Some(b)] => (0..STEPS)
            .map(|i| i as f64 / STEPS as f64)
            .filter(|t| inside((a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1))))
            .count(),
        [Some(a), None] => STEPS * usize::from(inside(a)),
        _ => 0,
    };
    let last = at.last().map_or(0, |last| between(&[*last, None]));
    at.windows(2).map(between).sum::<usize>() + last
}

fn header_of(cell: &PlacedPanel) -> f64 {
    cell.title.0.len() as f64 * TEXT_LEADING + axes::room_above(&cell.flags) + 5.0
}

/// Places a panel in its column; `place_row` sets its vertical position.
fn place_panel<'a>(
    draft: MeasuredPanel<'a>,
    grid: &PanelGrid,
    column: usize,
    letter: Option<usize>,
) -> PlacedPanel<'a> {
    let (w, h) = grid.plot;
    let area = Rect { x: grid.frame_left(column), y: 0.0, w, h };
    let frame = Frame { area, x: draft.views.0, y: draft.views.1 };
    let panel = draft.panel;
    let title = match letter {
        Some(n) => format!("({}) {}", letters(n), panel.title),
        None => panel.title.clone(),
    };
    let title_room = w + grid.right.get(column).copied().unwrap_or(0.0) - RIGHT / 2.0;
    PlacedPanel {
        panel,
        frame,
        bands: draft.bands,
        ticks: (axes::horizontal_ticks(&draft.views.0, w), draft.y_ticks),
        title: (font::wrap_at_most(&title, TEXT, title_room, 3), 0.0),
        flags: axes::flags(panel, &frame),
        labels: (font::wrap_at_most(&panel.x.label, TEXT, w, 3), draft.y_label),
        legend: draft.legend.map(|legend| (legend, (0.0, 0.0))),
    }
}

/// Returns the letters of a panel: a, b, …, z, aa, ab, …
fn letters(mut index: usize) -> String {
    let mut out = Vec::new();
    loop {
        out.push(char::from(b'a' + (index % 26) as u8));
        if index < 26 {
            break;
        }
        index = index / 26 - 1;
    }
    out.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_on_after_z() {
        assert_eq!([0, 1, 25, 26, 27, 702].map(letters), ["a", "b", "z", "aa", "ab", "aaa"]);
    }
}
