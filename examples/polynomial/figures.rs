//! The error over P, and fits before, at and after the threshold.

use super::study::{ENDS, Study, TEST_POINTS, truth};
use crate::common::figures::{describe, line, with_fit};
use crate::common::regression::equally_spaced;
use crate::common::{Abscissa, RunArgs};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Summary};
use double_descent::features::{FeatureMap, Polynomial, PolynomialBasis};
use double_descent::filter::MinNorm;
use double_descent::plot::{Figure, Group, Hue, Panel, PanelAxis};
use double_descent::svd::{Cutoff, Svd};
use double_descent::sweep::Place;

const TRUTH: &str = "y\u{a0}=\u{a0}2x\u{a0}+\u{a0}cos\u{a0}25x";

/// The lower end of the frame: training errors from P = n on are zero but for rounding.
const LOWEST: f64 = 1e-4;

/// Training and test error over P, with the threshold P = n; a panel for each basis.
pub fn errors(args: &RunArgs, study: &Study, curve: &Curve, n: usize) -> Result<Figure, Error> {
    let ratio = args.x == Abscissa::Ratio;
    let (label, threshold) = if ratio { ("P / n", 1.0) } else { ("Number of features P", n as f64) };
    let abscissa = |s: &Summary| s.p as f64 / if ratio { s.n as f64 } else { 1.0 };
    let train = curve.summaries(Metric::TrainMse, args.bootstrap())?;
    let test = curve.summaries(Metric::TestMse, args.bootstrap())?;
    let mut highest = LOWEST;
    let mut panels = Vec::new();
    for (arm, map) in study.maps.iter().enumerate() {
        let of_arm = |table: &[Summary]| {
            line(args, "", table.iter().filter(|summary| summary.arm == arm), abscissa, |_| 1.0)
        };
        let test = of_arm(&test);
        let upper = test.band.iter().flat_map(|(_, upper)| upper);
        highest = upper.chain(&test.y).copied().fold(highest, f64::max);
        let panel = Panel::new(PanelAxis::log10(label), PanelAxis::log10("Mean squared error"))
            .with_group(Group::new("Training error", Hue::Blue).with_series(of_arm(&train)))
            .with_group(Group::new("Test error", Hue::Vermillion).with_series(test))
            .with_marker(threshold, if ratio { "P = n".into() } else { format!("P = n = {n}") });
        panels.push(if study.maps.len() == 1 { panel } else { panel.with_title(title(*map)) });
    }
    for panel in &mut panels {
        panel.y.range = Some((LOWEST, 3.0 * highest));
    }
    let on = if let [map] = study.maps[..] {
        format!(" on {}", map.describe())
    } else {
        " on polynomials of degrees 1, …, P".into()
    };
    let caption = format!(
        "Minimum-norm least squares ({}){on} for {TRUTH} without noise, n\u{a0}=\u{a0}{n} training points; test error \
         on {TEST_POINTS} equally spaced points of [−1,\u{a0}1]. {} ({}{}). Training errors at P\u{a0}≥\u{a0}n, zero but \
         for rounding, are below the frame.",
        Cutoff::default().to_string().replace(' ', "\u{a0}"),
        describe(args, curve.repeats()),
        curve.provenance.sampling,
        seed(curve),
    );
    let figure =
        Figure { panels, ..Figure::new(caption) }.with_title("Double descent of polynomial regression");
    Ok(if study.maps.len() == 1 {
        figure
    } else {
        figure.with_columns(3).with_width(1140.0).with_aspect(0.9)
    })
}

/// Fits to one training set, a panel for each P.
pub fn fits(study: &Study, curve: &Curve, map: Polynomial, n: usize) -> Result<Figure, Error> {
    const SHOWN: f64 = 4.0;
    let largest = study.sizes.iter().copied().max().unwrap_or(1);
    let mut sizes = vec![1, n / 3, 2 * n / 3, n, 4 * n / 3, 2 * n, 10 * n / 3, largest];
    sizes.retain(|&p| (1..=largest).contains(&p));
    sizes.dedup();
    let place = Place { axis_value: study.sizes[0], repeat: 0 };
    let inputs = study.points.at(place)?;
    let targets = truth(&inputs);
    let grid = equally_spaced(2001, ENDS);
    let design = map.design(&grid, largest)?;
    let truth = truth(&grid);
    let mut panels = Vec::new();
    for p in sizes {
        let svd = Svd::new(&map.design(&inputs, p)?)?;
        let beta = svd.solve(&targets, &MinNorm::default())?;
        let fit = design.slice(ndarray::s![.., ..p]).dot(&beta).iter().copied().collect();
        let title = format!("P = {p}{}", if p == n { " = n" } else { "" });
        let panel = Panel::new(
            PanelAxis::linear("x").with_range(-1.0, 1.0),
            PanelAxis::linear("y").with_range(-SHOWN, SHOWN),
        )
        .with_title(title);
        panels.push(with_fit(panel, &grid, ("2x + cos 25x", &truth), fit, (&inputs, &targets)));
    }
    let caption = format!(
        "Minimum-norm least squares on {} for {TRUTH} without noise, all on one set of n\u{a0}=\u{a0}{n} training \
         points (those of P\u{a0}=\u{a0}{}, repeat 0{}). Fits that leave the frame |y|\u{a0}≤\u{a0}{SHOWN} are cut off \
         there.",
        map.describe(),
        place.axis_value,
        seed(curve),
    );
    let figure = Figure { panels, ..Figure::new(caption) };
    Ok(figure.with_title("Fits before, at and beyond the threshold P = n").with_columns(4).with_width(1140.0))
}

fn seed(curve: &Curve) -> String {
    curve.provenance.seed.map_or(String::new(), |seed| format!(", seed {seed}"))
}

fn title(map: Polynomial) -> &'static str {
    match map.basis() {
        PolynomialBasis::Legendre => "Legendre polynomials",
        PolynomialBasis::Chebyshev => "Chebyshev polynomials",
        PolynomialBasis::Monomial => "Monomials",
    }
}
