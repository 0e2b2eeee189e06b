//! The plane of samples and features as a heat map.

use super::arms::in_words;
use super::draft::{Draft, FLOOR};
use super::metric::{Words, spans_decades, unit, words};
use super::{FigureOptions, Statistic, caption};
use crate::Error;
use crate::curve::{Metric, Surface};
use crate::plot::{Dash, Figure, Group, HeatMap, Hue, Panel, PanelAxis, Scale, Series};
use ndarray::Array2;

/// A metric of one arm over the plane: `p` to the right, `n` up, each axis logarithmic where its values span more than a
/// decade; medians or means over the repeats, with their unit at the colour bar. The threshold `n = p` is dashed. Cells
/// without a value are grey.
///
/// # Errors
/// [`Error::Empty`] for a surface without cells; [`Error::Shape`] for an arm that it does not have;
/// [`Error::Unsupported`] for a metric that the arm has nowhere.
///
/// # Examples
/// ```
/// # use double_descent::{dataset::Dataset, features::Coordinates, sweep::{Maps, Sweep}};
/// use double_descent::curve::Metric;
/// use double_descent::plot::{FigureOptions, study};
///
/// # let data = Dataset::diabetes();
/// # let maps = Maps::same(Coordinates::new(10));
/// let sweep = Sweep {
///     samples: vec![4, 6, 8, 10, 12],
///     features: (1..=10).collect(),
///     ..Sweep::plane(data.clone(), data, maps, 10, 0)
/// };
/// let figure = study::surface(&sweep.surface()?, 0, Metric::TestMse, &FigureOptions::default())?;
/// assert!(figure.to_svg().contains("Parameters p"));
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn surface(
    surface: &Surface,
    arm: usize,
    metric: Metric,
    options: &FigureOptions,
) -> Result<Figure, Error> {
    let cells = surface.cells();
    let Some(label) = cells.arms.get(arm) else {
        return Err(Error::Shape { what: "an arm of the surface", expected: cells.arms.len(), found: arm });
    };
    let (statistic, values) = match options.statistic {
        Statistic::Median => ("median", surface.medians(arm, metric)?),
        Statistic::Mean(_) => ("mean", means(surface, arm, metric)?),
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
    let (samples, features) = (floats(&surface.samples()), floats(&surface.features()));
    let of = unit(metric).map_or(String::new(), |unit| format!(", {unit}"));
    let diagonal = diagonal(&samples, &features);
    let heat = HeatMap {
        x: features.clone(),
        y: samples.clone(),
        values: values.rows().into_iter().map(|row| row.to_vec()).collect(),
        scale: if is_logarithmic { Scale::Log10 } else { Scale::Linear },
        range: (is_logarithmic && lowest < highest).then_some((lowest, highest)),
        label: format!("{axis} ({statistic}){of}"),
    };
    let across = |label: &str, values: &[f64]| {
        if spans_decades(values) { PanelAxis::log10(label) } else { PanelAxis::linear(label) }
    };
    let mut panel = Panel::new(across("Parameters p", &features), across("Training samples n", &samples))
        .with_title(&*name)
        .with_heat_map(heat);
    if let Some(ends) = diagonal {
        let line = Series::new("", ends.clone(), ends).with_dash(Dash::Dashed);
        panel = panel.with_group(Group::new("n = p", Hue::Vermillion).with_series(line));
    }
    let what = format!("{name} over the plane, {}", in_words(label));
    let panels = vec![panel];
    let mut text = caption::caption(&Draft::new(cells, options, &[]), &what, &panels, 0);
    text = text.replacen("Lines are", "Colours are", 1);
    if cut > 0 {
        let (are, have) = if cut == 1 { ("value is", "has") } else { ("values are", "have") };
        let note = format!(
            " {cut} {are} under 10⁻¹² of the largest, zero but for rounding, and {have} the lightest colour."
        );
        text.push_str(&note);
    }
    let mut figure = Figure::new(text);
    figure.panels = panels;
    Ok(Figure { aspect: Some(0.9), ..figure })
}

/// Means over repeats, [`Surface::samples`] × [`Surface::features`]; NaN where no cell has the metric.
fn means(surface: &Surface, arm: usize, metric: Metric) -> Result<Array2<f64>, Error> {
    let (samples, features) = (surface.samples(), surface.features());
    if samples.is_empty() {
        return Err(Error::Empty { what: "the surface" });
    }
    let mut sums = Array2::from_elem((samples.len(), features.len()), (0.0, 0.0));
    for cell in surface.cells().cells.iter().filter(|cell| cell.arm == arm) {
        let place = (samples.binary_search(&cell.n), features.binary_search(&cell.p));
        if let (Ok(row), Ok(column), Some(value)) = (place.0, place.1, cell.metric(metric)) {
            let (sum, count) = &mut sums[[row, column]];
            (*sum, *count) = (*sum + value, *count + 1.0);
        }
    }
    Ok(sums.mapv(|(sum, count)| sum / count))
}

/// The stretch of `n = p` that lies on the plane.
fn diagonal(samples: &[f64], features: &[f64]) -> Option<Vec<f64>> {
    let low = samples.first()?.max(*features.first()?);
    let high = samples.last()?.min(*features.last()?);
    (low < high).then(|| vec![low, high])
}

fn floats(counts: &[usize]) -> Vec<f64> {
    counts.iter().map(|&count| count as f64).collect()
}

impl Surface {
    /// Prints the test error of the first arm as a heat map for a notebook with the evcxr kernel, which calls this
    /// method on the last value of a cell.
    pub fn evcxr_display(&self) {
        match surface(self, 0, Metric::TestMse, &FigureOptions::default()) {
            Ok(figure) => figure.evcxr_display(),
            Err(error) => println!("nothing to draw: {error}"),
        }
    }
}
