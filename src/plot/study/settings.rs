//! Curves over the setting of an arm, such as a ridge path or training time.

use super::draft::{self, FLOOR};
use super::metric::{Words, spans_decades, words};
use super::{FigureOptions, Statistic, caption, draft::Draft, theory};
use crate::Error;
use crate::curve::{self, Curve, Metric, Summary};
use crate::machine::order;
use crate::plot::{Dash, Figure, Group, Panel, PanelAxis, Scale, Series};

/// Figure of a family's metrics over its setting, at the values `at` of the curve's axis (all of them if `at` is
/// empty): one group of lines per metric, from light to dark over the axis values. The setting's axis is logarithmic if
/// the settings span more than a decade; `label` names it (`Penalty λ`). Theories are functions of the setting.
///
/// Not drawn, with the reason ([`Figure::undrawn`]): a family that the curve does not have, or one without settings; no
/// metrics, metrics that the family does not have, or metrics that cannot share an axis; an axis value that is not
/// there.
///
/// # Examples
/// ```
/// use double_descent::curve::Metric;
/// use double_descent::filter::Ridge;
/// use double_descent::plot::{FigureOptions, study};
/// use double_descent::{dataset::Dataset, sweep::{Arm, Sweep}};
/// use std::sync::Arc;
///
/// let mut sweep = Sweep::new(Dataset::diabetes(), [10, 15], 20, 0);
/// sweep.arms = (-8..=2)
///     .map(|i| 10.0_f64.powi(i))
///     .map(|penalty| Ok(Arm::new("ridge", Some(penalty), Arc::new(Ridge::new(penalty)?))))
///     .collect::<Result<_, double_descent::Error>>()?;
/// let curve = sweep.run()?;
/// let metrics = [Metric::TrainMse, Metric::TestMse];
/// let figure = study::over_settings(&curve, ("ridge", "Penalty λ"), &[], &metrics, &FigureOptions::default());
/// assert!(figure.to_svg().contains("n\u{a0}=\u{a0}15"));
/// # Ok::<(), double_descent::Error>(())
/// ```
#[must_use]
pub fn over_settings(
    curve: &Curve,
    family: (&str, &str),
    at: &[usize],
    metrics: &[Metric],
    options: &FigureOptions,
) -> Figure {
    draw(curve, family, at, metrics, options).unwrap_or_else(Figure::not_drawn)
}

fn draw(
    curve: &Curve,
    (family, label): (&str, &str),
    at: &[usize],
    metrics: &[Metric],
    options: &FigureOptions,
) -> Result<Figure, Error> {
    let arms = settings(curve, family)?;
    let values = axis_values(curve, at)?;
    let Some(&first) = metrics.first() else { return Err(Error::Empty { what: "the list of metrics" }) };
    let Words { axis, is_logarithmic, .. } = words(first);
    if let Some(&other) = metrics.iter().find(|&&metric| words(metric).axis != axis) {
        let reason = format!("{} and {} cannot share an axis; draw them apart", first.name(), other.name());
        return Err(Error::Unsupported { reason });
    }
    let mut draft = Draft::new(curve, options, metrics)?;
    let settings: Vec<f64> = arms.iter().map(|(_, setting)| *setting).collect();
    let spans_decades = spans_decades(&settings);
    let mut groups = Vec::new();
    for &metric in metrics {
        let mut group = Group::new(words(metric).name, words(metric).hue);
        for &value in &values {
            let name = if values.len() > 1 { held(curve, value) } else { String::new() };
            group.series.extend(series(&draft, metric, (&arms, value), name));
        }
        if group.series.is_empty() {
            let reason = format!("`{family}` has no {}; ask the sweep for that metric", metric.name());
            return Err(Error::Unsupported { reason });
        }
        groups.push(group);
    }
    let dense = theory::between(&settings, spans_decades);
    draft.theories = options.theories.iter().map(|overlay| overlay.line((label, &dense), |at| at)).collect();
    let drawn = options.theories.iter().zip(&draft.theories);
    let drawn = drawn.filter(|(overlay, _)| metrics.contains(&overlay.metric)).map(|(_, line)| line.clone());
    let theories = theory::groups(drawn);
    let scale = |is_logarithmic: bool| if is_logarithmic { Scale::Log10 } else { Scale::Linear };
    let axis_of = |label: &str, is_logarithmic| PanelAxis {
        label: label.into(),
        scale: scale(is_logarithmic),
        range: None,
    };
    let mut panel = Panel::new(axis_of(label, spans_decades), axis_of(&axis, is_logarithmic));
    panel.groups = groups;
    panel.groups.extend(theories);
    let mut panels = vec![panel];
    if is_logarithmic {
        let highest = panels[0].groups.iter().flat_map(|group| &group.series).flat_map(|series| &series.y);
        let highest = highest.copied().filter(|y| y.is_finite()).fold(0.0, f64::max);
        draft.cut = draft::fit(FLOOR * highest, &mut panels).ok_or_else(|| Error::Unsupported {
            reason: "every value is zero: a logarithmic axis cannot show them".into(),
        })?;
    }
    let what = format!("{} over {}", listed(metrics), uncapitalised(label));
    let shown = Curve {
        cells: curve
            .cells
            .iter()
            .filter(|cell| values.iter().any(|&value| is_at(curve, cell, value)))
            .copied()
            .collect(),
        ..curve.clone()
    };
    let estimator = spanned(&shown.provenance.estimator);
    let shown = Curve { provenance: curve::Provenance { estimator, ..shown.provenance }, ..shown };
    let mut whole = Draft::new(&shown, options, &[])?;
    (whole.theories, whole.cut) = (draft.theories, draft.cut);
    whole.absent.clear(); // here a theory applies to the whole family
    let mut figure = Figure::new(caption::caption(&whole, &what, &panels, whole.cut));
    figure.panels = panels;
    Ok(figure)
}

/// The arms of a family with their settings, ascending.
fn settings(curve: &Curve, family: &str) -> Result<Vec<(usize, f64)>, Error> {
    let arms = curve.known_family(family)?;
    let setting = |arm: usize| Some((arm, curve.arms[arm].setting.filter(|setting| setting.is_finite())?));
    let mut settings: Vec<(usize, f64)> = arms.into_iter().filter_map(setting).collect();
    order::sort(&mut settings, |a, b| a.1.total_cmp(&b.1));
    if settings.is_empty() {
        let reason = format!("the arms `{family}` have no settings to draw a curve over");
        return Err(Error::Unsupported { reason });
    }
    Ok(settings)
}

fn axis_values(curve: &Curve, at: &[usize]) -> Result<Vec<usize>, Error> {
    let all = curve.axis_values();
    if let Some(&value) = at.iter().find(|value| !all.contains(value)) {
        let must_be = "one that the curve has";
        return Err(Error::Domain { what: "an axis value to draw", value: value as f64, must_be });
    }
    Ok(if at.is_empty() { all } else { at.to_vec() })
}

/// The series of one metric over the settings at one axis value; `None` without cells.
fn series(
    draft: &Draft<'_>,
    metric: Metric,
    (arms, value): (&[(usize, f64)], usize),
    name: String,
) -> Option<Series> {
    let is_here = |s: &&Summary| s.value == value as f64;
    let here: Vec<&Summary> = draft.table(metric).iter().filter(is_here).collect();
    let found: Vec<(f64, &Summary)> = arms
        .iter()
        .filter_map(|(arm, setting)| Some((*setting, *here.iter().find(|s| s.arm == *arm)?)))
        .collect();
    if found.is_empty() {
        return None;
    }
    let middle = |s: &Summary| match draft.options.statistic {
        Statistic::Median => s.median,
        Statistic::Mean(_) => s.mean,
    };
    let (x, y) = found.iter().map(|(setting, s)| (*setting, middle(s))).unzip();
    let mut line = Series::new(name, x, y);
    let edges = found.iter().map(|(_, s)| match draft.options.statistic {
        Statistic::Median => Some((s.q25, s.q75)),
        Statistic::Mean(_) => s.mean_band,
    });
    if let (true, Some(edges)) = (draft.has_bands(), edges.collect::<Option<Vec<_>>>()) {
        let (lower, upper) = edges.into_iter().unzip();
        line = line.with_band(lower, upper);
    }
    line.points = found.len() <= 12;
    line.dash = Dash::Solid;
    Some(line)
}

/// Shortens a list of more than three estimators that differ in their setting to the first and the last.
pub(super) fn spanned(estimators: &str) -> String {
    let all: Vec<&str> = estimators.split("; ").collect();
    match all[..] {
        [first, .., last] if all.len() > 3 => format!("{first}; …; {last} ({} in all)", all.len()),
        _ => estimators.into(),
    }
}

fn held(curve: &Curve, value: usize) -> String {
    format!("{}\u{a0}=\u{a0}{value}", curve.axis.symbol())
}

fn is_at(curve: &Curve, cell: &curve::Cell, value: usize) -> bool {
    curve.axis.value(cell) == Some(value as f64)
}

/// `Penalty λ` within a sentence: `penalty λ`. A symbol keeps its capital.
fn uncapitalised(label: &str) -> String {
    let mut letters = label.chars();
    match letters.next() {
        Some(first) if letters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => label.into(),
    }
}

/// `Training error and test error`.
fn listed(metrics: &[Metric]) -> String {
    let names: Vec<String> = metrics.iter().map(|&metric| words(metric).name).collect();
    let mut text = names[0].clone();
    for (i, name) in names.iter().enumerate().skip(1) {
        text += if i + 1 == names.len() { " and " } else { ", " };
        text += &name.to_lowercase();
    }
    text
}
