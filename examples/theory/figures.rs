//! One page: a panel for each family, points over dashed formulas.

use super::family::{Family, Kind, Line};
use double_descent::plot::{Dash, Figure, Group, Hue, LegendPlace, Panel, PanelAxis, Scale, Series};
use double_descent::theory::line::values;

const HUES: [Hue; 4] = [Hue::Vermillion, Hue::Blue, Hue::Green, Hue::Purple];

pub fn page(repeats: usize, seed: u64, families: &[(Family, Option<Family>)]) -> Figure {
    let sizes: Vec<String> =
        families.first().map(|(family, _)| family.size.to_string()).into_iter().collect();
    let caption = format!(
        "Formulas (dashes) against simulations by the same crate (points, bars of one standard error), size {}, seed {seed}. \
         Exact formulas: {repeats} repeats; limits of large sizes: {}, from which points deviate by a share that falls with \
         the size. Teachers have squared length 1 and labels noise of variance 0.25 (training time: n/8; fast and slow \
         features: 1; penalties below 0: 0.01). Points are left out near thresholds, where the error of a simulation has no fourth moment; lines break where a formula is infinite.",
        sizes.concat(),
        repeats / 4,
    );
    let mut figure =
        Figure::new(caption).with_title("Theory against Monte Carlo").with_legend(LegendPlace::Below);
    for (family, _) in families {
        figure = figure.with_panel(panel(family));
    }
    let columns = families.len().clamp(1, 4);
    figure.with_columns(columns).with_width(110.0 + 350.0 * columns as f64).with_aspect(0.75)
}

fn panel(family: &Family) -> Panel {
    let axis = |label: &str, is_logarithmic: bool| {
        let scale = if is_logarithmic { Scale::Log10 } else { Scale::Linear };
        PanelAxis { label: label.into(), scale, range: None }
    };
    let mut y = axis(family.y.0, family.y.1);
    y.range = family.y.1.then(|| range(&family.lines)).flatten();
    let kind = if family.kind == Kind::Exact { "" } else { " (limit)" };
    let mut panel =
        Panel::new(axis(&family.x.0, family.x.1), y).with_title(format!("{}{kind}", family.title));
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
    for (i, line) in family.lines.iter().enumerate() {
        let y = values(&line.theory, &line.axis).unwrap_or_else(|_| vec![f64::NAN; line.axis.len()]);
        let dash = if i % 2 == 0 { Dash::Dashed } else { Dash::Dotted };
        theory = theory.with_series(Series::new(line.label(), line.axis.clone(), y).with_dash(dash));
    }
    panel.with_group(theory)
}

/// From a little under the lowest point to somewhat over the highest: the lines go on towards their poles.
fn range(lines: &[Line]) -> Option<(f64, f64)> {
    let means =
        || lines.iter().flat_map(|line| &line.points).map(|point| point.mean).filter(|mean| *mean > 0.0);
    let (low, high) = (means().fold(f64::INFINITY, f64::min), means().fold(0.0, f64::max));
    (low < high).then(|| (low / 1.6, high * 4.0))
}
