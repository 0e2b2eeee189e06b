//! Figures of real curves, of parts of curves, and of curves that nobody should make.

use super::{Abscissa, FigureOptions, Statistic, ablations, adversaries, arm_errors};
use crate::curve::{ArmLabel, Axis, Bootstrap, Cell, Curve, Provenance};
use crate::dataset::Dataset;
use crate::plot::Figure;
use crate::sweep::{Arm, Sweep};
use roxmltree::Document;

fn sweep(sizes: impl IntoIterator<Item = usize>, repeats: usize) -> Curve {
    let mut sweep = Sweep::new(Dataset::diabetes(), sizes, repeats, 3);
    sweep.arms.extend(Arm::adversarial_study().into_iter().skip(1));
    sweep.run().expect("a sweep of diabetes")
}

fn all(curve: &Curve, options: &FigureOptions) -> Vec<(&'static str, Figure)> {
    let mut figures = ablations(curve, options);
    figures.extend(adversaries(curve, options));
    figures.extend(arm_errors(curve, 0, options).map(|figure| ("arm", figure)));
    figures
}

fn every_option() -> Vec<FigureOptions> {
    let mean = |draws| Statistic::Mean(Bootstrap { draws, seed: 1 });
    let statistics = [Statistic::Median, mean(20), mean(0)];
    let of =
        |statistic| [Abscissa::Ratio, Abscissa::Axis].map(|abscissa| FigureOptions { statistic, abscissa });
    statistics.into_iter().flat_map(of).collect()
}

fn parsed(figure: &Figure) -> Vec<String> {
    let svg = figure.to_svg();
    let document = Document::parse(&svg).expect("valid XML");
    let nodes = document.descendants().filter(|node| node.has_tag_name("text"));
    nodes.filter_map(|node| node.text().map(str::to_owned)).collect()
}

#[test]
fn the_figures_of_both_studies() {
    let figures = all(&sweep(5..=20, 6), &FigureOptions::default());
    let names: Vec<&str> = figures.iter().map(|(name, _)| *name).collect();
    let expected = [
        "unablated",
        "no_small_singular_values",
        "test_features_projected",
        "no_residuals",
        "three_factors",
        "adversarial_test",
        "adversarial_train",
        "arm",
    ];
    assert_eq!(names, expected);
    for (name, figure) in &figures {
        assert!(parsed(figure).iter().any(|text| text == "p/n = 1"), "{name}: the threshold is marked");
        let parts = [
            "diabetes",
            "442 rows",
            "no intercept, features as given",
            "n\u{a0}=\u{a0}5–20",
            "p\u{a0}=\u{a0}10",
            "medians",
            "quartiles",
            "6 nested random splits, seed 3",
            "minimum norm, σ\u{a0}>\u{a0}max(n,\u{a0}p)\u{a0}ε\u{a0}σ₁",
        ];
        for part in parts {
            assert!(figure.caption.contains(part), "{name}: no `{part}` in `{}`", figure.caption);
        }
    }
}

#[test]
fn options_change_the_axis_and_the_lines() {
    let curve = sweep(5..=20, 6);
    let statistic = Statistic::Mean(Bootstrap { draws: 20, seed: 9 });
    let figure =
        arm_errors(&curve, 0, &FigureOptions { statistic, abscissa: Abscissa::Axis }).expect("a figure");
    let texts = parsed(&figure);
    assert!(
        texts.iter().any(|text| text == "n = p") && texts.iter().any(|text| text == "Training samples n")
    );
    assert!((figure.panels[0].markers[0].x - 10.0).abs() < 1e-12);
    assert!(figure.caption.contains("means") && figure.caption.contains("20 resamples, seed 9"));
}

#[test]
fn rounding_noise_does_not_rule_the_axis() {
    let curve = sweep(5..=20, 6);
    let figures = ablations(&curve, &FigureOptions::default());
    let (_, figure) = figures.iter().find(|(name, _)| *name == "no_residuals").expect("its figure");
    let (bottom, top) = figure.panels[0].y.range.expect("a range");
    assert!(bottom > 1e-3 && top < 1e9, "{bottom:e} to {top:e}");
    assert!(figure.caption.contains("cut off"));
    assert!(parsed(figure).iter().any(|text| text == "Training error (zero)"));
}

/// Errors that are zero to the last bit, in part and everywhere.
#[test]
fn zeros_are_no_numbers_on_a_logarithmic_axis() {
    let arms: Vec<ArmLabel> = ["unablated", "no_residuals", "adversarial_test"]
        .map(|name| ArmLabel { name: name.into(), setting: None })
        .into();
    let curve = |error: &dyn Fn(usize, usize) -> f64| {
        let cell = |repeat, n, arm| {
            let test_mse = Some(error(n, arm));
            Cell {
                repeat,
                n,
                p: 5,
                arm,
                train_mse: Some(0.0),
                test_mse,
                test_mse_opposite: test_mse,
                ..Cell::default()
            }
        };
        let cells = (0..3).flat_map(|r| (1..=9).flat_map(move |n| (0..3).map(move |arm| cell(r, n, arm))));
        Curve { cells: cells.collect(), ..Curve::new(Axis::Samples, arms.clone(), Provenance::default()) }
    };
    let options = FigureOptions::default();
    let some = curve(&|n, _| if n < 5 { 1.0 / n as f64 } else { 0.0 });
    let figure = arm_errors(&some, 0, &options).expect("a figure");
    // Nine zeros of the training error, five of the test error; none is rounding noise.
    assert!(figure.caption.contains("14 zeros are not drawn"), "{}", figure.caption);
    assert!(!figure.caption.contains("cut off by the frame"));
    let test = figure.panels[0].groups.iter().find(|group| group.heading == "Test error").expect("its group");
    assert_eq!(test.series[0].y[3..], [0.25, 0.0, 0.0, 0.0, 0.0, 0.0], "the data as they are");
    let noise = curve(&|n, _| if n < 5 { 1.0 / n as f64 } else { 1e-30 });
    let figure = arm_errors(&noise, 0, &options).expect("a figure");
    assert!(
        figure.caption.contains("5 values under 10⁻¹²") && figure.caption.contains("9 zeros"),
        "{}",
        figure.caption
    );
    let test = figure.panels[0].groups.iter().find(|group| group.heading == "Test error").expect("its group");
    assert_eq!(test.series[0].y[8], 1e-30);
    // Nothing but zeros: no figure, where one was drawn at 10⁻³⁰⁰.
    let none = curve(&|_, _| 0.0);
    assert!(all(&none, &options).is_empty());
    for (_, figure) in all(&some, &options) {
        assert!(!parsed(&figure).iter().any(|text| text.contains("10⁻³⁰⁰")));
    }
}

#[test]
fn parts_of_studies_give_what_they_can() {
    for (sizes, repeats) in [(vec![10], 1), (vec![10], 4), (vec![3, 30], 1), (vec![40], 2)] {
        let mut curve = sweep(sizes, repeats);
        for options in every_option() {
            let figures = all(&curve, &options);
            assert_eq!(figures.len(), 8);
            assert!(figures.iter().all(|(_, figure)| !parsed(figure).is_empty()));
        }
        curve.complete = false;
        let figure = arm_errors(&curve, 0, &FigureOptions::default()).expect("a figure");
        assert!(figure.caption.contains("stopped"));
    }
    let mut sweep = Sweep::new(Dataset::diabetes(), 8..=12, 2, 0);
    sweep.arms = vec![Arm::no_residuals()];
    let curve = sweep.run().expect("a sweep");
    let names: Vec<&str> = all(&curve, &FigureOptions::default()).iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["no_residuals", "arm"]);
}

#[test]
fn hostile_curves_do_not_panic() {
    let values = [0.0, -1.0, 1e-320, 1.0, f64::MAX, f64::INFINITY, f64::NAN];
    let names = [
        "unablated",
        "no_small_singular_values",
        "test_features_projected",
        "no_residuals",
        "adversarial_test",
    ];
    for (i, &value) in values.iter().enumerate() {
        for (n, p) in [(0, 0), (0, 5), (5, 0), (1, 1), (7, 3)] {
            let arms = names.iter().map(|name| ArmLabel { name: (*name).into(), setting: Some(value) });
            let unablated = ArmLabel::new("unablated", None);
            let cell = |arm, repeat| {
                let metric = Some(values[(i + repeat * n) % values.len()]);
                Cell {
                    repeat,
                    n: n + repeat,
                    p,
                    arm,
                    train_mse: metric,
                    test_mse: Some(value),
                    test_mse_opposite: metric,
                    bias_squared: metric,
                    mean_squared_bias: None,
                    smallest_singular_value: metric,
                    ..Cell::default()
                }
            };
            let axis = if i % 2 == 0 { Axis::Samples } else { Axis::Features };
            let curve = Curve {
                cells: (0..7).flat_map(|arm| [cell(arm, 0), cell(arm, 1), cell(arm, 1)]).collect(),
                ..Curve::new(axis, arms.chain([unablated]).collect(), Provenance::default())
            };
            for options in every_option() {
                assert!(all(&curve, &options).iter().all(|(_, figure)| !parsed(figure).is_empty()));
                let empty = Curve { cells: Vec::new(), ..curve.clone() };
                assert!(all(&empty, &options).is_empty());
            }
        }
    }
}
