//! A surface together with curves through it.

use super::overlay::overlay;
use super::setting::short;
use super::surface::surface;
use super::{Abscissa, FigureOptions};
use crate::Error;
use crate::curve::{Axis, Curve, Metric, Surface};
use crate::plot::{Dash, Figure, Group, Hue, Scale, Series};

/// The most curves through a surface.
const CURVES: usize = 4;

/// The mean squared training error up to which a fit counts as interpolation.
const EPSILON: f64 = 1e-6;

/// Figure of one arm's metric over a surface in three panels: the surface, curves over its columns at up to four of its
/// rows, and curves over its rows at up to four of its columns. On the plane of samples and features, dots mark the
/// effective model complexity, if there are training errors: for each `p` the largest `n` that is interpolated (mean
/// squared training error up to 10⁻⁶).
///
/// Not drawn in the same cases as [`surface`](super::surface()), with the reason ([`Figure::undrawn`]).
///
/// # Examples
/// ```
/// use double_descent::curve::Metric;
/// use double_descent::dataset::Dataset;
/// use double_descent::plot::{FigureOptions, study};
/// use double_descent::sweep::{Maps, Parameter, Sweep};
///
/// let data = Dataset::diabetes().standardised()?.split(300)?;
/// let sweep = Sweep {
///     parameter: Some(Parameter::penalty([1e-3, 1e-1, 10.0])),
///     ..Sweep::over_features(data, Maps::none(), 8, 1..=10, 10, 0)
/// };
/// let figure = study::slices(&sweep.surface()?, 0, Metric::TestMse, &FigureOptions::default());
/// assert_eq!(figure.panels.len(), 3);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[must_use]
pub fn slices(of: &Surface, arm: usize, metric: Metric, options: &FigureOptions) -> Figure {
    drawn_slices(of, arm, metric, options).unwrap_or_else(Figure::not_drawn)
}

fn drawn_slices(of: &Surface, arm: usize, metric: Metric, options: &FigureOptions) -> Result<Figure, Error> {
    let mut figure = surface(of, arm, metric, options).drawn()?;
    let options = &FigureOptions { abscissa: Abscissa::Axis, ..options.clone() };
    if of.rows() == Axis::Samples {
        let complexity = of.effective_complexity(arm, EPSILON);
        let (p, n): (Vec<f64>, Vec<f64>) =
            complexity.into_iter().filter_map(|(p, n)| Some((p as f64, n? as f64))).unzip();
        if let (Some(panel), false) = (figure.panels.first_mut(), p.is_empty()) {
            let dots = Series::new("", p, n).with_dash(Dash::None);
            panel.groups.push(Group::new("Effective model complexity", Hue::Purple).with_series(dots));
            figure
                .caption
                .push_str(" Dots: the largest n whose mean squared training error is at most 10⁻⁶.");
        }
    }
    let along_columns = slice_values(&of.row_values()).into_iter().map(|at| (of.rows(), at, of.at_row(at)));
    figure.panels.extend(curves(along_columns, arm, metric, options)?);
    let along_rows =
        slice_values(&of.column_values()).into_iter().map(|at| (of.columns(), at, of.at_column(at)));
    figure.panels.extend(curves(along_rows, arm, metric, options)?);
    let letters = ["(a)", "(b)", "(c)"];
    if figure.panels.len() > 1 {
        let (up, right) = (of.rows().symbol(), of.columns().symbol());
        figure.caption.extend([format!(
            " {} Curves through {} at some {up}, {} at some {right}.",
            letters[1], letters[0], letters[2]
        )]);
    }
    Ok(figure.with_columns(3).with_width(1240.0).with_aspect(0.95))
}

/// The values at which [`slices`] draws curves: at most four of a surface's row or column values, evenly spread and
/// including both ends.
///
/// # Examples
/// ```
/// use double_descent::plot::study::slice_values;
///
/// assert_eq!(slice_values(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]), [1.0, 3.0, 5.0, 7.0]);
/// ```
#[must_use]
pub fn slice_values(values: &[f64]) -> Vec<f64> {
    let last = values.len().saturating_sub(1);
    let mut places: Vec<usize> = (0..CURVES).map(|i| i * last / (CURVES - 1)).collect();
    places.dedup();
    places.into_iter().filter_map(|place| values.get(place).copied()).collect()
}

/// A panel of curves, each at one value of the held quantity; `None` if no curve has the metric.
fn curves(
    held: impl Iterator<Item = (Axis, f64, Option<Curve>)>,
    arm: usize,
    metric: Metric,
    options: &FigureOptions,
) -> Result<Option<crate::plot::Panel>, Error> {
    let has = |curve: &Curve| curve.cells.iter().any(|cell| cell.metric(metric).is_some());
    let found: Vec<(String, Curve)> = held
        .filter_map(|(axis, at, curve)| {
            let mut curve = curve.filter(has)?;
            // For a family, take the arm at that setting: the others have no cells here.
            let own = curve.cells.first().map_or(arm, |cell| cell.arm);
            let is_there = curve.cells.iter().any(|cell| cell.arm == arm);
            curve.cells.retain(|cell| cell.arm == if is_there { arm } else { own });
            Some((format!("{}\u{a0}=\u{a0}{}", axis.symbol(), short(at)), curve))
        })
        .collect();
    let lines: Vec<(&str, &Curve, usize)> =
        found.iter().map(|(name, curve)| (&**name, curve, curve.cells[0].arm)).collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let mut panel = overlay(&lines, metric, options).drawn()?.panels.into_iter().next();
    if let Some(panel) = &mut panel {
        let values = lines[0].1.values();
        if !super::metric::spans_decades(&values) || values[0] <= 0.0 {
            panel.x.scale = Scale::Linear;
        }
        panel.title = format!("Over {}", lines[0].1.axis.symbol());
    }
    Ok(panel)
}
