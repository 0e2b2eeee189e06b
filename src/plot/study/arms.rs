//! Any arms' errors, and a curve that draws itself in a notebook.

use super::FigureOptions;
use super::ablation::{errors, shown};
use super::draft::Draft;
use super::setting::short;
use crate::curve::{ArmLabel, Curve, Metric};
use crate::plot::{Figure, Group, Hue};

/// Training and test error of one arm, by its index in [`Curve::arms`].
///
/// # Examples
/// ```
/// use double_descent::plot::{FigureOptions, study};
/// use double_descent::{dataset::Dataset, sweep::Sweep};
///
/// let curve = Sweep::new(Dataset::diabetes(), 5..=20, 10, 0).run()?;
/// let figure = study::arm_errors(&curve, 0, &FigureOptions::default()).unwrap();
/// assert!(figure.to_svg().contains("p/n = 1"));
/// assert!(study::arm_errors(&curve, 999, &FigureOptions::default()).is_none());
/// # Ok::<(), double_descent::Error>(())
/// ```
#[must_use]
pub fn arm_errors(curve: &Curve, arm: usize, options: &FigureOptions) -> Option<Figure> {
    let label = curve.arms.get(arm)?;
    let metrics = [Metric::TrainMse, Metric::TestMse];
    let mut draft = Draft::new(curve, options, &metrics);
    let panel = draft.panel("Mean squared error", errors(&draft, arm), &shown(arm));
    let panels = draft.fitted(&metrics, panel).into_iter().collect();
    draft.finish(&format!("Training and test error, {}", in_words(label)), panels)
}

/// Test and training error of arms of your choice, by their indices in [`Curve::arms`], side by side.
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
/// let figure = study::compare(&sweep.run()?, &[0, 1], &FigureOptions::default()).unwrap();
/// assert!(figure.to_svg().contains("ridge 0.1"));
/// # Ok::<(), double_descent::Error>(())
/// ```
#[must_use]
pub fn compare(curve: &Curve, arms: &[usize], options: &FigureOptions) -> Option<Figure> {
    let metrics = [Metric::TestMse, Metric::TrainMse];
    let mut draft = Draft::new(curve, options, &metrics);
    let looks = [("Test error", Hue::Vermillion), ("Training error", Hue::Blue)];
    let mut panels = Vec::new();
    for (metric, (title, hue)) in metrics.into_iter().zip(looks) {
        let mut group = Group::new(title, hue);
        for &arm in arms {
            let label = curve.arms.get(arm).map(in_words);
            group.series.extend(label.and_then(|label| draft.series(metric, arm, label)));
        }
        if group.series.is_empty() {
            continue;
        }
        let shown: Vec<(Metric, usize)> = arms.iter().map(|&arm| (metric, arm)).collect();
        let panel = draft.panel("Mean squared error", [group], &shown);
        panels.extend(draft.fitted(&metrics, panel).map(|panel| panel.with_title(title)));
    }
    draft.finish("Test and training error", panels)
}

/// Name and setting.
pub(super) fn in_words(label: &ArmLabel) -> String {
    let setting = label.setting.map_or(String::new(), |value| format!(" {}", short(value)));
    label.name.replace('_', " ") + &setting
}

impl Curve {
    /// Prints the errors of the first arm for a notebook with the evcxr kernel, which calls this
    /// method on the last value of a cell.
    pub fn evcxr_display(&self) {
        match arm_errors(self, 0, &FigureOptions::default()) {
            Some(figure) => figure.evcxr_display(),
            None => println!("a curve with nothing to draw"),
        }
    }
}
