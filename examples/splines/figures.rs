//! The error over the degrees of freedom, and fits before, at and beyond the threshold.

use super::study::{ENDS, Study, TEST_POINTS};
use crate::common::figures::{describe, line, with_fit};
use crate::common::regression::equally_spaced;
use crate::common::{Abscissa, RunArgs};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Summary};
use double_descent::plot::{Figure, Group, Hue, Panel, PanelAxis};
use double_descent::svd::Cutoff;

/// The lower end of the frame: training errors from K = n on are zero but for rounding.
const LOWEST: f64 = 1e-3;

const BASIS: &str = "R's ns() with its constant: B-splines on knots at −5, 5 and quantiles of the training \
                     points, in the null space of the natural boundary conditions";

/// Training and test error over K, with the threshold K = n.
pub fn errors(args: &RunArgs, study: &Study, curve: &Curve) -> Result<Figure, Error> {
    let n = study.samples;
    let ratio = args.x == Abscissa::Ratio;
    let abscissa = |s: &Summary| s.p as f64 / if ratio { n as f64 } else { 1.0 };
    let (label, threshold) = if ratio { ("K / n", 1.0) } else { ("Degrees of freedom K", n as f64) };
    let series = |metric| {
        let summaries = curve.summaries(metric, args.bootstrap())?;
        Ok::<_, Error>(line(args, "", summaries.iter(), abscissa, |_| 1.0))
    };
    let (train, test) = (series(Metric::TrainMse)?, series(Metric::TestMse)?);
    let upper = test.band.iter().flat_map(|(_, upper)| upper);
    let highest = upper.chain(&test.y).copied().fold(LOWEST, f64::max);
    let y = PanelAxis::log10("Mean squared error").with_range(LOWEST, 3.0 * highest);
    let panel = Panel::new(PanelAxis::log10(label), y)
        .with_group(Group::new("Training error", Hue::Blue).with_series(train))
        .with_group(Group::new("Test error", Hue::Vermillion).with_series(test))
        .with_marker(threshold, format!("K = n = {n}"));
    let caption = format!(
        "Minimum-norm least squares ({}) on natural cubic splines of K degrees of freedom for y\u{a0}=\u{a0}sin\u{a0}x \
         with normal noise of deviation {}, n\u{a0}=\u{a0}{n} training points of [−5,\u{a0}5]; test error without noise \
         on {TEST_POINTS} equally spaced points there. The basis, which decides the minimum norm, is that of {BASIS}. {} \
         ({}, seed {}). At K\u{a0}=\u{a0}n the knots between the ends are training points. Training errors \
         from there on, zero but for rounding, are below the frame.",
        Cutoff::default().to_string().replace(' ', "\u{a0}"),
        study.noise,
        describe(args, curve.repeats()),
        curve.provenance.sampling,
        study.seed,
    );
    Ok(Figure::new(caption).with_panel(panel).with_title("Double descent of natural cubic splines"))
}

/// Fits to one training set, a panel for each of `sizes`.
pub fn fits(study: &Study, sizes: &[usize]) -> Result<Figure, Error> {
    const SHOWN: f64 = 3.0;
    let n = study.samples;
    let (x, y) = study.training(0);
    let grid = equally_spaced(2001, ENDS);
    let truth = grid.mapv(f64::sin);
    let mut figure = Figure::default();
    for &p in sizes {
        let fit = study.predictions(0, p, &grid)?;
        let panel = Panel::new(
            PanelAxis::linear("x").with_range(-5.0, 5.0),
            PanelAxis::linear("y").with_range(-SHOWN, SHOWN),
        )
        .with_title(format!("{p} degrees of freedom{}", if p == n { " = n" } else { "" }));
        figure = figure.with_panel(with_fit(panel, &grid, ("sin x", &truth), fit, (&x, &y)));
    }
    figure.caption = format!(
        "Natural cubic splines on one set of n\u{a0}=\u{a0}{n} training points, y\u{a0}=\u{a0}sin\u{a0}x with normal noise \
         of deviation {} (repeat 0, seed {}): least squares to K\u{a0}=\u{a0}n, beyond it the interpolant of least norm \
         in the basis of {BASIS}. Fits that leave the frame |y|\u{a0}≤\u{a0}{SHOWN} are cut off there.",
        study.noise, study.seed
    );
    Ok(figure.with_title("Splines before, at and beyond interpolation").with_columns(2).with_width(900.0))
}
