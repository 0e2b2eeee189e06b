//! A surface as a heat map: over samples and features, or over one of the two and a parameter.

use super::arms::in_words;
use super::draft::{Draft, FLOOR};
use super::metric::{Words, spans_decades, unit, words};
use super::settings::spanned;
use super::{FigureOptions, Statistic, caption};
use crate::Error;
use crate::curve::{self, Metric, Surface};
use crate::error::words::counted;
use crate::plot::{Dash, Figure, Group, HeatMap, Hue, Panel, PanelAxis, Scale, Series};

/// Figure of one arm's metric over a surface: columns to the right, rows upwards (for samples and features, `p` and
/// `n`). An axis is logarithmic if its values span more than a decade; the colours show medians or means over the
/// repeats, with the unit at the colour bar. The threshold `n = p` is dashed. Cells without a value are grey. A row
/// whose value has no place on a logarithmic axis is left out, and the caption says so. On a surface [of a
/// family](Surface::of_family), any of its arms stands for all of them.
///
/// Not drawn, with the reason ([`Figure::undrawn`]): a surface without cells, an arm that it does not have, a metric
/// that the arm has in no cell.
///
/// # Examples
/// ```
/// # use double_descent::{dataset::Dataset, features::Coordinates, sweep::{Maps, Sweep}};
/// use double_descent::curve::Metric;
/// use double_descent::plot::{FigureOptions, study};
/// use double_descent::sweep::Parameter;
///
/// # let data = Dataset::diabetes();
/// # let maps = Maps::same(Coordinates::new(10));
/// let sweep = Sweep {
///     samples: vec![4, 6, 8, 10, 12],
///     features: (1..=10).collect(),
///     ..Sweep::plane(data.clone(), data, maps, 10, 0)
/// };
/// let figure = study::surface(&sweep.surface()?, 0, Metric::TestMse, &FigureOptions::default());
/// assert!(figure.to_svg().contains("Parameters p"));
///
/// let penalties = [1e-4, 1e-2, 1.0, 100.0];
/// let sweep = Sweep { samples: vec![8], parameter: Some(Parameter::penalty(penalties)), ..sweep };
/// let figure = study::surface(&sweep.surface()?, 0, Metric::TestMse, &FigureOptions::default());
/// assert!(figure.to_svg().contains("Penalty λ"));
/// # Ok::<(), double_descent::Error>(())
/// ```
#[must_use]
pub fn surface(surface: &Surface, arm: usize, metric: Metric, options: &FigureOptions) -> Figure {
    draw(surface, arm, metric, options).unwrap_or_else(Figure::not_drawn)
}

fn draw(surface: &Surface, arm: usize, metric: Metric, options: &FigureOptions) -> Result<Figure, Error> {
    let cells = surface.cells();
    let Some(label) = cells.arms.get(arm) else {
        return Err(Error::no_arm(cells.arms.len(), arm));
    };
    let (statistic, values) = match options.statistic {
        Statistic::Median => ("median", surface.medians(arm, metric)?),
        Statistic::Mean(_) => ("mean", surface.means(arm, metric)?),
    };
    let highest = values.iter().copied().filter(|v| v.is_finite()).fold(f64::NEG_INFINITY, f64::max);
    if highest == f64::NEG_INFINITY {
        let reason = format!("the arm {} has no {} on this surface", in_words(label), metric.name());
        return Err(Error::Unsupported { reason });
    }
    let Words { name, axis, is_logarithmic, .. } = words(metric);
    let floor = FLOOR * highest;
    let is_noise = |v: f64| is_logarithmic && v > 0.0 && v < floor;
    let lowest = values.iter().copied().filter(|&v| v > 0.0 && !is_noise(v)).fold(highest, f64::min);
    let cut = values.iter().filter(|v| is_noise(**v)).count();
    let of = unit(metric).map_or(String::new(), |unit| format!(", {unit}"));
    let (rows, columns) = (surface.row_values(), surface.column_values());
    let (up, right) = (axis_of(surface.rows(), &rows), axis_of(surface.columns(), &columns));
    // Leave out values that a logarithmic axis cannot show.
    let of_columns = |row: &[f64]| -> Vec<f64> {
        row.iter().zip(&columns).filter(|(_, at)| right.scale.shows(**at)).map(|(value, _)| *value).collect()
    };
    let shown = values.rows().into_iter().zip(&rows).filter(|(_, at)| up.scale.shows(**at));
    let heat = HeatMap {
        x: of_columns(&columns),
        y: rows.iter().copied().filter(|at| up.scale.shows(*at)).collect(),
        values: shown.map(|(row, _)| of_columns(&row.to_vec())).collect(),
        scale: if is_logarithmic { Scale::Log10 } else { Scale::Linear },
        range: (is_logarithmic && lowest < highest).then_some((lowest, highest)),
        label: format!("{axis} ({statistic}){of}"),
    };
    let left_out = (rows.len() - heat.y.len(), surface.rows());
    let panel = with_threshold(Panel::new(right, up), surface).with_title(&*name).with_heat_map(heat);
    let what = match surface.rows() {
        curve::Axis::Samples => "the plane".into(),
        rows => format!("{} and {}", rows.symbol(), surface.columns().symbol()),
    };
    let panels = vec![panel];
    let mut shown = cells.clone();
    shown.provenance.estimator = spanned(&shown.provenance.estimator);
    // A family is described by its name alone: each setting is a row.
    let of_arm = if surface.is_of_family() { label.name.replace('_', " ") } else { in_words(label) };
    let draft = Draft::new(&shown, options, &[])?;
    let mut text = caption::caption(&draft, &format!("{name} over {what}, {of_arm}"), &panels, 0);
    text = text.replacen("Lines are", "Colours are", 1).replacen("Lines show", "Colours show", 1);
    if cut > 0 {
        let (are, have) = if cut == 1 { ("value is", "has") } else { ("values are", "have") };
        let note = format!(
            " {cut} {are} under 10⁻¹² of the largest, zero up to rounding, and {have} the lightest colour."
        );
        text.push_str(&note);
    }
    if let (count @ 1.., axis) = left_out {
        let (rows, have) = (counted(count, "row"), if count == 1 { "has" } else { "have" });
        let symbol = axis.symbol();
        text.extend([format!(" {rows} at {symbol}\u{a0}≤\u{a0}0 {have} no place on a logarithmic axis.")]);
    }
    let mut figure = Figure::new(text);
    figure.panels = panels;
    Ok(Figure { aspect: Some(0.9), ..figure })
}

/// An axis of a surface with the given ascending values.
fn axis_of(axis: curve::Axis, values: &[f64]) -> PanelAxis {
    if spans_decades(values) { PanelAxis::log10(axis.label()) } else { PanelAxis::linear(axis.label()) }
}

/// Adds the threshold `n = p`: a diagonal of the plane, or a vertical line if one of the two is held.
fn with_threshold(panel: Panel, surface: &Surface) -> Panel {
    let (samples, features) = (floats(&surface.samples()), floats(&surface.features()));
    match (surface.rows(), surface.columns(), &samples[..], &features[..]) {
        (curve::Axis::Samples, ..) => {
            let Some(ends) = diagonal(&samples, &features) else { return panel };
            let line = Series::new("", ends.clone(), ends).with_dash(Dash::Dashed);
            panel.with_group(Group::new("n = p", Hue::Vermillion).with_series(line))
        }
        (_, curve::Axis::Features, [n], _) => panel.with_marker(*n, format!("p = n = {n}")),
        (_, curve::Axis::Samples, _, [p]) => match curve::deficient(&surface.cells().cells, *p as usize) {
            Some(rank) => panel.with_marker(rank as f64, format!("n = rank = {rank}")),
            None => panel.with_marker(*p, format!("n = p = {p}")),
        },
        _ => panel,
    }
}

/// The part of the line `n = p` that lies on the plane.
fn diagonal(samples: &[f64], features: &[f64]) -> Option<Vec<f64>> {
    let low = samples.first()?.max(*features.first()?);
    let high = samples.last()?.min(*features.last()?);
    (low < high).then(|| vec![low, high])
}

fn floats(counts: &[usize]) -> Vec<f64> {
    counts.iter().map(|&count| count as f64).collect()
}
