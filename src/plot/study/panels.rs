//! Panels for any metrics and any arms of a curve.

use super::arms::in_words;
use super::draft::{self, Draft, FLOOR};
use super::metric::{Words, words};
use super::setting::short;
use super::{FigureOptions, caption};
use crate::Error;
use crate::curve::{Curve, Metric};
use crate::error::words::counted;
use crate::plot::{Dash, Figure, Group, Hue, Panel, PanelAxis, Series};

/// The hues of the families that share a panel, in order; after the last they repeat.
const HUES: [Hue; 5] = [Hue::Vermillion, Hue::Blue, Hue::Green, Hue::Purple, Hue::Grey];

/// Figure with one panel per list of metrics and one line per arm that has them. Arms with the same name are a family:
/// a colour ramp from the first setting to the last. Limits (`infinite_width`, `ensemble_limit`) are dash-dotted.
///
/// Not drawn, with the reason ([`Figure::undrawn`]): [`Error::Empty`] without metrics; [`Error::Unsupported`] for a
/// metric that no arm has, for metrics in one list that cannot share an axis, and for a metric that is zero everywhere.
///
/// # Examples
/// ```
/// use double_descent::curve::Metric;
/// use double_descent::plot::{FigureOptions, study};
/// use double_descent::{dataset::Dataset, sweep::{Arm, Sweep}};
///
/// let mut sweep = Sweep::new(Dataset::diabetes(), 5..=20, 10, 0);
/// sweep.arms = vec![Arm::min_norm(), Arm::ridge(0.01)?, Arm::ridge(1.0)?];
/// let metrics: [&[Metric]; 2] = [&[Metric::TrainMse, Metric::TestMse], &[Metric::CoefficientNorm]];
/// let figure = study::panels(&sweep.run()?, &metrics, &FigureOptions::default());
/// assert_eq!(figure.panels.len(), 2);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[must_use]
pub fn panels(curve: &Curve, metrics: &[&[Metric]], options: &FigureOptions) -> Figure {
    drawn_panels(curve, metrics, options).unwrap_or_else(Figure::not_drawn)
}

fn drawn_panels(curve: &Curve, metrics: &[&[Metric]], options: &FigureOptions) -> Result<Figure, Error> {
    let all: Vec<Metric> = metrics.iter().copied().flatten().copied().collect();
    if all.is_empty() {
        return Err(Error::Empty { what: "the list of metrics" });
    }
    let draft = Draft::new(curve, options, &all)?;
    let (mut panels, mut cut) = (Vec::new(), 0);
    for list in metrics.iter().filter(|list| !list.is_empty()) {
        let (panel, noise) = panel(&draft, list)?;
        cut += noise;
        panels.push(panel);
    }
    if let [panel] = &mut panels[..] {
        panel.title.clear();
    }
    let mut names: Vec<String> = Vec::new();
    for name in all.iter().map(|&metric| words(metric).name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(finish(&draft, &sentence(&names), panels, cut))
}

/// Figure of the training and test error of chosen arms, given by their indices in [`Curve::arms`]: one panel per arm,
/// all with the same vertical axis. ([`compare`](super::compare) has one panel per error instead.)
///
/// Not drawn, with the reason ([`Figure::undrawn`]): [`Error::TooLarge`] for an arm that the curve does not have;
/// [`Error::Unsupported`] if there is nothing to draw.
///
/// # Examples
/// ```
/// use double_descent::plot::{FigureOptions, study};
/// use double_descent::{dataset::Dataset, sweep::{Arm, Sweep}};
///
/// let mut sweep = Sweep::new(Dataset::diabetes(), 5..=20, 10, 0);
/// sweep.arms = vec![Arm::min_norm(), Arm::ridge(1.0)?];
/// let figure = study::each_arm(&sweep.run()?, &[0, 1], &FigureOptions::default());
/// assert_eq!(figure.panels.len(), 2);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[must_use]
pub fn each_arm(curve: &Curve, arms: &[usize], options: &FigureOptions) -> Figure {
    drawn_each_arm(curve, arms, options).unwrap_or_else(Figure::not_drawn)
}

fn drawn_each_arm(curve: &Curve, arms: &[usize], options: &FigureOptions) -> Result<Figure, Error> {
    let metrics = [Metric::TrainMse, Metric::TestMse];
    let draft = Draft::new(curve, options, &metrics)?;
    let mut panels = Vec::new();
    for &arm in arms {
        let Some(label) = curve.arms.get(arm) else {
            return Err(Error::no_arm(curve.arms.len(), arm));
        };
        let (errors, shown) = (super::ablation::errors(&draft, arm), super::ablation::shown(arm));
        let panel = draft.panel("Mean squared error", errors, &shown);
        let title = if arms.len() == 1 { String::new() } else { capital(&in_words(label)) };
        panels.extend(panel.map(|panel| panel.with_title(title)));
    }
    let Some(cut) = draft::fit(floor(&draft, &metrics), &mut panels) else {
        return Err(Error::Unsupported { reason: "these arms have no errors to draw".into() });
    };
    Ok(finish(&draft, "Training and test error", panels, cut))
}

/// Builds the figure; `cut` values are rounding noise.
fn finish(draft: &Draft<'_>, what: &str, panels: Vec<Panel>, cut: usize) -> Figure {
    let mut text = caption::caption(draft, what, &panels, 0);
    if cut > 0 {
        let (values, are) = (counted(cut, "value"), if cut == 1 { "is" } else { "are" });
        let at = draft.curve.axis.symbol();
        text.extend([format!(
            " {values} under 10⁻¹² of that at the smallest {at}, zero up to rounding, {are} cut off by the frame."
        )]);
    }
    Figure { panels, ..Figure::new(text) }
}

/// The value below which these metrics are zero up to rounding, relative to the first point of each arm. The
/// largest point would be too coarse: next to a peak of 10¹⁵, an error of 1 is not a rounding error.
fn floor(draft: &Draft<'_>, metrics: &[Metric]) -> f64 {
    let arms = 0..draft.curve.arms.len();
    let first = |(metric, arm): (Metric, usize)| {
        draft.table(metric).iter().find(|summary| summary.arm == arm).map(|summary| summary.median)
    };
    let all = metrics.iter().flat_map(|&metric| arms.clone().map(move |arm| (metric, arm)));
    FLOOR * all.filter_map(first).filter(|m| m.is_finite()).fold(f64::MIN_POSITIVE, f64::max)
}

/// Builds one panel.
fn panel(draft: &Draft<'_>, metrics: &[Metric]) -> Result<(Panel, usize), Error> {
    let Words { axis, is_logarithmic, name, .. } = words(metrics[0]);
    if let Some(other) = metrics.iter().find(|&&metric| words(metric).axis != axis) {
        let reason =
            format!("{} and {} cannot share an axis; draw them apart", metrics[0].name(), other.name());
        return Err(Error::Unsupported { reason });
    }
    let groups: Vec<Group> =
        if let [metric] = metrics { families(draft, *metric) } else { of_metrics(draft, metrics) };
    let arms = 0..draft.curve.arms.len();
    let shown: Vec<(Metric, usize)> =
        metrics.iter().flat_map(|&metric| arms.clone().map(move |arm| (metric, arm))).collect();
    let lacks = || {
        let names: Vec<&str> = metrics.iter().map(|metric| metric.name()).collect();
        let reason = format!("no arm has {}; ask the sweep for that metric", names.join(" or "));
        Error::Unsupported { reason }
    };
    let mut panel = draft.panel(&axis, groups, &shown).ok_or_else(lacks)?;
    if panel.groups.len() > 1 && panel.groups[0].heading.is_empty() {
        // Next to a theory, the curve needs its own legend entry.
        panel.groups[0].heading.clone_from(&name);
    }
    let title = if let [_] = metrics { name } else { capital(&axis) };
    if is_logarithmic {
        let zero = || Error::Unsupported { reason: format!("every {} is zero", metrics[0].name()) };
        let cut = draft::fit(floor(draft, metrics), std::slice::from_mut(&mut panel)).ok_or_else(zero)?;
        return Ok((panel.with_title(title), cut));
    }
    Ok((Panel { y: PanelAxis::linear(axis), ..panel.with_title(title) }, 0))
}

/// The arms of one metric, one group per family.
fn families(draft: &Draft<'_>, metric: Metric) -> Vec<Group> {
    let arms = &draft.curve.arms;
    let mut names: Vec<&str> = Vec::new();
    for arm in arms {
        if !names.contains(&&*arm.name) {
            names.push(&arm.name);
        }
    }
    // A family without values takes no hue.
    let mut groups: Vec<Group> = Vec::new();
    for name in &names {
        let measured = groups.iter().filter(|group| group.hue != Hue::Black).count();
        let hue = match *name {
            "infinite_width" => Hue::Black,
            _ if names.len() == 1 => words(metric).hue,
            _ => HUES[measured % HUES.len()],
        };
        let heading = capital(&name.replace('_', " "));
        let mut group = Group::new(heading, hue);
        for arm in draft.curve.family(name) {
            let label = arms[arm].setting.map_or(String::new(), short);
            group.series.extend(draft.series(metric, arm, label));
        }
        if is_limit(name) {
            group.series.iter_mut().for_each(as_limit);
        }
        if !group.series.is_empty() {
            groups.push(group);
        }
    }
    if let [group] = &mut groups[..]
        && group.series.len() == 1
    {
        // The panel's title already names it.
        group.heading.clear();
        group.series[0].label.clear();
    }
    groups
}

/// Several metrics, one group each.
fn of_metrics(draft: &Draft<'_>, metrics: &[Metric]) -> Vec<Group> {
    let arms = &draft.curve.arms;
    let group = |&metric: &Metric| {
        let mut group = Group::new(words(metric).name, words(metric).hue);
        for (arm, label) in arms.iter().enumerate() {
            let name = if arms.len() == 1 { String::new() } else { in_words(label) };
            let mut series = draft.series(metric, arm, name);
            series.iter_mut().filter(|_| is_limit(&label.name)).for_each(as_limit);
            group.series.extend(series);
        }
        group
    };
    metrics.iter().map(group).collect()
}

fn is_limit(arm: &str) -> bool {
    arm.contains("infinite") || arm.contains("limit")
}

/// Styles a series as a limit: no points at its cells, and dash-dotted, because plain dashes mark theories.
fn as_limit(series: &mut Series) {
    (series.dash, series.points) = (Dash::DashDotted, false);
}

/// `Test error, test rows misclassified and norm of the fit`.
fn sentence(names: &[String]) -> String {
    let mut text = names[0].clone();
    for (i, name) in names.iter().enumerate().skip(1) {
        text += if i + 1 == names.len() { " and " } else { ", " };
        text += &small(name);
    }
    text
}

fn small(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
