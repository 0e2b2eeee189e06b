//! Errors of arbitrary arms, and the figure of a curve in a notebook.

use super::FigureOptions;
use super::ablation::{errors, shown};
use super::draft::Draft;
use super::missing::{or_error, or_reason};
use super::setting::short;
use crate::Error;
use crate::curve::{ArmLabel, Curve, Metric};
use crate::plot::{Figure, Group, Hue};

const ERRORS: [Metric; 2] = [Metric::TestMse, Metric::TrainMse];

/// Figure of the training and test error of one arm, given by its index in [`Curve::arms`].
///
/// Not drawn, with the reason ([`Figure::undrawn`]): an arm that the curve does not have, or one without positive
/// errors.
///
/// # Examples
/// ```
/// use double_descent::plot::{FigureOptions, study};
/// use double_descent::{dataset::Dataset, sweep::Sweep};
///
/// let curve = Sweep::new(Dataset::diabetes(), 5..=20, 10, 0).run()?;
/// let figure = study::arm_errors(&curve, 0, &FigureOptions::default());
/// assert!(figure.to_svg().contains("p/n = 1"));
/// assert!(study::arm_errors(&curve, 999, &FigureOptions::default()).check().is_err());
/// # Ok::<(), double_descent::Error>(())
/// ```
#[must_use]
pub fn arm_errors(curve: &Curve, arm: usize, options: &FigureOptions) -> Figure {
    let Some(label) = curve.arms.get(arm) else {
        return Figure::not_drawn(Error::no_arm(curve.arms.len(), arm));
    };
    or_reason(Draft::new(curve, options, &ERRORS), &label.name, |draft| draw_arm(draft, (arm, label)))
}

fn draw_arm(mut draft: Draft<'_>, (arm, label): (usize, &ArmLabel)) -> Option<Figure> {
    let panel = draft.panel("Mean squared error", errors(&draft, arm), &shown(arm));
    let panels = draft.fitted(&ERRORS, panel).into_iter().collect();
    draft.finish(&format!("Training and test error, {}", in_words(label)), panels)
}

/// Figure of the test and training errors of chosen arms, given by their indices in [`Curve::arms`]: one panel per
/// error. ([`each_arm`](super::each_arm) has one panel per arm instead.)
///
/// Not drawn, with the reason ([`Figure::undrawn`]): an arm that the curve does not have, or no positive errors.
///
/// # Examples
/// ```
/// use double_descent::filter::Ridge;
/// use double_descent::plot::{FigureOptions, study};
/// use double_descent::{dataset::Dataset, sweep::{Arm, Sweep}};
/// use std::sync::Arc;
///
/// let mut sweep = Sweep::new(Dataset::diabetes(), 5..=20, 10, 0);
/// sweep.arms = vec![Arm::unablated(), Arm::new("ridge", Some(0.1), Arc::new(Ridge::new(0.1)?))];
/// let figure = study::compare(&sweep.run()?, &[0, 1], &FigureOptions::default());
/// assert!(figure.to_svg().contains("ridge 0.1"));
/// # Ok::<(), double_descent::Error>(())
/// ```
#[must_use]
pub fn compare(curve: &Curve, arms: &[usize], options: &FigureOptions) -> Figure {
    if let Some(&arm) = arms.iter().find(|&&arm| arm >= curve.arms.len()) {
        return Figure::not_drawn(Error::no_arm(curve.arms.len(), arm));
    }
    let draw = |draft| draw_compared(draft, arms);
    or_error(Draft::new(curve, options, &ERRORS), draw, |_| {
        let reason = "no arm has errors above 0 to draw on a logarithmic axis";
        Error::Unsupported { reason: reason.into() }
    })
}

fn draw_compared(mut draft: Draft<'_>, arms: &[usize]) -> Option<Figure> {
    let looks = [("Test error", Hue::Vermillion), ("Training error", Hue::Blue)];
    let mut panels = Vec::new();
    for (metric, (title, hue)) in ERRORS.into_iter().zip(looks) {
        let mut group = Group::new(title, hue);
        for &arm in arms {
            let label = draft.curve.arms.get(arm).map(in_words);
            group.series.extend(label.and_then(|label| draft.series(metric, arm, label)));
        }
        if group.series.is_empty() {
            continue;
        }
        let shown: Vec<(Metric, usize)> = arms.iter().map(|&arm| (metric, arm)).collect();
        let panel = draft.panel("Mean squared error", [group], &shown);
        panels.extend(draft.fitted(&ERRORS, panel).map(|panel| panel.with_title(title)));
    }
    draft.finish("Test and training error", panels)
}

/// Returns an arm's name and setting as text.
pub(super) fn in_words(label: &ArmLabel) -> String {
    let setting = label.setting.map_or(String::new(), |value| format!(" {}", short(value)));
    label.name.replace('_', " ") + &setting
}
