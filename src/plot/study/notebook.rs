//! One arm's errors, and a curve that draws itself in a notebook.

use super::FigureOptions;
use super::ablation::errors;
use super::draft::Draft;
use super::family::short;
use crate::curve::{Curve, Metric};
use crate::plot::Figure;

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
    let panel = draft.panel("Mean squared error", errors(&draft, arm));
    let panels = draft.fitted(&metrics, panel).into_iter().collect();
    let name = label.name.replace('_', " ");
    let setting = label.setting.map_or(String::new(), |value| format!(" {}", short(value)));
    draft.finish(&format!("Training and test error, {name}{setting}"), panels)
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
