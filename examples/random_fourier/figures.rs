//! Belkin's panels: training and test squared errors and misclassified rows, norm and smallest singular value.

use super::Cli;
use crate::common::figures::options;
use crate::common::random_features::{describe, tests};
use crate::common::{announce_theory, closer_around, with_progress};
use double_descent::Error;
use double_descent::curve::{Axis, Curve, Metric};
use double_descent::plot::{Figure, Overlay, study};
use double_descent::sweep::Sweep;
use double_descent::theory::TheoryLine;
use double_descent::theory::drawn_features::DrawnFeatures;

/// The largest `n` with a sample-wise theory, which needs an SVD of `n × n` for each `n`.
fn farthest(p: usize) -> usize {
    p + p / 2
}

const PANELS: [&[Metric]; 4] = [
    &[Metric::TrainMse, Metric::TestMse],
    &[Metric::TrainErrorRate, Metric::TestErrorRate],
    &[Metric::CoefficientNorm],
    &[Metric::SmallestSingularValue],
];

/// A figure of four panels.
pub fn panels(cli: &Cli, curve: Curve, sweep: &Sweep) -> Result<Figure, Error> {
    let is_model_wise = curve.axis == Axis::Features;
    let has_limit = curve.arms.len() > 1;
    let curve = if is_model_wise && !has_limit {
        curve.beside(sweep.infinite_width(cli.inputs.kernel()?, &())?)?
    } else {
        curve
    };
    let mut options = options(&cli.run);
    let theory = theory(cli, &curve, sweep)?;
    let has_theory = theory.is_some();
    options.theories.extend(theory.map(|line| Overlay::new(line).of_arm("min_norm", None)));
    let mut figure = study::panels(&curve, &PANELS, &options).drawn()?;
    for (panel, title) in figure.panels.iter_mut().zip(["Squared loss", "Zero-one loss"]) {
        panel.title = title.into();
    }
    // The training error of an interpolant is rounding noise, below the frame.
    let train = figure.panels[0].groups.iter_mut().filter(|group| group.heading == "Training error");
    train.for_each(|group| group.series.retain(|series| series.label != "infinite width"));
    figure.caption.extend([format!(" {}", describe(sweep))]);
    if has_theory {
        let at = if is_model_wise { "" } else { ", at each n up to 1.5p" };
        figure.caption.extend([format!(
            " The theory's mean is of the test error over draws of features, in closed form from the kernel matrix of the first training \
             set (n\u{a0}×\u{a0}n) and its test rows{at}; features count as Gaussian variables of the kernel's covariance."
        )]);
    }
    if is_model_wise {
        figure.caption.push_str(
            " Infinite width is ridgeless kernel regression, the limit p\u{a0}→\u{a0}∞; its norm is divided by √p.",
        );
    }
    let over = if is_model_wise { "p" } else { "n" };
    Ok(figure.with_title(format!("Errors, norm and smallest singular value over {over}")).with_columns(2))
}

/// The mean test error over draws of the features, for the training set of the first repeat. Paired features are not
/// independent, so there it does not apply.
fn theory(cli: &Cli, curve: &Curve, sweep: &Sweep) -> Result<Option<TheoryLine>, Error> {
    if cli.inputs.pairs {
        return Ok(None);
    }
    let draw = |n: usize| cli.inputs.before_features(sweep, n, cli.run.seed);
    if curve.axis == Axis::Features {
        announce_theory(&[cli.n], tests(sweep));
        return Ok(Some(DrawnFeatures::line(vec![draw(cli.n)?], Some(1), 0.0, 0.0)));
    }
    let samples = curve.axis_values();
    let ends = (samples.first().copied().unwrap_or(0), samples.last().copied().unwrap_or(0));
    // Next to the threshold, where the error rises like a pole, the line needs points that are closer still.
    let close = [4, 2, 1].into_iter().flat_map(|off| [cli.p.saturating_sub(off), cli.p + off]);
    let samples = closer_around(cli.p, samples.into_iter().chain(close)).into_iter();
    let samples = samples.filter(|n| (ends.0..=ends.1.min(farthest(cli.p))).contains(n));
    let samples: Vec<usize> = samples.collect();
    announce_theory(&samples, tests(sweep));
    let at = |n: usize| Ok((n as f64, draw(n)?.at(cli.p as f64, 0.0)?.total()));
    let points = with_progress("theory over n", |bar| {
        let with_bar = |(done, &n)| {
            let point = at(n);
            let _ = bar.progress(done + 1, samples.len()); // the bar stops nothing
            point
        };
        samples.iter().enumerate().map(with_bar).collect::<Result<Vec<(f64, f64)>, Error>>()
    })?;
    Ok(Some(TheoryLine::through("Mean over features", "Jacot et al. 2020", points)))
}
