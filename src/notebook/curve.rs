//! Curves and surfaces: a figure and a table of the arms.

use super::ToHtml;
use super::table::{Table, cut, number};
use crate::curve::{Axis, Curve, MedianPoint, Metric, Surface};
use crate::error::words::counted;
use std::fmt;

/// The metric a table reports for the arms: the test error, or the first metric that has values.
fn telling(curve: &Curve) -> Option<Metric> {
    let has = |metric: Metric| curve.cells.iter().any(|cell| cell.metric(metric).is_some());
    [Metric::TestMse].into_iter().chain(Metric::ALL.iter().copied()).find(|&metric| has(metric))
}

fn arm_name(curve: &Curve, arm: usize) -> String {
    let Some(label) = curve.arms.get(arm) else { return String::new() };
    let setting = label.setting.map_or(String::new(), |value| format!(" {}", number(value)));
    cut(&label.name.replace('_', " ")) + &setting
}

fn failed(curve: &Curve) -> String {
    let stopped = if curve.complete { "" } else { "; stopped early" };
    match (curve.failed_in_words(), curve.failures.first()) {
        (Some(failed), Some(first)) => {
            format!("; {failed}, the first: {}{stopped}", cut(&first.error.to_string()))
        }
        _ => stopped.to_owned(),
    }
}

/// Writes one line: the data, the axis, the numbers of arms and repeats, and how many fits failed.
impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())
    }
}

/// Writes one line, as for a curve.
impl fmt::Display for Surface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())
    }
}

impl ToHtml for Curve {
    fn headline(&self) -> String {
        let values = self.values();
        let range = match values[..] {
            [] => "no values".to_owned(),
            [only] => number(only),
            [first, .., last] => format!("{} to {} ({} values)", number(first), number(last), values.len()),
        };
        let data = cut(&self.provenance.data);
        let of = if data.is_empty() { data } else { format!(" of {data}") };
        format!(
            "Curve{of} over {} = {range}: {}, {}{}",
            self.axis.symbol(),
            counted(self.arms.len(), "arm"),
            counted(self.repeats(), "repeat"),
            failed(self)
        )
    }

    fn body(&self) -> String {
        let Some(metric) = telling(self) else { return String::new() };
        let symbol = self.axis.symbol();
        let at = |point: Option<MedianPoint>| match point {
            Some(point) => format!("{} at {symbol} = {}", number(point.median), number(point.value)),
            None => String::new(),
        };
        let row = |arm: usize| {
            let peak = at(self.peak(arm, metric));
            let peak = if peak.is_empty() { "none certified".into() } else { peak };
            [arm_name(self, arm), at(self.lowest(arm, metric)), at(self.highest(arm, metric)), peak]
        };
        let caption = format!("Medians of {}", metric.name().replace("mse", "error").replace('_', " "));
        let table =
            Table::new(["arm", "lowest", "highest", "peak"], self.arms.len(), row).with_caption(caption);
        figure_of(self) + &table.html()
    }
}

impl ToHtml for Surface {
    fn headline(&self) -> String {
        let cells = self.cells();
        let range = |axis: Axis, values: &[f64]| {
            let symbol = axis.symbol();
            match *values {
                [] => format!("no {symbol}"),
                [only] => format!("{symbol} = {}", number(only)),
                [first, .., last] => {
                    format!("{symbol} = {} to {} ({} values)", number(first), number(last), values.len())
                }
            }
        };
        format!(
            "Surface of {} over {} and {}: {}, {}{}",
            cut(&cells.provenance.data),
            range(self.rows(), &self.row_values()),
            range(self.columns(), &self.column_values()),
            counted(arms_of(self), "arm"),
            counted(cells.repeats(), "repeat"),
            failed(cells)
        )
    }

    fn body(&self) -> String {
        let Some(metric) = telling(self.cells()) else { return String::new() };
        let (rows, columns) = (self.row_values(), self.column_values());
        let (up, right) = (self.rows().symbol(), self.columns().symbol());
        let extreme = |arm: usize, sign: f64| {
            let medians = self.medians(arm, metric).ok()?;
            let values = medians.indexed_iter().filter(|(_, value)| !value.is_nan());
            let ((i, j), value) = values.max_by(|a, b| (sign * a.1).total_cmp(&(sign * b.1)))?;
            let (row, column) = (number(*rows.get(i)?), number(*columns.get(j)?));
            Some(format!("{} at {up} = {row}, {right} = {column}", number(*value)))
        };
        let row = |arm: usize| {
            let [lowest, highest] = [-1.0, 1.0].map(|sign| extreme(arm, sign).unwrap_or_default());
            let family = || self.cells().arms.first().map_or_else(String::new, |arm| arm.name.clone());
            let name = if self.is_of_family() { family() } else { arm_name(self.cells(), arm) };
            [name, lowest, highest]
        };
        let caption = format!("Medians of {}", metric.name().replace("mse", "error").replace('_', " "));
        heat_map_of(self, metric)
            + &Table::new(["arm", "lowest", "highest"], arms_of(self), row).with_caption(caption).html()
    }
}

/// The number of heat maps: a family counts as one, because its settings are the rows.
fn arms_of(surface: &Surface) -> usize {
    if surface.is_of_family() { 1 } else { surface.cells().arms.len() }
}

/// At most this many arms are drawn: an evenly spaced selection that includes the first and the last.
#[cfg(feature = "svg")]
const DRAWN: usize = 32;

#[cfg(feature = "svg")]
fn figure_of(curve: &Curve) -> String {
    use crate::plot::{FigureOptions, study};
    let count = curve.arms.len();
    let arms: Vec<usize> = match count {
        0..=DRAWN => (0..count).collect(),
        _ => (0..DRAWN).map(|i| i * (count - 1) / (DRAWN - 1)).collect(),
    };
    let mut figure = study::of_arms(curve, &arms, &FigureOptions::default());
    if arms.len() < count {
        figure.caption = format!("{} {} of {count} arms are drawn.", figure.caption, arms.len());
    }
    figure.body()
}

#[cfg(feature = "svg")]
fn heat_map_of(surface: &Surface, metric: Metric) -> String {
    use crate::plot::{FigureOptions, study};
    study::surface(surface, 0, metric, &FigureOptions::default()).body()
}

#[cfg(not(feature = "svg"))]
fn figure_of(_: &Curve) -> String {
    String::new()
}

#[cfg(not(feature = "svg"))]
fn heat_map_of(_: &Surface, _: Metric) -> String {
    String::new()
}
