//! One page: one panel per family, points over dashed formulas.

use super::family::{Family, Kind, Line};
use double_descent::plot::{Dash, Figure, Group, Hue, LegendPlace, Panel, PanelAxis, Scale, Series};
use double_descent::theory::line::values;

const HUES: [Hue; 4] = [Hue::Vermillion, Hue::Blue, Hue::Green, Hue::Purple];

/// The number of panels on a sheet for print: three columns and three rows, 170 mm wide, with letters of at least 6
/// points.
const OF_A_SHEET: usize = 9;

/// All families on one page and, if there are many, also on sheets for print.
pub fn pages(repeats: usize, seed: u64, families: &[(Family, Option<Family>)]) -> Vec<(String, Figure)> {
    let page = |families: &[(Family, Option<Family>)], columns: usize, width: f64| {
        let mut figure = Figure::new(caption(repeats, seed, families))
            .with_title("Theory against Monte Carlo")
            .with_legend(LegendPlace::Below);
        for (family, _) in families {
            figure = figure.with_panel(panel(family));
        }
        figure.with_columns(columns).with_width(width).with_aspect(0.75)
    };
    let columns = families.len().clamp(1, 4);
    let mut pages = vec![("theory".to_owned(), page(families, columns, 110.0 + 350.0 * columns as f64))];
    if families.len() > OF_A_SHEET {
        let sheets = families.chunks(OF_A_SHEET).zip(1..);
        pages.extend(sheets.map(|(part, number)| (format!("theory_{number}"), page(part, 3, 900.0))));
    }
    pages
}

fn caption(repeats: usize, seed: u64, families: &[(Family, Option<Family>)]) -> String {
    let size = families.first().map_or(0, |(family, _)| family.size);
    let mut lines = families.iter().flat_map(|(family, _)| &family.lines);
    let spelt = if lines.any(|line| line.label().contains("Hastie et al. 2022")) {
        " Hastie et al. 2022: Hastie, Montanari, Rosset and Tibshirani."
    } else {
        ""
    };
    format!(
        "Formulas (dashes) against simulations by the same crate (points, bars of one standard error), size {size}, seed {seed}. \
         Exact formulas: {repeats} repeats; limits of large sizes: {}, from which points deviate by a share that falls with \
         the size. Teachers have squared norm 1 and labels noise of variance 0.25 (training time: n/8; fast and slow \
         features: 1; penalties below 0: 0.01). Points are left out near thresholds, where the error of a simulation has no fourth moment; where fewer than ten \
         repeats are expected on one side of a point of a distribution function; and where the repeats do not vary. Lines break where a formula is infinite.{spelt}",
        repeats / 4,
    )
}

fn panel(family: &Family) -> Panel {
    let axis = |label: &str, is_logarithmic: bool| {
        let scale = if is_logarithmic { Scale::Log10 } else { Scale::Linear };
        PanelAxis { label: label.into(), scale, range: None }
    };
    let mut y = axis(family.y.0, family.y.1);
    y.range = family.y.1.then(|| range(&family.lines)).flatten();
    let has_points = family.lines.iter().any(|line| !line.points.is_empty());
    let kind = match (family.kind, has_points) {
        (Kind::Exact, true) => "",
        (Kind::Exact, false) => " (formula only)",
        (Kind::Limit, true) => " (limit)",
        (Kind::Limit, false) => " (limit, formula only)",
    };
    let mut panel = Panel::new(axis(&family.x.0, family.x.1), y)
        .with_title(format!("{}{kind}", family.title.replace(" = ", "\u{a0}=\u{a0}")));
    if let Some((at, name)) = family.marker {
        panel = panel.with_marker(at, name);
    }
    for (line, hue) in family.lines.iter().zip(HUES).filter(|(line, _)| !line.points.is_empty()) {
        let of =
            |value: fn(&super::family::Point) -> f64| line.points.iter().map(value).collect::<Vec<f64>>();
        let points = Series::new("", of(|p| p.x), of(|p| p.mean))
            .with_band(of(|p| p.mean - p.standard_error), of(|p| p.mean + p.standard_error))
            .with_dash(Dash::None);
        panel = panel.with_group(Group::new(&*line.name, hue).with_series(points));
    }
    let mut theory = Group::new("Theory", Hue::Black);
    for line in &family.lines {
        let (x, y) = (line.axis.clone(), curve(line));
        // If one formula has several lines, they share one dash and one legend entry.
        if let Some(same) = theory.series.iter_mut().find(|series| series.label == line.label()) {
            same.x.extend(x.first().copied().into_iter().chain(x.iter().copied()));
            same.y.extend(std::iter::once(f64::NAN).chain(y));
            continue;
        }
        let dash = if theory.series.len().is_multiple_of(2) { Dash::Dashed } else { Dash::Dotted };
        theory = theory.with_series(Series::new(line.label(), x, y).with_dash(dash));
    }
    panel.with_group(theory)
}

fn curve(line: &Line) -> Vec<f64> {
    values(&line.theory, &line.axis).unwrap_or_else(|_| vec![f64::NAN; line.axis.len()])
}

/// The vertical range: from a little below the lowest point to a little above the highest, or further above it if a
/// line rises to a pole.
fn range(lines: &[Line]) -> Option<(f64, f64)> {
    let means =
        || lines.iter().flat_map(|line| &line.points).map(|point| point.mean).filter(|mean| *mean > 0.0);
    let (low, high) = (means().fold(f64::INFINITY, f64::min), means().fold(0.0, f64::max));
    let top = lines.iter().flat_map(curve).filter(|y| y.is_finite()).fold(high, f64::max);
    (low < high).then(|| (low / 1.6, (1.3 * top).min(4.0 * high)))
}
