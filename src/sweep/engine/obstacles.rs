//! Why an engine cannot compute a sweep, and how engines cut one.

use crate::curve::Metric;
use crate::factors::ablation::Ablation;
use crate::filter::known_penalty;
use crate::sweep::lines::Line;
use crate::sweep::task::Task;
use crate::sweep::{Arm, Cut, Parameter, Start};

/// The finest cut into parts whose cells do not depend on each other.
pub(super) fn cell_by_cell(task: &Task<'_>) -> Cut {
    match (task.sweep.samples.len(), task.features.len()) {
        (2.., _) => Cut::Samples,
        (_, 2..) => Cut::Features,
        _ => Cut::Repeats,
    }
}

/// The cut into parts with a single `n` each.
pub(super) fn size_by_size(task: &Task<'_>) -> Cut {
    if task.sweep.samples.len() > 1 { Cut::Samples } else { Cut::Repeats }
}

/// The cut into parts with a single feature count each.
pub(super) fn column_by_column(task: &Task<'_>) -> Cut {
    if task.features.len() > 1 { Cut::Features } else { Cut::Repeats }
}

/// Why the nested engines cannot compute a sweep: a metric or an arm needs the singular vectors of every cell.
pub(super) fn spectrum_obstacle(task: &Task<'_>, metrics: &[Metric]) -> Option<String> {
    let needs = |what: String| Some(format!("{what} needs the singular vectors of every cell"));
    if let Some(metric) = task.sweep.metrics.iter().find(|metric| !metrics.contains(metric)) {
        return needs(format!("the metric `{}`", metric.name()));
    }
    let reads =
        |arm: &Arm| arm.ablation != Ablation::none() || arm.adversary.is_some() || arm.start != Start::Zero;
    if let Some(line) = task.lines.iter().find(|line| reads(&line.arm)) {
        return needs(format!("the arm `{}`", line.arm.name));
    }
    let noise = task.sweep.parameter.as_ref().is_some_and(Parameter::is_input_noise);
    if noise { needs("noise on the inputs".into()) } else { None }
}

/// Why a curve that grows row by row or column by column cannot compute a sweep: its points are minimum-norm or ridge
/// fits, and only the minimum-norm fits have leave-one-out errors.
pub(super) fn points_obstacle(task: &Task<'_>) -> Option<String> {
    const METRICS: [Metric; 6] = [
        Metric::TrainMse,
        Metric::TestMse,
        Metric::CoefficientNorm,
        Metric::DistanceFromStart,
        Metric::SmallestSingularValue,
        Metric::LeaveOneOut,
    ];
    let needs = |what: String| Some(format!("{what} needs the singular vectors of every cell"));
    let penalty = |line: &Line| known_penalty(&*line.arm.estimator);
    if let Some(line) = task.lines.iter().find(|line| penalty(line).is_none()) {
        return spectrum_obstacle(task, &METRICS).or(needs(format!("the arm `{}`", line.arm.name)));
    }
    let left_out = task.wanted.spectral.leave_one_out();
    if left_out && (!task.preparation().is_none() || task.lines.iter().any(|line| penalty(line) != Some(0.0)))
    {
        return needs(format!("the metric `{}` of such fits", Metric::LeaveOneOut.name()));
    }
    spectrum_obstacle(task, &METRICS)
}
