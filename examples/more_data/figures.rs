//! The curves in one frame.

use super::{Line, Worse};
use crate::common::figures::{describe, line};
use crate::common::random_features::InputArgs;
use crate::common::{RunArgs, closer_around};
use double_descent::Error;
use double_descent::curve::Curve;
use double_descent::plot::{Dash, Figure, Group, Hue, Panel, PanelAxis, Series};
use double_descent::sweep::Sweep;

const HUES: [Hue; 5] = [Hue::Blue, Hue::Green, Hue::Vermillion, Hue::Purple, Hue::Grey];

/// The test error over p, a line for each n; where each has p = n.
pub fn overlaid(
    args: &RunArgs,
    cells: &Curve,
    (lines, worse): (&[Line], Option<&Worse>),
    (about, theories): (&str, Vec<Option<Series>>),
) -> Figure {
    let has_theory = theories.iter().any(Option::is_some);
    let mut panel =
        Panel::new(PanelAxis::log10("Number of features p"), PanelAxis::log10("Test mean squared error"));
    for ((Line { n, summaries }, hue), theory) in lines.iter().zip(HUES.into_iter().cycle()).zip(theories) {
        let series = line(args, "measured", summaries.iter(), |s| s.p as f64, |_| 1.0);
        let mut group = Group::new(format!("n = {n}"), hue).with_series(series);
        group.series.extend(theory);
        panel = panel.with_group(group).with_marker(*n as f64, format!("p = {n}"));
    }
    let said = worse.map_or(String::new(), |worse| format!(" {}.", worse.describe(lines)));
    let known = if has_theory {
        " Theory: the mean over draws of features, in closed form from the kernel matrix of the first training set of each n; \
         features count as Gaussian variables of the kernel's covariance."
    } else {
        ""
    };
    let caption = format!(
        "Minimum-norm least squares. {about} {} ({}).{said}{known}",
        describe(args, cells.repeats()),
        cells.provenance.sampling,
    );
    Figure::new(caption)
        .with_panel(panel)
        .with_width(760.0)
        .with_title("More samples move the peak, and do worse where it comes to stand")
}

/// The mean over draws of the features at each of the sweep's n; pairs are no independent features.
pub fn theories(inputs: &InputArgs, sweep: &Sweep, seed: u64) -> Result<Vec<Option<Series>>, Error> {
    let of = |&n: &usize| {
        if inputs.pairs {
            return Ok(None);
        }
        let draw = inputs.before_features(sweep, n, seed)?;
        let features = closer_around(n, sweep.features.clone());
        let errors = features.iter().map(|&p| Ok(draw.at(p as f64, 0.0)?.total()));
        let errors = errors.collect::<Result<Vec<f64>, Error>>()?;
        let x = features.iter().map(|&p| p as f64).collect();
        Ok(Some(Series::new("mean over features (Jacot et al. 2020)", x, errors).with_dash(Dash::Dashed)))
    };
    sweep.samples.iter().map(of).collect()
}
