//! The space that panels and legends need, and how the width is divided among them.

use super::axes;
use super::curves::Bands;
use super::figure::{Figure, LegendPlace};
use super::font;
use super::legend::{self, Legend};
use super::model::Panel;
use super::size::units_of_mm;
use super::spacing::{COLUMN_GAP, LEGEND_GAP, MARGIN, RIGHT, TEXT};
use super::ticks::Ticks;
use super::view::{self, View};

/// Least and greatest width of a figure.
const WIDTHS: (f64, f64) = (240.0, 4000.0);
/// Least and greatest height of a plotting area.
const HEIGHTS: (f64, f64) = (150.0, 430.0);
const NARROWEST_PLOT: f64 = 150.0;
const ASPECT: f64 = 0.72;
/// An estimate of the space left of a frame, before its ticks are known.
const USUAL_LEFT: f64 = 62.0;

/// A panel measured but not yet placed.
pub(super) struct MeasuredPanel<'a> {
    pub(super) panel: &'a Panel,
    pub(super) bands: Bands,
    pub(super) legend: Option<Legend>,
    pub(super) views: (View, View),
    pub(super) y_ticks: Ticks,
    pub(super) y_label: Vec<String>,
    pub(super) left: f64,
}

/// Column geometry shared by all rows.
pub(super) struct PanelGrid {
    pub(super) columns: usize,
    pub(super) width: f64,
    pub(super) left: f64,
    pub(super) plot: (f64, f64),
    /// Space to the right of the frame, by column.
    pub(super) right: Vec<f64>,
}

impl PanelGrid {
    /// Left edge of the frames in a column.
    pub(super) fn frame_left(&self, column: usize) -> f64 {
        let before: f64 = self.right.iter().take(column).sum();
        MARGIN + column as f64 * (self.left + self.plot.0 + COLUMN_GAP) + before + self.left
    }
}

fn columns_of(figure: &Figure) -> usize {
    let count = figure.panels.len().max(1);
    let usual = match count {
        1 => 1,
        2 | 4 => 2,
        3 | 5..=9 => 3,
        _ => (count as f64).sqrt().ceil() as usize,
    };
    figure.columns.unwrap_or(usual).clamp(1, count)
}

fn width_of(figure: &Figure, columns: usize) -> f64 {
    let usual = 720.0 + 260.0 * (columns - 1) as f64;
    let asked = figure.width_mm.map(units_of_mm).or(figure.width_px).filter(|w| w.is_finite() && *w > 0.0);
    asked.unwrap_or(usual).clamp(WIDTHS.0, WIDTHS.1)
}

/// Finds the panel whose legend can serve all panels: equal to theirs, apart from theories that they lack.
pub(super) fn shared_by(panels: &[Panel], bands: &[Bands]) -> Option<usize> {
    if panels.len() < 2 {
        return None;
    }
    if panels.iter().any(|panel| panel.heat.is_some()) {
        let legend = |i: usize| Legend::new(&panels[i], &bands[i], 200.0, 1e9);
        let first = legend(0);
        return (1..panels.len()).all(|i| legend(i) == first).then_some(0);
    }
    // Apart from theories, all panels must have equal entries; one must have every theory.
    let entries = |of_theory: bool| -> Vec<Vec<legend::Entry<'_>>> {
        panels.iter().zip(bands).map(|(panel, bands)| legend::entries(panel, bands, of_theory)).collect()
    };
    let (measured, theories) = (entries(false), entries(true));
    let has_all = |&i: &usize| theories.iter().flatten().all(|entry| theories[i].contains(entry));
    let are_equal = measured.iter().all(|other| *other == measured[0]);
    (0..panels.len()).find(has_all).filter(|_| are_equal)
}

/// Where the legend goes; always to the right if there is a colour bar, which is vertical.
pub(super) fn legend_place(figure: &Figure) -> LegendPlace {
    let has_bar = figure.panels.iter().any(|panel| panel.heat.is_some());
    if has_bar { LegendPlace::Right } else { figure.legend }
}

/// Measures all panels and chooses the number of columns: on paper, as many as fit into the requested width.
pub(super) fn measure(
    figure: &Figure,
    place: LegendPlace,
) -> (PanelGrid, Option<Legend>, Vec<MeasuredPanel<'_>>) {
    let most = columns_of(figure);
    let in_columns = |columns: usize| {
        let width = width_of(figure, columns);
        let measured = measure_in(figure, place, (columns, width));
        (measured.0.width <= width * (1.0 + 1e-9), measured)
    };
    if figure.width_mm.is_some() {
        for columns in (2..=most).rev() {
            if let (true, measured) = in_columns(columns) {
                return measured;
            }
        }
        return in_columns(1).1;
    }
    in_columns(most).1
}

fn measure_in(
    figure: &Figure,
    place: LegendPlace,
    (columns, width): (usize, f64),
) -> (PanelGrid, Option<Legend>, Vec<MeasuredPanel<'_>>) {
    let panels = &figure.panels;
    let bands: Vec<Bands> = panels.iter().map(Bands::of).collect();
    let shared_by = shared_by(panels, &bands);
    let share = shared_by.is_some();
    if place != LegendPlace::Right {
        return measure_around(figure, place, (columns, width), (bands, shared_by));
    }
    let legend_room = if share || columns == 1 { 0.27 * width } else { 0.32 * width / columns as f64 };
    let legend_room = legend_room.clamp(90.0, 210.0);
    let aspect = figure.aspect.filter(|a| a.is_finite() && *a > 0.0).unwrap_or(ASPECT);

    let across = if share { 1.0 } else { columns as f64 };
    let guess = (width - 2.0 * MARGIN - across * legend_room) / columns as f64 - USUAL_LEFT;
    let mut plot_height = (guess * aspect).clamp(HEIGHTS.0, HEIGHTS.1);
    let rows = panels.len().div_ceil(columns).max(1) as f64;
    let legend_height = if share { rows * (plot_height + 50.0) - 50.0 } else { plot_height };

    let legends: Vec<Option<Legend>> = panels
        .iter()
        .zip(&bands)
        .map(|(panel, bands)| Legend::new(panel, bands, legend_room, legend_height))
        .map(|legend| (!legend.is_empty()).then_some(legend))
        .collect();
    if !share {
        // Better a frame a little higher than requested than a legend that extends beyond it.
        let tallest = legends.iter().flatten().map(|l| l.height).fold(0.0, f64::max);
        plot_height = plot_height.max(tallest.min(0.95 * guess).min(HEIGHTS.1));
    }
    let shared = shared_by.and_then(|i| legends.get(i).cloned().flatten());
    let drafts: Vec<MeasuredPanel> = panels
        .iter()
        .zip(bands)
        .zip(legends)
        .map(|((panel, bands), legend)| draft(panel, bands, if share { None } else { legend }, plot_height))
        .collect();
    (settle(width, columns, plot_height, &drafts, shared.as_ref()), shared, drafts)
}

/// As [`measure_in`], for legends below or inside, which take no width.
fn measure_around(
    figure: &Figure,
    place: LegendPlace,
    (columns, width): (usize, f64),
    (bands, shared_by): (Vec<Bands>, Option<usize>),
) -> (PanelGrid, Option<Legend>, Vec<MeasuredPanel<'_>>) {
    let aspect = figure.aspect.filter(|a| a.is_finite() && *a > 0.0).unwrap_or(ASPECT);
    let guess = (width - 2.0 * MARGIN) / columns as f64 - USUAL_LEFT;
    let height = (guess * aspect).clamp(HEIGHTS.0, HEIGHTS.1);
    let panels = figure.panels.iter().zip(bands);
    let mut drafts: Vec<MeasuredPanel> =
        panels.map(|(panel, bands)| draft(panel, bands, None, height)).collect();
    let grid = settle(width, columns, height, &drafts, None);
    let legend = |draft: &MeasuredPanel, room: f64| {
        let legend = if place == LegendPlace::Below {
            Legend::in_rows(draft.panel, &draft.bands, room)
        } else {
            Legend::new(draft.panel, &draft.bands, 0.55 * grid.plot.0, 0.8 * height)
        };
        (!legend.is_empty()).then_some(legend)
    };
    let shared = shared_by.and_then(|i| legend(&drafts[i], grid.width - 2.0 * MARGIN - grid.left));
    if shared_by.is_none() {
        for draft in &mut drafts {
            draft.legend = legend(draft, grid.plot.0);
        }
    }
    (grid, shared, drafts)
}

fn draft(panel: &Panel, bands: Bands, legend: Option<Legend>, height: f64) -> MeasuredPanel<'_> {
    let views = view::of_panel(panel);
    let y_ticks = axes::vertical_ticks(&views.1, height);
    let y_label = font::wrap_at_most(&panel.y.label, TEXT, height, 3);
    let left = axes::room_left(&y_ticks, y_label.len());
    MeasuredPanel { panel, bands, legend, views, y_ticks, y_label, left }
}

/// Divides the width among the columns; a figure too narrow for its panels is widened.
fn settle(
    width: f64,
    columns: usize,
    height: f64,
    drafts: &[MeasuredPanel],
    shared: Option<&Legend>,
) -> PanelGrid {
    let left = drafts.iter().map(|d| d.left).fold(0.0, f64::max);
    let right: Vec<f64> = (0..columns)
        .map(|column| {
            let legends = drafts.iter().skip(column).step_by(columns).filter_map(|d| d.legend.as_ref());
            legends.map(|l| l.width + LEGEND_GAP).fold(RIGHT, f64::max)
        })
        .collect();
    let gaps = (columns - 1) as f64 * COLUMN_GAP;
    let beside = shared.map_or(0.0, |l| l.width + LEGEND_GAP - RIGHT / 2.0);
    let fixed = 2.0 * MARGIN + columns as f64 * left + right.iter().sum::<f64>() + gaps + beside;
    let plot = ((width - fixed) / columns as f64).max(NARROWEST_PLOT);
    let width = fixed + columns as f64 * plot;
    PanelGrid { columns, width, left, plot: (plot, height), right }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_fill_a_grid() {
        for (count, columns) in [(0, 1), (1, 1), (2, 2), (3, 3), (4, 2), (6, 3), (16, 4)] {
            let figure = Figure { panels: vec![Panel::default(); count], ..Figure::default() };
            assert_eq!(columns_of(&figure), columns);
        }
    }
}
