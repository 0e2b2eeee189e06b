//! All arms of a curve, one hue per family.

use super::draft::Draft;
use super::metric::{Words, words};
use super::missing::or_error;
use super::setting::short;
use super::settings::spanned;
use super::{FigureOptions, Statistic};
use crate::Error;
use crate::curve::{self, ArmLabel, Curve, Metric};
use crate::plot::{Figure, Group, Hue, Panel, PanelAxis};

/// The hues of the families; if there are more families, all share one ramp.
const HUES: [Hue; 5] = [Hue::Vermillion, Hue::Blue, Hue::Green, Hue::Purple, Hue::Grey];

/// Figures with more lines than this have no bands.
const BANDED: usize = 2;

/// Figure of the test and training error of all arms side by side: each family of arms has a hue, its settings a ramp
/// from light to dark. A curve with neither error shows its first available metric.
///
/// A curve without any value is not drawn; [`Figure::undrawn`] holds the reason.
///
/// # Examples
/// ```
/// use double_descent::plot::{FigureOptions, study};
/// use double_descent::{dataset::Dataset, sweep::Sweep};
///
/// let curve = Sweep::new(Dataset::diabetes(), 5..=20, 10, 0).run()?;
/// let figure = study::every_arm(&curve, &FigureOptions::default());
/// assert!(figure.to_svg().contains("no residuals"));
/// # Ok::<(), double_descent::Error>(())
/// ```
#[must_use]
pub fn every_arm(curve: &Curve, options: &FigureOptions) -> Figure {
    of_arms(curve, &(0..curve.arms.len()).collect::<Vec<_>>(), options)
}

/// As [`every_arm`], for some arms, given by their indices.
pub(crate) fn of_arms(curve: &Curve, arms: &[usize], options: &FigureOptions) -> Figure {
    let has = |metric: &Metric| curve.cells.iter().any(|cell| cell.metric(*metric).is_some());
    let mut metrics: Vec<Metric> = [Metric::TestMse, Metric::TrainMse].into_iter().filter(has).collect();
    if metrics.is_empty() {
        metrics.extend(Metric::ALL.iter().copied().find(has));
    }
    let estimator = spanned(&curve.provenance.estimator);
    let whole;
    let curve = if estimator == curve.provenance.estimator {
        curve
    } else {
        whole = Curve {
            provenance: curve::Provenance { estimator, ..curve.provenance.clone() },
            ..curve.clone()
        };
        &whole
    };
    let options = match options.statistic {
        // The resamples would give bands that are not drawn.
        Statistic::Mean(bootstrap) if arms.len() > BANDED => FigureOptions {
            statistic: Statistic::Mean(curve::Bootstrap { draws: 0, ..bootstrap }),
            ..options.clone()
        },
        _ => options.clone(),
    };
    let draw = |mut draft: Draft<'_>| {
        let mut panels: Vec<Panel> = Vec::new();
        for &metric in &metrics {
            panels.extend(panel(&mut draft, metric, arms));
        }
        let what = match metrics[..] {
            [Metric::TestMse, Metric::TrainMse] => "Test and training error".to_owned(),
            [metric] => words(metric).name,
            _ => String::new(),
        };
        draft.finish(&what, panels)
    };
    or_error(Draft::new(curve, &options, &metrics), draw, |_| Error::Empty {
        what: "the list of values that a logarithmic axis can show",
    })
}

fn panel(draft: &mut Draft<'_>, metric: Metric, arms: &[usize]) -> Option<Panel> {
    let Words { name, axis, is_logarithmic, .. } = words(metric);
    let shown: Vec<(Metric, usize)> = arms.iter().map(|&arm| (metric, arm)).collect();
    let mut panel = draft.panel(&axis, groups(draft, metric, arms), &shown)?;
    panel.title = name;
    if is_logarithmic {
        return draft.fitted(&[metric], Some(panel));
    }
    panel.y = PanelAxis::linear(axis);
    Some(panel)
}

fn groups(draft: &Draft<'_>, metric: Metric, arms: &[usize]) -> Vec<Group> {
    let curve = draft.curve;
    let mut families: Vec<&str> = Vec::new();
    for name in arms.iter().map(|&arm| &*curve.arms[arm].name) {
        if !families.contains(&name) {
            families.push(name);
        }
    }
    let line = |arm: usize, label: String| {
        let mut series = draft.series(metric, arm, label)?;
        if arms.len() > BANDED {
            series.band = None;
        }
        Some(series)
    };
    if families.len() > HUES.len() {
        let mut group = Group::new("Arms", words(metric).hue);
        group
            .series
            .extend(arms.iter().filter_map(|&arm| line(arm, super::arms::in_words(&curve.arms[arm]))));
        return vec![group];
    }
    let group = |(name, hue): (&str, Hue)| {
        let members: Vec<usize> = arms.iter().copied().filter(|&arm| curve.arms[arm].name == name).collect();
        let mut group = Group::new(name.replace('_', " "), hue);
        let alone = members.len() == 1;
        for arm in members {
            let ArmLabel { setting, .. } = &curve.arms[arm];
            let setting = setting.map_or(String::new(), short);
            if alone && !setting.is_empty() {
                group.heading = format!("{} {setting}", group.heading);
            }
            group.series.extend(line(arm, if alone { String::new() } else { setting }));
        }
        group
    };
    let mut groups: Vec<Group> = families.into_iter().zip(HUES).map(group).collect();
    // On top, because the mildest settings of a family give the same fit.
    groups.sort_by_key(|group| group.heading == "unablated");
    groups
}
