//! Figures of curves over any axis: what is drawn, what is left out, and what is refused.

use double_descent::Error;
use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance, Surface};
use double_descent::dataset::Dataset;
use double_descent::features::{Coordinates, Polynomial, PolynomialBasis};
use double_descent::plot::study::{self, Truth};
use double_descent::plot::{FigureOptions, Hue, Scale};
use double_descent::sweep::{Arm, Draw, Maps, Parameter, Source, Splits, Sweep, TestOn};
use double_descent::theory::smallest_singular_value::limit;
use ndarray::{Array2, arr2};

fn sweep() -> Sweep {
    let tables = Dataset::diabetes().standardised().unwrap().split(300).unwrap();
    Sweep::over_features(tables, Maps::none(), 8, 1..=10, 6, 0)
}

#[test]
fn surfaces_over_a_parameter() {
    let options = FigureOptions::default();
    let sweep = Sweep { parameter: Some(Parameter::label_noise([0.0, 1.0, 100.0], 1)), ..sweep() };
    let surface = sweep.surface().unwrap();
    let figure = study::surface(&surface, 0, Metric::TestMse, &options).drawn().unwrap();
    let heat = figure.panels[0].heat.as_ref().unwrap();
    // 0 has no place on a logarithmic axis, and the caption says so.
    assert_eq!((heat.y.clone(), heat.x.len(), heat.values.len()), (vec![1.0, 100.0], 10, 2));
    assert_eq!(figure.panels[0].y.scale, Scale::Log10);
    assert!(figure.caption.contains("1 row at label noise\u{a0}≤\u{a0}0"), "{}", figure.caption);
    assert_eq!(heat.values[1][3], surface.medians(0, Metric::TestMse).unwrap()[[2, 3]]);
    assert_eq!(figure.panels[0].markers[0].x, 8.0);
    let three = study::slices(&surface, 0, Metric::TestMse, &options).drawn().unwrap();
    let lines = |panel: usize| three.panels[panel].groups[0].series.len();
    assert_eq!((three.panels.len(), lines(1), lines(2)), (3, 3, 4));
    assert_eq!(three.panels[2].x.scale, Scale::Linear); // it has a 0
    // A family of arms: each setting is a row, and the caption names the family.
    let arms = [1e-3, 0.1, 10.0].map(Arm::ridge).into_iter().collect::<Result<Vec<_>, _>>().unwrap();
    let family = Sweep { arms, parameter: None, ..sweep };
    let plane = Surface::of_family(&family.run().unwrap(), "ridge", Axis::Penalty).unwrap();
    let figure = study::slices(&plane, 0, Metric::TestMse, &options).drawn().unwrap();
    assert!(figure.caption.starts_with("Test error over λ and p, ridge."), "{}", figure.caption);
    assert_eq!(figure.panels[1].groups[0].series[2].label, "λ\u{a0}=\u{a0}10");
    let median = plane.medians(0, Metric::TestMse).unwrap()[[2, 4]];
    assert_eq!(figure.panels[1].groups[0].series[2].y[4], median);
    let absent = study::surface(&plane, 0, Metric::TestErrorRate, &options).drawn();
    assert!(matches!(absent, Err(Error::Unsupported { .. })));
}

#[test]
fn panels_of_any_metrics_and_arms() {
    let options = FigureOptions::default();
    let ridge = |penalty| Arm::ridge(penalty).unwrap();
    let arms = vec![Arm::min_norm(), ridge(0.1), ridge(1.0)];
    let curve = Sweep { arms, ..sweep() }.run().unwrap();
    let metrics: [&[Metric]; 2] = [&[Metric::TestMse], &[Metric::TrainMse, Metric::TestMse]];
    let figure = study::panels(&curve, &metrics, &options).drawn().unwrap();
    let headings: Vec<&str> = figure.panels[0].groups.iter().map(|group| &*group.heading).collect();
    assert_eq!(headings, ["Min norm", "Ridge"]);
    assert_eq!(figure.panels[0].groups[1].series.len(), 2);
    assert_eq!(figure.panels[1].groups.len(), 2);
    // The caption names the test error once, though it is drawn twice.
    assert!(figure.caption.starts_with("Test error and training error. "), "{}", figure.caption);
    // A single line needs no legend.
    let one = study::panels(&curve.only(&["min_norm"]), &[&[Metric::TestMse]], &options).drawn().unwrap();
    let panel = &one.panels[0];
    assert_eq!((&*panel.title, &*panel.groups[0].heading, panel.groups[0].hue), ("", "", Hue::Vermillion));
    let each = study::each_arm(&curve, &[0, 2], &options).drawn().unwrap();
    assert_eq!(each.panels[0].y.range, each.panels[1].y.range);
    let refused = [
        study::panels(&curve, &[], &options),
        study::panels(&curve, &[&[Metric::LeaveOneOut]], &options),
        study::panels(&curve, &[&[Metric::TestMse, Metric::CoefficientNorm]], &options),
        study::each_arm(&curve, &[3], &options),
    ];
    assert!(refused.into_iter().all(|figure| figure.drawn().is_err()));
}

/// A peak of 10¹⁵ does not turn an error of 1 into rounding noise. Values that are rounding noise are cut off, counted
/// and reported in the caption.
#[test]
fn a_high_peak_hides_nothing() {
    let arm = ArmLabel::new("min_norm", None);
    let mut curve = Curve::new(Axis::Features, vec![arm], Provenance::new("a table", "minimum norm"));
    let cell = |p: usize| {
        let test = if p == 5 { 1e15 } else { 0.9 };
        let train = if p < 5 { 0.5 / p as f64 } else { 1e-29 };
        Cell::new(0, 5, p, 0).with(Metric::TestMse, test).with(Metric::TrainMse, train)
    };
    curve.cells = (1..=9).map(cell).collect();
    let figure = study::each_arm(&curve, &[0], &FigureOptions::default()).drawn().unwrap();
    let (low, high) = figure.panels[0].y.range.unwrap();
    assert!((1e-6..0.125).contains(&low) && high > 1e15, "{low} {high}");
    let cut = "5 values under 10⁻¹² of that at the smallest p, zero up to rounding, are cut off";
    assert!(figure.caption.contains(cut), "{}", figure.caption);
}

#[test]
fn fits_of_one_input() {
    let x = Array2::from_shape_fn((12, 1), |(i, _)| -1.0 + 2.0 * (i as f64 / 11.0).powi(2));
    let y = x.mapv(|x| (9.0 * x).cos());
    let source = Source::drawn("y = cos 9x", move |_| {
        let test = TestOn::Rows { inputs: x.clone(), targets: y.clone() };
        Ok(Draw { inputs: x.clone(), targets: y.clone(), test })
    });
    let legendre = Sweep {
        maps: Maps::same(Polynomial::new(PolynomialBasis::Legendre).with_constant()),
        samples: vec![12],
        features: (1..=40).collect(),
        ..Sweep::of(source, Splits::Drawn { repeats: 1, seed: 0 })
    };
    let function = |x: f64| (9.0 * x).cos();
    let truth = Truth { name: "cos 9x", function: &function, inputs: (-1.0, 1.0), outputs: (-2.0, 2.0) };
    let fits = study::fits(&[("", &legendre)], 0, &[3, 12, 40], &truth).drawn().unwrap();
    assert_eq!(fits.panels.len(), 3);
    assert!(fits.caption.contains("(repeat 0, seed "), "{}", fits.caption);
    assert!(fits.panels[1].title.contains("=\u{a0}n"));
    // The interpolant passes through its training points.
    let (fit, points) = (&fits.panels[1].groups[1].series[0], &fits.panels[1].groups[2].series[0]);
    for (x, y) in points.x.iter().zip(&points.y) {
        let at = fit.x.iter().position(|other| other == x).unwrap();
        assert!((fit.y[at] - y).abs() < 1e-6, "{} and {y}", fit.y[at]);
    }
    let none = study::fits(&[], 0, &[3], &truth);
    let two = study::fits(&[("", &sweep())], 0, &[3], &truth);
    assert!(none.drawn().is_err() && two.drawn().is_err());
}

#[test]
fn rows_and_their_directions() {
    let rows = arr2(&[[2.0, 1.0, 0.5], [-1.0, 0.5, 2.0], [0.3, -2.0, 1.0], [1.0, 1.0, -1.0]]);
    let figure = study::directions(&rows, &[1, 3]).drawn().unwrap();
    assert_eq!(figure.panels.len(), 2);
    // The line of a single row is twice as long as the row, and leaves the frame.
    assert!(figure.caption.contains("cut off"), "{}", figure.caption);
    // All panels have the same groups, so one legend serves them all.
    let headings = |panel: usize| {
        figure.panels[panel].groups.iter().map(|group| group.heading.clone()).collect::<Vec<_>>()
    };
    assert_eq!(headings(0), headings(1));
    // A single row is its own leading direction, so the line passes through the point.
    let (dot, line) = (&figure.panels[0].groups[1].series[0], &figure.panels[0].groups[3].series[0]);
    assert!((dot.x[0] * line.y[1] - dot.y[0] * line.x[1]).abs() < 1e-12);
    let flat = rows.select(ndarray::Axis(1), &[0, 1]);
    assert!(study::directions(&flat, &[2]).drawn().is_ok());
    for sizes in [&[][..], &[0], &[5]] {
        assert!(study::directions(&rows, sizes).drawn().is_err());
    }
    assert!(study::directions(&Array2::eye(4), &[1]).drawn().is_err());
    assert_eq!(limit(1.0), 0.0);
    let of_two = Sweep { samples: vec![8], maps: Maps::same(Coordinates::new(10)), ..sweep() }.run().unwrap();
    assert!(study::isotropic(&[of_two], &FigureOptions::default()).drawn().is_err());
}
