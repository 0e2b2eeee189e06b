//! Test error and norm over p, and fits.

use super::study::{ENDS, Study, TEST_POINTS, maps, truth};
use crate::common::figures::{describe, line, with_fit};
use crate::common::regression::equally_spaced;
use crate::common::{Abscissa, RunArgs};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Summary};
use double_descent::features::{Polynomial, PolynomialBasis};
use double_descent::plot::{Figure, Group, Hue, Panel, PanelAxis};
use double_descent::svd::Cutoff;
use ndarray::{Array2, Axis as Along, concatenate};

/// What the second panel shows of the test errors.
const SHOWN: (f64, f64) = (3e-3, 1.0);

const TRUTH: &str = "y\u{a0}=\u{a0}1\u{a0}/\u{a0}(1\u{a0}+\u{a0}25x²)";

/// One curve for each basis in each of three panels.
pub fn errors(args: &RunArgs, study: &Study, curve: &Curve) -> Result<Figure, Error> {
    let n = study.samples;
    let ratio = args.x == Abscissa::Ratio;
    let abscissa = |s: &Summary| s.p as f64 / if ratio { n as f64 } else { 1.0 };
    let (label, threshold) = if ratio { ("p / n", 1.0) } else { ("Number of features p", n as f64) };
    let panel = |title: &str, metric, axis: PanelAxis| {
        let summaries = curve.summaries(metric, args.bootstrap())?;
        let panel = Panel::new(PanelAxis::log10(label), axis)
            .with_title(title)
            .with_marker(threshold, format!("p = n = {n}"));
        Ok::<_, Error>(maps().into_iter().enumerate().fold(panel, |panel, (arm, map)| {
            let of_arm = summaries.iter().filter(|summary| summary.arm == arm);
            let series = line(args, "", of_arm, abscissa, |_| 1.0);
            panel.with_group(Group::new(name(map), hue(map)).with_series(series))
        }))
    };
    let square = equally_spaced(TEST_POINTS, ENDS).mapv(|x| truth(x) * truth(x)).mean().unwrap_or(f64::NAN);
    let caption = format!(
        "Minimum-norm least squares ({}) on polynomials of degrees 0, …, p\u{a0}−\u{a0}1 for {TRUTH} with normal noise \
         of deviation {}, n\u{a0}=\u{a0}{n} training points; test error without noise on {TEST_POINTS} equally spaced \
         points of [−1,\u{a0}1], where the prediction 0 has {square:.3}; (b) is the lower end of (a). To p\u{a0}=\u{a0}n \
         all bases have the same fit, but for rounding. {} ({}, seed {}).",
        Cutoff::default().to_string().replace(' ', "\u{a0}"),
        study.noise,
        describe(args, curve.repeats()),
        curve.provenance.sampling,
        study.seed,
    );
    Ok(Figure::new(caption)
        .with_panel(panel("Test error", Metric::TestMse, PanelAxis::log10("Mean squared error"))?)
        .with_panel(panel(
            "Test error, lower end",
            Metric::TestMse,
            PanelAxis::log10("Mean squared error").with_range(SHOWN.0, SHOWN.1),
        )?)
        .with_panel(panel("Norm of the fit", Metric::CoefficientNorm, PanelAxis::log10("‖β̂‖"))?)
        .with_title("The basis decides: the same functions, three minimum norms")
        .with_columns(3)
        .with_width(1240.0)
        .with_aspect(0.85))
}

/// Fits to one training set: a row of panels for each basis, a column for each p.
pub fn fits(study: &Study) -> Result<Figure, Error> {
    let n = study.samples;
    let mut sizes = vec![n / 2, n, 10 * n, study.largest()];
    sizes.retain(|&p| (1..=study.largest()).contains(&p));
    sizes.sort_unstable();
    sizes.dedup();
    let (x, y) = study.training(0);
    // With the training points, where interpolants may spike.
    let grid = concatenate![Along(0), equally_spaced(801, ENDS), x];
    let mut order: Vec<f64> = grid.iter().copied().collect();
    order.sort_by(f64::total_cmp);
    let grid = Array2::from_shape_fn((order.len(), 1), |(i, _)| order[i]);
    let truth = grid.mapv(truth);
    let mut figure = Figure::default();
    for map in maps() {
        let predictions = study.predictions(map, 0, &sizes, &grid)?;
        for (p, fit) in sizes.iter().zip(predictions) {
            let at = if *p == n { " = n" } else { "" };
            let axes =
                (PanelAxis::linear("x").with_range(-1.0, 1.0), PanelAxis::linear("y").with_range(-0.6, 1.4));
            let title = format!("{}, p = {}{at}", name(map), thousands(*p));
            let panel = Panel::new(axes.0, axes.1).with_title(title);
            figure = figure.with_panel(with_fit(panel, &grid, ("1 / (1 + 25x²)", &truth), fit, (&x, &y)));
        }
    }
    figure.caption = format!(
        "Minimum-norm least squares on one set of n\u{a0}=\u{a0}{n} training points (repeat 0, seed {}). Fits that \
         leave the frame are cut off there. Spikes at training points may be narrower than the line.",
        study.seed
    );
    let columns = sizes.len();
    Ok(figure
        .with_title("Interpolants of least norm in three bases")
        .with_columns(columns)
        .with_width(1240.0))
}

fn name(map: Polynomial) -> &'static str {
    match map.basis() {
        PolynomialBasis::Legendre => "Legendre",
        PolynomialBasis::Chebyshev => "Chebyshev",
        PolynomialBasis::Monomial => "Monomials",
    }
}

fn hue(map: Polynomial) -> Hue {
    match map.basis() {
        PolynomialBasis::Legendre => Hue::Blue,
        PolynomialBasis::Chebyshev => Hue::Green,
        PolynomialBasis::Monomial => Hue::Vermillion,
    }
}

/// 100,000.
fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|g| std::str::from_utf8(g).unwrap_or_default()).collect();
    groups.join(",")
}
