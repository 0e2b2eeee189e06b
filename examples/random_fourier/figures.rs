//! Test error, error rate, norm and smallest singular value over one axis.

use crate::common::figures::{describe, line};
use crate::common::{Abscissa, RunArgs};
use double_descent::Error;
use double_descent::curve::{Axis as Along, Curve, Metric, Summary};
use double_descent::plot::{Dash, Figure, Group, Hue, Panel, PanelAxis};

/// The metrics, their names and hues.
pub const PANELS: [(Metric, &str, Hue); 5] = [
    (Metric::TestMse, "Test error", Hue::Vermillion),
    (Metric::TestErrorRate, "Test images misclassified", Hue::Purple),
    (Metric::TrainMse, "Training error", Hue::Blue),
    (Metric::CoefficientNorm, "Norm of the fit, ‖β̂‖", Hue::Green),
    (Metric::SmallestSingularValue, "Smallest singular value", Hue::Grey),
];

/// Training errors under this are zero but for rounding.
const LOWEST: f64 = 1e-6;

/// One figure of four panels.
pub fn panels(args: &RunArgs, curve: &Curve, about: &str) -> Result<Figure, Error> {
    let threshold = curve.interpolation_threshold().unwrap_or(0);
    let over_features = curve.axis == Along::Features;
    let abscissa = |s: &Summary| match (args.x, over_features) {
        (Abscissa::Ratio, _) => s.p as f64 / s.n as f64,
        (Abscissa::Axis, true) => s.p as f64,
        (Abscissa::Axis, false) => s.n as f64,
    };
    let (label, at) = match (args.x, over_features) {
        (Abscissa::Ratio, _) => ("p / n", 1.0),
        (Abscissa::Axis, true) => ("Number of features p", threshold as f64),
        (Abscissa::Axis, false) => ("Number of training images n", threshold as f64),
    };
    let series = |index: usize| {
        let (metric, name, hue) = PANELS[index];
        let summaries = curve.summaries(metric, args.bootstrap())?;
        let of_arm = |arm, label: &str| {
            let summaries = summaries.iter().filter(|summary| summary.arm == arm);
            let mut series = line(args, label, summaries, abscissa, |_| 1.0);
            if metric == Metric::TrainMse {
                series.y.iter_mut().filter(|v| **v < LOWEST).for_each(|v| *v = f64::NAN);
            }
            series
        };
        let limit = of_arm(1, "infinite width").with_dash(Dash::Dashed);
        let group = Group::new(name, hue);
        Ok::<_, Error>(if limit.y.iter().any(|v| v.is_finite()) {
            group.with_series(of_arm(0, "p features")).with_series(limit)
        } else {
            group.with_series(of_arm(0, ""))
        })
    };
    let marker = if over_features { format!("p = n = {threshold}") } else { format!("n = p = {threshold}") };
    let panel = |y: PanelAxis, groups: Vec<Group>| {
        let panel = Panel::new(PanelAxis::log10(label), y).with_marker(at, marker.clone());
        groups.into_iter().fold(panel, Panel::with_group)
    };
    let (fixed, count) =
        if over_features { ("n", curve.cells.first().map_or(0, |c| c.n)) } else { ("p", threshold) };
    let caption = format!(
        "Minimum-norm least squares on one-hot classes at {fixed}\u{a0}=\u{a0}{count}: {about}. Errors are means over the \
         outputs. {} ({}). Training errors under 10⁻⁶ are not drawn.{}",
        describe(args, curve.repeats()),
        curve.provenance.sampling,
        if curve.arms.len() > 1 {
            " Infinite width is kernel ridgeless regression, the limit p\u{a0}→\u{a0}∞; its norm is drawn over √p."
        } else {
            ""
        },
    );
    Ok(Figure::new(caption)
        .with_panel(panel(PanelAxis::log10("Mean squared error"), vec![series(2)?, series(0)?]))
        .with_panel(panel(PanelAxis::linear("Share of test images"), vec![series(1)?]))
        .with_panel(panel(PanelAxis::log10("Norm"), vec![series(3)?]))
        .with_panel(panel(PanelAxis::log10("Singular value"), vec![series(4)?]))
        .with_title(if over_features {
            "Model-wise double descent of random Fourier features"
        } else {
            "Sample-wise double descent of random Fourier features"
        }))
}
