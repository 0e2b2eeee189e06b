//! Ensembles next to other interpolants, with the theory for both.

use super::{Cli, GAMMA, INPUTS, TEST_ROWS};
use crate::common::figures::options;
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use double_descent::features::StationaryKernel;
use double_descent::plot::{Figure, Overlay, study};
use double_descent::sweep::Sweep;
use double_descent::theory::drawn_features::DrawnFeatures;

pub fn errors(cli: &Cli, n: usize, single: &Sweep, curve: &Curve) -> Result<Figure, Error> {
    let kernel = StationaryKernel::Gaussian { gamma: GAMMA };
    let curve = curve.clone().beside(single.infinite_width(kernel, &())?)?;
    let draws = single.drawn_features(&kernel, n, &())?;
    let metrics: [&[Metric]; 1] = [&[Metric::TestMse]];
    let mut options = options(&cli.run);
    options.theories.extend([Some(1), None].map(|members| {
        let line = DrawnFeatures::line(draws.clone(), members, 0.0, 0.0);
        Overlay::new(line).of_arm("ensemble", Some(f64::from(cli.members[0].0)))
    }));
    let panel = |families: &[&str]| study::panels(&curve.only(families), &metrics, &options).drawn();
    let mut figure = panel(&["ensemble", "ensemble_limit", "infinite_width"])?;
    let others = panel(&["min_norm", "warm_start", "random_start", "infinite_width"])?;
    figure.panels.extend(others.panels);
    let shown = curve.summaries(Metric::TestMse, None)?;
    let shown = shown.iter().map(|s| cli.run.middle(s)).filter(|y| *y > 0.0);
    let (low, high) =
        shown.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), y| (low.min(y), high.max(y)));
    figure.panels[0].groups[0].heading = "Ensembles of K".into();
    // A warm start keeps the error of the threshold, and its band would be a rectangle.
    let warm = figure.panels[1].groups.iter_mut().filter(|group| group.heading == "Warm start");
    warm.flat_map(|group| &mut group.series).for_each(|series| series.band = None);
    for (panel, title) in figure.panels.iter_mut().zip(["Ensembles of K fits", "Other interpolants"]) {
        panel.title = title.into();
        panel.y.label = "Excess test error".into();
        panel.y.range = Some((0.8 * low, 1.5 * high));
    }
    figure.caption.extend([format!(
        " Excess error on {TEST_ROWS} noise-free test rows; the noise-free targets have standard deviation 1. (a) Mean \
         predictions of K fits, each on its own features, estimated from pairs of {} members: K\u{a0}=\u{a0}1 is the \
         mean error of all members; near the threshold the worst member dominates it. The limit K\u{a0}=\u{a0}∞ is an \
         unbiased estimate; its line breaks where it is negative. (b) The first member and other interpolants on its \
         features: from the solution on the next smaller p, and from a random start N(0,\u{a0}s²/p) (expected error, \
         closed form). Infinite width, p\u{a0}→\u{a0}∞ for any K: regression with the features' kernel. Theory: \
         means over draws of features that count as Gaussian variables of that kernel's covariance, in closed form \
         from the kernel matrix of each training set; those of {INPUTS} inputs are not Gaussian, and spread more \
         near the threshold.",
        cli.fitted()
    )]);
    Ok(figure.with_columns(2).with_width(1000.0).with_title("Ensembles, warm starts and random starts"))
}

/// A note for the closing table on what an ensemble of one is.
pub fn note_of_one(fitted: usize) -> String {
    format!("ensemble 1 is the mean error of {fitted} members, min_norm the error of the first of them")
}
